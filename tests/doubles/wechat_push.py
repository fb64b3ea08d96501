"""The pushes of WeChat's double: signed, encrypted in the safe mode, and sent for real.

Encrypts and signs by WeChat's description and shares nothing with the code that decrypts.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BITS = 256


@dataclass(frozen=True)
class PushTarget:
    """What stands in WeChat's console: our address, the token, the EncodingAESKey.

    `{app_id}` in the address is filled in. Without a key, pushes go out in the plain mode.
    """

    url: str
    token: str
    aes_key: str | None = None


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def seal(message: bytes, *, aes_key: str, app_id: str, head: bytes | None = None) -> str:
    """Return the `Encrypt` of a message; `head` are its 16 random bytes."""
    key = base64.b64decode(aes_key + "=")
    head = secrets.token_bytes(16) if head is None else head
    full = head + len(message).to_bytes(4, "big") + message + app_id.encode()
    padder = padding.PKCS7(BLOCK_BITS).padder()
    padded = padder.update(full) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def signed_request(
    payload: dict[str, Any], *, target: PushTarget, app_id: str, timestamp: str, nonce: str
) -> tuple[dict[str, str], bytes]:
    """Return (query, body) of a push."""
    plain = json.dumps(payload, ensure_ascii=False).encode()
    query = {
        "signature": signature(target.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
    }
    if target.aes_key is None:
        return query, plain
    encrypted = seal(plain, aes_key=target.aes_key, app_id=app_id)
    query["openid"] = str(payload.get("FromUserName", ""))
    query["encrypt_type"] = "aes"
    query["msg_signature"] = signature(target.token, timestamp, nonce, encrypted)
    body = {"ToUserName": payload.get("ToUserName", "gh_double"), "Encrypt": encrypted}
    return query, json.dumps(body).encode()


class Pusher:
    """Sends pushes through an HTTP client that reaches our own service."""

    def __init__(
        self, outside: httpx.AsyncClient, target: PushTarget, clock: Callable[[], datetime]
    ) -> None:
        self.outside = outside
        self.target = target
        self.clock = clock

    async def push(self, app_id: str, payload: dict[str, Any]) -> httpx.Response:
        """Send an event; what every event has is filled in."""
        now = str(int(self.clock().timestamp()))
        whole = {
            "ToUserName": "gh_double",
            "FromUserName": "o-of-wechat-itself",
            "CreateTime": int(now),
            "MsgType": "event",
            **payload,
        }
        nonce = str(secrets.randbelow(10**9))
        query, body = signed_request(
            whole, target=self.target, app_id=app_id, timestamp=now, nonce=nonce
        )
        return await self.outside.post(
            self.target.url.replace("{app_id}", app_id),
            params=query,
            content=body,
            headers={"Content-Type": "application/json"},
        )

    async def shake_hands(self, app_id: str) -> httpx.Response:
        """Send the GET by which WeChat makes sure of the address."""
        now, nonce = str(int(self.clock().timestamp())), str(secrets.randbelow(10**9))
        query = {
            "signature": signature(self.target.token, now, nonce),
            "timestamp": now,
            "nonce": nonce,
            "echostr": str(secrets.randbelow(10**18)),
        }
        return await self.outside.get(self.target.url.replace("{app_id}", app_id), params=query)
