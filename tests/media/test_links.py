"""Links that open one photo, for a while."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.errors import PhotoLinkExpired, PhotoLinkInvalid
from app.media.links import PhotoLink, read_link, sign_link

SECRET = b"s" * 32
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
LARGEST_ID = 2**63 - 1


def sign(expires_at: datetime = NOON, *, photo_id: int = 7, variant: str = "served") -> str:
    return sign_link(
        SECRET, community_id=3, photo_id=photo_id, variant=variant, expires_at=expires_at
    )


@given(
    st.integers(0, LARGEST_ID),
    st.integers(0, LARGEST_ID),
    st.sampled_from(["served", "original"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_link_says_what_was_signed_and_holds_until_then(
    community_id: int, photo_id: int, variant: str, expires_at: datetime
) -> None:
    token = sign_link(
        SECRET,
        community_id=community_id,
        photo_id=photo_id,
        variant=variant,
        expires_at=expires_at,
    )
    link = read_link(SECRET, token, now=expires_at - timedelta(microseconds=1))
    assert link == PhotoLink(community_id, photo_id, variant, link.expires_at)
    assert expires_at <= link.expires_at < expires_at + timedelta(minutes=15)


def test_links_signed_within_a_quarter_of_an_hour_are_the_same() -> None:
    times = [NOON - timedelta(minutes=14, seconds=59), NOON - timedelta(seconds=1), NOON]
    assert len({sign(moment) for moment in times}) == 1
    assert sign(NOON + timedelta(seconds=1)) != sign(NOON)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=8)))
    assert sign(elsewhere) == sign(NOON)


def test_a_link_is_short_and_needs_no_escaping() -> None:
    token = sign(photo_id=LARGEST_ID)
    assert len(token) == 52
    assert token.replace("-", "").replace("_", "").isalnum()


def test_a_link_ends_at_its_moment() -> None:
    token = sign(NOON)
    assert read_link(SECRET, token, now=NOON - timedelta(seconds=1)).expires_at == NOON
    for late in (NOON, NOON + timedelta(days=400)):
        with pytest.raises(PhotoLinkExpired):
            read_link(SECRET, token, now=late)


def test_a_link_with_any_bit_changed_is_invalid() -> None:
    whole = base64.urlsafe_b64decode(sign())
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        token = base64.urlsafe_b64encode(changed).decode()
        with pytest.raises(PhotoLinkInvalid):
            read_link(SECRET, token, now=NOON - timedelta(hours=1))


def test_a_link_of_another_secret_is_invalid_even_if_it_has_expired() -> None:
    with pytest.raises(PhotoLinkInvalid):
        read_link(b"t" * 32, sign(), now=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    "token", ["", "x", "x" * 51, "x" * 53, sign() + "=", sign() + "\n", " " + sign(), "é" * 52]
)
def test_what_is_no_link_is_invalid(token: str) -> None:
    with pytest.raises(PhotoLinkInvalid):
        read_link(SECRET, token, now=NOON - timedelta(hours=1))


@given(st.text(alphabet="ABCabc019-_", min_size=52, max_size=52))
def test_guessed_links_are_invalid(token: str) -> None:
    with pytest.raises(PhotoLinkInvalid):
        read_link(SECRET, token, now=NOON)


def test_variants_numbers_and_times_that_do_not_exist_are_not_signed() -> None:
    with pytest.raises(ValueError, match="not in"):
        sign(variant="thumbnail")
    with pytest.raises(ValueError, match="does not fit"):
        sign(photo_id=-1)
    with pytest.raises(ValueError, match="time zone"):
        sign(NOON.replace(tzinfo=None))
