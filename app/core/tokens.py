"""Access tokens: short EdDSA JWTs bound to a session and a membership.

Verified tokens are cached until they expire (a check costs 135 µs); whether their session
still stands is asked of the database on every request, so signing out takes effect at once.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.problems import Unauthenticated

AUDIENCE = "gridpoints"
TYPE = "at+jwt"  # RFC 9068
CACHE_SIZE = 10_000
MAX_TOKEN_LENGTH = 1000


class TokenInvalid(Unauthenticated):
    """This access token is not valid; sign in again."""

    title_zh = "登录状态无效，请重新登录"


class TokenExpired(Unauthenticated):
    """This access token has expired; refresh it."""

    title_zh = "登录已过期，请刷新登录状态"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says; `community_id` is None before joining a community."""

    person_id: int
    session_id: int
    community_id: int | None
    expires_at: datetime


def sign_token(
    claims: Claims, *, key_id: int, private_key: Ed25519PrivateKey, now: datetime
) -> str:
    payload = {
        "aud": AUDIENCE,
        "sub": str(claims.person_id),
        "sid": str(claims.session_id),
        "iat": int(now.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
    }
    if claims.community_id is not None:
        payload["cid"] = str(claims.community_id)
    headers = {"kid": str(key_id), "typ": TYPE}
    return jwt.encode(payload, private_key, algorithm="EdDSA", headers=headers)


class TokenVerifier:
    """Verifies access tokens under a fixed set of keys."""

    def __init__(self, keys: Mapping[int, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    def verify(self, token: str, *, now: datetime) -> Claims:
        """Return the claims; raises TokenInvalid or TokenExpired."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._read(token)
            self._verified[token] = claims
            if len(self._verified) > CACHE_SIZE:
                self._verified.popitem(last=False)
        if claims.expires_at <= now:
            self._verified.pop(token, None)
            raise TokenExpired
        return claims

    def _read(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenInvalid
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(int(str(header.get("kid", "0"))))
            if key is None or header.get("typ") != TYPE:
                raise TokenInvalid
            # Expiry is compared with the caller's clock, cached or not.
            options: jwt.types.Options = {
                "verify_exp": False,
                "verify_iat": False,
                "require": ["sub", "sid", "exp", "aud"],
            }
            payload = jwt.decode(token, key, ["EdDSA"], audience=AUDIENCE, options=options)
            community = payload.get("cid")
            return Claims(
                person_id=int(payload["sub"]),
                session_id=int(payload["sid"]),
                community_id=None if community is None else int(community),
                expires_at=datetime.fromtimestamp(int(payload["exp"]), UTC),
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as unreadable:
            raise TokenInvalid from unreadable
