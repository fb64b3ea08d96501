"""/v1/me: a copy of my data, and the end of my account; what is kept for how long."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.community.errors import CommunityNotFound
from app.core.access import Actor, Permission, Require, public
from app.core.dependencies import CurrentSettings
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.rate_limits import TooManyAttempts
from app.core.transactions import Now, Session
from app.media.errors import PhotoStoreUnavailable
from app.privacy import retention
from app.privacy.closing import service as closing
from app.privacy.errors import (
    ClosureDue,
    ClosureNotFound,
    DataExportDestroyed,
    DataExportNotFound,
    DataExportWaiting,
)
from app.privacy.exports import service as exports
from app.privacy.models import Closure, DataExport
from app.privacy.schemas import ClosureRead, DataExportRead, RetentionTable

router = APIRouter(tags=["privacy"])
Owner = Annotated[Actor, Depends(Require(Permission.PRIVACY_OWN))]
ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}}}


@router.post(
    "/v1/me/data-exports",
    status_code=201,
    response_model=DataExportRead,
    responses=problem_responses(DataExportWaiting, TooManyAttempts),
)
async def ask_for_data_export(
    request: Request, actor: Owner, session: Session, now: Now
) -> DataExport:
    """Ask for a copy of everything held on me, once a day; a message tells when it is ready."""
    return await exports.ask_for_export(
        session, actor, aside=request.app.state.sessionmaker, now=now
    )


@router.get("/v1/me/data-exports")
async def list_data_exports(
    actor: Owner, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[DataExportRead]:
    """Return my copies, newest first."""
    return await exports.list_exports(session, actor, cursor=cursor, size=size)


@router.get(
    "/v1/me/data-exports/{data_export_id}/file",
    response_class=Response,
    responses=ZIP
    | problem_responses(
        DataExportNotFound, DataExportWaiting, DataExportDestroyed, PhotoStoreUnavailable
    ),
)
async def get_data_export_file(
    data_export_id: Id, request: Request, actor: Owner, session: Session, now: Now
) -> Response:
    """Return the ZIP of a copy: data.json, README.txt, statement.csv and my photos."""
    state = request.app.state
    content = await exports.read_file(
        session, actor, data_export_id,
        store=state.photo_keeper.store, master_key=state.master_key, now=now,
    )  # fmt: skip
    headers = {
        "Content-Disposition": f'attachment; filename="gridpoints-{data_export_id}.zip"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="application/zip", headers=headers)


@router.post("/v1/me/closure", status_code=201, response_model=ClosureRead)
async def ask_for_closure(actor: Owner, session: Session, now: Now) -> Closure:
    """Ask for my account here to be closed in seven days; asked again, it is the same closure.

    Then my name, phone and messages are deleted, unused vouchers cancelled and points lapse.
    """
    return await closing.ask_for_closure(session, actor, now=now)


@router.get(
    "/v1/me/closure", response_model=ClosureRead, responses=problem_responses(ClosureNotFound)
)
async def get_closure(actor: Owner, session: Session) -> Closure:
    """Return the closure I asked for, with its date."""
    return await closing.get_closure(session, actor)


@router.delete(
    "/v1/me/closure",
    response_model=ClosureRead,
    responses=problem_responses(ClosureNotFound, ClosureDue),
)
async def cancel_closure(actor: Owner, session: Session, now: Now) -> Closure:
    """Keep my account after all."""
    return await closing.cancel_closure(session, actor, now=now)


@router.get(
    "/v1/public/communities/{community_id}/retention",
    dependencies=[Depends(public)],
    responses=problem_responses(CommunityNotFound),
)
async def get_retention(
    community_id: Id, session: Session, settings: CurrentSettings
) -> RetentionTable:
    """Return what is kept for how long, and why."""
    return await retention.describe_retention(session, community_id, settings)
