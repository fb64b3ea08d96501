"""What a photo's EXIF block says of time, place and orientation (CIPA DC-008).

Only the tags named here are looked for and nothing is followed twice, so a hostile block costs
nothing and never raises: what cannot be read is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from struct import calcsize, error, unpack_from
from zoneinfo import ZoneInfo

# A camera without a time zone shows the clock on the wall, and this software's walls are here.
HOME = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 1990, 2100
FULL_CIRCLE = 180
QUARTER_CIRCLE = 90

_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x0112, 0x8769, 0x8825
_TAKEN_AT, _OFFSET = 0x9003, 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_TEXT, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_LONGEST_TEXT = 32
_ORIENTATIONS = range(1, 9)

# A directory: each tag's type, count, and where its value or its offset stands.
_Directory = dict[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Exif:
    """Orientation 1..8; an aware time; WGS-84 latitude and longitude."""

    orientation: int = 1
    taken_at: datetime | None = None
    position: tuple[float, float] | None = None


def read_exif(block: bytes) -> Exif:
    """Read an EXIF block, with or without the `Exif` in front of it; never raises."""
    tiff = _Tiff(block.removeprefix(b"Exif\0\0"))
    first = tiff.directory(tiff.number(4, "I"))
    details = tiff.directory(tiff.pointer(first, _EXIF_IFD))
    gps = tiff.directory(tiff.pointer(first, _GPS_IFD))
    orientation = tiff.short(first, _ORIENTATION)
    return Exif(
        orientation=orientation if orientation in _ORIENTATIONS else 1,
        taken_at=_moment(tiff.text(details, _TAKEN_AT), tiff.text(details, _OFFSET)),
        position=_position(tiff, gps),
    )


class _Tiff:
    """A TIFF structure, read at single places; what lies outside it is 0 or empty."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._order = ">" if content.startswith(b"MM") else "<"

    def number(self, offset: int, kind: str) -> int:
        try:
            (value,) = unpack_from(self._order + kind, self._content, offset)
        except error:
            return 0
        return int(value)

    def directory(self, offset: int) -> _Directory:
        if offset == 0:
            return {}
        entries: _Directory = {}
        room = max(0, len(self._content) - offset - 2) // 12
        for index in range(min(self.number(offset, "H"), room)):
            entry = offset + 2 + 12 * index
            kind, count = self.number(entry + 2, "H"), self.number(entry + 4, "I")
            entries.setdefault(self.number(entry, "H"), (kind, count, entry + 8))
        return entries

    def pointer(self, entries: _Directory, tag: int) -> int:
        kind, _, place = entries.get(tag, (0, 0, 0))
        return self.number(place, "I") if kind == _LONG else 0

    def short(self, entries: _Directory, tag: int) -> int:
        kind, _, place = entries.get(tag, (0, 0, 0))
        return self.number(place, "H") if kind == _SHORT else 0

    def text(self, entries: _Directory, tag: int) -> str:
        kind, count, place = entries.get(tag, (0, 0, 0))
        if kind != _TEXT or count > _LONGEST_TEXT:
            return ""
        start = place if count <= calcsize("I") else self.number(place, "I")
        found = self._content[start : start + count]
        return found.split(b"\0")[0].decode("ascii", "replace").strip()

    def degrees(self, entries: _Directory, tag: int) -> float | None:
        """Return degrees, minutes and seconds as degrees; None if any of them is missing."""
        kind, count, place = entries.get(tag, (0, 0, 0))
        if (kind, count) != (_RATIONAL, 3):
            return None
        start, total = self.number(place, "I"), 0.0
        for index, share in enumerate((1, 60, 3600)):
            below = self.number(start + 8 * index + 4, "I")
            if below == 0:
                return None
            total += self.number(start + 8 * index, "I") / below / share
        return total


def _position(tiff: _Tiff, gps: _Directory) -> tuple[float, float] | None:
    latitude = _signed(tiff, gps, (_LATITUDE_REF, "N", "S"), _LATITUDE, QUARTER_CIRCLE)
    longitude = _signed(tiff, gps, (_LONGITUDE_REF, "E", "W"), _LONGITUDE, FULL_CIRCLE)
    # A phone without a fix writes 0, 0.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return latitude, longitude


def _signed(
    tiff: _Tiff, gps: _Directory, reference: tuple[int, str, str], tag: int, limit: int
) -> float | None:
    reference_tag, positive, negative = reference
    degrees, side = tiff.degrees(gps, tag), tiff.text(gps, reference_tag)
    if degrees is None or degrees > limit or side not in {positive, negative}:
        return None
    return round(degrees if side == positive else -degrees, 7)


def _moment(text: str, offset: str) -> datetime | None:
    moment = _parsed(lambda: datetime.strptime(text, "%Y:%m:%d %H:%M:%S"))  # noqa: DTZ007 - below
    if moment is None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None
    aware = _parsed(lambda: datetime.strptime(offset, "%z"))
    shift = None if aware is None else aware.utcoffset()
    zone = HOME if shift is None else timezone(timedelta(seconds=shift.total_seconds()))
    return moment.replace(tzinfo=zone)


def _parsed(parse: Callable[[], datetime]) -> datetime | None:
    try:
        return parse()
    except ValueError:
        return None
