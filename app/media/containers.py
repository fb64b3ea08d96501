"""Photo files taken apart by hand: what a decoder needs is kept, the rest never reaches it.

So the size is known before anything is allocated, no profile or text is inflated, and a second
content behind or inside the first is lost. JPEG: ITU T.81, PNG: RFC 2083, WebP: RFC 9649.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import pack

from app.media.errors import (
    PhotoAnimated,
    PhotoFormatRefused,
    PhotoIsHeic,
    PhotoUnreadable,
)

ALLOWED = "JPEG, PNG, WebP"
# No camera writes more; each costs time, in Python or (a scan) over the whole picture.
MOST_PARTS = 20_000
MOST_SCANS = 32

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXIF_HEADER = b"Exif\0\0"
_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_SOI, _EOI, _SOS, _APP0, _APP1, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
_PROGRESSIVE = 0xC2
_FRAMES = {0xC0, 0xC1, _PROGRESSIVE}
_TABLES = {0xC4, 0xDB, 0xDD}  # DHT, DQT, DRI
_OTHER_FRAMES = set(range(0xC0, 0xD0)) - _FRAMES - {0xC4, 0xC8, 0xCC}
# A marker is neither a stuffed byte nor a restart nor a fill.
_marker = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_OTHER_FORMATS = (
    b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"%PDF", b"%!PS", b"8BPS", b"\xff\x0a",
    b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ", b"\0\0\x01\0", b"<svg", b"<?xml", b"<!DOCTYPE svg",
)  # fmt: skip
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


@dataclass(frozen=True, slots=True)
class Container:
    """A photo file: its size in pixels, what a decoder needs of it, and its EXIF block.

    `is_streamed` tells that a decoder can shrink it on the way and never holds it whole.
    """

    format: str
    width: int
    height: int
    bare: bytes
    exif: bytes
    is_streamed: bool = False


def open_container(content: bytes) -> Container:
    """Take a file apart; raises what keeps it from being a photo we take."""
    container = _reader_of(content)(content)
    if container.width == 0 or container.height == 0:
        raise PhotoUnreadable
    return container


def _reader_of(content: bytes) -> Callable[[bytes], Container]:
    if content.startswith(b"\xff\xd8\xff"):
        return _open_jpeg
    if content.startswith(_PNG_SIGNATURE):
        return _open_png
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _open_webp
    if content[4:8] == b"ftyp":
        brands = content[8 : min(int.from_bytes(content[:4]), 256)]
        if content[8:12] in _HEIC_BRANDS and b"avif" not in brands:
            raise PhotoIsHeic
        raise PhotoFormatRefused(allowed=ALLOWED)
    if content.lstrip().startswith(_OTHER_FORMATS) or content.startswith(_OTHER_FORMATS):
        raise PhotoFormatRefused(allowed=ALLOWED)
    raise PhotoUnreadable


def _open_jpeg(content: bytes) -> Container:
    kept = [b"\xff\xd8"]
    frames: list[tuple[int, bytes]] = []
    exif, scans = b"", 0
    for code, payload, scan in _jpeg_segments(content):
        if code == _APP1 and payload.startswith(_EXIF_HEADER):
            exif = exif or payload
        if code in _FRAMES:
            frames.append((code, payload))
        scans += code == _SOS
        needed = _needed(code, payload)
        if needed is not None:
            kept += [pack(">BBH", 0xFF, code, len(needed) + 2), needed, scan]
    if len(frames) != 1 or not 0 < scans <= MOST_SCANS:
        raise PhotoUnreadable
    code, frame = frames[0]
    return Container(
        "JPEG",
        width=int.from_bytes(frame[3:5]),
        height=int.from_bytes(frame[1:3]),
        bare=b"".join([*kept, b"\xff\xd9"]),
        exif=exif,
        is_streamed=code != _PROGRESSIVE and scans == 1,
    )


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each segment's marker, payload and the scan behind it, up to the first end."""
    found = _marker.search(content, 2)
    for _ in range(MOST_PARTS):
        if found is None:
            break
        code = found[1][0]
        if code == _EOI:
            return
        start = found.end()
        end = start + int.from_bytes(content[start : start + 2])
        if code == _SOI or code in _OTHER_FRAMES or not start + 2 <= end <= len(content):
            break
        found = _marker.search(content, end)
        scan = content[end : found.start()] if code == _SOS and found else b""
        yield code, content[start + 2 : end], scan
    raise PhotoUnreadable


def _needed(code: int, payload: bytes) -> bytes | None:
    """Return a segment's part in decoding; None if it has none."""
    if code in _FRAMES or code in _TABLES or code == _SOS:
        return payload
    if code == _APP0 and payload.startswith(b"JFIF\0"):
        return _JFIF  # says how colours are coded; what else it may hold is a thumbnail
    if code == _APP14 and payload.startswith(b"Adobe"):
        return payload[:12]
    return None


def _open_png(content: bytes) -> Container:
    kept = [_PNG_SIGNATURE]
    exif = header = b""
    for name, payload, whole in _png_chunks(content):
        if name == b"acTL" and int.from_bytes(payload[:4]) > 1:
            raise PhotoAnimated
        if name == b"IHDR":
            header = header or payload
        if name == b"eXIf":
            exif = exif or payload
        if name in {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}:
            kept.append(whole)
    if not kept[1:2] or kept[1][4:8] != b"IHDR" or len(header) != 13:  # noqa: PLR2004 - RFC 2083
        raise PhotoUnreadable
    return Container(
        "PNG",
        width=int.from_bytes(header[:4]),
        height=int.from_bytes(header[4:8]),
        bare=b"".join(kept),
        exif=exif,
    )


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each chunk's name, payload and whole, up to the end of the picture."""
    start = len(_PNG_SIGNATURE)
    for _ in range(MOST_PARTS):
        end = start + 12 + int.from_bytes(content[start : start + 4])
        if end > len(content):
            break
        name = content[start + 4 : start + 8]
        yield name, content[start + 8 : end - 4], content[start:end]
        if name == b"IEND":
            return
        start = end
    raise PhotoUnreadable


def _open_webp(content: bytes) -> Container:
    chunks: dict[bytes, bytes] = {}
    for name, payload in _webp_chunks(content):
        if name in {b"ANIM", b"ANMF"}:
            raise PhotoAnimated
        chunks.setdefault(name, payload)
    stream = b"VP8L" if b"VP8L" in chunks else b"VP8 "
    width, height = _webp_size(stream, chunks.get(stream, b""))
    extended = chunks.get(b"VP8X")
    if extended is not None and extended[4:10] != _canvas(width, height):
        raise PhotoUnreadable
    kept = [_webp_chunk(stream, chunks[stream])]
    if extended is not None and b"ALPH" in chunks and stream == b"VP8 ":
        flags = b"\x10\0\0\0" + _canvas(width, height)
        kept = [_webp_chunk(b"VP8X", flags), _webp_chunk(b"ALPH", chunks[b"ALPH"]), *kept]
    body = b"WEBP" + b"".join(kept)
    bare = pack("<4sI", b"RIFF", len(body)) + body
    return Container("WEBP", width, height, bare, exif=chunks.get(b"EXIF", b""))


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk's name and payload."""
    limit = 8 + int.from_bytes(content[4:8], "little")
    start = 12
    for _ in range(MOST_PARTS):
        if start >= limit:
            return
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        end = start + 8 + length
        if end > min(limit, len(content)):
            break
        yield content[start : start + 4], content[start + 8 : end]
        start = end + length % 2
    raise PhotoUnreadable


def _webp_size(stream: bytes, payload: bytes) -> tuple[int, int]:
    if stream == b"VP8L" and payload[:1] == b"\x2f":
        bits = int.from_bytes(payload[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if stream == b"VP8 " and payload[3:6] == b"\x9d\x01\x2a":
        width, height = payload[6:8], payload[8:10]
        return int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF
    raise PhotoUnreadable


def _canvas(width: int, height: int) -> bytes:
    return (width - 1).to_bytes(3, "little", signed=True) + (height - 1).to_bytes(
        3, "little", signed=True
    )


def _webp_chunk(name: bytes, payload: bytes) -> bytes:
    return pack("<4sI", name, len(payload)) + payload + b"\0" * (len(payload) % 2)
