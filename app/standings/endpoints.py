"""Boards and my place on them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.community import service as community
from app.core.access import Actor, Permission, Require
from app.core.calendar import Period
from app.core.pagination import DEFAULT_SIZE, Cursor, PageSize
from app.core.transactions import Now, Session
from app.standings import service
from app.standings.schemas import Board, BoardPeriod, BuildingBoard, MyPlace

router = APIRouter(tags=["standings"])
Reader = Annotated[Actor, Depends(Require(Permission.STANDINGS_READ))]
Ranked = Annotated[Actor, Depends(Require(Permission.STANDINGS_READ_OWN))]
ChosenPeriod = Annotated[BoardPeriod, Query(description="How far the board looks back")]


@router.get("/v1/boards/residents")
async def get_board(
    actor: Reader,
    session: Session,
    now: Now,
    period: ChosenPeriod = BoardPeriod.MONTH,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Board:
    """Return the residents' board, best first, names masked."""
    here = await community.get_community(session, actor.community)
    board = service.board_key(here.community_id, here.timezone, Period(period), now)
    return await service.get_board(session, board, me=actor.resident_id, cursor=cursor, size=size)


@router.get("/v1/boards/buildings")
async def get_building_board(
    actor: Reader, session: Session, now: Now, period: ChosenPeriod = BoardPeriod.MONTH
) -> BuildingBoard:
    """Return all buildings by what their residents earned together."""
    here = await community.get_community(session, actor.community)
    board = service.board_key(here.community_id, here.timezone, Period(period), now)
    return await service.get_building_board(session, board)


@router.get("/v1/me/rank")
async def get_my_rank(
    actor: Ranked, session: Session, now: Now, period: ChosenPeriod = BoardPeriod.MONTH
) -> MyPlace:
    """Return my place and the neighbours around me."""
    here = await community.get_community(session, actor.community)
    board = service.board_key(here.community_id, here.timezone, Period(period), now)
    return await service.get_my_place(session, board, actor.resident)
