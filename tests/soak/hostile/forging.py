"""Ways to make a code that we never signed out of one that we did."""

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.codes import HEADER, CodeKind, read_code, sign_code
from app.core.signing import KeyRing

STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's base point
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NO_ALGORITHM = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
SPELLED_OTHERWISE = "hijklmnopqrstuv"


@dataclass(frozen=True, slots=True)
class Forger:
    """A code of ours, another one, and what the forger has at hand."""

    token: str
    other: str
    keys: KeyRing
    dice: random.Random
    now: datetime

    @property
    def payload(self) -> bytes:
        return _bytes(self.token.partition(".")[0])

    @property
    def signature(self) -> bytes:
        return _bytes(self.token.partition(".")[2])

    def put_together(self, payload: bytes, signature: bytes) -> str:
        return f"{_text(payload)}.{_text(signature)}"

    def flipped_payload(self) -> str:
        return self.put_together(self._flipped(self.payload), self.signature)

    def flipped_signature(self) -> str:
        return self.put_together(self.payload, self._flipped(self.signature))

    def flipped_key_id(self) -> str:
        payload = bytearray(self.payload)
        payload[1] ^= 1 << self.dice.randrange(8)
        return self.put_together(bytes(payload), self.signature)

    def other_letter(self) -> str:
        place = self.dice.randrange(len(self.token))
        letter = self.dice.choice(LETTERS.replace(self.token[place], ""))
        return self.token[:place] + letter + self.token[place + 1 :]

    def truncated(self) -> str:
        return self.token[: self.dice.randrange(1, len(self.token))]

    def without_signature(self) -> str:
        return self.token.partition(".")[0] + "."

    def doubled(self) -> str:
        return self.token * 2

    def swapped_halves(self) -> str:
        payload, _, signature = self.token.partition(".")
        return f"{signature}.{payload}"

    def signature_of_another(self) -> str:
        return self.put_together(self.payload, _bytes(self.other.partition(".")[2]))

    def empty_signature(self) -> str:
        return self.put_together(self.payload, bytes(64))

    def same_signature_otherwise(self) -> str:
        """Add the group's order to the signature's scalar, which careless verifiers let pass."""
        scalar = int.from_bytes(self.signature[32:], "little") + ORDER
        return self.put_together(self.payload, self.signature[:32] + scalar.to_bytes(32, "little"))

    def same_bytes_otherwise(self) -> str:
        return self.token[:-1] + self.dice.choice(SPELLED_OTHERWISE)

    def by_a_stranger(self) -> str:
        return self._signed_with(STRANGER)

    def by_the_key_of_sessions(self) -> str:
        return self._signed_with(self.keys.session_signer(self.now)[1])

    def by_the_key_of_seals(self) -> str:
        return self._signed_with(self.keys.seal_signers(self.now)[0])

    def under_no_key(self) -> str:
        return self._signed_with(STRANGER, key_id=200)

    def longer_lasting(self) -> str:
        code, key_id = read_code(self.token)
        longer = replace(code, expires_at=code.expires_at + timedelta(days=1))
        changed = sign_code(longer, key_id=key_id, private_key=STRANGER)
        return self.put_together(_bytes(changed.partition(".")[0]), self.signature)

    def with_its_header(self) -> str:
        return f"{HEADER}.{self.token}"

    def as_session_token(self) -> str:
        code, _ = read_code(self.token)
        claims: dict[str, Any] = {"sub": str(code.subject_id), "kind": int(CodeKind.RESIDENT)}
        _, key = self.keys.session_signer(self.now)
        return jwt.encode(claims, key, algorithm="EdDSA").partition(".")[2]

    def without_algorithm(self) -> str:
        payload, _, _ = self.token.partition(".")
        return f"{NO_ALGORITHM}.{payload}."

    def _signed_with(self, key: Ed25519PrivateKey, *, key_id: int | None = None) -> str:
        code, ours = read_code(self.token)
        return sign_code(code, key_id=ours if key_id is None else key_id, private_key=key)

    def _flipped(self, raw: bytes) -> bytes:
        bit = self.dice.randrange(len(raw) * 8)
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        return bytes(flipped)


FORGERIES: tuple[Callable[[Forger], str], ...] = (
    Forger.flipped_payload,
    Forger.flipped_signature,
    Forger.flipped_key_id,
    Forger.other_letter,
    Forger.truncated,
    Forger.without_signature,
    Forger.doubled,
    Forger.swapped_halves,
    Forger.signature_of_another,
    Forger.empty_signature,
    Forger.same_signature_otherwise,
    Forger.same_bytes_otherwise,
    Forger.by_a_stranger,
    Forger.by_the_key_of_sessions,
    Forger.by_the_key_of_seals,
    Forger.under_no_key,
    Forger.longer_lasting,
    Forger.with_its_header,
    Forger.as_session_token,
    Forger.without_algorithm,
)


def forge(
    way: Callable[[Forger], str],
    token: str,
    other: str,
    *,
    keys: KeyRing,
    dice: random.Random,
    now: datetime,
) -> str:
    """Return a forgery that is not by chance what it was made of."""
    forged = way(Forger(token, other, keys, dice, now))
    assert forged != token, way.__name__
    return forged


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
