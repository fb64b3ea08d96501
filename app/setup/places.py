"""Grids and buildings from a table, as an operator keeps it: 网格, 楼栋, one line per building.

What is there stays as it is; names are compared without their spaces, as award lists do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.lists.errors import ListEmpty, ListTooLarge, ListUnreadable
from app.contributions.lists.tables import Cell, Table, read_table
from app.setup import queries
from app.setup.people import add_buildings, add_grids

HEADINGS = {"网格": "grid", "grid": "grid", "楼栋": "building", "building": "building"}
CHINESE = {"grid": "网格", "building": "楼栋"}
LONGEST_NAME = 40


class PlacesFaulty(Exception):
    """The table cannot be used; `faults` name what is wrong and where, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class BuildingLine:
    """One building and the grid that it is in, as its line says."""

    line: int
    grid: str
    building: str


@dataclass(frozen=True, slots=True)
class AddedPlaces:
    """What was not there before, in the order of the table, and how many buildings were."""

    grids: Sequence[tuple[int, str]]
    buildings: Sequence[BuildingLine]
    known_buildings: int


@dataclass(slots=True)
class _Reading:
    """Where the two columns are, and the faults that were found so far."""

    columns: dict[str, int]
    faults: list[str] = field(default_factory=list)

    def name(self, line: int, column: str, cells: Sequence[Cell]) -> str:
        """Return the name in a column of this line, empty if it is at fault."""
        place = self.columns[column]
        cell = cells[place] if place < len(cells) else None
        if cell is None:
            return self._fault(line, f"{CHINESE[column]} ({column}) is missing")
        if not isinstance(cell, str | int):
            return self._fault(line, f"{CHINESE[column]} ({column}) is no plain text")
        name = str(cell)
        if len(name) > LONGEST_NAME or not name.isprintable():
            return self._fault(
                line, f"{CHINESE[column]} ({column}) is not one line of {LONGEST_NAME} characters"
            )
        return name

    def _fault(self, line: int, what: str) -> str:
        self.faults.append(f"line {line}: {what}")
        return ""


def read_places(content: bytes) -> list[BuildingLine]:
    """Read CSV (UTF-8 or GB18030) or XLSX; raises PlacesFaulty with every fault."""
    try:
        table = read_table(content)
    except (ListEmpty, ListTooLarge, ListUnreadable) as wrong:
        raise PlacesFaulty([_told(wrong)]) from wrong
    reading = _Reading(_columns(table))
    found = [
        BuildingLine(line, reading.name(line, "grid", cells), reading.name(line, "building", cells))
        for line, cells in table.rows
    ]
    faults = reading.faults + list(_doubles(line for line in found if line.building))
    if faults:
        raise PlacesFaulty(sorted(faults, key=_line_of))
    return found


async def add_missing_places(
    session: AsyncSession, community_id: int, lines: Sequence[BuildingLine], *, now: datetime
) -> AddedPlaces:
    """Add the grids and buildings that are not there yet; raises PlacesFaulty.

    Whoever else adds places waits until this transaction ends.
    """
    await queries.lock_community(session, community_id)
    there = await queries.list_grids(session, community_id)
    grids = {_key(grid.name): grid.grid_id for grid in there}
    known = {
        _key(building.name): building.grid_id
        for building in await queries.list_buildings(session, community_id)
    }
    _check_in_its_grid(lines, known, grids, {grid.grid_id: grid.name for grid in there})
    wanted = {_key(line.grid): line.grid for line in reversed(lines)}
    names = [wanted[key] for key in dict.fromkeys(_key(line.grid) for line in lines)]
    names = [name for name in names if _key(name) not in grids]
    numbers = await add_grids(session, community_id, names, now=now)
    grids |= {_key(name): number for name, number in zip(names, numbers, strict=True)}
    buildings = [line for line in lines if _key(line.building) not in known]
    await add_buildings(
        session, community_id, [(line.building, grids[_key(line.grid)]) for line in buildings],
        now=now,
    )  # fmt: skip
    return AddedPlaces(
        list(zip(numbers, names, strict=True)), buildings, len(lines) - len(buildings)
    )


def _told(wrong: ListEmpty | ListTooLarge | ListUnreadable) -> str:
    if isinstance(wrong, ListEmpty):
        return "There are no lines below the headings 网格, 楼栋."
    if isinstance(wrong, ListTooLarge):
        return "This is too large: a file may have 5 MB and 10000 lines."
    return "This is no table: save it as CSV in UTF-8 or GB18030, or as XLSX."


def _columns(table: Table) -> dict[str, int]:
    named = [(HEADINGS.get(text.lower()), place) for place, text in enumerate(table.headings)]
    columns = {column: place for column, place in named if column is not None}
    if len(columns) < len(CHINESE) or len(named) != len(columns):
        stated = ", ".join(table.headings) or "nothing"
        raise PlacesFaulty(
            [f"line 1: the headings are 网格, 楼栋 (or grid, building), nothing else; not {stated}"]
        )
    return columns


def _doubles(lines: Iterable[BuildingLine]) -> Iterator[str]:
    first: dict[str, int] = {}
    for line in lines:
        earlier = first.setdefault(_key(line.building), line.line)
        if earlier != line.line:
            yield f"line {line.line}: 楼栋 {line.building} stands in line {earlier} already"


def _check_in_its_grid(
    lines: Sequence[BuildingLine],
    known: dict[str, int],
    grids: dict[str, int],
    names: dict[int, str],
) -> None:
    """Refuse a building that is in another grid already: residents choose theirs by its name."""
    faults = [
        f"line {line.line}: 楼栋 {line.building} is in {names[known[_key(line.building)]]} "
        f"already, not in {line.grid}: each building has a name of its own"
        for line in lines
        if _key(line.building) in known and known[_key(line.building)] != grids.get(_key(line.grid))
    ]
    if faults:
        raise PlacesFaulty(faults)


def _key(name: str) -> str:
    return "".join(name.split())


def _line_of(fault: str) -> int:
    return int(fault.removeprefix("line ").partition(":")[0])
