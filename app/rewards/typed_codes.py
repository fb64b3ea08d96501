"""Voucher codes that a person can read out and type: 12 characters of 60 bits."""

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 12
BITS = 5  # 32 characters
LAST = len(ALPHABET) - 1
_separators = re.compile(r"[\s-]+")


def new_typed_code() -> str:
    number = secrets.randbits(LENGTH * BITS)
    return "".join([ALPHABET[number >> at & LAST] for at in range(0, LENGTH * BITS, BITS)])


def show(typed_code: str) -> str:
    """Return the code in groups of four, as printed under the QR code."""
    return "-".join(typed_code[at : at + 4] for at in range(0, LENGTH, 4))


def read(typed: str) -> str | None:
    """Return the code that somebody typed, or None if it cannot be one."""
    plain = _separators.sub("", typed).upper()
    is_code = len(plain) == LENGTH and set(plain) <= set(ALPHABET)
    return plain if is_code else None
