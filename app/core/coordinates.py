"""Places on the map: WGS-84 inside, and GCJ-02 only at the border to phones.

Maps in mainland China show GCJ-02, which shifts WGS-84 by 20 to 710 m. The shift is not
published officially; the formula here is the one all open implementations share.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

EARTH_RADIUS_METERS = 6_371_008.8
CELLS_PER_DEGREE = 1000

# The ellipsoid of Krasovsky 1940, on which the shift is defined.
_SEMI_MAJOR_AXIS = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323

# 0.01 mm; every round of the inverse divides the error by more than a hundred.
_CLOSE_ENOUGH_DEGREES = 1e-10
_MOST_ROUNDS = 12

# A rounding of the last bits must not put a place outside its box; 0.1 mm.
_BOX_MARGIN_DEGREES = 1e-9


class CoordinateSystem(StrEnum):
    """What a caller's numbers are measured in."""

    GCJ02 = "gcj02"
    WGS84 = "wgs84"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in WGS-84 degrees. Raises ValueError for what is not on the globe."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        # Comparisons with NaN are false, so NaN is refused as well.
        if not -90 <= self.latitude <= 90:  # noqa: PLR2004
            raise ValueError(f"latitude must be -90 to 90, not {self.latitude}")
        if not -180 <= self.longitude <= 180:  # noqa: PLR2004
            raise ValueError(f"longitude must be -180 to 180, not {self.longitude}")


class Coordinates(NamedTuple):
    """Degrees in GCJ-02, for a map and nothing else."""

    latitude: float
    longitude: float


class BoundingBox(NamedTuple):
    """The degrees between which all places near a position lie."""

    min_latitude: float
    max_latitude: float
    min_longitude: float
    max_longitude: float


def from_caller(latitude: float, longitude: float, system: CoordinateSystem) -> Position:
    """Return the position that a caller means; from GCJ-02 exact to less than a centimetre."""
    match system:
        case CoordinateSystem.WGS84:
            return Position(latitude, longitude)
        case CoordinateSystem.GCJ02:
            return _without_shift(Position(latitude, longitude))


def to_gcj02(position: Position) -> Coordinates:
    """Return where a Chinese map shows the position."""
    north, east = _shift(position.latitude, position.longitude)
    return Coordinates(position.latitude + north, position.longitude + east)


def distance_meters(a: Position, b: Position) -> float:
    """Return the distance over a spherical earth (haversine), right to about 0.5 %."""
    north = math.radians(b.latitude - a.latitude)
    east = math.radians(b.longitude - a.longitude)
    parallels = math.cos(math.radians(a.latitude)) * math.cos(math.radians(b.latitude))
    chord = math.sin(north / 2) ** 2 + parallels * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_METERS * math.asin(math.sqrt(min(1.0, chord)))


def blurred(position: Position) -> Position:
    """Return the centre of the position's cell, in a fixed grid of 0.001 degree.

    A cell is 111 m high and, in China, 66 to 106 m wide. All places of a cell give the same
    centre, so repeated reports do not average out to the true place.
    """
    return Position(
        _centre_of_cell(position.latitude, limit=90),
        _centre_of_cell(position.longitude, limit=180),
    )


def bounding_box(position: Position, meters: float) -> BoundingBox:
    """Return a box that holds all places within so many metres, for a search by index.

    It reaches around the globe where it would touch a pole or cross the antimeridian: wide
    rather than wrong. Raises ValueError if the distance is negative.
    """
    if not meters >= 0:
        raise ValueError(f"a distance must not be negative: {meters}")
    north = math.degrees(meters / EARTH_RADIUS_METERS) + _BOX_MARGIN_DEGREES
    south_edge, north_edge = position.latitude - north, position.latitude + north
    if south_edge <= -90 or north_edge >= 90:  # noqa: PLR2004
        return BoundingBox(max(-90.0, south_edge), min(90.0, north_edge), -180.0, 180.0)
    # The circle's easternmost point lies nearer to the pole than its centre.
    slant = math.sin(math.radians(north)) / math.cos(math.radians(position.latitude))
    east = math.degrees(math.asin(min(1.0, slant))) + _BOX_MARGIN_DEGREES
    west_edge, east_edge = position.longitude - east, position.longitude + east
    if west_edge < -180 or east_edge > 180:  # noqa: PLR2004
        west_edge, east_edge = -180.0, 180.0
    return BoundingBox(south_edge, north_edge, west_edge, east_edge)


def _centre_of_cell(degrees: float, *, limit: int) -> float:
    # The last edge belongs to the cell below it, or its centre would be off the globe.
    cell = min(math.floor(degrees * CELLS_PER_DEGREE), limit * CELLS_PER_DEGREE - 1)
    return round((cell + 0.5) / CELLS_PER_DEGREE, 4)


def _without_shift(shown: Position) -> Position:
    """Return the place that a map shows here, by fixed-point iteration."""
    latitude, longitude = shown.latitude, shown.longitude
    for _ in range(_MOST_ROUNDS):
        north, east = _shift(latitude, longitude)
        before = latitude, longitude
        latitude, longitude = shown.latitude - north, shown.longitude - east
        if math.dist(before, (latitude, longitude)) < _CLOSE_ENOUGH_DEGREES:
            break
    return Position(latitude, longitude)


def _shift(latitude: float, longitude: float) -> tuple[float, float]:
    """Return the degrees north and east by which GCJ-02 moves a place; none abroad."""
    if not _is_shifted(latitude, longitude):
        return 0.0, 0.0
    # The polynomials give metres, as seen from 35° N 105° E.
    x, y = longitude - 105, latitude - 35
    waves = (20 * _sine(6 * x) + 20 * _sine(2 * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves
    north += (20 * _sine(y) + 40 * _sine(y / 3)) * 2 / 3
    north += (160 * _sine(y / 12) + 320 * _sine(y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves
    east += (20 * _sine(x) + 40 * _sine(x / 3)) * 2 / 3
    east += (150 * _sine(x / 12) + 300 * _sine(x / 30)) * 2 / 3
    return _as_degrees(latitude, north, east)


def _as_degrees(latitude: float, north: float, east: float) -> tuple[float, float]:
    """Turn metres into degrees on the ellipsoid."""
    flattening = 1 - _ECCENTRICITY_SQUARED * math.sin(math.radians(latitude)) ** 2
    prime_vertical = _SEMI_MAJOR_AXIS / math.sqrt(flattening)
    meridian = prime_vertical * (1 - _ECCENTRICITY_SQUARED) / flattening
    parallel = prime_vertical * math.cos(math.radians(latitude))
    return math.degrees(north / meridian), math.degrees(east / parallel)


def _is_shifted(latitude: float, longitude: float) -> bool:
    """Tell whether maps shift this place: the customary rough box around China."""
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347  # noqa: PLR2004


def _sine(half_turns: float) -> float:
    return math.sin(half_turns * math.pi)
