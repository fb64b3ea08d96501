"""Secrets at rest: AES-256-GCM under keys derived from the one master key.

The master key is 32 random bytes, base64, from `GRIDPOINTS_MASTER_KEY` or, with the embedded
database, a file only we can read in the data folder. Losing it makes every signing key
unreadable: codes and sessions must then be issued anew.
"""

import base64
import binascii
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.config import Settings

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeyUnusable(Exception):
    """The master key is missing or malformed; the message says what to set."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The root of every derived key; never used directly."""

    secret: bytes

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, independent of those for any other."""
        derivation = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"gridpoints " + purpose.encode())
        return derivation.derive(self.secret)

    def seal(self, purpose: str, plain: bytes, *, bound_to: bytes) -> bytes:
        """Encrypt; opens only with the same purpose and `bound_to`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.derive(purpose)).encrypt(nonce, plain, bound_to)

    def open(self, purpose: str, sealed: bytes, *, bound_to: bytes) -> bytes:
        """Decrypt; raises InvalidTag when anything was changed."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(self.derive(purpose)).decrypt(nonce, body, bound_to)


def parse_master_key(text: str) -> MasterKey:
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise MasterKeyUnusable(
            "GRIDPOINTS_MASTER_KEY must be 32 bytes in base64; "
            "`gridpoints keys new-master` makes one."
        )
    return MasterKey(secret)


def new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def master_key_in(data_dir: Path) -> MasterKey:
    """Return the data folder's master key; make it, readable by us alone, the first time."""
    path = data_dir / "master.key"
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_master_key())
        # A link, unlike a rename, leaves alone what another first start has put there.
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
    return parse_master_key(path.read_text().strip())


def master_key_of(settings: Settings) -> MasterKey:
    """Return the master key from the environment, or the data folder's own."""
    if settings.master_key is not None:
        return parse_master_key(settings.master_key.get_secret_value())
    return master_key_in(settings.data_dir)
