"""/v1/photos: sending and showing photos; /v1/staff: deciding what others may see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from app.core.access import Actor, Permission, Require, public
from app.core.dependencies import CurrentSettings
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.problem_handlers import BodyTooLarge
from app.core.rate_limits import TooManyAttempts
from app.core.transactions import Now, Session
from app.identity.consents.errors import ConsentRequired
from app.media import moderation, redaction, service
from app.media.addresses import PhotoLinks
from app.media.check_errors import (
    ContentCheckDecided,
    ContentCheckNotFound,
    OriginalDestroyed,
    OwnContent,
    PhotoChanged,
    PhotoStillUsed,
)
from app.media.errors import (
    PhotoAnimated,
    PhotoFormatRefused,
    PhotoHasTooManyPixels,
    PhotoIsHeic,
    PhotoLinkExpired,
    PhotoLinkInvalid,
    PhotoMissing,
    PhotoNotFound,
    PhotoStoreUnavailable,
    PhotoTooLarge,
    PhotoTooSmall,
    PhotoUnreadable,
)
from app.media.keeper import PhotoKeeper
from app.media.models import CheckState, ContentCheck
from app.media.schemas import (
    ContentCheckRead,
    ContentDecision,
    PhotoDeleted,
    PhotoRead,
    PhotoRedacted,
    ReadOriginal,
    RedactPhoto,
    RefuseContent,
)

router = APIRouter(tags=["media"])
Uploader = Annotated[Actor, Depends(Require(Permission.MEDIA_UPLOAD))]
Moderator = Annotated[Actor, Depends(Require(Permission.MEDIA_MODERATE))]
PHOTO_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "contentMediaType": "application/octet-stream",
                        "description": "A JPEG, PNG or WebP picture",
                    }
                },
            }
        }
    },
}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
SENT_BEFORE: dict[int | str, dict[str, Any]] = {
    200: {"model": PhotoRead, "description": "This file was sent before"}
}
# What is served is a picture and nothing else, whatever a browser might take it for.
PICTURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}


async def get_keeper(request: Request) -> PhotoKeeper:
    keeper: PhotoKeeper = request.app.state.photo_keeper
    return keeper


async def get_links(request: Request) -> PhotoLinks:
    links: PhotoLinks = request.app.state.photo_links
    return links


Keeper = Annotated[PhotoKeeper, Depends(get_keeper)]
Links = Annotated[PhotoLinks, Depends(get_links)]


@asynccontextmanager
async def sent_file(request: Request) -> AsyncIterator[UploadFile]:
    """Yield what the form holds as `file`; it lies on the disk until it is read."""
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise PhotoMissing
        yield file


@router.post(
    "/v1/photos",
    status_code=201,
    openapi_extra={"requestBody": PHOTO_FORM},
    responses=SENT_BEFORE
    | problem_responses(
        PhotoMissing, PhotoTooLarge, PhotoUnreadable, PhotoFormatRefused, PhotoIsHeic,
        PhotoAnimated, PhotoHasTooManyPixels, PhotoTooSmall, PhotoStoreUnavailable,
        ConsentRequired, TooManyAttempts, BodyTooLarge,
    ),
)  # fmt: skip
async def upload_photo(
    request: Request,
    response: Response,
    actor: Uploader,
    session: Session,
    keeper: Keeper,
    links: Links,
    vault: CurrentVault,
    settings: CurrentSettings,
    now: Now,
) -> PhotoRead:
    """Send one photo (wx.uploadFile, name `file`); the same file again is the same photo."""
    aside = request.app.state.sessionmaker
    # The form is read here and not by FastAPI, which would take in 10 MB of anybody's first.
    await service.admit_upload(session, actor, aside=aside, now=now)
    limits = service.UploadSettings(settings.max_photo_bytes, settings.original_days)
    async with sent_file(request) as file, keeper.room():
        # One byte more than allowed at the most: enough to be refused.
        content = await file.read(settings.max_photo_bytes + 1)
        photo_id, is_new = await service.upload_photo(
            actor, content, settings=limits, keeper=keeper, vault=vault, aside=aside, now=now
        )
    if not is_new:
        response.status_code = 200
    async with aside() as reading:
        return await service.describe_photo(
            reading, actor, photo_id, links=links, vault=vault, now=now
        )


@router.get(
    "/v1/photos/file/{token}",
    dependencies=[Depends(public)],
    response_class=Response,
    responses=JPEG
    | problem_responses(PhotoLinkInvalid, PhotoLinkExpired, PhotoNotFound, PhotoStoreUnavailable),
)
async def show_photo(
    token: str, session: Session, keeper: Keeper, links: Links, now: Now
) -> Response:
    """Return the picture behind a link, to whoever has the link."""
    link = links.read(token, now=now)
    jpeg = await service.read_file(session, link, keeper)
    seconds = int((link.expires_at - now).total_seconds())
    headers = PICTURE_HEADERS | {"Cache-Control": f"private, max-age={seconds}"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.get("/v1/photos/{photo_id}", responses=problem_responses(PhotoNotFound))
async def get_photo(
    photo_id: Id, actor: Uploader, session: Session, links: Links, vault: CurrentVault, now: Now
) -> PhotoRead:
    """Return a photo of mine, or for staff anybody's, and whether others see it yet."""
    return await service.describe_photo(session, actor, photo_id, links=links, vault=vault, now=now)


@router.delete("/v1/photos/{photo_id}", responses=problem_responses(PhotoNotFound, PhotoStillUsed))
async def delete_photo(
    photo_id: Id, request: Request, actor: Uploader, session: Session, now: Now
) -> PhotoDeleted:
    """Delete a photo of mine that no report uses."""
    # Reports are known to a room above this one; it says whether it needs the photo.
    in_use = getattr(request.app.state, "photo_in_use", None)
    await service.delete_photo(session, actor, photo_id, in_use=in_use, now=now)
    return PhotoDeleted(photo_id=photo_id, deleted_at=now)


@router.get("/v1/staff/content-checks")
async def list_content_checks(
    actor: Moderator,
    session: Session,
    links: Links,
    now: Now,
    state: CheckState = CheckState.REVIEW,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ContentCheckRead]:
    """Return photos and texts in this state, oldest first; `review` waits for a person."""
    return await moderation.list_checks(
        session, actor, state=state, cursor=cursor, size=size, links=links, now=now
    )


DECISION = problem_responses(ContentCheckNotFound, ContentCheckDecided, OwnContent)


@router.post(
    "/v1/staff/content-checks/{content_check_id}/pass",
    response_model=ContentDecision,
    responses=DECISION,
)
async def pass_content(
    content_check_id: Id, actor: Moderator, session: Session, now: Now
) -> ContentCheck:
    """Let others see it."""
    return await moderation.decide(
        session, actor, content_check_id, state=CheckState.PASSED, reason=None, now=now
    )


@router.post(
    "/v1/staff/content-checks/{content_check_id}/refuse",
    response_model=ContentDecision,
    responses=DECISION,
)
async def refuse_content(
    content_check_id: Id,
    body: RefuseContent,
    request: Request,
    actor: Moderator,
    session: Session,
    now: Now,
) -> ContentCheck:
    """Keep it from others; its author is told why."""
    on_refused = getattr(request.app.state, "on_content_refused", None)
    return await moderation.decide(
        session, actor, content_check_id,
        state=CheckState.REFUSED, reason=body.reason, now=now, on_refused=on_refused,
    )  # fmt: skip


@router.post(
    "/v1/staff/photos/{photo_id}/redactions",
    status_code=201,
    responses=problem_responses(PhotoNotFound, PhotoChanged, PhotoStoreUnavailable),
)
async def redact_photo(
    photo_id: Id,
    body: RedactPhoto,
    request: Request,
    actor: Moderator,
    session: Session,
    keeper: Keeper,
    links: Links,
    now: Now,
) -> PhotoRedacted:
    """Black out faces and number plates for good, in what everybody sees."""
    key = await redaction.redact_photo(
        session, actor, photo_id, [box.box() for box in body.boxes],
        keeper=keeper, aside=request.app.state.sessionmaker, now=now,
    )  # fmt: skip
    url = await links.url(actor.community, photo_id, key, now=now)
    return PhotoRedacted(photo_id=photo_id, url=url, redacted_at=now)


@router.post(
    "/v1/staff/photos/{photo_id}/original",
    response_class=Response,
    responses=JPEG | problem_responses(PhotoNotFound, OriginalDestroyed, PhotoStoreUnavailable),
)
async def read_original(
    photo_id: Id,
    body: ReadOriginal,
    request: Request,
    actor: Moderator,
    session: Session,
    keeper: Keeper,
    now: Now,
) -> Response:
    """Return the picture before anything was blacked out; the sender can see who read it."""
    jpeg = await redaction.read_original(
        session, actor, photo_id,
        purpose=body.purpose, keeper=keeper, aside=request.app.state.sessionmaker, now=now,
    )  # fmt: skip
    headers = PICTURE_HEADERS | {"Cache-Control": "no-store"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)
