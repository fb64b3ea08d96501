"""No file raises anything but its own problem, whatever is in it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.problems import Problem
from app.media.errors import (
    PhotoFormatRefused,
    PhotoHasTooManyPixels,
    PhotoIsHeic,
    PhotoTooLarge,
    PhotoTooSmall,
    PhotoUnreadable,
)
from app.media.images import MAX_BYTES, clean_photo
from tests.media.hostile import FILES
from tests.media.jpeg_segments import assert_bare
from tests.media.photos import (
    ExifBlock,
    jpeg_with,
    picture,
    png_of_size,
    saved,
    talkative_png,
    talkative_webp,
)

PHOTOS = {
    "jpeg": jpeg_with(ExifBlock()),
    "progressive jpeg": saved(picture(), "JPEG", progressive=True),
    "png": saved(picture(), "PNG"),
    "talkative png": talkative_png(),
    "webp": saved(picture(), "WEBP"),
    "lossless webp": saved(picture(), "WEBP", lossless=True),
    "extended webp": talkative_webp(),
}
UNCUT = {name: photo for name, photo in PHOTOS.items() if "talkative" not in name}
UNCUT.pop("extended webp")


def code_of(content: bytes) -> str | None:
    """Return the problem's code; None if the photo was cleaned."""
    try:
        photo = clean_photo(content)
    except Problem as problem:
        return problem.code
    assert_bare(photo.jpeg)
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_by_its_own_code_or_cleaned(name: str) -> None:
    make, problem = FILES[name]
    assert code_of(make()) == (None if problem is None else problem.code)


@pytest.mark.parametrize("content", UNCUT.values(), ids=UNCUT.keys())
def test_a_photo_cut_short_anywhere_is_refused(content: bytes) -> None:
    assert code_of(content) is None
    # A cut through the first bytes leaves other formats, or none.
    cuts = {*range(60), *range(60, len(content), max(1, len(content) // 60)), len(content) - 1}
    codes = {cut: code_of(content[:cut]) for cut in sorted(cuts)}
    assert {cut for cut, code in codes.items() if code != PhotoUnreadable.code} == set()


def test_a_photo_of_exactly_ten_mebibytes_is_taken_and_a_byte_more_is_not() -> None:
    photo = saved(picture(), "JPEG")
    assert code_of(photo.ljust(MAX_BYTES, b"\0")) is None
    with pytest.raises(PhotoTooLarge) as refused:
        clean_photo(photo.ljust(MAX_BYTES + 1, b"\0"))
    assert refused.value.extensions["max_bytes"] == 10_485_760
    assert "10 MB" in (refused.value.detail_in("zh") or "")


def test_a_png_of_24_megapixels_is_taken() -> None:
    photo = clean_photo(png_of_size(6000, 4000))
    assert (photo.width, photo.height) == (2048, 1365)


def test_a_progressive_jpeg_may_have_fewer_pixels_because_it_is_held_whole() -> None:
    large = picture(6000, 4100, mode="L")
    assert code_of(saved(large, "JPEG")) is None
    with pytest.raises(PhotoHasTooManyPixels) as refused:
        clean_photo(saved(large, "JPEG", progressive=True))
    assert refused.value.extensions == {"max_megapixels": 24}


@pytest.mark.parametrize(
    "problem",
    [
        PhotoTooLarge(max_bytes=1, max_megabytes=1),
        PhotoFormatRefused(allowed="JPEG, PNG, WebP"),
        PhotoIsHeic(),
        PhotoHasTooManyPixels(max_megapixels=24),
        PhotoTooSmall(min_side=64),
        PhotoUnreadable(),
    ],
    ids=lambda problem: problem.code,
)
def test_a_refusal_says_in_both_languages_what_to_do(problem: Problem) -> None:
    assert problem.detail_in("en")
    assert problem.detail_in("zh")


def test_the_format_refusal_names_what_is_allowed() -> None:
    make, _ = FILES["gif"]
    with pytest.raises(PhotoFormatRefused) as refused:
        clean_photo(make())
    assert "JPEG, PNG, WebP" in (refused.value.detail_in("zh") or "")


STARTS = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBPVP8X", b"\0\0\0\x18ftyp"]


@given(st.sampled_from(STARTS), st.binary(max_size=600))
def test_arbitrary_bytes_raise_only_problems(start: bytes, rest: bytes) -> None:
    with pytest.raises(Problem):
        clean_photo(start + rest)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(PHOTOS)),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=12),
)
def test_photos_with_flipped_bits_are_refused_or_cleaned(
    name: str, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(PHOTOS[name])
    for place, mask in flips:
        content[place % len(content)] ^= mask
    with suppress(Problem):
        assert_bare(clean_photo(bytes(content)).jpeg)
