"""Seals: what anybody may check, a resident's receipts, and the sheet for the notice board."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from app.core.access import Actor, Permission, Require, public
from app.core.dependencies import CurrentSettings
from app.core.drawn import DrawingBusy, DrawnFile, attachment
from app.core.ids import MAX_ID, Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.pictures import PICTURE_RESPONSES, Suffix, code_picture
from app.core.transactions import Now, Session
from app.ledger.errors import TransferUnknown
from app.ledger.seals import proofs, reading
from app.ledger.seals.errors import (
    BookNotSealed,
    CheckpointUnknown,
    NotSealedYet,
    SealedLater,
    SigningKeyRevoked,
    SizesNotInBook,
)
from app.ledger.seals.poster import checkpoint_poster
from app.ledger.seals.receipts import Receipt
from app.ledger.seals.schemas import (
    CheckpointRead,
    CheckpointSummary,
    ConsistencyProof,
    SealedBook,
    SealKeys,
)

PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
# A new checkpoint comes twice a minute at most; a past one gets countersignatures, if anything.
SOON_OLD = "public, max-age=10"
SELDOM_OLD = "public, max-age=60"
NEVER_OLD = "public, max-age=86400"
# To choose the best of the eight takes four times as long as the drawing.
MASK = 2

router = APIRouter(tags=["seals"])
anybody = APIRouter(
    prefix="/v1/public/communities/{community_id}", tags=["seals"], dependencies=[Depends(public)]
)
Owner = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_OWN))]
Printer = Annotated[Actor, Depends(Require(Permission.LEDGER_PRINT_SEALS))]
TreeSize = Annotated[int, Path(ge=1, le=MAX_ID, description="How many transfers it seals")]
FromSize = Annotated[int, Query(alias="from", ge=1, le=MAX_ID)]
ToSize = Annotated[int, Query(alias="to", ge=1, le=MAX_ID)]
SizeSeen = Annotated[
    int | None,
    Query(ge=1, le=MAX_ID, description="Of the checkpoint to prove it by; the newest if unsaid"),
]


# For anybody.


@anybody.get("/checkpoints")
async def list_checkpoints(
    community_id: Id,
    session: Session,
    response: Response,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[CheckpointSummary]:
    """Return a community's checkpoints, newest first, as the log signed them."""
    response.headers["Cache-Control"] = SOON_OLD
    return await reading.list_checkpoints(session, community_id, cursor=cursor, limit=size)


@anybody.get("/checkpoints/latest", responses=problem_responses(CheckpointUnknown))
async def get_latest_checkpoint(
    community_id: Id, session: Session, response: Response
) -> CheckpointRead:
    """Return a community's newest checkpoint, with the witnesses that countersigned it."""
    response.headers["Cache-Control"] = SOON_OLD
    return await reading.get_checkpoint(session, community_id, None)


@anybody.get("/checkpoints/{size}", responses=problem_responses(CheckpointUnknown))
async def get_checkpoint(
    community_id: Id, size: TreeSize, session: Session, response: Response
) -> CheckpointRead:
    """Return the checkpoint of this size, with the witnesses that countersigned it."""
    response.headers["Cache-Control"] = SELDOM_OLD
    return await reading.get_checkpoint(session, community_id, size)


@anybody.get(
    "/checkpoints/{size}/qr.{suffix}",
    response_class=Response,
    responses=PICTURE_RESPONSES | problem_responses(CheckpointUnknown),
)
async def draw_checkpoint_code(
    community_id: Id, size: TreeSize, suffix: Suffix, session: Session
) -> Response:
    """Return the signed note itself as a code: whoever keeps a photo of it has a copy of it."""
    note = await reading.get_plain_note(session, community_id, size)
    # Anybody may ask, as often as they like, and any pattern reads as well from a screen.
    return await code_picture(note, suffix, mask=MASK, cache_control=NEVER_OLD)


@anybody.get("/consistency", responses=problem_responses(BookNotSealed, SizesNotInBook))
async def prove_consistency(
    community_id: Id, session: Session, response: Response, from_size: FromSize, to_size: ToSize
) -> ConsistencyProof:
    """Prove that between two sizes, with a checkpoint or not, nothing was changed or removed."""
    response.headers["Cache-Control"] = NEVER_OLD
    return await reading.prove_consistency(session, community_id, from_size, to_size)


@anybody.get("/seal-keys", responses=problem_responses(BookNotSealed))
async def list_seal_keys(
    community_id: Id, session: Session, settings: CurrentSettings, response: Response
) -> SealKeys:
    """Return the keys that verify a community's checkpoints; keep them, do not ask each time."""
    response.headers["Cache-Control"] = SELDOM_OLD
    return await reading.list_keys(session, community_id, settings.witnesses)


@anybody.get("/book", responses=problem_responses(BookNotSealed))
async def get_sealed_book(
    community_id: Id, session: Session, now: Now, response: Response
) -> SealedBook:
    """Return what was issued, lapsed, was spent and is in circulation, as of local midnight."""
    response.headers["Cache-Control"] = SELDOM_OLD
    return await reading.get_book(session, community_id, now=now)


router.include_router(anybody)


# Residents.


@router.get(
    "/v1/me/statement/{transfer_id}/receipt",
    responses=problem_responses(TransferUnknown, CheckpointUnknown, NotSealedYet, SealedLater),
)
async def get_receipt(
    transfer_id: Id, actor: Owner, session: Session, response: Response, size: SizeSeen = None
) -> Receipt:
    """Return the receipt for a line of my wallet or savings: a file that proves it offline.

    It opens my own accounts, what it was for, and never another person's number.
    """
    receipt = await proofs.make_receipt(session, actor, transfer_id, size=size)
    response.headers["Content-Disposition"] = attachment(f"积分存证凭证-{transfer_id}.json")
    response.headers["Cache-Control"] = "no-store"
    return receipt


# Staff.


@router.get(
    "/v1/staff/checkpoints/{size}/poster",
    response_class=Response,
    responses=PDF | problem_responses(CheckpointUnknown, SigningKeyRevoked, DrawingBusy),
)
async def print_checkpoint(size: TreeSize, actor: Printer, session: Session) -> Response:
    """Return a checkpoint as a page of A4 for the notice board, its note as a code on it."""
    posted = await reading.get_posted(session, actor.community, size)
    return DrawnFile(
        lambda: checkpoint_poster(posted),
        media_type="application/pdf",
        filename=f"积分账本存证公示-{size}.pdf",
    )
