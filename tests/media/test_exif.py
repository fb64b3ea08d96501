"""Where and when a photo was taken, read from blocks honest and hostile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.exif import Exif, read_exif
from app.media.images import clean_photo
from tests.media.photos import (
    LONG,
    PEOPLES_SQUARE,
    SHORT,
    ExifBlock,
    directory,
    jpeg_with,
    sexagesimal,
    talkative_jpeg,
    talkative_png,
    talkative_webp,
    text,
)

AFTERNOON = datetime(2026, 11, 18, 6, 30, 5, tzinfo=UTC)  # 14:30:05 in Shanghai


def read(block: ExifBlock) -> Exif:
    return read_exif(block.tiff())


@pytest.mark.parametrize("make", [talkative_jpeg, talkative_png, talkative_webp])
def test_time_and_place_are_read_before_they_are_stripped(
    make: Callable[[], bytes],
) -> None:
    photo = clean_photo(make())
    assert photo.taken_at == AFTERNOON
    assert photo.position == pytest.approx(PEOPLES_SQUARE, abs=1e-6)


def test_a_time_without_a_zone_is_shanghai_s() -> None:
    taken_at = read(ExifBlock()).taken_at
    assert taken_at == AFTERNOON
    assert taken_at is not None
    assert taken_at.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("+09:00", datetime(2026, 11, 18, 5, 30, 5, tzinfo=UTC)),
        ("-03:30", datetime(2026, 11, 18, 18, 0, 5, tzinfo=UTC)),
        ("Z", datetime(2026, 11, 18, 14, 30, 5, tzinfo=UTC)),
        ("+99:00", AFTERNOON),
        ("east", AFTERNOON),
    ],
)
def test_a_time_with_a_zone_is_that_zone_s_if_there_is_such_a_zone(
    offset: str, expected: datetime
) -> None:
    assert read(ExifBlock(offset=offset)).taken_at == expected


@pytest.mark.parametrize(
    "taken_at",
    [
        "",
        "0000:00:00 00:00:00",
        "2026:13:01 00:00:00",
        "2026:02:30 00:00:00",
        "2026-11-18 14:30:05",
        "1989:12:31 23:59:59",
        "2100:01:01 00:00:00",
        "9999:12:31 23:59:59",
        "2026:11:18 14:30:05 and a great deal more than this",
        "２０２６:11:18 14:30:05",
    ],
)
def test_a_time_that_is_none_is_left_out(taken_at: str) -> None:
    found = read(ExifBlock(taken_at=taken_at))
    assert found.taken_at is None
    assert found.position is not None


@pytest.mark.parametrize(("sides", "signs"), [("NE", (1, 1)), ("SE", (-1, 1)), ("NW", (1, -1))])
def test_south_and_west_are_negative(sides: str, signs: tuple[int, int]) -> None:
    expected = tuple(sign * degrees for sign, degrees in zip(signs, PEOPLES_SQUARE, strict=True))
    assert read(ExifBlock(sides=sides)).position == pytest.approx(expected, abs=1e-6)


def test_degrees_may_be_written_with_decimals_alone() -> None:
    block = ExifBlock(latitude=((312_304, 10_000), (0, 1), (0, 1)))
    assert read(block).position == pytest.approx(PEOPLES_SQUARE, abs=1e-6)


@pytest.mark.parametrize(
    "block",
    [
        ExifBlock(latitude=sexagesimal(0), longitude=sexagesimal(0)),
        ExifBlock(latitude=((31, 0), (13, 1), (49, 1))),
        ExifBlock(longitude=((121, 1), (28, 1), (25, 0))),
        ExifBlock(latitude=((0, 0), (0, 0), (0, 0)), longitude=((0, 0), (0, 0), (0, 0))),
        ExifBlock(latitude=sexagesimal(90.1)),
        ExifBlock(longitude=sexagesimal(180.1)),
        ExifBlock(latitude=((4_294_967_295, 1), (0, 1), (0, 1))),
        ExifBlock(latitude=sexagesimal(31)[:2]),
        ExifBlock(sides="XE"),
        ExifBlock(sides="EN"),
    ],
    ids=["null island", "0 below degrees", "0 below seconds", "all 0", "beyond the pole",
         "beyond the date line", "huge", "two numbers", "no such side", "sides swapped"],
)  # fmt: skip
def test_a_place_that_is_none_is_left_out(block: ExifBlock) -> None:
    found = read(block)
    assert found.position is None
    assert found.taken_at == AFTERNOON


def cyclic() -> bytes:
    """A directory that names itself as both of its subdirectories."""
    tags = [(0x0112, SHORT, 1, b"\x06\0")]
    tags += [(tag, LONG, 1, pack("<I", 8)) for tag in (0x8769, 0x8825)]
    return b"II*\0" + pack("<I", 8) + directory(tags, 8)


def far_away() -> bytes:
    tags = [(0x8769, LONG, 1, b"\xff" * 4), (0x8825, LONG, 1, b"\xf0\xff\xff\xff")]
    return b"II*\0" + pack("<I", 8) + directory(tags, 8)


def countless() -> bytes:
    """65,535 tags announced, and texts and numbers of four gigabytes."""
    tags = [text(0x9003, "x" * 20), text(0x9011, "x" * 20), (2, 5, 3, b"")]
    huge = [(tag, kind, 2**32 - 1, value) for tag, kind, _, value in tags]
    return b"II*\0" + pack("<I", 8) + b"\xff\xff" + directory(huge, 8)[2:]


@pytest.mark.parametrize(
    "tiff", [cyclic(), far_away(), countless(), b"", b"II", b"MM\0*\0\0\0\x08"]
)
def test_a_hostile_block_says_nothing(tiff: bytes) -> None:
    found = read_exif(tiff)
    assert (found.taken_at, found.position) == (None, None)


def test_what_a_cyclic_block_says_of_itself_is_read_once() -> None:
    assert read_exif(cyclic()).orientation == 6


def test_a_block_in_big_endian_order_is_read() -> None:
    entry = pack(">HHIHH", 0x0112, SHORT, 1, 8, 0)
    assert read_exif(b"Exif\0\0MM\0*" + pack(">IH", 8, 1) + entry).orientation == 8


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    assert read_exif(b"II*\0\x08\0\0\0" + content).orientation in range(1, 9)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_a_block_with_changed_bytes_never_raises(changes: list[tuple[int, int]]) -> None:
    tiff = bytearray(ExifBlock(offset="+08:00").tiff())
    for place, value in changes:
        tiff[place % len(tiff)] = value
    position = read_exif(bytes(tiff)).position
    assert position is None or (abs(position[0]) <= 90 and abs(position[1]) <= 180)


def test_a_hostile_block_does_not_keep_a_photo_from_being_cleaned() -> None:
    jpeg = jpeg_with(ExifBlock())
    damaged = jpeg.replace(b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff")
    assert damaged != jpeg
    photo = clean_photo(damaged)
    assert (photo.taken_at, photo.position, photo.width) == (None, None, 320)
