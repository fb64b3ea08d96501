"""The key ring: Ed25519 keys that sign codes, sessions and seals, shared by all processes.

Keys live in the database, sealed by the master key. A new one starts to sign two minutes after
it was made, when every process and offline scanner has had time to learn it; the older ones
go on verifying until they are revoked.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import queries
from app.core.codes import Code, CodeVerifier, sign_code
from app.core.models import SigningKey
from app.core.sealing import MasterKey
from app.core.tokens import TokenVerifier

Purpose = Literal["codes", "sessions", "seals"]
PURPOSES: tuple[Purpose, ...] = ("codes", "sessions", "seals")
LEAD_TIME = timedelta(minutes=2)
RAW = serialization.Encoding.Raw


@dataclass(slots=True)
class PurposeKeys:
    """The keys of one purpose, oldest first: all verify, the youngest active one signs."""

    public: dict[int, Ed25519PublicKey] = field(default_factory=dict)
    private: list[tuple[datetime, int, Ed25519PrivateKey]] = field(default_factory=list)

    def signer(self, now: datetime) -> tuple[int, Ed25519PrivateKey]:
        """Return the youngest key that is active."""
        active = [entry for entry in self.private if entry[0] <= now] or self.private[:1]
        _, key_id, private_key = active[-1]
        return key_id, private_key


def key_numbers(keys: dict[Purpose, PurposeKeys]) -> set[tuple[Purpose, int]]:
    """Return which keys verify."""
    return {(purpose, key_id) for purpose, found in keys.items() for key_id in found.public}


class KeyRing:
    """This process's copy of the signing keys; `load` again to learn of new ones."""

    def __init__(self, master_key: MasterKey) -> None:
        self._master_key = master_key
        self._keys: dict[Purpose, PurposeKeys] = {}
        self.codes = CodeVerifier({})
        self.sessions = TokenVerifier({})

    async def load(self, session: AsyncSession, *, now: datetime) -> None:
        """Read all keys that verify now; forget what was verified by keys since revoked."""
        keys: dict[Purpose, PurposeKeys] = {purpose: PurposeKeys() for purpose in PURPOSES}
        for row in await queries.list_signing_keys(session):
            if row.revoked_at is not None and row.revoked_at <= now:
                continue
            of_purpose = keys[_purpose(row)]
            of_purpose.public[row.key_id] = Ed25519PublicKey.from_public_bytes(row.public_key)
            private_key = Ed25519PrivateKey.from_private_bytes(self._open(row))
            of_purpose.private.append((row.active_from, row.key_id, private_key))
        if key_numbers(keys) != key_numbers(self._keys):
            self.codes = CodeVerifier(keys["codes"].public)
            self.sessions = TokenVerifier(keys["sessions"].public)
        self._keys = keys

    def sign_code(self, code: Code, *, now: datetime) -> str:
        key_id, private_key = self._keys["codes"].signer(now)
        return sign_code(code, key_id=key_id, private_key=private_key)

    def session_signer(self, now: datetime) -> tuple[int, Ed25519PrivateKey]:
        return self._keys["sessions"].signer(now)

    def seal_signers(self, now: datetime) -> list[Ed25519PrivateKey]:
        """Return the two youngest keys for seals, the younger first.

        Both sign: who knows only the key of before can go on checking until the next rotation.
        """
        of_purpose = self._keys["seals"]
        active = [entry for entry in of_purpose.private if entry[0] <= now]
        return [key for _, _, key in (active or of_purpose.private)[-2:][::-1]]

    def public_code_keys(self) -> dict[int, Ed25519PublicKey]:
        """Return the keys that a scanner needs to verify codes offline."""
        return self._keys["codes"].public

    def _open(self, row: SigningKey) -> bytes:
        return self._master_key.open(
            "signing keys", row.sealed_private_key, bound_to=row.public_key
        )


def _purpose(row: SigningKey) -> Purpose:
    return next(purpose for purpose in PURPOSES if purpose == row.purpose)


async def add_key(
    session: AsyncSession, master_key: MasterKey, purpose: Purpose, *, active_from: datetime
) -> SigningKey:
    """Make a key pair with the purpose's next number; the private half leaves here only sealed."""
    await queries.lock_signing_keys(session)
    rows = await queries.list_signing_keys(session)
    private_key = Ed25519PrivateKey.generate()
    public_key = private_key.public_key().public_bytes(RAW, serialization.PublicFormat.Raw)
    secret = private_key.private_bytes(
        RAW, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    sealed = master_key.seal("signing keys", secret, bound_to=public_key)
    row = SigningKey(
        purpose=purpose,
        key_id=max((row.key_id for row in rows if row.purpose == purpose), default=0) + 1,
        public_key=public_key,
        sealed_private_key=sealed,
        active_from=active_from,
        revoked_at=None,
    )
    session.add(row)
    await session.flush()
    return row


async def ensure_keys(session: AsyncSession, master_key: MasterKey, *, now: datetime) -> None:
    """Make the first key of each purpose, once, however many processes start."""
    await queries.lock_signing_keys(session)
    there = {row.purpose for row in await queries.list_signing_keys(session)}
    for purpose in PURPOSES:
        if purpose not in there:
            await add_key(session, master_key, purpose, active_from=now)
