"""Files made to be refused, or to cost a server dearly: each with what must come of it.

`None` stands for a photo that is cleaned: what is hostile in it is never looked at.
"""

import zlib
from collections.abc import Callable
from struct import pack

from PIL import Image

from app.core.problems import Problem
from app.media.errors import (
    PhotoAnimated,
    PhotoFormatRefused,
    PhotoHasTooManyPixels,
    PhotoIsHeic,
    PhotoTooLarge,
    PhotoTooSmall,
    PhotoUnreadable,
)
from tests.media.photos import (
    ICC_PROFILE,
    animation,
    archive,
    chunk,
    exif_segment,
    jpeg_claiming,
    picture,
    png_of_size,
    riff_chunk,
    saved,
    segment,
    webp_claiming,
    with_chunks,
    with_segments,
)

MEBIBYTE = 2**20


def jpeg() -> bytes:
    return saved(picture(), "JPEG")


def inflated_png() -> bytes:
    """200 MiB of text and of a colour profile, in a file of 400 KiB."""
    zeros = zlib.compress(b"\0" * 200 * MEBIBYTE, 9)
    text = chunk(b"zTXt", b"Comment\0\0" + zeros)
    return with_chunks(saved(picture(), "PNG"), text, chunk(b"iCCP", b"profile\0\0" + zeros))


def many_scans() -> bytes:
    """A progressive JPEG whose last scan is repeated: each costs a pass over the picture."""
    whole = saved(picture(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * 40 + whole[-2:]


def two_frames() -> bytes:
    """A second frame header with another size, which decoders disagree about."""
    plain = jpeg()
    frame = plain.index(b"\xff\xc0")
    length = int.from_bytes(plain[frame + 2 : frame + 4])
    header = bytearray(plain[frame : frame + 2 + length])
    header[5:9] = pack(">HH", 9000, 9000)
    return plain[:frame] + bytes(header) + plain[frame:]


def webp_of_two_sizes() -> bytes:
    """A canvas of 16 million pixels square around a small picture."""
    inner = saved(picture(), "WEBP")[12:]
    canvas = riff_chunk(b"VP8X", b"\0" * 4 + b"\xff\xff\xff" * 2)
    body = b"WEBP" + canvas + inner
    return b"RIFF" + pack("<I", len(body)) + body


def heic(brand: bytes = b"heic", others: bytes = b"mif1heic") -> bytes:
    box = b"ftyp" + brand + b"\0\0\0\0" + others
    return pack(">I", len(box) + 4) + box + b"\0\0\0\x10meta" + b"\0" * 64


def huge_exif() -> bytes:
    return with_segments(jpeg(), exif_segment(b"II*\0\x08\0\0\0" + b"\xff" * 60_000))


def many_segments() -> bytes:
    return with_segments(jpeg(), segment(0xFE, b"") * 100_000)


def many_chunks() -> bytes:
    return with_chunks(saved(picture(), "PNG"), chunk(b"tEXt", b"") * 100_000)


def png_without_palette() -> bytes:
    return png_of_size(100, 100, bits=8, colour=3)


def header_only_png() -> bytes:
    return saved(picture(), "PNG")[:33] + chunk(b"IEND", b"")


HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

FILES: dict[str, tuple[Callable[[], bytes], type[Problem] | None]] = {
    "nothing": (lambda: b"", PhotoUnreadable),
    "html called jpg": (lambda: HTML, PhotoUnreadable),
    "html behind a JPEG's first bytes": (lambda: b"\xff\xd8\xff\xe0" + HTML, PhotoUnreadable),
    "script behind a PNG's first bytes": (lambda: b"\x89PNG\r\n\x1a\n" + HTML, PhotoUnreadable),
    "zip": (archive, PhotoUnreadable),
    "svg": (lambda: SVG, PhotoFormatRefused),
    "bare svg": (lambda: b"\n <svg></svg>", PhotoFormatRefused),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", PhotoFormatRefused),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0", PhotoFormatRefused),
    "gif": (lambda: saved(picture(), "GIF"), PhotoFormatRefused),
    "animated gif": (lambda: animation("GIF"), PhotoFormatRefused),
    "bmp": (lambda: saved(picture(), "BMP"), PhotoFormatRefused),
    "tiff": (lambda: saved(picture(), "TIFF"), PhotoFormatRefused),
    "ico": (lambda: saved(picture(64, 64), "ICO"), PhotoFormatRefused),
    "avif": (lambda: heic(b"avif", b"mif1avif"), PhotoFormatRefused),
    "mp4": (lambda: heic(b"isom", b"isommp42"), PhotoFormatRefused),
    "heic": (heic, PhotoIsHeic),
    "heif of another brand": (lambda: heic(b"mif1", b"heic"), PhotoIsHeic),
    "apng": (lambda: animation("PNG"), PhotoAnimated),
    "animated webp": (lambda: animation("WEBP"), PhotoAnimated),
    "400 megapixels of PNG": (lambda: png_of_size(20_000, 20_000), PhotoHasTooManyPixels),
    "24.01 megapixels of PNG": (lambda: png_of_size(4900, 4900), PhotoHasTooManyPixels),
    "268 megapixels of WebP": (lambda: webp_claiming(16_384, 16_384), PhotoHasTooManyPixels),
    "4 gigapixels of JPEG": (lambda: jpeg_claiming(65_500, 65_500), PhotoHasTooManyPixels),
    "a WebP in a canvas of 281 terapixels": (webp_of_two_sizes, PhotoUnreadable),
    "a WebP that claims 23 megapixels": (lambda: webp_claiming(4800, 4800), PhotoUnreadable),
    "a JPEG that claims 63 megapixels": (lambda: jpeg_claiming(7900, 7900), None),
    "a JPEG without height": (lambda: jpeg_claiming(320, 0), PhotoUnreadable),
    "a JPEG of two sizes": (two_frames, PhotoUnreadable),
    "a JPEG of 50 scans": (many_scans, PhotoUnreadable),
    "a JPEG of 100,000 comments": (many_segments, PhotoUnreadable),
    "a PNG of 100,000 comments": (many_chunks, PhotoUnreadable),
    "a PNG without its palette": (png_without_palette, PhotoUnreadable),
    "a PNG without a picture": (header_only_png, PhotoUnreadable),
    "a PNG with 400 MiB of comment and profile": (inflated_png, None),
    "a JPEG with nothing but numbers for EXIF": (huge_exif, None),
    "a JPEG with a profile cut short": (
        lambda: with_segments(jpeg(), segment(0xE2, b"ICC_PROFILE\0\x01\x09" + ICC_PROFILE)),
        None,
    ),
    "a JPEG and a zip": (lambda: jpeg() + archive(), None),
    "10 MiB of fill bytes": (lambda: b"\xff\xd8" + b"\xff" * (10 * MEBIBYTE - 2), PhotoUnreadable),
    "11 MiB": (lambda: jpeg() + b"\0" * 11 * MEBIBYTE, PhotoTooLarge),
    "63 pixels wide": (lambda: saved(picture(63, 400), "JPEG"), PhotoTooSmall),
    "one pixel": (lambda: saved(Image.new("RGB", (1, 1)), "PNG"), PhotoTooSmall),
}
