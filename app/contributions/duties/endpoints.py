"""/v1/staff/duties: who holds which standing duty."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from app.community.errors import GridNotFound, ResidentNotFound
from app.contributions.duties import service
from app.contributions.duties.errors import (
    DutyEnded,
    DutyEndsBeforeStart,
    DutyInThePast,
    DutyNotFound,
    OwnDuty,
    RuleNotMonthly,
)
from app.contributions.duties.schemas import (
    DutiesAssigned,
    DutyAssign,
    DutyEnd,
    DutyRead,
    RuleCode,
)
from app.core.access import Actor, Permission, Require
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session
from app.rules.errors import RuleNotFound

router = APIRouter(prefix="/v1/staff/duties", tags=["contributions"])
Assigner = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_ASSIGN_DUTIES))]
OfRule = Annotated[RuleCode | None, Query(description="Of which rule; all, if left out")]


@router.post(
    "",
    status_code=201,
    response_model=DutiesAssigned,
    responses=problem_responses(
        RuleNotFound, RuleNotMonthly, DutyInThePast, GridNotFound, ResidentNotFound, OwnDuty,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def assign_duties(
    body: DutyAssign, actor: Assigner, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Let residents hold a duty from a day on; each month it was held then gives points."""
    return await once.run(
        session, actor, now, lambda: service.assign_duties(session, actor, body, now=now)
    )


@router.get("")
async def list_duties(
    actor: Assigner,
    session: Session,
    rule_code: OfRule = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[DutyRead]:
    """Return duties, ended ones too, in the order in which they were assigned."""
    return await service.list_duties(session, actor, rule_code=rule_code, cursor=cursor, size=size)


@router.post(
    "/{duty_id}/end", responses=problem_responses(DutyNotFound, DutyEnded, DutyEndsBeforeStart)
)
async def end_duty(
    duty_id: Id, body: DutyEnd, actor: Assigner, session: Session, now: Now
) -> DutyRead:
    """Say on which day a duty is held for the last time."""
    return await service.end_duty(session, actor, duty_id, body, now=now)
