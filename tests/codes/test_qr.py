"""Drawings of codes, read back by a decoder that shares nothing with the drawing library."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageDraw, ImageFilter

from app.core import codes, qr
from app.core.codes import Code, CodeKind
from tests.support.scanner import read_qr_codes

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EXPIRES_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LONGEST_BASE_URL = "https://" + "h" * 27 + ".cn"


def make_token(subject_id: int = 1) -> str:
    code = Code(CodeKind.RESIDENT, 42, subject_id, EXPIRES_AT)
    return codes.sign_code(code, key_id=1, private_key=PRIVATE_KEY)


def make_link(subject_id: int = 1) -> str:
    return codes.link_of(make_token(subject_id), base_url=LONGEST_BASE_URL)


def tilt(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=235)


def add_noise(image: Image.Image) -> Image.Image:
    dice = random.Random(7)  # noqa: S311
    noise = Image.frombytes("L", image.size, dice.randbytes(image.width * image.height))
    return Image.blend(image, noise, 0.15)


def compress(image: Image.Image, *, quality: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


VIEWS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "upright": lambda image: image,
    "tilted left": lambda image: tilt(image, 7),
    "tilted right": lambda image: tilt(image, -11),
    "soft focus": lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
    "cheap camera": lambda image: compress(
        add_noise(tilt(image, 5).filter(ImageFilter.GaussianBlur(1))), quality=50
    ),
}


def photograph(image: Image.Image, *, view: str) -> Image.Image:
    """Return the image as a phone might see it, on a light desk."""
    framed = Image.new("L", (image.width + 120, image.height + 120), 235)
    framed.paste(image.convert("L"), (60, 60))
    return VIEWS[view](framed)


def decode(image: Image.Image) -> list[str]:
    return [found.text for found in read_qr_codes(image)]


def open_png(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png)).convert("L")


def on_screen(text: str, *, width: int) -> Image.Image:
    """Return the PNG as a phone's screen shows it, scaled to `width` pixels."""
    return open_png(qr.png(text)).resize((width, width), Image.Resampling.BILINEAR)


def print_svg(svg: str, *, dots_per_inch: int) -> Image.Image:
    """Return what a printer puts on paper: the paths filled, at the size in millimetres."""
    root = ET.fromstring(svg)  # noqa: S314
    side = int(root.attrib["viewBox"].split()[2])
    width_mm = float(root.attrib["width"].removesuffix("mm"))
    dots = round(width_mm / 25.4 * dots_per_inch)
    ink = Image.new("L", (side * 10, side * 10), 128)
    pen = ImageDraw.Draw(ink)
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        colour = 255 if path.get("fill") == "#fff" else 0
        for found in re.finditer(r"M(\d+) (\d+)h(\d+)v(\d+)h-\3z", path.attrib["d"]):
            x, y, width, height = (10 * int(number) for number in found.groups())
            pen.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    return ink.resize((dots, dots), Image.Resampling.BOX)


def show_in_terminal(drawing: str, *, cell: int = 8) -> Image.Image:
    """Return the half blocks as pixels, in the colours the drawing asks for."""
    halves = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}
    lines = [
        line.removeprefix("\x1b[38;5;16;48;5;231m").removesuffix("\x1b[0m")
        for line in drawing.splitlines()
    ]
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), 128)
    for y, line in enumerate(lines):
        for x, character in enumerate(line):
            upper, lower = halves[character]
            image.putpixel((x, 2 * y), upper)
            image.putpixel((x, 2 * y + 1), lower)
    size = (image.width * cell, image.height * cell)
    return image.resize(size, Image.Resampling.NEAREST)


def version_of(text: str) -> int:
    """Return the symbol's version, from the size of its drawing."""
    modules = open_png(qr.png(text, scale=1)).width - 2 * 4
    return (modules - 17) // 4


def test_a_token_fits_version_7_and_the_longest_link_version_8() -> None:
    assert version_of(make_token()) == 7
    assert version_of(codes.link_of(make_token(), base_url="http://a.cn")) == 8
    assert len(make_link()) == 152
    assert version_of(make_link()) == 8
    assert version_of(make_link() + "x") == 9


def test_the_decoder_agrees_on_kind_version_and_error_correction() -> None:
    [found] = read_qr_codes(open_png(qr.png(make_token())))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.ec_level == "M"


def test_a_short_text_is_not_drawn_as_micro_qr() -> None:
    assert version_of("1") == 1
    assert decode(open_png(qr.png("1"))) == ["1"]


def test_error_correction_is_raised_where_it_costs_no_room() -> None:
    [found] = read_qr_codes(open_png(qr.png("1")))
    assert found.ec_level == "H"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("make_text", [make_token, make_link])
def test_a_phone_reads_another_phone(view: str, make_text: Callable[[], str]) -> None:
    screen = on_screen(make_text(), width=280)
    assert decode(photograph(screen, view=view)) == [make_text()]


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_reads_a_printed_card_of_36_millimetres(view: str) -> None:
    card = print_svg(qr.svg(make_token(), module_mm=36 / 53), dots_per_inch=200)
    assert 282 <= card.width <= 285
    assert decode(photograph(card, view=view)) == [make_token()]


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_reads_a_printed_poster(view: str) -> None:
    poster = print_svg(qr.svg(make_link()), dots_per_inch=200)
    assert decode(photograph(poster, view=view)) == [make_link()]


def test_a_phone_reads_a_poster_in_colour_of_paper() -> None:
    poster = print_svg(qr.svg(make_link()), dots_per_inch=200)
    assert decode(poster.point(lambda level: 60 + level // 2)) == [make_link()]


@pytest.mark.parametrize(
    ("make_text", "module_mm", "width_mm"), [(make_token, 0.8, "42.40"), (make_link, 0.8, "45.60"),
                                            (make_token, 1 / 3, "17.67")]
)  # fmt: skip
def test_print_has_its_true_size(
    make_text: Callable[[], str], module_mm: float, width_mm: str
) -> None:
    root = ET.fromstring(qr.svg(make_text(), module_mm=module_mm))  # noqa: S314
    assert root.attrib["width"] == root.attrib["height"] == f"{width_mm}mm"


def test_print_paints_its_whole_quiet_zone() -> None:
    poster = print_svg(qr.svg(make_link()), dots_per_inch=127)
    assert poster.width == 57 * 4
    quiet_zone = [(0, 0, 228, 16), (0, 212, 228, 228), (0, 0, 16, 228), (212, 0, 228, 228)]
    assert {poster.crop(box).getextrema() for box in quiet_zone} == {(255, 255)}


@pytest.mark.parametrize("view", ["upright", "tilted left", "soft focus"])
@pytest.mark.parametrize("make_text", [make_token, make_link])
def test_a_phone_reads_a_terminal(view: str, make_text: Callable[[], str]) -> None:
    window = show_in_terminal(qr.terminal(make_text()))
    assert decode(photograph(window, view=view)) == [make_text()]


def test_a_terminal_needs_53_columns_and_27_lines_for_a_token() -> None:
    lines = qr.terminal(make_token()).splitlines()
    drawn = [line.removeprefix("\x1b[38;5;16;48;5;231m").removesuffix("\x1b[0m") for line in lines]
    assert len(drawn) == 27
    assert {len(line) for line in drawn} == {53}
    assert {line.strip() for line in drawn[:2] + drawn[-2:]} == {""}


def test_every_line_of_a_terminal_sets_and_resets_its_colours() -> None:
    for line in qr.terminal(make_token()).splitlines():
        assert re.fullmatch(r"\x1b\[38;5;16;48;5;231m[ ▀▄█]+\x1b\[0m", line)


def test_the_three_drawings_show_the_same_symbol() -> None:
    pixels = open_png(qr.png(make_link(), scale=1))
    printed = print_svg(qr.svg(make_link(), module_mm=0.2), dots_per_inch=127)
    shown = show_in_terminal(qr.terminal(make_link()), cell=1).crop((0, 0, 57, 57))
    assert pixels.tobytes() == printed.tobytes() == shown.tobytes()
