"""Where witnesses hand in what they countersigned."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from app.core.access import public
from app.core.ids import MAX_ID, Id
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.ledger.seals.errors import CheckpointUnknown
from app.ledger.seals.notes import VerifierKey
from app.ledger.witnesses import service
from app.ledger.witnesses.errors import CosignatureWrong, WitnessClockWrong, WitnessUnknown
from app.ledger.witnesses.schemas import CosignatureCreate, CosignatureRead

router = APIRouter(tags=["seals"])
Size = Annotated[int, Path(ge=1, le=MAX_ID, description="Leaves of the tree")]


async def get_witnesses(request: Request) -> Sequence[VerifierKey]:
    witnesses: Sequence[VerifierKey] = request.app.state.witnesses
    return witnesses


Witnesses = Annotated[Sequence[VerifierKey], Depends(get_witnesses)]


@router.post(
    "/v1/public/communities/{community_id}/checkpoints/{size}/cosignatures",
    dependencies=[Depends(public)],
    responses=problem_responses(
        CheckpointUnknown, CosignatureWrong, WitnessClockWrong, WitnessUnknown
    ),
)
async def add_cosignature(
    community_id: Id,
    size: Size,
    body: CosignatureCreate,
    witnesses: Witnesses,
    session: Session,
    now: Now,
) -> CosignatureRead:
    """Countersign a checkpoint, as a witness whose public key is registered here.

    The signature is what proves who calls. Only the first for a checkpoint is kept; who hands
    in another gets that one back.
    """
    return await service.add_cosignature(
        session, community_id, size, body.line, witnesses=witnesses, now=now
    )
