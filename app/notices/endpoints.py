"""Public notices, and what residents say to them."""

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
from app.notices import remarks, service
from app.notices.errors import (
    CommentNotJudged,
    JudgementMissing,
    NoticeClosed,
    NoticeHasNoLines,
    NoticeNotFound,
    NoticeWithdrawn,
    OwnAward,
    OwnRemark,
    RemarkAnswered,
    RemarkNotFound,
    TooManyRemarks,
)
from app.notices.schemas import (
    AnswerCreate,
    NoticeRead,
    ObjectionRead,
    ObjectionState,
    RemarkCreate,
    RemarkRead,
)

router = APIRouter(tags=["notices"])
Reader = Annotated[Actor, Depends(Require(Permission.NOTICES_READ))]
Remarker = Annotated[Actor, Depends(Require(Permission.NOTICES_REMARK))]
Answerer = Annotated[Actor, Depends(Require(Permission.NOTICES_ANSWER))]
Chosen = Annotated[ObjectionState, Query(description="Which objections")]
PUBLIC = "/v1/public/communities/{community_id}/notices"


@router.get("/v1/notices")
async def list_notices(
    actor: Reader,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[NoticeRead]:
    """Return the community's public notices, open ones first."""
    return await service.list_notices(session, actor.community, cursor=cursor, size=size, now=now)


@router.get("/v1/notices/{notice_id}", responses=problem_responses(NoticeNotFound))
async def get_notice(notice_id: Id, actor: Reader, session: Session, now: Now) -> NoticeRead:
    """Return a public notice, and how much was said to it."""
    return await service.get_notice(session, actor.community, notice_id, now=now)


@router.get("/v1/notices/{notice_id}/remarks", responses=problem_responses(NoticeNotFound))
async def list_remarks(
    notice_id: Id,
    actor: Reader,
    session: Session,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[RemarkRead]:
    """Return what was said to a notice and answered, oldest first."""
    return await remarks.list_remarks(session, actor, notice_id, cursor=cursor, size=size)


@router.post(
    "/v1/notices/{notice_id}/remarks",
    status_code=201,
    response_model=RemarkRead,
    responses=problem_responses(
        NoticeNotFound, NoticeClosed, NoticeWithdrawn, NoticeHasNoLines, TooManyRemarks,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def write_remark(
    notice_id: Id, body: RemarkCreate, actor: Remarker, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Comment on an open notice, or object to it; an objection must be answered."""
    return await once.run(
        session, actor, now,
        lambda: remarks.write_remark(session, actor, notice_id, body, now=now),
    )  # fmt: skip


@router.get("/v1/staff/notices/remarks")
async def list_objections(
    actor: Answerer,
    session: Session,
    state: Chosen = ObjectionState.UNANSWERED,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ObjectionRead]:
    """Return the objections that wait for an answer, oldest first."""
    return await remarks.list_objections(session, actor, state=state, cursor=cursor, size=size)


@router.post(
    "/v1/staff/notices/{notice_id}/remarks/{remark_id}/answer",
    responses=problem_responses(
        RemarkNotFound, RemarkAnswered, OwnRemark, OwnAward, JudgementMissing, CommentNotJudged
    ),
)
async def answer_remark(
    notice_id: Id, remark_id: Id, body: AnswerCreate, actor: Answerer, session: Session, now: Now
) -> RemarkRead:
    """Answer a comment, or uphold or dismiss an objection, also when the notice is over."""
    return await remarks.answer_remark(session, actor, notice_id, remark_id, body, now=now)


@router.get(PUBLIC, dependencies=[Depends(public)])
async def list_public_notices(
    community_id: Id,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[NoticeRead]:
    """Return a community's public notices as anybody may see them, open ones first."""
    return await service.list_notices(session, community_id, cursor=cursor, size=size, now=now)


@router.get(
    f"{PUBLIC}/{{notice_id}}",
    dependencies=[Depends(public)],
    responses=problem_responses(NoticeNotFound),
)
async def get_public_notice(
    community_id: Id, notice_id: Id, session: Session, now: Now
) -> NoticeRead:
    """Return a public notice as anybody may see it."""
    return await service.get_notice(session, community_id, notice_id, now=now)
