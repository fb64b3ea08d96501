"""Links to photos that need no session: short-lived, signed, for stores that cannot sign.

    base64url(payload then the first 18 bytes of its HMAC-SHA256)      52 characters

The payload is 21 bytes, big endian: variant (1), community (8), photo (8), expiry in unix
seconds (4). The whole is a multiple of three bytes, so that a token has one spelling only.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct
from struct import error as StructError  # noqa: N812 - an exception is a class

from app.media.errors import PhotoLinkExpired, PhotoLinkInvalid

VARIANTS = ("served", "original")
# Links signed within a window are equal, so that a phone shows the copy it has.
WINDOW_SECONDS = 15 * 60
PURPOSE = b"gridpoints photo link 1\0"
MAC_BYTES = 18

_payload = Struct(">BQQI")
_shape = re.compile(r"[A-Za-z0-9_-]{52}")


@dataclass(frozen=True, slots=True)
class PhotoLink:
    """What a link opens, and until when."""

    community_id: int
    photo_id: int
    variant: str
    expires_at: datetime


def sign_link(
    secret: bytes, *, community_id: int, photo_id: int, variant: str, expires_at: datetime
) -> str:
    """Return the token. It holds until `expires_at` and up to 15 minutes longer.

    A variant or number that does not exist, or a time without a zone, is a ValueError.
    """
    if expires_at.tzinfo is None:
        raise ValueError("expires_at has no time zone")
    windows = -(-expires_at.timestamp() // WINDOW_SECONDS)
    expiry = int(windows) * WINDOW_SECONDS
    try:
        payload = _payload.pack(VARIANTS.index(variant), community_id, photo_id, expiry)
    except StructError as misfit:
        raise ValueError("a number does not fit a photo link") from misfit
    return base64.urlsafe_b64encode(payload + _mac(secret, payload)).decode()


def read_link(secret: bytes, token: str, *, now: datetime) -> PhotoLink:
    """Return what the token opens; raises PhotoLinkInvalid or PhotoLinkExpired."""
    if _shape.fullmatch(token) is None:
        raise PhotoLinkInvalid
    whole = base64.urlsafe_b64decode(token)
    payload, mac = whole[:-MAC_BYTES], whole[-MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, payload)):
        raise PhotoLinkInvalid
    variant, community_id, photo_id, expiry = _payload.unpack(payload)
    expires_at = datetime.fromtimestamp(expiry, UTC)
    if expires_at <= now:
        raise PhotoLinkExpired
    return PhotoLink(community_id, photo_id, VARIANTS[variant], expires_at)


def _mac(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, PURPOSE + payload, hashlib.sha256)[:MAC_BYTES]
