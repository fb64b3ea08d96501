"""What scanners and tricksters hand over around a code: texts, links, and bodies of requests."""

import json
from collections.abc import Callable
from urllib.parse import quote

Wrap = Callable[[str], str]


def _all_quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _link(token: str, *, host: str = "https://points.example") -> str:
    return f"{host}/c/{token}"


def _twice(text: str) -> str:
    return quote(quote(text, safe=""), safe="")


def _wide(token: str) -> str:
    """Return the letters as wide as Chinese characters, which a compatibility form makes ours."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in token)


# Ways that app.core.codes.token_of says it reads.
READ: tuple[Wrap, ...] = (
    str,
    lambda token: f" \t{token}\r\n",
    lambda token: f"\ufeff\u3000{token}\u200b",
    _link,
    lambda token: _link(token, host="http://192.168.0.1:8000"),
    lambda token: _link(token, host="HTTPS://POINTS.EXAMPLE"),
    lambda token: _link(token) + "/",
    lambda token: _link(token) + "?from=wechat&code=nothing",
    lambda token: _link(token) + "#" + "A" * 111,
    lambda token: f"pages/check-in/index?code={token}",
    lambda token: f"pages/check-in/index?scene={quote(token, safe='')}",
    lambda token: f"pages/check-in/index?q={quote(_link(token), safe='')}",
    lambda token: f"pages/check-in/index?q={_twice(_link(token))}",
    lambda token: f"pages/check-in/index?code=nothing&scene={token}",
)
# Ways that nobody may read.
UNREAD: tuple[Wrap, ...] = (
    lambda token: f"{token[:60]} {token[60:]}",
    lambda token: f"{token[:60]}\u200b{token[60:]}",
    lambda token: f"{token}\x00",
    lambda token: f"\u202e{token[::-1]}",
    _wide,
    lambda token: token.replace(".", "\u3002"),
    lambda token: token.replace(".", ".."),
    lambda token: token + "=",
    lambda token: f"{token},{token}",
    lambda token: f"//points.example/c/{token}",
    lambda token: f"javascript:fetch('/c/{token}')",
    lambda token: f"https:///c/{token}",
    lambda token: f"https://points.example/d/{token}",
    lambda token: f"https://points.example/?token={token}",
    lambda token: f"pages/check-in/index?q={quote(_twice(_link(token)), safe='')}",
    lambda token: f"pages/check-in/index#code={token}",
    lambda token: _link(token) + "?" + "A" * 2_000,
    lambda token: "https://points.example/" + "a/" * 1_000 + f"c/{token}",
    lambda token: "%25" * 600 + token,
)
# Ways that may be read or not; at most once it earns.
DOUBTFUL: tuple[Wrap, ...] = (
    _all_quoted,
    lambda token: _all_quoted(_link(token)),
    lambda token: _link(_link(token)),
    lambda token: _link(_link(_link(token))),
    lambda token: f"https://points.example/c/../c/{token}",
    lambda token: f"https://points.example\\@other.example/c/{token}",
    lambda token: f"https://用户@积分.example/c/{token}",
    lambda token: f"pages/index?code={token}&code={token}&q={_link(token)}",
    lambda token: f"pages/index?code={quote(_link(_link(token)), safe='')}",
    lambda token: f"?q=?q=?q={token}",
    lambda token: f"https://points.example\r\nHost: other.example/c/{token}",
)
# What holds no code at all.
EMPTY_TEXTS = ("", " ", "\x00", "?code=", "https://points.example/c/")
EMPTY_BODIES = (b"", b"[]", b"null", b"{}", b'{"code":null}')
# Bodies that no scanner would write.
BODIES: tuple[Callable[[str], bytes], ...] = (
    lambda token: f'{{"code":"{token}"'.encode(),
    lambda token: json.dumps({"code": [token]}).encode(),
    lambda token: json.dumps({"code": {"token": token}}).encode(),
    lambda token: json.dumps({"code": token, "points": 1000}).encode(),
    lambda token: json.dumps({"code": token, "resident_id": "1"}).encode(),
    lambda token: json.dumps({"Code": token}).encode(),
    lambda token: f'{{"code":"\\ud800{token}"}}'.encode(),
    lambda token: json.dumps({"code": token}).encode("utf-16"),
    lambda token: b'{"code":"\xff\xfe' + token.encode() + b'"}',
    lambda token: b'{"code":' + b"[" * 5_000 + token.encode() + b"]" * 5_000 + b"}",
    lambda token: json.dumps({"code": token + " " * 2_000_000}).encode(),
)
