"""Changes of rules: /v1/rule-changes to read, /v1/staff/rule-changes to propose and decide."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from app.core.access import Actor, Permission, Require, public
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
from app.rules.changes import reading, service
from app.rules.changes.errors import (
    DeciderIsProposer,
    EffectiveTooEarly,
    NothingChanges,
    NoticeStillOpen,
    NoticeTooShort,
    NotYourRuleChange,
    ObjectionsUnanswered,
    ObjectionUpheld,
    RuleCategoryNotFound,
    RuleChangeDecided,
    RuleChangedMeanwhile,
    RuleChangeNotFound,
    RuleChangePending,
    RuleNamedTwice,
)
from app.rules.changes.schemas import (
    Adoption,
    Rejection,
    RuleChangeCreate,
    RuleChangeRead,
    RuleChangeSummary,
)
from app.rules.errors import RuleCodeTaken, RuleNotFound
from app.rules.models import ChangeState

router = APIRouter(tags=["rules"])
Reader = Annotated[Actor, Depends(Require(Permission.RULES_READ))]
Proposer = Annotated[Actor, Depends(Require(Permission.RULES_PROPOSE))]
Decider = Annotated[Actor, Depends(Require(Permission.RULES_DECIDE))]
Chosen = Annotated[ChangeState | None, Query(description="In which state; all, if left out")]
Under = Annotated[Id | None, Query(description="Under which public notice")]
STAFF = "/v1/staff/rule-changes"
PUBLIC = "/v1/public/communities/{community_id}/rule-changes"
deciding = (
    RuleChangeNotFound, RuleChangeDecided, DeciderIsProposer, NoticeStillOpen,
    ObjectionsUnanswered,
)  # fmt: skip


@router.get("/v1/rule-changes")
async def list_rule_changes(
    actor: Reader,
    session: Session,
    state: Chosen = None,
    notice_id: Under = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[RuleChangeSummary]:
    """Return what was proposed to change in the rules, newest first."""
    return await reading.list_changes(
        session, actor.community, actor=actor, state=state, notice_id=notice_id, cursor=cursor,
        size=size,
    )  # fmt: skip


@router.get("/v1/rule-changes/{change_id}", responses=problem_responses(RuleChangeNotFound))
async def get_rule_change(change_id: Id, actor: Reader, session: Session) -> RuleChangeRead:
    """Return a change of rules: before and after, field by field and in words."""
    return await reading.get_change(session, actor.community, change_id, actor=actor)


@router.get(PUBLIC, dependencies=[Depends(public)])
async def list_public_rule_changes(
    community_id: Id,
    session: Session,
    state: Chosen = None,
    notice_id: Under = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[RuleChangeSummary]:
    """Return what was proposed to change in the rules as anybody may see it, newest first."""
    return await reading.list_changes(
        session, community_id, actor=None, state=state, notice_id=notice_id, cursor=cursor,
        size=size,
    )  # fmt: skip


@router.get(
    f"{PUBLIC}/{{change_id}}",
    dependencies=[Depends(public)],
    responses=problem_responses(RuleChangeNotFound),
)
async def get_public_rule_change(
    community_id: Id, change_id: Id, session: Session
) -> RuleChangeRead:
    """Return a change of rules as anybody may see it."""
    return await reading.get_change(session, community_id, change_id, actor=None)


@router.post(
    STAFF,
    status_code=201,
    response_model=RuleChangeRead,
    responses=problem_responses(
        NoticeTooShort, EffectiveTooEarly, RuleNamedTwice, RuleChangePending, RuleCategoryNotFound,
        RuleCodeTaken, RuleNotFound, NothingChanges,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def propose_rule_change(
    body: RuleChangeCreate, actor: Proposer, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Propose to make, change or end rules, or to change the procedure; put it to public notice."""

    async def work() -> RuleChangeRead:
        return await service.propose(
            session, actor, title=body.title, reason=body.reason, changes=body.changes,
            effective_on=body.effective_on, notice_days=body.notice_days, now=now,
        )  # fmt: skip

    return await once.run(session, actor, now, work)


@router.post(
    f"{STAFF}/{{change_id}}/adoption",
    responses=problem_responses(
        *deciding, ObjectionUpheld, EffectiveTooEarly, RuleChangedMeanwhile
    ),
)
async def adopt_rule_change(
    change_id: Id, body: Adoption, actor: Decider, session: Session, now: Now
) -> RuleChangeRead:
    """Adopt what somebody else has proposed; pressed again, the answer is the same."""
    return await service.adopt(session, actor, change_id, effective_on=body.effective_on, now=now)


@router.post(f"{STAFF}/{{change_id}}/rejection", responses=problem_responses(*deciding))
async def reject_rule_change(
    change_id: Id, body: Rejection, actor: Decider, session: Session, now: Now
) -> RuleChangeRead:
    """Turn down what somebody else has proposed, with a reason that everybody reads."""
    return await service.reject(session, actor, change_id, reason=body.reason, now=now)


@router.post(
    f"{STAFF}/{{change_id}}/withdrawal",
    responses=problem_responses(RuleChangeNotFound, RuleChangeDecided, NotYourRuleChange),
)
async def withdraw_rule_change(
    change_id: Id, actor: Proposer, session: Session, now: Now
) -> RuleChangeRead:
    """Take my own proposal back, with its notice."""
    return await service.withdraw(session, actor, change_id, now=now)
