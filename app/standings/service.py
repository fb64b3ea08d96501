"""Boards and places."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.calendar import Period, day_in, period_start
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import cut_page, read_cursor
from app.standings import queries
from app.standings.queries import BoardKey
from app.standings.schemas import (
    Board,
    BoardLine,
    BuildingBoard,
    BuildingLine,
    MyPlace,
    Place,
)


def board_key(community_id: int, timezone: str, period: Period, now: datetime) -> BoardKey:
    """Return the board of the period that is running now."""
    return BoardKey(community_id, period, period_start(period, day_in(timezone, now)))


async def get_board(
    session: AsyncSession,
    board: BoardKey,
    *,
    me: int | None,
    cursor: str | None,
    size: int,
) -> Board:
    """Return a page of the residents' board, best first."""
    score, resident_id = read_cursor(cursor, 2) or (MAX_ID, MAX_ID)
    rows = await queries.list_below(
        session, board, score=score, resident_id=resident_id, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row.score, row.resident_id))
    return Board(
        period=board["period"],
        starts_on=board["starts_on"],
        items=[_line_of(row, me) for row in items],
        next_cursor=next_cursor,
    )


async def get_building_board(session: AsyncSession, board: BoardKey) -> BuildingBoard:
    """Return all buildings; a building without points stands last."""
    lines: list[BuildingLine] = []
    for position, row in enumerate(await queries.list_buildings(session, board), start=1):
        is_tied = bool(lines) and lines[-1].points == row.score
        rank = lines[-1].rank if is_tied else position
        line = BuildingLine(
            rank=rank,
            building_id=row.building_id,
            name=row.name,
            points=row.score,
            active_residents=row.active_residents,
        )
        lines.append(line)
    return BuildingBoard(period=board["period"], starts_on=board["starts_on"], items=lines)


async def get_place(session: AsyncSession, board: BoardKey, resident_id: int) -> Place:
    """Return points and rank of a resident."""
    row = await queries.get_place(session, board, resident_id)
    return Place(
        period=board["period"], starts_on=board["starts_on"], points=row.score, rank=row.rank
    )


async def get_my_place(session: AsyncSession, board: BoardKey, resident_id: int) -> MyPlace:
    """Return a resident's place with two neighbours on each side."""
    rows = await queries.list_around(session, board, resident_id)
    [mine] = [row for row in rows if row.side == 0]
    return MyPlace(
        period=board["period"],
        starts_on=board["starts_on"],
        points=mine.score,
        rank=mine.rank,
        ahead=[_line_of(row, me=None) for row in rows if row.side > 0],
        behind=[_line_of(row, me=None) for row in rows if row.side < 0],
        points_to_next=None if mine.next_score is None else mine.next_score - mine.score,
    )


def _line_of(row: Record, me: int | None) -> BoardLine:
    return BoardLine(
        rank=row.rank,
        resident_id=row.resident_id,
        masked_name=row.masked_name,
        building_name=row.building_name,
        points=row.score,
        is_me=row.resident_id == me,
    )
