"""Taking countersignatures from witnesses that are known."""

from collections.abc import Sequence

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
from app.ledger.witnesses.errors import CosignatureWrong, WitnessUnknown
from app.ledger.witnesses.schemas import CosignatureRead


async def add_cosignature(
    session: AsyncSession,
    community_id: int,
    size: int,
    line: str,
    *,
    witnesses: Sequence[VerifierKey],
) -> CosignatureRead:
    """Keep a witness's line under a checkpoint, and return the first it ever gave for it.

    Strangers are refused before the database is asked or a signature checked.
    """
    try:
        signature = parse_signature(line)
        key = _key_of(signature, witnesses)
        note = await queries.get_note(session, community_id, size)
        if note is None:
            raise CheckpointUnknown
        checkpoint, _ = parse_note(note)
        cosignature = read_cosignature(signature, checkpoint, key)
    except NoteInvalid as wrong:
        raise CosignatureWrong from wrong
    kept = await queries.keep_cosignature(session, community_id, size, cosignature, str(signature))
    return CosignatureRead.model_validate(kept)


def _key_of(signature: Signature, witnesses: Sequence[VerifierKey]) -> VerifierKey:
    for key in witnesses:
        if (signature.name, signature.key_id) == (key.name, key.key_id):
            return key
    raise WitnessUnknown
