"""Tokens: what is signed comes back, and nothing else is believed."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS

from app.core import codes
from app.core.code_errors import CodeExpired, CodeForged, CodeUnreadable
from app.core.codes import Code, CodeKind, CodeVerifier

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
POSTER = Code(CodeKind.ACTIVITY_POSTER, 42, 1_234_567, NOW + timedelta(hours=2))
LAST_SECOND = 2**32 - 1

some_codes = st.builds(
    Code,
    kind=st.sampled_from(CodeKind),
    community_id=st.integers(0, 2**32 - 1),
    subject_id=st.integers(0, 2**63 - 1),
    expires_at=st.integers(0, LAST_SECOND).map(lambda second: datetime.fromtimestamp(second, UTC)),
)


def sign(code: Code, *, key_id: int = 1) -> str:
    return codes.sign_code(code, key_id=key_id, private_key=PRIVATE_KEY)


def make_verifier() -> CodeVerifier:
    return CodeVerifier({1: PRIVATE_KEY.public_key(), 2: OTHER_KEY.public_key()})


@given(code=some_codes, key_id=st.integers(0, 255))
def test_every_code_survives_the_way_there_and_back(code: Code, key_id: int) -> None:
    token = sign(code, key_id=key_id)
    verifier = CodeVerifier({key_id: PRIVATE_KEY.public_key()})
    moment_before = code.expires_at - timedelta(seconds=1)
    assert len(token) == codes.TOKEN_LENGTH == 111
    assert codes.read_code(token) == (code, key_id)
    assert verifier.verify(token, now=moment_before) == code


def test_the_payload_has_the_published_layout() -> None:
    payload = base64.urlsafe_b64decode(sign(POSTER).partition(".")[0])
    # kind, key id, community 42, subject 1,234,567, 2026-11-21T10:00:00Z
    assert payload == bytes.fromhex("01 01 0000002a 000000000012d687 6b016ba0")


def test_the_header_left_off_is_the_constant_one() -> None:
    payload = base64.urlsafe_b64decode(sign(POSTER).partition(".")[0])
    whole = PyJWS().encode(payload, PRIVATE_KEY, algorithm="EdDSA", headers={"typ": codes.TYPE})
    assert whole == f"{codes.HEADER}.{sign(POSTER)}"
    assert codes.HEADER == "eyJhbGciOiJFZERTQSIsInR5cCI6ImdyaWRwb2ludHMtY29kZSJ9"
    header = base64.urlsafe_b64decode(codes.HEADER)
    assert header == b'{"alg":"EdDSA","typ":"gridpoints-code"}'


def test_a_token_printed_by_the_first_release_still_holds() -> None:
    token = (
        "AQEAAAAqAAAAAAAS1odrAWug."
        "cyuACntnuIy44kKCX1Tym35MlTgbj3obzi6TsktL6-U7qr9bssLnkuVsUqgYZQV9oYRh83tAHU1_2mm28N-pAg"
    )
    assert make_verifier().verify(token, now=NOW) == POSTER
    assert sign(POSTER) == token


def test_expiry_is_cut_to_whole_seconds_of_utc() -> None:
    in_shanghai = datetime(2026, 11, 21, 16, 0, 9, 999_999, timezone(timedelta(hours=8)))
    code = Code(CodeKind.RESIDENT, 1, 1, in_shanghai)
    assert code.expires_at == datetime(2026, 11, 21, 8, 0, 9, tzinfo=UTC)
    assert code.expires_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("community_id", "subject_id", "expires_at"),
    [
        (-1, 1, NOW),
        (2**32, 1, NOW),
        (1, -1, NOW),
        (1, 2**63, NOW),
        (1, 1, NOW.replace(tzinfo=None)),
        (1, 1, datetime(1969, 12, 31, tzinfo=UTC)),
        (1, 1, datetime(2107, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_does_not_fit_is_not_signed(
    community_id: int, subject_id: int, expires_at: datetime
) -> None:
    with pytest.raises(ValueError, match=r"does not fit|no time zone"):
        Code(CodeKind.VOUCHER, community_id, subject_id, expires_at)


@pytest.mark.parametrize("key_id", [-1, 256])
def test_a_key_id_is_one_byte(key_id: int) -> None:
    with pytest.raises(ValueError, match="one byte"):
        sign(POSTER, key_id=key_id)


def test_a_code_holds_until_its_expiry_even_when_remembered() -> None:
    verifier = make_verifier()
    token = sign(POSTER)
    last_moment = POSTER.expires_at - timedelta(microseconds=1)
    assert verifier.verify(token, now=NOW) == POSTER
    assert verifier.verify(token, now=last_moment) == POSTER
    with pytest.raises(CodeExpired):
        verifier.verify(token, now=POSTER.expires_at)
    assert verifier.verify(token, now=last_moment) == POSTER


def test_a_remembered_token_is_not_checked_twice_and_room_is_bounded() -> None:
    verifier = CodeVerifier({1: PRIVATE_KEY.public_key()}, remembered=2)
    tokens = [sign(Code(CodeKind.RESIDENT, 1, n, POSTER.expires_at)) for n in range(3)]
    first = verifier.verify(tokens[0], now=NOW)
    assert verifier.verify(tokens[0], now=NOW) is first
    for token in tokens:
        verifier.verify(token, now=NOW)
    assert verifier.verify(tokens[0], now=NOW) is not first
    assert verifier.verify(tokens[0], now=NOW) == first


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(CodeForged):
        make_verifier().verify(sign(POSTER, key_id=3), now=NOW)


def test_another_key_under_our_key_id_is_refused() -> None:
    token = codes.sign_code(POSTER, key_id=1, private_key=OTHER_KEY)
    with pytest.raises(CodeForged):
        make_verifier().verify(token, now=NOW)


def test_a_forged_and_expired_token_is_called_forged() -> None:
    token = codes.sign_code(POSTER, key_id=1, private_key=OTHER_KEY)
    with pytest.raises(CodeForged):
        make_verifier().verify(token, now=POSTER.expires_at)


def test_every_single_changed_character_is_refused() -> None:
    token = sign(POSTER)
    verifier = make_verifier()
    verifier.verify(token, now=NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ é"
    accepted = [
        (position, character)
        for position, original in enumerate(token)
        for character in alphabet
        if character != original
        and is_accepted(verifier, token[:position] + character + token[position + 1 :])
    ]
    assert accepted == []


def test_every_missing_or_added_character_is_refused() -> None:
    token = sign(POSTER)
    verifier = make_verifier()
    for position in range(len(token)):
        assert not is_accepted(verifier, token[:position])
        assert not is_accepted(verifier, token[:position] + token[position + 1 :])
        assert not is_accepted(verifier, token[:position] + "A" + token[position:])
    assert not is_accepted(verifier, token + "A")
    assert not is_accepted(verifier, token + "==")
    assert not is_accepted(verifier, token + "\n")


@pytest.mark.parametrize(
    "token",
    ["", ".", "A" * 111, "." * 111, "A" * 24 + "." + "A" * 86, "A" * 1_000_000, "码" * 111,
     "\ud800" * 111, "\x00" * 111, "A" * 24 + "." + "٣" * 86],
)  # fmt: skip
def test_nonsense_is_unreadable(token: str) -> None:
    with pytest.raises(CodeUnreadable):
        codes.read_code(token)
    assert not is_accepted(make_verifier(), token)


def test_a_token_has_one_spelling() -> None:
    token = sign(POSTER)
    assert token.endswith("g")
    for same_bytes in "hijklmnopqrstuv":
        with pytest.raises(CodeUnreadable):
            codes.read_code(token[:-1] + same_bytes)


@given(text=st.text(st.characters()) | st.text("AQgw-_.", min_size=111, max_size=111))
def test_no_text_breaks_the_verifier(text: str) -> None:
    assert not is_accepted(make_verifier(), text)


@given(payload=st.binary(min_size=18, max_size=18), signature=st.binary(min_size=64, max_size=64))
def test_no_well_formed_forgery_breaks_the_verifier(payload: bytes, signature: bytes) -> None:
    token = f"{to_base64url(payload)}.{to_base64url(signature)}"
    assert not is_accepted(make_verifier(), token)


def test_a_kind_we_do_not_know_is_unreadable_though_signed() -> None:
    payload = bytes([7, 1]) + bytes(12) + b"\xff" * 4
    whole = PyJWS().encode(payload, PRIVATE_KEY, algorithm="EdDSA", headers={"typ": codes.TYPE})
    with pytest.raises(CodeUnreadable):
        make_verifier().verify(whole.partition(".")[2], now=NOW)


def test_a_session_token_of_the_same_key_is_not_a_code() -> None:
    session = jwt.encode({"sub": "1"}, PRIVATE_KEY, algorithm="EdDSA")
    assert not is_accepted(make_verifier(), session)
    assert not is_accepted(make_verifier(), session.partition(".")[2])


def test_the_same_payload_signed_under_a_session_header_is_forged() -> None:
    payload = base64.urlsafe_b64decode(sign(POSTER).partition(".")[0])
    session = PyJWS().encode(payload, PRIVATE_KEY, algorithm="EdDSA", headers={"typ": "JWT"})
    with pytest.raises(CodeForged):
        make_verifier().verify(session.partition(".")[2], now=NOW)


@given(code=some_codes)
def test_a_code_of_the_same_key_is_not_a_session_token(code: Code) -> None:
    token = sign(code)
    for claimed in (token, f"{codes.HEADER}.{token}", f"{session_header()}.{token}"):
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(claimed, PRIVATE_KEY.public_key(), algorithms=["EdDSA"])


def test_the_published_keys_verify_a_token_without_us() -> None:
    token = sign(POSTER, key_id=2)
    published = json.loads(json.dumps(codes.jwks({2: PRIVATE_KEY.public_key()})))
    key = jwt.PyJWKSet.from_dict(published)["2"]
    assert PyJWS().decode(f"{codes.HEADER}.{token}", key, algorithms=["EdDSA"])[0] == 1
    assert published["keys"] == [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
            "kid": "2",
            "alg": "EdDSA",
            "use": "sig",
        }
    ]


def test_published_keys_stand_in_order_of_their_id() -> None:
    public_key = PRIVATE_KEY.public_key()
    published = codes.jwks({10: public_key, 9: public_key})
    assert [key["kid"] for key in published["keys"]] == ["9", "10"]


def is_accepted(verifier: CodeVerifier, token: str) -> bool:
    """Whether the token passes; anything but a refusal by name fails the test."""
    try:
        verifier.verify(token, now=NOW)
    except (CodeForged, CodeUnreadable):
        return False
    return True


def session_header() -> str:
    return jwt.encode({}, PRIVATE_KEY, algorithm="EdDSA").partition(".")[0]


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
