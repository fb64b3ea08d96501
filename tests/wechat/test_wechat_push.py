"""Message push: what WeChat signed is taken, and nothing else.

The official example has the token AAAAA and a key of 43 times A; its numbers are from
developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html
"""

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from app.wechat.errors import PushForged
from app.wechat.push import answer_handshake, decrypt, parse_aes_key, parse_push
from tests.doubles.wechat_push import PushTarget, seal, signature, signed_request

TOKEN = "AAAAA"
AES_KEY = "A" * 43
APP_ID = "wxba5fad812f8e6fb9"
ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
    "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
    "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
    "OBrebufAlr7F9mFUPAJGj04="
)
MESSAGE = {
    "ToUserName": "gh_97417a04a28d",
    "FromUserName": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "CreateTime": 1714112445,
    "MsgType": "event",
    "Event": "debug_demo",
    "debug_str": "hello world",
}
QUERY = {
    "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    "timestamp": "1714112445",
    "nonce": "415670741",
    "openid": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "encrypt_type": "aes",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
BODY = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": ENCRYPT}).encode()

OUR_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
OUR_APP = "wx1111111111111111"
SAFE = PushTarget("http://test", "our-token", OUR_KEY)
PLAIN = PushTarget("http://test", "our-token")


def push_of(payload: dict[str, Any], target: PushTarget = SAFE) -> tuple[dict[str, str], bytes]:
    return signed_request(
        payload, target=target, app_id=OUR_APP, timestamp="1763780000", nonce="12345"
    )


def parse(
    body: bytes, query: dict[str, str], *, aes_key: str | None = OUR_KEY, app_id: str = OUR_APP
) -> dict[str, Any]:
    return parse_push(body, query, token="our-token", aes_key=aes_key, app_id=app_id)


def encrypt_block_by_block(full: bytes, key: bytes) -> str:
    """Return CBC made of single blocks, so that any padding can be had."""
    block, sealed = key[:16], b""
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - CBC by hand
    for start in range(0, len(full), 16):
        mixed = bytes(a ^ b for a, b in zip(block, full[start : start + 16], strict=True))
        block = encryptor.update(mixed)
        sealed += block
    return base64.b64encode(sealed).decode()


def test_the_official_message_is_read() -> None:
    found = parse_push(BODY, QUERY, token=TOKEN, aes_key=AES_KEY, app_id=APP_ID)
    assert found == MESSAGE


def test_the_official_plain_message_is_read() -> None:
    query = {
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        "timestamp": "1714037059",
        "nonce": "486452656",
    }
    found = parse_push(
        json.dumps(MESSAGE).encode(), query, token=TOKEN, aes_key=None, app_id=APP_ID
    )
    assert found == MESSAGE


def test_the_official_handshake_is_answered_as_it_is() -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "echostr": "4375120948345356249",
        "timestamp": "1714036504",
        "nonce": "1514711492",
    }
    assert answer_handshake(query, token=TOKEN) == "4375120948345356249"
    for name in ("signature", "timestamp", "nonce"):
        with pytest.raises(PushForged):
            answer_handshake({**query, name: query[name][:-1] + "x"}, token=TOKEN)
        with pytest.raises(PushForged):
            answer_handshake({key: query[key] for key in query if key != name}, token=TOKEN)


def test_the_doubles_own_encryption_is_the_official_one() -> None:
    sealed = seal(
        b'{"demo_resp":"good luck"}', aes_key=AES_KEY, app_id=APP_ID, head=b"707722b803182950"
    )
    assert sealed == (
        "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    )
    assert signature(TOKEN, "1713424427", "415670741", sealed) == (
        "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
    )


@given(message=st.binary(max_size=200), key=st.binary(min_size=32, max_size=32))
def test_what_was_sealed_is_opened(message: bytes, key: bytes) -> None:
    aes_key = base64.b64encode(key).decode().rstrip("=")
    sealed = seal(message, aes_key=aes_key, app_id=OUR_APP)
    assert decrypt(sealed, aes_key=aes_key, app_id=OUR_APP) == message


@given(
    payload=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["Zs", "Cc"]), min_size=1).filter(
            lambda name: name == name.strip()
        ),
        st.text(st.characters(codec="utf-8")) | st.integers(-(2**53), 2**53) | st.booleans(),
    ),
    target=st.sampled_from([SAFE, PLAIN]),
)
def test_what_was_pushed_is_read(payload: dict[str, Any], target: PushTarget) -> None:
    query, body = push_of(payload, target)
    assert parse(body, query, aes_key=target.aes_key) == payload


@given(bit=st.integers(0, 224 * 8 - 1))
def test_a_flipped_bit_of_the_message_is_noticed(bit: int) -> None:
    sealed = bytearray(base64.b64decode(ENCRYPT))
    sealed[bit // 8] ^= 1 << bit % 8
    body = json.dumps({"Encrypt": base64.b64encode(sealed).decode()}).encode()
    with pytest.raises(PushForged):
        parse_push(body, QUERY, token=TOKEN, aes_key=AES_KEY, app_id=APP_ID)


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_whatever_is_signed_cannot_be_changed(name: str) -> None:
    query, body = push_of(MESSAGE)
    assert parse(body, query) == MESSAGE
    last = "0" if query[name][-1] != "0" else "1"
    for changed in (query[name][:-1] + last, query[name].upper() + "A", "", "网格", "\ud800"):
        with pytest.raises(PushForged):
            parse(body, {**query, name: changed})
    with pytest.raises(PushForged):
        parse(body, {key: query[key] for key in query if key != name})


def test_the_plain_signature_does_not_vouch_for_a_message() -> None:
    query, body = push_of(MESSAGE)
    with pytest.raises(PushForged):
        parse(body, {**query, "msg_signature": query["signature"]})


def test_a_message_to_another_app_is_not_ours() -> None:
    query, body = push_of(MESSAGE)
    for app_id in ("wx2222222222222222", OUR_APP[:-1], OUR_APP + "1", ""):
        with pytest.raises(PushForged):
            parse(body, query, app_id=app_id)


def test_a_message_under_another_key_or_token_is_not_ours() -> None:
    query, body = push_of(MESSAGE)
    with pytest.raises(PushForged):
        parse(body, query, aes_key="A" * 43)
    with pytest.raises(PushForged):
        parse_push(body, query, token="another", aes_key=OUR_KEY, app_id=OUR_APP)


def test_an_empty_token_lets_nobody_in() -> None:
    query, body = push_of(MESSAGE, PushTarget("http://test", "", OUR_KEY))
    with pytest.raises(PushForged):
        parse_push(body, query, token="", aes_key=OUR_KEY, app_id=OUR_APP)


def test_the_mode_cannot_be_chosen_by_who_pushes() -> None:
    query, body = push_of(MESSAGE, PLAIN)
    with pytest.raises(PushForged):
        parse(body, query)
    with pytest.raises(PushForged):
        parse(body, {**query, "encrypt_type": "raw", "msg_signature": query["signature"]})


def signed(encrypted: str) -> tuple[dict[str, str], bytes]:
    query = {
        "timestamp": "1763780000",
        "nonce": "1",
        "msg_signature": signature("our-token", "1763780000", "1", encrypted),
    }
    return query, json.dumps({"Encrypt": encrypted}).encode()


def padded(content: bytes) -> bytes:
    missing = 32 - len(content) % 32
    return content + bytes([missing]) * missing


HEAD = b"0123456789abcdef"
TAIL = OUR_APP.encode()
INSIDES = {
    "no padding": lambda: HEAD + b"\0\0\0\x02{}" + TAIL + b"\0" * 24,
    "padding over 32": lambda: HEAD + b"\0\0\0\x18{" + b" " * 22 + b"}" + TAIL + b"\x22" * 34,
    "padding to 16": lambda: HEAD + b"\0\0\0\x02{}" + TAIL + b"\x08" * 8,
    "mixed padding": lambda: HEAD + b"\0\0\0\x02{}" + TAIL + b"\x17" * 23 + b"\x18",
    "longer than there is": lambda: padded(HEAD + b"\xff\xff\xff\xff{}" + TAIL),
    "shorter than there is": lambda: padded(HEAD + b"\0\0\0\x01{}" + TAIL),
    "nothing but padding": lambda: b"\x20" * 32,
    "no length": lambda: padded(HEAD + b"\0\0"),
    "no app": lambda: padded(HEAD + b"\0\0\0\x02{}"),
    "no object": lambda: padded(HEAD + b"\0\0\0\x02[]" + TAIL),
    "no JSON": lambda: padded(HEAD + b"\0\0\0\x02{," + TAIL),
    "no text": lambda: padded(HEAD + b"\0\0\0\x02\xff\xfe" + TAIL),
}


@pytest.mark.parametrize("inside", INSIDES.values(), ids=INSIDES)
def test_a_broken_message_is_forged_even_if_signed(inside: Callable[[], bytes]) -> None:
    query, body = signed(encrypt_block_by_block(inside(), bytes(range(32))))
    with pytest.raises(PushForged):
        parse(body, query)


def test_a_whole_message_encrypted_by_hand_is_read() -> None:
    whole = padded(HEAD + b"\0\0\0\x02{}" + TAIL)
    query, body = signed(encrypt_block_by_block(whole, bytes(range(32))))
    assert parse(body, query) == {}


@pytest.mark.parametrize("length", [13, 45, 77])
def test_characters_cannot_change_sides_with_the_rest_of_what_is_signed(length: int) -> None:
    encrypted = seal(b" " * length, aes_key=OUR_KEY, app_id=OUR_APP)
    for count in range(1, 13 + 64 + 1):
        digits = "1" * count
        for moved in (
            encrypted[count:], encrypted[:-count], digits + encrypted, encrypted + digits,
        ):  # fmt: skip
            query, body = signed(moved)
            with pytest.raises(PushForged):
                parse(body, query)


@pytest.mark.parametrize(
    ("timestamp", "nonce"), [("1" * 14, "1"), ("17x", "1"), ("1", "1" * 65), ("1", "1=")]
)
def test_what_has_not_the_form_is_forged_even_if_signed(timestamp: str, nonce: str) -> None:
    query, body = signed_request(
        MESSAGE, target=SAFE, app_id=OUR_APP, timestamp=timestamp, nonce=nonce
    )
    with pytest.raises(PushForged):
        parse(body, query)


@pytest.mark.parametrize("encrypted", ["", "A", "====", "网格", "AAAA", "A" * 20, "A" * 64 + "\n"])
def test_what_cannot_be_a_message_is_forged_even_if_signed(encrypted: str) -> None:
    query, body = signed(encrypted)
    with pytest.raises(PushForged):
        parse(body, query)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"Encrypt":5}',
        b"\xff\xfe",
        b"<xml><Encrypt>AAAA</Encrypt></xml>",
        b"[" * 100_000,
        b'{"Encrypt":' * 50_000,
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_makes_no_sense_is_forged(body: bytes) -> None:
    query, _ = push_of(MESSAGE)
    with pytest.raises(PushForged):
        parse(body, query)


def test_blanks_around_names_are_taken_away() -> None:
    query, body = push_of({" OpenID": "o1", " RevokeInfo ": [{" kind": " 8 "}]})
    assert parse(body, query) == {"OpenID": "o1", "RevokeInfo": [{"kind": " 8 "}]}


def test_a_refusal_does_not_show_the_key() -> None:
    query, _ = push_of(MESSAGE)
    with pytest.raises(PushForged) as caught:
        parse(b"{}", query)
    assert caught.value.extensions == {}
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "!", "网" * 43])
def test_a_key_has_43_characters(text: str) -> None:
    with pytest.raises(ValueError, match="43 characters"):
        parse_aes_key(text)


def test_every_key_of_the_console_is_a_key() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    key = "".join(secrets.choice(letters) for _ in range(42))
    assert all(len(parse_aes_key(key + last)) == 32 for last in letters)
