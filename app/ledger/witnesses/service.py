"""Taking countersignatures from witnesses that are known."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.seals.errors import CheckpointUnknown
from app.ledger.seals.notes import (
    NoteInvalid,
    Signature,
    VerifierKey,
    parse_note,
    parse_signature,
    read_cosignature,
)
from app.ledger.witnesses import queries
from app.ledger.witnesses.errors import CosignatureWrong, WitnessClockWrong, WitnessUnknown
from app.ledger.witnesses.schemas import CosignatureRead

# As far as the clocks of two organisations may be apart. A line with a wrong time would stand for
# ever, and when it was signed is what counts once a key of the log is revoked.
CLOCKS_APART = timedelta(minutes=10)


async def add_cosignature(
    session: AsyncSession,
    community_id: int,
    size: int,
    line: str,
    *,
    witnesses: Sequence[VerifierKey],
    now: datetime,
) -> CosignatureRead:
    """Keep a witness's line under a checkpoint, and return the first it ever gave for it.

    Strangers are refused before the database is asked or a signature checked.
    """
    try:
        signature = parse_signature(line)
        key = _key_of(signature, witnesses)
        row = await queries.get_checkpoint(session, community_id, size)
        if row is None:
            raise CheckpointUnknown
        checkpoint, _ = parse_note(row.note)
        cosignature = read_cosignature(signature, checkpoint, key)
    except NoteInvalid as wrong:
        raise CosignatureWrong from wrong
    if not row.made_at - CLOCKS_APART <= cosignature.signed_at <= now + CLOCKS_APART:
        raise WitnessClockWrong
    kept = await queries.keep_cosignature(session, community_id, size, cosignature, str(signature))
    return CosignatureRead.model_validate(kept)


def _key_of(signature: Signature, witnesses: Sequence[VerifierKey]) -> VerifierKey:
    for key in witnesses:
        if (signature.name, signature.key_id) == (key.name, key.key_id):
            return key
    raise WitnessUnknown
