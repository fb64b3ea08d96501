"""What is made black is black, and gone."""

import math
from io import BytesIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from app.media.images import Box, clean_photo, redact
from tests.media.jpeg_segments import assert_bare
from tests.media.photos import MARKER, ExifBlock, jpeg_with, picture, saved, talkative_jpeg

WHITE = saved(Image.new("RGB", (400, 200), "white"), "JPEG")
FRACTION = st.floats(0, 1)


def darkness(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg), formats=["JPEG"]).convert("L")


def level(image: Image.Image, x: int, y: int) -> int:
    return image.crop((x, y, x + 1, y + 1)).tobytes()[0]


def test_a_box_is_black_a_pixel_wider_than_asked_and_the_rest_stays() -> None:
    image = darkness(redact(WHITE, [Box(left=0.25, top=0.5, width=0.25, height=0.25)]))
    assert image.size == (400, 200)
    # 100..200 across and 100..150 down were asked for.
    corners = [(99, 99), (200, 99), (99, 150), (200, 150), (150, 125)]
    assert max(level(image, *corner) for corner in corners) < 40
    assert min(level(image, *place) for place in [(88, 125), (212, 125), (150, 88)]) > 240


def test_several_boxes_are_drawn_even_over_one_another_and_to_the_edge() -> None:
    image = darkness(redact(WHITE, [Box(0, 0, 0.5, 1), Box(0.25, 0, 0.75, 1)]))
    extremes = image.getextrema()
    assert extremes[1] == 0


def test_without_a_box_the_picture_is_only_written_anew() -> None:
    clean = clean_photo(talkative_jpeg()).jpeg
    assert_bare(redact(clean, []))


def test_a_redacted_picture_has_no_metadata_whatever_it_was_made_from() -> None:
    redacted = redact(talkative_jpeg(), [Box(0.1, 0.1, 0.1, 0.1)])
    assert_bare(redacted)
    assert MARKER.encode() not in redacted


def test_a_box_is_where_it_was_seen_on_a_photo_that_is_stored_on_its_side() -> None:
    stored = Image.new("RGB", (200, 400), "white")
    jpeg = jpeg_with(ExifBlock(orientation=6), stored)
    image = darkness(redact(jpeg, [Box(0, 0, 0.1, 0.1)]))
    assert image.size == (400, 200)
    assert level(image, 20, 10) < 40
    assert min(level(image, *place) for place in [(390, 10), (10, 190), (390, 190)]) > 240


def test_what_was_under_a_box_leaves_no_trace_in_the_file() -> None:
    secret, blank = picture(), picture()
    secret.paste("#ffffff", (100, 100, 140, 120))
    blank.paste("#000000", (100, 100, 140, 120))
    box = Box(90 / 320, 90 / 240, 60 / 320, 40 / 240)
    # Written without loss first, so that the two differ under the box only.
    one, other = (redact(saved(image, "PNG"), [box]) for image in (secret, blank))
    assert one == other


@given(FRACTION, FRACTION, FRACTION, FRACTION)
def test_any_box_in_the_picture_covers_every_pixel_it_touches(
    left: float, top: float, width: float, height: float
) -> None:
    assume(width > 0 and height > 0 and left + width <= 1 and top + height <= 1)
    image = darkness(redact(WHITE, [Box(left, top, width, height)]))
    right = min(400, math.ceil((left + width) * 400))
    bottom = min(200, math.ceil((top + height) * 200))
    touched = image.crop((min(399, int(left * 400)), min(199, int(top * 200)), right, bottom))
    assume(touched.width > 0 and touched.height > 0)
    brightest = touched.getextrema()[1]
    assert isinstance(brightest, int | float)
    assert brightest < 60


@pytest.mark.parametrize(
    ("left", "top", "width", "height"),
    [
        (-0.01, 0, 0.5, 0.5),
        (0, -0.01, 0.5, 0.5),
        (0, 0, 0, 0.5),
        (0, 0, 0.5, 0),
        (0, 0, -0.5, 0.5),
        (0.6, 0, 0.5, 0.5),
        (0, 0.6, 0.5, 0.5),
        (math.nan, 0, 0.5, 0.5),
        (0, 0, math.nan, 0.5),
        (0, 0, math.inf, 0.5),
    ],
)
def test_a_box_outside_the_picture_is_no_box(
    left: float, top: float, width: float, height: float
) -> None:
    with pytest.raises(ValueError, match="inside the picture"):
        Box(left, top, width, height)


def test_fractions_that_add_up_to_one_but_for_rounding_are_inside() -> None:
    start, length = 0.7, 0.3 + 1e-16
    assert redact(WHITE, [Box(start, start, length, length)])
