"""Making a resident's receipt: what it opens, and the proof of its line."""

import json
from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.database import Record
from app.ledger.errors import TransferUnknown
from app.ledger.models import MACHINE, AccountKind
from app.ledger.seals import queries
from app.ledger.seals.entries import Kept, entry_of, field_salt, hidden_values
from app.ledger.seals.errors import NotSealedYet, SealedLater
from app.ledger.seals.merkle import inclusion_path
from app.ledger.seals.reading import countersigned_note, find_checkpoint, read_hashes
from app.ledger.seals.receipts import FORMAT, Opened, Receipt, write_proof

SEALED_WITHIN_SECONDS = 60
OF_RESIDENTS = {AccountKind.WALLET, AccountKind.SAVINGS}


async def make_receipt(
    session: AsyncSession, actor: Actor, transfer_id: int, *, size: int | None
) -> Receipt:
    """Make the receipt for a line of the actor's, in the newest tree or one of a named size.

    Raises TransferUnknown, also for lines of others, NotSealedYet, CheckpointUnknown and
    SealedLater.
    """
    line = await queries.get_line(session, actor.community, actor.resident, transfer_id)
    if line is None:
        raise TransferUnknown
    if line.leaf_index is None:
        raise NotSealedYet(retry_after_seconds=SEALED_WITHIN_SECONDS)
    checkpoint = await find_checkpoint(session, actor.community, size)
    if checkpoint.size <= line.leaf_index:
        raise SealedLater(line_number=line.leaf_index + 1)
    spans = inclusion_path(line.leaf_index, checkpoint.size)
    path = await read_hashes(session, actor.community, spans)
    kept = None if line.kept is None else json.loads(line.kept)
    return Receipt(
        format=FORMAT,
        entry=entry_of(line, kept=kept),
        opened=_open(line, actor, kept),
        proof=write_proof(line.leaf_index, path, countersigned_note(checkpoint)),
    )


def _open(line: Record, actor: Actor, kept: Kept | None) -> dict[str, Opened]:
    """Return what the actor may see and show: never who else it was, as far as still possible."""
    values = hidden_values(line)
    salts = {name: _salt(line, name, kept) for name in _shown(line, actor)}
    return {
        name: Opened(salt=salt, value=values[name])
        for name, salt in salts.items()
        if salt is not None
    }


def _shown(line: Record, actor: Actor) -> Iterator[str]:
    """Yield the fields that name nobody else, in the order of the entry."""
    # Nobody checked, a job made it, or it was the actor.
    nobody_else = {None, MACHINE, actor.person_id}
    if line.checker_id in nobody_else:
        yield "checker"
    if line.credit_owner_id == actor.resident or line.credit_kind not in OF_RESIDENTS:
        yield "credit_account"
    if line.debit_owner_id == actor.resident or line.debit_kind not in OF_RESIDENTS:
        yield "debit_account"
    if line.maker_id in nobody_else:
        yield "maker"
    yield "memo"
    yield "source"


def _salt(line: Record, name: str, kept: Kept | None) -> str | None:
    return field_salt(line.salt, name) if kept is None else kept[name].get("salt")
