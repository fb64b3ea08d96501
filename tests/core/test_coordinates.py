"""Places, their shift on Chinese maps, their blur and their neighbourhood."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.coordinates import (
    Coordinates,
    CoordinateSystem,
    Position,
    blurred,
    bounding_box,
    distance_meters,
    from_caller,
    to_gcj02,
)

# The box holds all of China with a margin, so that no shift leads out of the shifted region.
in_china = st.builds(Position, st.floats(18, 54), st.floats(73.5, 135.1))
anywhere = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))


def shift_meters(position: Position) -> float:
    return distance_meters(position, Position(*to_gcj02(position)))


def stepped(position: Position, *, meters: float, bearing: float) -> Position:
    """Return the place so far away on the sphere in this direction, in radians from north."""
    angle = meters / 6_371_008.8
    latitude, longitude = math.radians(position.latitude), math.radians(position.longitude)
    height = math.sin(latitude) * math.cos(angle)
    height += math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    reached = math.asin(max(-1.0, min(1.0, height)))
    east = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(reached),
    )
    turned = (math.degrees(longitude + east) + 180) % 360 - 180
    return Position(math.degrees(reached), turned)


@pytest.mark.parametrize(
    ("latitude", "longitude", "shown_latitude", "shown_longitude"),
    [
        # Published with the open implementations coordtransform and eviltransform.
        (39.915, 116.404, 39.91640428150164, 116.41024449916938),  # Tiananmen
        (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),  # Beijing
        (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),  # Shanghai
        (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),  # Shenzhen
    ],
)
def test_a_chinese_map_shows_the_published_place(
    latitude: float, longitude: float, shown_latitude: float, shown_longitude: float
) -> None:
    shown = to_gcj02(Position(latitude, longitude))
    assert shown == pytest.approx((shown_latitude, shown_longitude), abs=1e-9)
    meant = from_caller(shown_latitude, shown_longitude, CoordinateSystem.GCJ02)
    assert distance_meters(meant, Position(latitude, longitude)) < 0.01


def test_a_station_measured_on_both_maps_agrees_to_a_metre() -> None:
    """Beijing railway station, read off a satellite picture and off a Chinese map."""
    station = from_caller(39.90245, 116.42703, CoordinateSystem.GCJ02)
    assert distance_meters(station, Position(39.90105, 116.42079)) < 2


def test_wgs84_is_taken_as_it_is() -> None:
    assert from_caller(39.9, 116.4, CoordinateSystem.WGS84) == Position(39.9, 116.4)


@given(in_china)
def test_a_place_comes_back_from_the_map(position: Position) -> None:
    shown = to_gcj02(position)
    back = from_caller(shown.latitude, shown.longitude, CoordinateSystem.GCJ02)
    assert distance_meters(position, back) < 0.01


@given(in_china)
def test_china_is_shifted_by_some_metres_but_not_a_kilometre(position: Position) -> None:
    assert 10 < shift_meters(position) < 1000


@pytest.mark.parametrize(
    "position", [Position(48.8584, 2.2945), Position(40.7, -74.0), Position(-33.9, 151.2)]
)
def test_abroad_nothing_is_shifted(position: Position) -> None:
    shown = to_gcj02(position)
    assert shown == Coordinates(position.latitude, position.longitude)
    assert from_caller(*shown, CoordinateSystem.GCJ02) == position


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(90.01, 0), (-90.01, 0), (0, 180.01), (0, -180.01), (math.nan, 0), (0, math.nan),
     (math.inf, 0), (0, -math.inf)],
)  # fmt: skip
@pytest.mark.parametrize("system", CoordinateSystem)
def test_what_is_not_on_the_globe_is_refused(
    latitude: float, longitude: float, system: CoordinateSystem
) -> None:
    with pytest.raises(ValueError, match="must be"):
        from_caller(latitude, longitude, system)


def test_distances_are_those_of_the_globe() -> None:
    beijing, shanghai = Position(39.9042, 116.4074), Position(31.2304, 121.4737)
    assert distance_meters(beijing, shanghai) == pytest.approx(1_067_300, rel=0.002)
    assert distance_meters(Position(0, 0), Position(0, 180)) == pytest.approx(math.pi * 6_371_008.8)
    assert distance_meters(Position(30, 120), Position(30.001, 120)) == pytest.approx(111.2, 0.001)


@given(anywhere, anywhere)
def test_a_distance_is_the_same_both_ways(a: Position, b: Position) -> None:
    assert distance_meters(a, b) == distance_meters(b, a)
    assert distance_meters(a, a) == 0


@given(anywhere)
def test_a_blurred_place_is_near_and_blurs_no_further(position: Position) -> None:
    centre = blurred(position)
    assert abs(centre.latitude - position.latitude) < 0.000501
    assert abs(centre.longitude - position.longitude) < 0.000501
    assert blurred(centre) == centre


def test_places_of_a_cell_are_blurred_to_one_centre() -> None:
    for latitude, longitude in [(31.2300, 121.4730), (31.23099, 121.47399)]:
        assert blurred(Position(latitude, longitude)) == Position(31.2305, 121.4735)
    assert blurred(Position(31.2310, 121.4730)) == Position(31.2315, 121.4735)


def test_the_edge_of_the_globe_is_blurred_onto_the_globe() -> None:
    assert blurred(Position(90, 180)) == Position(89.9995, 179.9995)
    assert blurred(Position(-90, -180)) == Position(-89.9995, -179.9995)


@given(anywhere, st.floats(0, 50_000), st.floats(0, 1), st.floats(0, 2 * math.pi))
def test_a_box_holds_all_places_that_near(
    position: Position, meters: float, share: float, bearing: float
) -> None:
    box = bounding_box(position, meters)
    near = stepped(position, meters=meters * share, bearing=bearing)
    assume(distance_meters(position, near) <= meters)
    assert box.min_latitude <= near.latitude <= box.max_latitude
    assert box.min_longitude <= near.longitude <= box.max_longitude


@given(in_china, st.floats(10, 50_000))
def test_a_box_is_no_larger_than_it_must_be(position: Position, meters: float) -> None:
    box = bounding_box(position, meters)
    corner = Position(box.max_latitude, box.max_longitude)
    assert distance_meters(position, corner) < 1.5 * meters


def test_a_box_near_the_antimeridian_or_a_pole_goes_around_the_globe() -> None:
    assert bounding_box(Position(10, 179.9999), 100)[2:] == (-180, 180)
    assert bounding_box(Position(89.9999, 10), 100)[1:] == (90, -180, 180)
    assert bounding_box(Position(-89.9999, 10), 100)[0] == -90


@pytest.mark.parametrize("meters", [-1.0, math.nan])
def test_a_box_of_no_size_is_refused(meters: float) -> None:
    with pytest.raises(ValueError, match="negative"):
        bounding_box(Position(0, 0), meters)
