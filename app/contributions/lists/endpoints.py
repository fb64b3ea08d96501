"""/v1/staff/award-lists: thousands of awards from one file, by two people; their public lines."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from app.contributions.claims.public_lists.schemas import AwardLine
from app.contributions.lists import service, taking
from app.contributions.lists.errors import (
    AwardListDecided,
    AwardListKnown,
    AwardListNotFound,
    ListEmpty,
    ListFileMissing,
    ListHasErrors,
    ListTooLarge,
    ListUnreadable,
    NotTheListsProposer,
    OwnAwardRow,
)
from app.contributions.lists.models import ListState
from app.contributions.lists.schemas import (
    AwardListCheck,
    AwardListRead,
    AwardListRefusal,
    AwardListRowRead,
)
from app.contributions.lists.tables import MAX_BYTES
from app.core.access import Actor, Permission, Require, public
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.problem_handlers import BodyTooLarge, language_of
from app.core.rate_limits import TooManyAttempts
from app.core.transactions import Now, Session
from app.ledger.errors import CheckerIsMaker
from app.notices.errors import NoticeNotFound

router = APIRouter(tags=["contributions"])
LISTS = "/v1/staff/award-lists"
Poster = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_POST))]
Checker = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_CHECK))]
Reader = Annotated[Actor, Depends(Require(Permission.NOTICES_READ))]
Chosen = Annotated[ListState | None, Query(description="In which state; all, if left out")]
DryRun = Annotated[bool, Query(description="Only tell what is in the file; store nothing")]
SHORTEST_TITLE, LONGEST_TITLE = 2, 100
LIST_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "title"],
                "properties": {
                    "file": {
                        "type": "string",
                        "contentMediaType": "application/octet-stream",
                        "description": "XLSX, or CSV in UTF-8 or GB18030. Columns in any order: "
                        "居民编号, 卡号, 手机号, or 楼栋 with 房号 and 姓名; "
                        "规则, 日期, 事由; if need be 数量 and 强度",
                    },
                    "title": {
                        "type": "string",
                        "minLength": SHORTEST_TITLE,
                        "maxLength": LONGEST_TITLE,
                        "examples": ["十一月志愿服务"],
                    },
                },
            }
        }
    },
}
CHECKED: dict[int | str, dict[str, Any]] = {
    200: {"model": AwardListCheck, "description": "What is in the file; nothing was stored"}
}


async def receive_list(request: Request) -> taking.SentList:
    """Return what the form holds; its file lies on the disk until it is read."""
    async with request.form(max_files=1, max_fields=10) as form:
        file, title = form.get("file"), form.get("title")
        if not isinstance(file, UploadFile) or not isinstance(title, str):
            raise ListFileMissing
        title = title.strip()
        if not SHORTEST_TITLE <= len(title) <= LONGEST_TITLE:
            raise ListFileMissing
        # One byte more than allowed at the most: enough to be refused.
        return taking.SentList(title, await file.read(MAX_BYTES + 1))


@router.post(
    LISTS,
    status_code=201,
    openapi_extra={"requestBody": LIST_FORM},
    response_model=AwardListRead,
    responses=CHECKED
    | problem_responses(
        ListFileMissing, ListTooLarge, ListUnreadable, ListEmpty, ListHasErrors, AwardListKnown,
        TooManyAttempts, BodyTooLarge,
    ),
)  # fmt: skip
async def propose_award_list(
    request: Request,
    actor: Poster,
    session: Session,
    vault: CurrentVault,
    now: Now,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter has a name
) -> AwardListRead | JSONResponse:
    """Send a list; taken whole, or refused with all that is wrong in it, row by row."""
    aside = request.app.state.sessionmaker
    language = language_of(request.headers.get("accept-language"))
    # The form is read here and not by FastAPI, which would take in 5 MB of anybody's first.
    await taking.admit_list(session, actor, aside=aside, now=now)
    sent = await receive_list(request)
    if dry_run:
        checked = await taking.check_list(actor, sent.content, aside=aside, vault=vault, now=now)
        return JSONResponse(checked.told_in(language).model_dump(mode="json"))
    award_list_id = await taking.store_list(
        actor, sent, aside=aside, vault=vault, language=language, now=now
    )
    async with aside() as reading:
        return await service.get_list(reading, actor, award_list_id)


@router.get(LISTS)
async def list_award_lists(
    actor: Checker,
    session: Session,
    state: Chosen = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardListRead]:
    """Return lists and what became of them, newest first."""
    return await service.list_lists(session, actor, state=state, cursor=cursor, size=size)


@router.get(f"{LISTS}/{{award_list_id}}", responses=problem_responses(AwardListNotFound))
async def get_award_list(award_list_id: Id, actor: Checker, session: Session) -> AwardListRead:
    """Return a list."""
    return await service.get_list(session, actor, award_list_id)


@router.get(f"{LISTS}/{{award_list_id}}/rows", responses=problem_responses(AwardListNotFound))
async def list_award_list_rows(
    award_list_id: Id,
    actor: Checker,
    session: Session,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardListRowRead]:
    """Return the rows of a list in the file's order, and what each gave."""
    return await service.list_rows(session, actor, award_list_id, cursor=cursor, size=size)


@router.post(
    f"{LISTS}/{{award_list_id}}/approval",
    responses=problem_responses(AwardListNotFound, AwardListDecided, CheckerIsMaker, OwnAwardRow),
)
async def approve_award_list(
    award_list_id: Id, actor: Checker, session: Session, now: Now
) -> AwardListRead:
    """Approve what somebody else has proposed; pressed again, the answer is the same."""
    return await service.approve_list(session, actor, award_list_id, now=now)


@router.post(
    f"{LISTS}/{{award_list_id}}/refusal",
    responses=problem_responses(AwardListNotFound, AwardListDecided, CheckerIsMaker),
)
async def refuse_award_list(
    award_list_id: Id, body: AwardListRefusal, actor: Checker, session: Session, now: Now
) -> AwardListRead:
    """Turn down what somebody else has proposed, with a reason; it can be proposed anew."""
    return await service.refuse_list(session, actor, award_list_id, reason=body.reason, now=now)


@router.post(
    f"{LISTS}/{{award_list_id}}/withdrawal",
    responses=problem_responses(AwardListNotFound, AwardListDecided, NotTheListsProposer),
)
async def withdraw_award_list(
    award_list_id: Id, actor: Poster, session: Session, now: Now
) -> AwardListRead:
    """Take my own list back before somebody decides it, or while it is on public notice."""
    return await service.withdraw_list(session, actor, award_list_id, now=now)


@router.get(
    "/v1/notices/{notice_id}/award-list-rows",
    tags=["notices"],
    responses=problem_responses(NoticeNotFound),
)
async def list_notice_award_rows(
    notice_id: Id,
    actor: Reader,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardLine]:
    """Return the lines of the award list on a notice; an objection names one by `line_id`."""
    return await service.list_public_lines(
        session, actor.community, notice_id, cursor=cursor, size=size, now=now
    )


@router.get(
    "/v1/public/communities/{community_id}/notices/{notice_id}/award-list-rows",
    tags=["notices"],
    dependencies=[Depends(public)],
    responses=problem_responses(NoticeNotFound),
)
async def list_public_notice_award_rows(
    community_id: Id,
    notice_id: Id,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[AwardLine]:
    """Return the lines of the award list on a notice."""
    return await service.list_public_lines(
        session, community_id, notice_id, cursor=cursor, size=size, now=now
    )
