"""What comes out of cleaning: pixels, upright, and nothing else."""

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageStat

from app.media.errors import PhotoAnimated
from app.media.images import MAX_SIDE, clean_photo, hamming
from tests.media.jpeg_segments import assert_bare, segments_of
from tests.media.photos import (
    MARKER,
    ExifBlock,
    animation,
    archive,
    exif_segment,
    frames,
    jpeg_with,
    picture,
    saved,
    segment,
    talkative_jpeg,
    talkative_png,
    talkative_webp,
    with_segments,
)

TALKATIVE = {
    "jpeg": talkative_jpeg(),
    "png": talkative_png(),
    "webp": talkative_webp(),
    "lossless webp": talkative_webp(lossless=True),
}
# How a camera stores a picture that is upright once turned as the number says.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(BytesIO(jpeg), formats=["JPEG"])
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of a pixel's channels, 0..255."""
    assert one.size == other.size
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return max(means)


@pytest.mark.parametrize("content", TALKATIVE.values(), ids=TALKATIVE.keys())
def test_a_clean_photo_holds_the_picture_and_nothing_that_was_beside_it(content: bytes) -> None:
    assert MARKER.encode() in content

    photo = clean_photo(content)

    assert_bare(photo.jpeg)
    assert MARKER.encode() not in photo.jpeg
    assert b"PK\x03\x04" not in photo.jpeg
    assert difference(opened(photo.jpeg), picture()) < 4


def test_the_parser_of_these_tests_sees_what_the_original_holds() -> None:
    original = talkative_jpeg()
    names = {name for name, _ in segments_of(original[: -len(archive() + MARKER.encode())])}
    assert {"APP0", "0xE1", "0xE2", "0xED", "0xEF", "0xFE"} <= names
    with pytest.raises(AssertionError, match="follows the end"):
        segments_of(original)


@pytest.mark.parametrize("orientation", STORED)
def test_a_photo_is_turned_upright(orientation: int) -> None:
    turn = STORED[orientation]
    stored = picture() if turn is None else picture().transpose(turn)

    photo = clean_photo(jpeg_with(ExifBlock(orientation=orientation), stored))

    assert (photo.width, photo.height) == (320, 240)
    assert difference(opened(photo.jpeg), picture()) < 4


def test_a_photo_turned_by_its_orientation_has_the_hash_of_the_upright_one() -> None:
    upright = clean_photo(saved(picture(), "JPEG")).perceptual_hash
    stored = picture().transpose(Image.Transpose.ROTATE_90)
    turned = clean_photo(jpeg_with(ExifBlock(orientation=6), stored)).perceptual_hash
    assert hamming(upright, turned) <= 2


@pytest.mark.parametrize(("orientation", "expected"), [(0, 1), (9, 1), (65_535, 1)])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int, expected: int) -> None:
    turned = clean_photo(jpeg_with(ExifBlock(orientation=orientation)))
    assert turned.jpeg == clean_photo(jpeg_with(ExifBlock(orientation=expected))).jpeg


@pytest.mark.parametrize(
    ("size", "served"),
    [
        ((4032, 3024), (2048, 1536)),
        ((3000, 4000), (1536, 2048)),
        ((2049, 100), (2048, 100)),
        ((2048, 2048), (2048, 2048)),
        ((64, 64), (64, 64)),
        ((20_000, 100), (2048, 10)),
    ],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_the_longest_side_is_at_most_2048(
    size: tuple[int, int], served: tuple[int, int], file_format: str
) -> None:
    photo = clean_photo(saved(picture(*size), file_format))
    assert (photo.width, photo.height) == served == opened(photo.jpeg).size
    assert max(served) <= MAX_SIDE


@pytest.mark.parametrize("mode", ["L", "CMYK", "YCbCr"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_any_colour_space_becomes_rgb(mode: str, *, progressive: bool) -> None:
    photo = clean_photo(saved(picture(mode=mode), "JPEG", progressive=progressive))
    image = opened(photo.jpeg)
    assert image.mode == "RGB"
    assert difference(image, picture(mode=mode)) < 5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_png_of_any_mode_becomes_rgb(mode: str) -> None:
    image = opened(clean_photo(saved(picture(mode=mode), "PNG")).jpeg)
    assert image.mode == "RGB"
    assert difference(image, picture(mode=mode)) < 5


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    deep = Image.new("I;16", (100, 100), 0x8080)
    image = opened(clean_photo(saved(deep, "PNG")).jpeg)
    assert image.getpixel((50, 50)) == (128, 128, 128)


def transparent(mode: str, file_format: str) -> bytes:
    """Black, and clear all over."""
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0)).convert(mode)
    if mode == "P":
        image = Image.new("P", (100, 100), 0)
        image.putpalette([0, 0, 0, 255, 255, 255])
        return saved(image, file_format, transparency=0)
    return (
        saved(image, file_format, lossless=True)
        if file_format == "WEBP"
        else saved(image, file_format)
    )


@pytest.mark.parametrize(
    ("mode", "file_format"), [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "WEBP")]
)
def test_what_is_transparent_becomes_white(mode: str, file_format: str) -> None:
    image = opened(clean_photo(transparent(mode, file_format)).jpeg)
    assert image.getpixel((50, 50)) == (255, 255, 255)


def test_a_lossy_webp_keeps_its_transparency_until_it_is_white() -> None:
    clear = picture(mode="RGBA")
    clear.paste((0, 0, 0, 0), (160, 0, 320, 240))
    image = opened(clean_photo(saved(clear, "WEBP", quality=90)).jpeg)
    assert image.getpixel((300, 100)) == (255, 255, 255)
    assert image.getpixel((100, 200)) != (255, 255, 255)


def test_of_a_phone_s_two_pictures_in_one_jpeg_the_first_is_taken() -> None:
    content = animation("MPO")
    image = opened(clean_photo(content).jpeg)
    assert difference(image, frames()[0]) < 6


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_animations_are_refused(file_format: str) -> None:
    with pytest.raises(PhotoAnimated):
        clean_photo(animation(file_format))


def test_padding_between_the_segments_of_a_jpeg_is_no_damage() -> None:
    jpeg = with_segments(saved(picture(), "JPEG"), b"\xff\xff\xff", b"\0\0\0\0")
    assert difference(opened(clean_photo(jpeg).jpeg), picture()) < 4


def test_cleaning_a_clean_photo_changes_its_pixels_hardly_and_its_hash_not() -> None:
    once = clean_photo(saved(picture(), "JPEG"))
    twice = clean_photo(once.jpeg)
    assert difference(opened(once.jpeg), opened(twice.jpeg)) < 1
    assert twice.perceptual_hash == once.perceptual_hash


def test_the_hash_fits_a_bigint_and_knows_a_smaller_and_brighter_copy() -> None:
    noise = Image.effect_mandelbrot((800, 600), (-2.0, -1.5, 1.0, 1.5), 60).convert("RGB")
    original = clean_photo(saved(noise, "JPEG")).perceptual_hash
    smaller = noise.resize((400, 300)).point(lambda level: min(255, level + 12))
    copy = clean_photo(saved(smaller, "WEBP")).perceptual_hash
    other = clean_photo(saved(picture(), "JPEG")).perceptual_hash
    assert all(-(2**63) <= number < 2**63 for number in (original, copy, other))
    assert hamming(original, copy) <= 6 < hamming(original, other)


@pytest.mark.parametrize(
    ("falling", "expected"), [(True, -1), (False, 0)], ids=["falling", "rising"]
)
def test_the_hash_is_signed(*, falling: bool, expected: int) -> None:
    slope = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90)
    image = slope.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if falling else slope
    assert clean_photo(saved(image, "PNG")).perceptual_hash == expected


def test_hashes_differ_by_their_bits_whatever_their_signs() -> None:
    assert hamming(0, 0) == hamming(-1, -1) == 0
    assert hamming(0, -1) == 64
    assert hamming(-(2**63), 2**63 - 1) == 64
    assert hamming(-(2**63), 0) == 1
    assert hamming(5, 4) == 1


def test_the_first_exif_block_counts_and_comments_do_not() -> None:
    jpeg = with_segments(
        saved(picture(), "JPEG"),
        segment(0xFE, b"Exif\0\0" + ExifBlock(orientation=3).tiff()),
        exif_segment(ExifBlock(orientation=6).tiff()),
        exif_segment(ExifBlock(orientation=1).tiff()),
    )
    photo = clean_photo(jpeg)
    assert (photo.width, photo.height) == (240, 320)
