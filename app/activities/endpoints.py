"""Activities, codes and check-ins."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.activities import codes, service
from app.activities.check_ins import CheckInDesk
from app.activities.errors import (
    ActivityIsCancelled,
    ActivityNotFound,
    ActivityTimesWrong,
    CheckInClosed,
    CheckInNotOpen,
    NoDailyCheckIn,
    NotYourActivity,
)
from app.activities.models import Activity
from app.activities.schemas import (
    ActivityCreate,
    ActivityRead,
    CheckInRead,
    CodeForm,
    CodeRead,
    CodeRevoked,
    ScanActivity,
    ScanResident,
)
from app.community.errors import ResidentNotFound
from app.contributions.errors import RuleChanged
from app.core import code_errors
from app.core.access import Actor, Permission, Require
from app.core.callers import Caller, RequireRemembered
from app.core.dependencies import CurrentSettings, Keys
from app.core.ids import Id
from app.core.lean import lean
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.pictures import PICTURE_RESPONSES, Suffix, code_picture
from app.core.transactions import Now, Session
from app.rules.errors import (
    EffortMissing,
    OtherMode,
    RuleNotFound,
    RuleOfOtherDirection,
    TooManyUnits,
)

router = APIRouter(tags=["activities"])
Reader = Annotated[Actor, Depends(Require(Permission.ACTIVITIES_READ))]
Manager = Annotated[Actor, Depends(Require(Permission.ACTIVITIES_MANAGE))]
Scanner = Annotated[Actor, Depends(Require(Permission.ACTIVITIES_SCAN))]
Member = Annotated[Actor, Depends(Require(Permission.ACTIVITIES_CHECK_IN))]
# Those who check in are compared again when their check-in is posted.
Attendee = Annotated[Caller, Depends(RequireRemembered(Permission.ACTIVITIES_CHECK_IN))]
ScanningStaff = Annotated[Caller, Depends(RequireRemembered(Permission.ACTIVITIES_SCAN))]
ChosenForm = Annotated[CodeForm, Query(description="A poster to print, or a code for a screen")]

checked_in_before: dict[int | str, dict[str, Any]] = {
    200: {"model": CheckInRead, "description": "Checked in before; nothing was added now"}
}
scan_refusals = problem_responses(
    code_errors.CodeUnreadable, code_errors.CodeForged, code_errors.CodeExpired,
    code_errors.CodeRevoked, code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind,
    ActivityNotFound, ActivityIsCancelled, CheckInNotOpen, CheckInClosed, NotYourActivity,
    ResidentNotFound, RuleChanged,
)  # fmt: skip


@router.get("/v1/activities")
async def list_activities(
    actor: Reader,
    session: Session,
    now: Now,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ActivityRead]:
    """Return activities that are on or coming."""
    return await service.list_activities(session, actor, cursor=cursor, size=size, now=now)


@router.get(
    "/v1/activities/{activity_id}",
    response_model=ActivityRead,
    responses=problem_responses(ActivityNotFound),
)
async def get_activity(activity_id: Id, actor: Reader, session: Session) -> Activity:
    """Return one activity."""
    return await service.get_activity(session, actor, activity_id)


@router.post(
    "/v1/staff/activities",
    status_code=201,
    response_model=ActivityRead,
    responses=problem_responses(
        ActivityTimesWrong,
        NotYourActivity,
        RuleNotFound,
        RuleOfOtherDirection,
        TooManyUnits,
        OtherMode,
        EffortMissing,
    ),
)
async def create_activity(
    body: ActivityCreate, actor: Manager, session: Session, now: Now
) -> Activity:
    """Announce an activity; a check-in earns by the rule named."""
    return await service.create_activity(session, actor, body, now=now)


@router.post(
    "/v1/staff/activities/{activity_id}/cancel",
    response_model=ActivityRead,
    responses=problem_responses(ActivityNotFound, NotYourActivity),
)
async def cancel_activity(activity_id: Id, actor: Manager, session: Session) -> Activity:
    """Call an activity off; points already earned stay."""
    return await service.cancel_activity(session, actor, activity_id)


@router.get(
    "/v1/staff/activities/{activity_id}/code",
    responses=problem_responses(ActivityNotFound, NotYourActivity),
)
async def get_activity_code(
    activity_id: Id,
    actor: Scanner,
    session: Session,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
    form: ChosenForm = CodeForm.POSTER,
) -> CodeRead:
    """Return the code that residents scan: a poster, or one that changes on the screen."""
    activity = await service.get_run_activity(session, actor, activity_id)
    code = await codes.issue_activity_code(session, activity, form, now=now)
    return codes.describe_code(code, keys, base_url=settings.public_base_url, now=now)


@router.get(
    "/v1/staff/activities/{activity_id}/code.{suffix}",
    response_class=Response,
    responses=PICTURE_RESPONSES | problem_responses(ActivityNotFound, NotYourActivity),
)
async def draw_activity_code(
    activity_id: Id,
    suffix: Suffix,
    actor: Scanner,
    session: Session,
    keys: Keys,
    settings: CurrentSettings,
    now: Now,
    form: ChosenForm = CodeForm.POSTER,
) -> Response:
    """Return the code as a picture, to print or to show."""
    activity = await service.get_run_activity(session, actor, activity_id)
    code = await codes.issue_activity_code(session, activity, form, now=now)
    read = codes.describe_code(code, keys, base_url=settings.public_base_url, now=now)
    return await code_picture(read.link, suffix)


@router.post(
    "/v1/staff/activities/{activity_id}/revoke-code",
    responses=problem_responses(
        ActivityNotFound, NotYourActivity, code_errors.CodeUnreadable, code_errors.CodeForged,
        code_errors.CodeOfOtherCommunity, code_errors.CodeOfOtherKind, code_errors.CodeExpired,
    ),
)  # fmt: skip
async def revoke_activity_code(
    activity_id: Id, body: ScanActivity, actor: Scanner, session: Session, keys: Keys, now: Now
) -> CodeRevoked:
    """Refuse a code from now on, for instance a poster that was passed around as a photo."""
    await service.get_run_activity(session, actor, activity_id)
    await codes.revoke_scanned(session, actor, activity_id, body.code, keys=keys, now=now)
    return CodeRevoked(revoked=True)


async def get_desk(request: Request) -> CheckInDesk:
    desk: CheckInDesk = request.app.state.check_ins
    return desk


Desk = Annotated[CheckInDesk, Depends(get_desk)]


@router.post(
    "/v1/me/check-ins",
    status_code=201,
    response_model=CheckInRead,
    responses=checked_in_before | scan_refusals,
)
@lean
async def check_in(body: ScanActivity, caller: Attendee, desk: Desk, now: Now) -> Response:
    """Check in by scanning the activity's code; scanning again changes nothing."""
    return _answer(await desk.check_in_by_scan(caller, body.code, now=now))


@router.post(
    "/v1/staff/check-ins",
    status_code=201,
    response_model=CheckInRead,
    responses=checked_in_before | scan_refusals,
)
@lean
async def check_in_resident(
    body: ScanResident, caller: ScanningStaff, desk: Desk, now: Now
) -> Response:
    """Check a resident in by scanning their personal code."""
    done = await desk.check_in_scanned_resident(caller, body.activity_id, body.code, now=now)
    return _answer(done)


@router.post(
    "/v1/me/daily-check-in",
    status_code=201,
    response_model=CheckInRead,
    responses=checked_in_before | problem_responses(NoDailyCheckIn, RuleChanged),
)
@lean
async def check_in_for_the_day(caller: Attendee, desk: Desk, now: Now) -> Response:
    """Check in for today; asking again changes nothing."""
    return _answer(await desk.check_in_for_the_day(caller, now=now))


def _answer(done: CheckInRead) -> Response:
    status = HTTPStatus.CREATED if done.is_new else HTTPStatus.OK
    return Response(done.model_dump_json(), status, media_type="application/json")


@router.get("/v1/me/code")
async def get_my_code(actor: Member, keys: Keys, settings: CurrentSettings, now: Now) -> CodeRead:
    """Return my personal code, to be scanned by a worker within two minutes."""
    code = codes.issue_personal_code(actor, now=now)
    return codes.describe_code(code, keys, base_url=settings.public_base_url, now=now)


@router.get(
    "/v1/me/code.{suffix}",
    response_class=Response,
    responses=PICTURE_RESPONSES,
)
async def draw_my_code(
    suffix: Suffix, actor: Member, keys: Keys, settings: CurrentSettings, now: Now
) -> Response:
    """Return my personal code as a picture."""
    code = codes.issue_personal_code(actor, now=now)
    read = codes.describe_code(code, keys, base_url=settings.public_base_url, now=now)
    return await code_picture(read.link, suffix)
