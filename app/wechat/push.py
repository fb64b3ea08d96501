"""Message push: WeChat calls us, and has to prove that it is WeChat.

Configured on their side as JSON, in the safe mode: signed and encrypted. In the plain mode the
signature does not cover the body, so it is for trying out only.
Source: developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.wechat.errors import PushForged

KEY_BYTES = 32
PADDED_TO_BYTES = 32
RANDOM_BYTES = 16
LENGTH_BYTES = 4

# The signed parts are joined without a mark in between, so characters could change sides. Held to
# these forms too few can: the next shorter or longer message that ends alike differs by 128.
_timestamp = re.compile(r"[0-9]{1,13}", re.ASCII)
_nonce = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


def parse_aes_key(encoding_aes_key: str) -> bytes:
    """Return the key behind the 43 characters that WeChat's console shows, or ValueError."""
    try:
        key = base64.b64decode(f"{encoding_aes_key}=", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        msg = "an EncodingAESKey has 43 characters: letters and digits"
        raise ValueError(msg)
    return key


def answer_handshake(query: Mapping[str, str], *, token: str) -> str:
    """Return the text to answer WeChat's first GET with, as it is; PushForged if not signed."""
    _check_signature(query, "signature", token=token)
    return query.get("echostr", "")


def parse_push(
    body: bytes, query: Mapping[str, str], *, token: str, aes_key: str | None, app_id: str
) -> dict[str, Any]:
    """Return what WeChat pushed, or PushForged if anything about it is wrong.

    With `aes_key` (the EncodingAESKey) only the safe mode is accepted, without it only the plain
    mode. Pushes may come twice; nothing here tells a repetition.
    """
    pushed = _parse_json(body)
    if aes_key is None:
        _check_signature(query, "signature", token=token)
        return pushed
    encrypted = pushed.get("Encrypt")
    if not isinstance(encrypted, str):
        raise PushForged
    # `signature` is there as well, but does not cover the message.
    _check_signature(query, "msg_signature", encrypted, token=token)
    return _parse_json(decrypt(encrypted, aes_key=aes_key, app_id=app_id))


def decrypt(encrypted: str, *, aes_key: str, app_id: str) -> bytes:
    """Return the message in `Encrypt`; PushForged unless it is whole and for this app.

    Inside: 16 random bytes, the message's length in 4, the message, the app id.
    """
    padded = _decrypt_padded(encrypted, parse_aes_key(aes_key))
    padding = padded[-1]
    if not 1 <= padding <= PADDED_TO_BYTES or padded[-padding:] != bytes([padding]) * padding:
        raise PushForged
    plain = padded[RANDOM_BYTES:-padding]
    end = LENGTH_BYTES + int.from_bytes(plain[:LENGTH_BYTES], "big")
    # Nothing is left for the app id if the length says more than there is.
    if not hmac.compare_digest(plain[end:], app_id.encode()):
        raise PushForged
    return plain[LENGTH_BYTES:end]


def _decrypt_padded(encrypted: str, key: bytes) -> bytes:
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise PushForged from None
    if not sealed or len(sealed) % PADDED_TO_BYTES:
        raise PushForged
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:RANDOM_BYTES])).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


def _check_signature(query: Mapping[str, str], name: str, *signed: str, token: str) -> None:
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    is_formed = _timestamp.fullmatch(timestamp) and _nonce.fullmatch(nonce)
    # An empty token would make everybody WeChat.
    if not (is_formed and token):
        raise PushForged
    parts = "".join(sorted([token, timestamp, nonce, *signed]))
    # SHA-1 is WeChat's choice.
    expected = hashlib.sha1(_bytes_of(parts), usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(expected.encode(), _bytes_of(query.get(name, ""))):
        raise PushForged


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body, object_pairs_hook=_strip_names)
    except (ValueError, RecursionError):
        raise PushForged from None
    if not isinstance(parsed, dict):
        raise PushForged
    return parsed


def _strip_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Some events come with a blank before each name."""
    return {name.strip(): value for name, value in pairs}
