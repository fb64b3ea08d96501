"""Which columns a list has, and its rows as they were written."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.contributions.lists import values
from app.contributions.lists.faults import Faults, quoted
from app.contributions.lists.tables import Cell, Line
from app.rules.models import Effort

# Our name of a column: its headings, the one we tell people first.
COLUMNS = {
    "name": ("姓名", "name"),
    "building": ("楼栋", "building"),
    "room": ("房号", "room"),
    "phone": ("手机号", "phone"),
    "serial": ("卡号", "card serial", "card"),
    "resident_id": ("居民编号", "resident_id"),
    "rule": ("规则", "rule"),
    "units": ("数量", "units"),
    "effort": ("强度", "effort"),
    "date": ("日期", "date"),
    "note": ("事由", "note"),
}
REQUIRED = ("rule", "date", "note")
WHO = ("resident_id", "serial", "phone", "name")
PLACE = "place"

_between_words = re.compile(r"[\s_]")
_HEADINGS = {
    _between_words.sub("", heading): column
    for column, headings in COLUMNS.items()
    for heading in headings
}

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it was written; what is None was left empty, or is among the faults."""

    row: int
    resident_id: int | None
    serial: str | None
    phone: str | None
    name: str | None
    building: str | None
    room: str | None
    rule: str | None
    units: int | None
    effort: Effort | None
    acted_at: datetime | None
    note: str | None

    @property
    def means(self) -> list[str]:
        """Return by what its resident is to be found."""
        named = [name for name in ("resident_id", "serial", "phone") if getattr(self, name)]
        return [*named, PLACE] if self.building and self.room else named

    @property
    def tells_who(self) -> bool:
        return bool(self.means) and (self.means != [PLACE] or self.name is not None)


class Columns:
    """The headings of a table, and the reading of its rows by them."""

    def __init__(
        self, headings: Sequence[str], faults: Faults, *, timezone: str, now: datetime
    ) -> None:
        self._headings = headings
        self._faults = faults
        self._read_moment = partial(values.read_moment, zone=ZoneInfo(timezone), now=now)
        self._places: dict[str, int] = {}
        self._read_headings(headings)
        self._are_right = not faults.count

    def heading(self, column: str) -> str:
        """Return what the file calls a column; for one it lacks, what we call it."""
        place = self._places.get(column)
        return COLUMNS[column][0] if place is None else quoted(self._headings[place])

    def read(self, lines: Iterable[Line]) -> list[Entry]:
        """Read rows; none where the headings are wrong."""
        if not self._are_right:
            return []
        return [self._read_row(number, cells) for number, cells in lines]

    def _read_headings(self, headings: Sequence[str]) -> None:
        for place, heading in enumerate(headings):
            column = _HEADINGS.get(_between_words.sub("", heading).casefold())
            if column is None:
                self._faults.add(1, quoted(heading), "column_unknown")
            elif column in self._places:
                self._faults.add(1, quoted(heading), "column_twice")
            else:
                self._places[column] = place
        for column in REQUIRED:
            if column not in self._places:
                self._faults.add(1, COLUMNS[column][0], "column_missing")
        if self._places.keys().isdisjoint(WHO):
            self._faults.add(1, "", "who_missing")

    def _read_row(self, row: int, cells: Sequence[Cell]) -> Entry:
        if len(cells) > len(self._headings):
            self._faults.add(row, "", "too_many_cells")

        def read(column: str, form: Callable[[Cell], Value]) -> Value | None:
            cell = self._cell(column, cells)
            if cell is None:
                if column in REQUIRED:
                    self._faults.add(row, self.heading(column), "missing")
                return None
            try:
                return form(cell)
            except values.Unfit as unfit:
                self._faults.add(row, self.heading(column), unfit.code, **unfit.details)
                return None

        return Entry(
            row=row,
            resident_id=read("resident_id", values.read_resident_id),
            serial=read("serial", values.read_serial),
            phone=read("phone", values.read_phone),
            name=read("name", values.read_text),
            building=read("building", values.read_text),
            room=read("room", values.read_text),
            rule=read("rule", values.read_text),
            units=1 if self._cell("units", cells) is None else read("units", values.read_units),
            effort=read("effort", values.read_effort),
            acted_at=read("date", self._read_moment),
            note=read("note", values.read_note),
        )

    def _cell(self, column: str, cells: Sequence[Cell]) -> Cell:
        place = self._places.get(column)
        return None if place is None or place >= len(cells) else cells[place]
