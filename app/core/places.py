"""Places as callers send them and as maps show them; inside they are WGS-84."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.core.coordinates import CoordinateSystem, Position, from_caller, to_gcj02
from app.core.schemas import Input

SHOWN_DIGITS = 6  # ten centimetres


class PlaceInput(Input):
    """A point on the map, in the caller's own system (phones in China speak GCJ-02)."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02


class Place(BaseModel):
    """A point for a map that shows GCJ-02."""

    latitude: float
    longitude: float
    coordinate_system: CoordinateSystem = CoordinateSystem.GCJ02


def position_of(place: PlaceInput) -> Position:
    """Return a caller's point in WGS-84."""
    return from_caller(place.latitude, place.longitude, place.coordinate_system)


def on_map(position: Position) -> Place:
    """Return where a Chinese map shows the position."""
    shown = to_gcj02(position)
    return Place(
        latitude=round(shown.latitude, SHOWN_DIGITS),
        longitude=round(shown.longitude, SHOWN_DIGITS),
    )
