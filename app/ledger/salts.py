"""Salts of transfers: with its salt erased, a sealed personal field tells nothing any more."""

import secrets

SALT_BYTES = 16


def new_salt() -> str:
    """Return a fresh salt for a transfer's sealed personal fields, as bytea input."""
    return "\\x" + secrets.token_hex(SALT_BYTES)
