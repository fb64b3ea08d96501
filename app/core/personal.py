"""Names, phones and places of people at rest: sealed, and found again by keyed hashes.

A sealed value is one byte that names the key, a nonce, and AES-256-GCM's output; it opens only
for the same field of the same row of the same community, so values cannot be swapped about.
A token is HMAC-SHA256 cut to 16 bytes under a key of the community's own: the space of phone
numbers is small, so without the key a token must tell nothing, nor link two communities.
"""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Request

from app.core.sealing import NONCE_BYTES, MasterKey

TOKEN_BYTES = 16
TOKEN_KEYS_REMEMBERED = 1_000


class SealBroken(Exception):
    """A sealed value does not open: another master key sealed it, or it was tampered with."""


@dataclass(frozen=True, slots=True)
class Field:
    """Which value of which row is sealed."""

    name: str
    community_id: int
    row_id: int

    def bound_to(self) -> bytes:
        return f"{self.name}|{self.community_id}|{self.row_id}".encode()


class Vault:
    """Seals and opens personal data under keys derived from the master key."""

    def __init__(self, master_key: MasterKey) -> None:
        secret = master_key.derive("personal data")
        self._cipher = AESGCM(secret)
        self._key_id = sha256(secret).digest()[:1]
        self._fingerprint_key = master_key.derive("fingerprints")
        self._token_key = lru_cache(TOKEN_KEYS_REMEMBERED)(
            lambda community_id: master_key.derive(f"search tokens of community {community_id}")
        )

    def seal(self, plain: str, field: Field) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return self._key_id + nonce + self._cipher.encrypt(nonce, plain.encode(), field.bound_to())

    def open(self, sealed: bytes, field: Field) -> str:
        """Return what was sealed; raises SealBroken."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if sealed[:1] != self._key_id:
            raise SealBroken(f"{field.name} was sealed under another master key")
        try:
            return self._cipher.decrypt(nonce, body, field.bound_to()).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(f"{field.name} does not belong to this row") from None

    def open_or_none(self, sealed: bytes | None, field: Field) -> str | None:
        return None if sealed is None else self.open(sealed, field)

    def token(self, community_id: int, kind: str, text: str) -> bytes:
        """Return the keyed hash by which an equal value is found within a community."""
        message = f"{kind}|{text}".encode()
        return hmac.digest(self._token_key(community_id), message, "sha256")[:TOKEN_BYTES]

    def fingerprint(self, content: bytes) -> bytes:
        """Return a keyed hash that tells equal contents, and nobody without the key anything."""
        return hmac.digest(self._fingerprint_key, content, "sha256")

    def beginnings(self, community_id: int, kind: str, text: str) -> Sequence[bytes]:
        """Return a token for each beginning of a text, for searching as one types."""
        return [self.token(community_id, kind, text[:length]) for length in range(1, len(text) + 1)]


async def get_vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


CurrentVault = Annotated[Vault, Depends(get_vault)]
