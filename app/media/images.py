"""Photos cleaned: decoded within stated memory, upright, at most 2048 pixels wide and high.

Pure and synchronous: 12 megapixels take a third of a second of CPU, so call it in a thread.
What comes out is written anew from pixels alone. Colour profiles are dropped unread: a wide
gamut looks a little duller, and no profile of a stranger's is interpreted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from struct import error as StructError  # noqa: N812 - an exception is a class

from PIL import Image, ImageDraw

from app.media.containers import Container, open_container
from app.media.errors import (
    PhotoHasTooManyPixels,
    PhotoTooLarge,
    PhotoTooSmall,
    PhotoUnreadable,
)
from app.media.exif import read_exif

MAX_MEGABYTES = 10
MAX_BYTES = MAX_MEGABYTES * 2**20
# A baseline JPEG is shrunk while it is read; anything else is first held whole.
MAX_STREAMED_MEGAPIXELS = 64
MAX_MEGAPIXELS = 24
MIN_SIDE = 64
MAX_SIDE = 2048
QUALITY = 85
ROUNDING = 1e-9

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on damaged files; it asserts that a palette is there.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    AssertionError, StructError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A photo that may be shown, and what was read from the original.

    `perceptual_hash` is a 64-bit difference hash as a signed number; `position` is latitude
    and longitude in WGS-84.
    """

    jpeg: bytes
    width: int
    height: int
    perceptual_hash: int
    taken_at: datetime | None
    position: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions 0..1 of the picture; one not inside it is a ValueError."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        for start, length in ((self.left, self.width), (self.top, self.height)):
            # Put so that a NaN is refused too.
            if not (start >= 0 and length > 0 and start + length <= 1 + ROUNDING):
                raise ValueError("a box lies inside the picture and has a width and a height")


def clean_photo(content: bytes) -> CleanPhoto:
    """Return the photo as it may be shown; raises one of the problems of app.media.errors."""
    if len(content) > MAX_BYTES:
        raise PhotoTooLarge(max_bytes=MAX_BYTES, max_megabytes=MAX_MEGABYTES)
    container = open_container(content)
    exif = read_exif(container.exif)
    picture = _decode(container, exif.orientation)
    return CleanPhoto(
        jpeg=_encode(picture),
        width=picture.width,
        height=picture.height,
        perceptual_hash=_difference_hash(picture),
        taken_at=exif.taken_at,
        position=exif.position,
    )


def redact(jpeg: bytes, boxes: Sequence[Box]) -> bytes:
    """Return the picture with the boxes black, a pixel wider on every side, written anew."""
    container = open_container(jpeg)
    picture = _decode(container, read_exif(container.exif).orientation)
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        left = math.floor(box.left * picture.width) - 1
        top = math.floor(box.top * picture.height) - 1
        # Pillow's corners are inside: the last pixel touched is the ceiling less one.
        right = math.ceil((box.left + box.width) * picture.width)
        bottom = math.ceil((box.top + box.height) * picture.height)
        pen.rectangle((left, top, right, bottom), fill="black")
    return _encode(picture)


def hamming(a: int, b: int) -> int:
    """Return in how many of their 64 bits two hashes differ."""
    return ((a ^ b) & (2**64 - 1)).bit_count()


def _decode(container: Container, orientation: int) -> Image.Image:
    """Return the picture as RGB, upright and no larger than we serve."""
    width, height = container.width, container.height
    limit = MAX_STREAMED_MEGAPIXELS if container.is_streamed else MAX_MEGAPIXELS
    if width * height > limit * 1_000_000:
        raise PhotoHasTooManyPixels(max_megapixels=limit)
    if min(width, height) < MIN_SIDE:
        raise PhotoTooSmall(min_side=MIN_SIDE)
    try:
        with Image.open(BytesIO(container.bare), formats=[container.format]) as image:
            if image.size != (width, height):
                raise PhotoUnreadable
            picture = _shrink(image)
    except _DAMAGE as damage:
        raise PhotoUnreadable from damage
    turn = _UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _shrink(image: Image.Image) -> Image.Image:
    scale = min(1.0, MAX_SIDE / max(image.size))
    target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Lets libjpeg decode to a half, a quarter or an eighth, never below the target.
    image.draft(None, target)
    flat = _flatten(image)
    if flat.size == target:
        return flat.copy()
    # Reduced to twice the target first: it looks the same and takes less time and memory.
    return flat.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _flatten(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, on white where the photo is transparent."""
    if image.mode.startswith("I"):
        # 16 bits of grey, which convert() would clip instead of scaling.
        return image.point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    paper = Image.new("RGB", clear.size, "white")
    paper.paste(clear, mask=clear)
    return paper


def _encode(picture: Image.Image) -> bytes:
    # Pillow would copy a comment or a profile found here into the file.
    picture.info = {}
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    return jpeg.getvalue()


def _difference_hash(picture: Image.Image) -> int:
    """Return 64 bits: whether brightness falls from one pixel to the next, of 9 by 8."""
    small = picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS, reducing_gap=2.0)
    levels = small.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            place = 9 * row + column
            bits = bits << 1 | (levels[place] > levels[place + 1])
    return bits - 2**64 if bits >= 2**63 else bits
