"""A resident's own statement."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.core.access import Actor, Permission, Require
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session
from app.ledger.models import TransferKind
from app.ledger.statement import service
from app.ledger.statement.errors import PeriodBackwards
from app.ledger.statement.schemas import (
    Day,
    Direction,
    LineFilter,
    OwnAccount,
    StatementLine,
    StatementMonths,
)

MOST_MONTHS = 36

router = APIRouter(prefix="/v1/me", tags=["ledger"])
Owner = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_OWN))]
Kinds = Annotated[list[TransferKind] | None, Query(max_length=len(TransferKind))]
From = Annotated[Day | None, Query(alias="from", description="First local day")]
To = Annotated[Day | None, Query(alias="to", description="Last local day, included")]
Months = Annotated[int, Query(ge=1, le=MOST_MONTHS, description="How many, this one included")]


def choose_lines(
    account: OwnAccount = OwnAccount.WALLET,
    kind: Kinds = None,
    direction: Direction | None = None,
    first: From = None,
    last: To = None,
) -> LineFilter:
    return LineFilter(account=account, kinds=kind, direction=direction, first=first, last=last)


Chosen = Annotated[LineFilter, Depends(choose_lines)]


@router.get("/statement", responses=problem_responses(PeriodBackwards))
async def get_statement(
    actor: Owner,
    session: Session,
    chosen: Chosen,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[StatementLine]:
    """Return the movements of my points, newest first, each with what I had afterwards."""
    return await service.get_statement(
        session, actor.community, actor.resident, chosen, cursor=cursor, size=size
    )


@router.get("/statement/months")
async def get_statement_months(
    actor: Owner,
    session: Session,
    now: Now,
    account: OwnAccount = OwnAccount.WALLET,
    months: Months = 12,
) -> StatementMonths:
    """Return what came and went in each of the last months, newest first."""
    return await service.get_months(
        session, actor.community, actor.resident, account, months=months, now=now
    )
