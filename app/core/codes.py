"""Codes: the compact signed tokens that QR codes carry.

A token is a JWS (RFC 7515; EdDSA over Ed25519, RFC 8037) whose header, always the same, is
left off to keep the symbol small:

    base64url(payload) "." base64url(signature)      24 + 1 + 86 = 111 characters

The payload is 18 bytes, big endian: kind (1), key id (1), community number (4), subject (8),
expiry in unix seconds (4). With `HEADER` and a dot in front, any JOSE library verifies a token
against the published key set, without asking the server. The header's type keeps codes and
session tokens apart even where they are signed with one key.
"""

import base64
import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from urllib.parse import parse_qsl, unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidTokenError

from app.core.code_errors import (
    CodeExpired,
    CodeForged,
    CodeOfOtherCommunity,
    CodeOfOtherKind,
    CodeUnreadable,
)

ALGORITHM = "EdDSA"
TYPE = "gridpoints-code"
# base64url of {"alg":"EdDSA","typ":"gridpoints-code"}: printed cards stop working if it changes.
HEADER = "eyJhbGciOiJFZERTQSIsInR5cCI6ImdyaWRwb2ludHMtY29kZSJ9"

TOKEN_LENGTH = 111
LONGEST_LINK = 152  # QR version 8 at level M, in bytes
LONGEST_SCAN = 2_000
LARGEST_KEY_ID = 2**8 - 1
LARGEST_COMMUNITY_ID = 2**32 - 1
LARGEST_SUBJECT_ID = 2**63 - 1  # PostgreSQL's bigint
LATEST_EXPIRY = datetime.fromtimestamp(2**32 - 1, UTC)  # 2106-02-07
EARLIEST_EXPIRY = datetime.fromtimestamp(0, UTC)

_payload = Struct(">BBIQI")
_payload_length = 24
_jws = PyJWS(algorithms=[ALGORITHM])
# 64 bytes leave two bits for the last character, so that a token has one spelling only.
_shape = r"[A-Za-z0-9_-]{24}\.[A-Za-z0-9_-]{85}[AQgw]"
_bare = re.compile(_shape)
_bare_or_link = re.compile(
    rf"(?:(?i:https?)://[^/?#]+(?:/[^?#]*)?/c/)?(?P<token>{_shape})/?(?:[?#].*)?", re.DOTALL
)
_blanks = string.whitespace + "\u00a0\u200b\u3000\ufeff"
_query_keys = {"code", "scene", "q"}


class CodeKind(IntEnum):
    """What a code stands for; the number is the payload's first byte."""

    ACTIVITY_POSTER = 1
    ACTIVITY_ROTATING = 2
    RESIDENT = 3
    PAPER_CARD = 4
    VOUCHER = 5
    VERIFICATION = 6


@dataclass(frozen=True, slots=True)
class Code:
    """What a token says.

    `expires_at` is the first moment at which the code no longer holds; it is kept in UTC and
    cut to whole seconds. A number or time that does not fit the payload is a ValueError.
    """

    kind: CodeKind
    community_id: int
    subject_id: int
    expires_at: datetime

    def __post_init__(self) -> None:
        if not 0 <= self.community_id <= LARGEST_COMMUNITY_ID:
            raise ValueError("community_id does not fit 32 bits")
        if not 0 <= self.subject_id <= LARGEST_SUBJECT_ID:
            raise ValueError("subject_id does not fit 63 bits")
        if self.expires_at.tzinfo is None:
            raise ValueError("expires_at has no time zone")
        moment = self.expires_at.astimezone(UTC).replace(microsecond=0)
        if not EARLIEST_EXPIRY <= moment <= LATEST_EXPIRY:
            raise ValueError("expires_at does not fit 32 bits of unix seconds")
        object.__setattr__(self, "expires_at", moment)


def sign_code(code: Code, *, key_id: int, private_key: Ed25519PrivateKey) -> str:
    """Return the token, 111 characters. A key id outside 0..255 is a ValueError."""
    if not 0 <= key_id <= LARGEST_KEY_ID:
        raise ValueError("key_id does not fit one byte")
    payload = _payload.pack(
        code.kind,
        key_id,
        code.community_id,
        code.subject_id,
        int(code.expires_at.timestamp()),
    )
    whole = _jws.encode(payload, private_key, algorithm=ALGORITHM, headers={"typ": TYPE})
    return whole.removeprefix(f"{HEADER}.")


def read_code(token: str) -> tuple[Code, int]:
    """Return what the token says and its key id, without checking who signed it."""
    if _bare.fullmatch(token) is None:
        raise CodeUnreadable
    payload = base64.urlsafe_b64decode(token[:_payload_length])
    kind, key_id, community_id, subject_id, expiry = _payload.unpack(payload)
    expires_at = datetime.fromtimestamp(expiry, UTC)
    try:
        code = Code(CodeKind(kind), community_id, subject_id, expires_at)
    except ValueError:
        raise CodeUnreadable from None
    return code, key_id


class CodeVerifier:
    """Checks tokens against one set of public keys; make a new one when the keys change.

    The latest `remembered` tokens that held are kept, since a crowd scans the same poster and
    an Ed25519 check costs 100 µs. Forged ones are not, so they push nothing out.
    """

    def __init__(
        self, public_keys: Mapping[int, Ed25519PublicKey], *, remembered: int = 10_000
    ) -> None:
        self._public_keys = dict(public_keys)
        self._read_signed = lru_cache(maxsize=remembered)(self._check_signature)

    def verify(self, token: str, *, now: datetime) -> Code:
        """Return what the token says, if one of our keys signed it and it holds at `now`."""
        code = self._read_signed(token)
        if code.expires_at <= now:
            raise CodeExpired
        return code

    def read_scanned(
        self, scanned: str, *, kinds: Collection[CodeKind], community_id: int, now: datetime
    ) -> Code:
        """Return what a scanner handed over, if it verifies here and is of these kinds.

        CodeOfOtherCommunity and CodeOfOtherKind say what is wrong with a good code.
        """
        code = self.verify(token_of(scanned), now=now)
        if code.community_id != community_id:
            raise CodeOfOtherCommunity
        if code.kind not in kinds:
            raise CodeOfOtherKind
        return code

    def _check_signature(self, token: str) -> Code:
        code, key_id = read_code(token)
        public_key = self._public_keys.get(key_id)
        if public_key is None:
            raise CodeForged
        try:
            _jws.decode(f"{HEADER}.{token}", public_key, algorithms=[ALGORITHM])
        except InvalidTokenError:
            raise CodeForged from None
        return code


def token_of(scanned: str) -> str:
    """Return the token in what a scanner handed over, whichever way it was packed.

    That is a bare token, a link `https://<any host>/c/<token>`, or the `path` of wx.scanCode:
    a page whose `code`, `scene` or `q` holds a token or a link, percent-encoded up to twice.
    At most 2,000 characters are looked at.
    """
    text = scanned.strip(_blanks) if len(scanned) <= LONGEST_SCAN else ""
    for form in (text, *_query_values(text)):
        found = _bare_or_link.fullmatch(unquote(form))
        if found is not None:
            return found["token"]
    raise CodeUnreadable


def _query_values(text: str) -> Iterator[str]:
    _, _, query = text.partition("?")
    return (value for key, value in parse_qsl(query) if key in _query_keys)


def link_of(token: str, *, base_url: str) -> str:
    """Return the link to print, `<base_url>/c/<token>`.

    A base address over 38 characters is a ValueError: the link would need more than QR
    version 8, which old phones do not read from paper.
    """
    link = f"{base_url.rstrip('/')}/c/{token}"
    if len(link.encode()) > LONGEST_LINK:
        raise ValueError(f"{base_url} is too long: a link may have {LONGEST_LINK} characters")
    return link


def jwks(public_keys: Mapping[int, Ed25519PublicKey]) -> dict[str, list[dict[str, str]]]:
    """Return the key set to publish (RFC 7517, RFC 8037); `kid` is the key id in decimal."""
    return {
        "keys": [
            {
                **OKPAlgorithm.to_jwk(public_keys[key_id], as_dict=True),
                "kid": str(key_id),
                "alg": ALGORITHM,
                "use": "sig",
            }
            for key_id in sorted(public_keys)
        ]
    }
