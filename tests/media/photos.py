"""Photo files as phones, editors and attackers make them."""

import zlib
from dataclasses import dataclass
from io import BytesIO
from struct import pack
from zipfile import ZipFile

from PIL import Image, ImageCms, ImageDraw

# Planted wherever a file has room for words; it must not survive.
MARKER = "Geheimnis-7Q2x"
PEOPLES_SQUARE = (31.2304, 121.4737)
ICC_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ASCII, SHORT, LONG, RATIONAL = 2, 3, 4, 5
Tag = tuple[int, int, int, bytes]  # tag, type, count, value


def picture(width: int = 320, height: int = 240, mode: str = "RGB") -> Image.Image:
    """A quarter of each colour, and a white spot at the left of the top: no two turns agree."""
    image = Image.new("RGB", (width, height), "#204080")
    pen = ImageDraw.Draw(image)
    middle, half = width // 2, height // 2
    pen.rectangle((0, 0, middle, half), fill="#c02020")
    pen.rectangle((0, half, middle, height), fill="#20a020")
    pen.rectangle((middle, half, width, height), fill="#d0c020")
    pen.rectangle((0, 0, width // 8, height // 8), fill="white")
    return image.convert(mode, palette=Image.Palette.ADAPTIVE)


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def text(tag: int, value: str) -> Tag:
    return tag, ASCII, len(value) + 1, value.encode() + b"\0"


def rationals(tag: int, *values: tuple[int, int]) -> Tag:
    return tag, RATIONAL, len(values), b"".join(pack("<II", *value) for value in values)


def sexagesimal(degrees: float) -> tuple[tuple[int, int], ...]:
    whole, rest = divmod(abs(degrees), 1)
    minutes, rest = divmod(rest * 60, 1)
    return (int(whole), 1), (int(minutes), 1), (round(rest * 60 * 10_000), 10_000)


def directory(tags: list[Tag], start: int) -> bytes:
    """An image file directory at an offset, with the values behind it."""
    behind = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, kind, count, value in tags:
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field = pack("<I", behind + len(values))
            values += value
        entries += pack("<HHI", tag, kind, count) + field
    return pack("<H", len(tags)) + entries + b"\0\0\0\0" + values


@dataclass(frozen=True)
class ExifBlock:
    """What a block says; the coordinates as they are written, so that wrong ones can be."""

    orientation: int = 1
    taken_at: str = "2026:11:18 14:30:05"
    offset: str = ""
    latitude: tuple[tuple[int, int], ...] = sexagesimal(PEOPLES_SQUARE[0])
    longitude: tuple[tuple[int, int], ...] = sexagesimal(PEOPLES_SQUARE[1])
    sides: str = "NE"

    def tiff(self) -> bytes:
        details = [text(0x9003, self.taken_at), text(0x9286, MARKER)]
        if self.offset:
            details.append(text(0x9011, self.offset))
        place = [
            text(1, self.sides[0]),
            rationals(2, *self.latitude),
            text(3, self.sides[1]),
            rationals(4, *self.longitude),
        ]
        first = 8
        # Two pointers, whose targets are known once the first directory's length is.
        details_at = first + len(directory(self._first(0, 0), first))
        gps_at = details_at + len(directory(details, details_at))
        return (
            b"II*\0"
            + pack("<I", first)
            + directory(self._first(details_at, gps_at), first)
            + directory(details, details_at)
            + directory(place, gps_at)
        )

    def _first(self, details_at: int, gps_at: int) -> list[Tag]:
        return [
            text(0x010E, f"{MARKER} in the description"),
            (0x0112, SHORT, 1, pack("<H", self.orientation)),
            (0x8769, LONG, 1, pack("<I", details_at)),
            (0x8825, LONG, 1, pack("<I", gps_at)),
        ]


def segment(marker: int, payload: bytes) -> bytes:
    return pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def exif_segment(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def jpeg_with(block: ExifBlock, image: Image.Image | None = None) -> bytes:
    return with_segments(saved(image or picture(), "JPEG"), exif_segment(block.tiff()))


def archive() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as content:
        content.writestr("page.html", f"<script>alert('{MARKER}')</script>")
    return file.getvalue()


def talkative_jpeg() -> bytes:
    """The marker in every place of a JPEG that holds something else than the picture."""
    thumbnail = with_segments(saved(picture(64, 48), "JPEG"), segment(0xFE, MARKER.encode()))
    jfxx = segment(0xE0, b"JFXX\0\x10" + thumbnail)
    xmp = f"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>{MARKER}</x:xmpmeta>".encode()
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + MARKER.encode()
    segments = [
        jfxx,
        exif_segment(ExifBlock().tiff()),
        segment(0xE1, xmp),
        segment(0xE2, b"ICC_PROFILE\0\x01\x01" + ICC_PROFILE + MARKER.encode()),
        segment(0xED, photoshop),
        segment(0xEF, MARKER.encode()),
        segment(0xFE, MARKER.encode()),
    ]
    return with_segments(saved(picture(), "JPEG"), *segments) + archive() + MARKER.encode()


def chunk(name: bytes, payload: bytes) -> bytes:
    check = zlib.crc32(name + payload)
    return pack(">I", len(payload)) + name + payload + pack(">I", check)


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def talkative_png() -> bytes:
    words = MARKER.encode()
    chunks = [
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(ICC_PROFILE + words)),
        chunk(b"tEXt", b"Comment\0" + words),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(words)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + words),
        chunk(b"eXIf", ExifBlock().tiff()),
        chunk(b"prVt", words),
    ]
    return with_chunks(saved(picture(), "PNG"), *chunks) + archive() + words


def riff_chunk(name: bytes, payload: bytes) -> bytes:
    return name + pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def talkative_webp(*, lossless: bool = False) -> bytes:
    words = MARKER.encode()
    webp = saved(
        picture(), "WEBP", lossless=lossless, exif=ExifBlock().tiff(), xmp=words,
        icc_profile=ICC_PROFILE + words,
    )  # fmt: skip
    body = webp[8:] + riff_chunk(b"noTe", words)
    return b"RIFF" + pack("<I", len(body)) + body + archive() + words


def frames(count: int = 3) -> list[Image.Image]:
    return [picture(96 + 8 * number, 96).resize((96, 96)) for number in range(count)]


def animation(file_format: str) -> bytes:
    first, *others = frames()
    return saved(first, file_format, save_all=True, append_images=others)


def png_of_size(width: int, height: int, *, bits: int = 1, colour: int = 0) -> bytes:
    """A whole and valid PNG of one colour, as small as it gets; rows are made one by one."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" + b"\0" * ((width * bits * channels + 7) // 8)
    press = zlib.compressobj(9)
    packed = b"".join(press.compress(row) for _ in range(height)) + press.flush()
    header = pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def webp_claiming(width: int, height: int) -> bytes:
    """A lossless WebP whose header claims a size; the decoder would make room for it."""
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBP" + riff_chunk(b"VP8L", b"\x2f" + pack("<I", bits) + b"\0" * 32)
    return b"RIFF" + pack("<I", len(body)) + body


def jpeg_claiming(width: int, height: int) -> bytes:
    jpeg = bytearray(saved(picture(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = pack(">HH", height, width)
    return bytes(jpeg)
