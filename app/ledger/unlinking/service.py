"""Who leaves is no longer to be recognised in what is sealed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.seals.entries import HIDDEN, Kept, field_salt, hidden_hash, hidden_values
from app.ledger.unlinking import queries

BATCH = 500
# What it was for tells of both sides of a gift, so it goes with the first.
OF_EVERYBODY = frozenset({"memo", "source"})


@dataclass(frozen=True, slots=True)
class Leaver:
    """A resident who has left, and the person they were."""

    community_id: int
    resident_id: int
    person_id: int


async def ask(
    session: AsyncSession, community_id: int, resident_id: int, *, person_id: int, now: datetime
) -> None:
    """Have the salts of a resident's transfers erased; asked again it changes nothing."""
    await queries.add_erasure(session, community_id, resident_id, person_id, now=now)


async def unlink_batch(
    session: AsyncSession, leaver: Leaver, *, after: int, now: datetime
) -> Sequence[int]:
    """Unlink the next 500 sealed transfers of a leaver; return their numbers.

    Once there are fewer nothing is left but what waits to be sealed, and the erasure is done if
    nothing does.
    """
    of = (leaver.community_id, leaver.resident_id)
    await queries.lock_community(session, leaver.community_id)
    lines = await queries.list_lines(session, *of, after=after, size=BATCH)
    if lines:
        kept = await asyncio.to_thread(_keep_all, lines, leaver.person_id)
        await queries.erase(session, leaver.community_id, kept, now=now)
    if len(lines) < BATCH:
        await queries.finish(session, *of, now=now)
    return [line.transfer_id for line in lines]


def _keep_all(lines: Sequence[Record], person_id: int) -> dict[int, Kept]:
    """Return what is kept of each transfer; takes 15 ms for 500."""
    return {line.transfer_id: _keep(line, person_id) for line in lines}


def _keep(line: Record, person_id: int) -> Kept:
    """Return the hash of whatever tells of a leaver, and what there was of everything else."""
    kept = _left_of(line)
    values = hidden_values(line)
    for name in _telling(line, person_id):
        if "salt" in kept[name]:
            kept[name] = {"hash": hidden_hash(kept[name]["salt"], values[name])}
    return kept


def _left_of(line: Record) -> dict[str, Mapping[str, str]]:
    """Return the salts of a transfer, or what was left of them when its other side went."""
    if line.salt is not None:
        return {name: {"salt": field_salt(line.salt, name)} for name in HIDDEN}
    left: dict[str, Mapping[str, str]] = json.loads(line.kept)
    return left


def _telling(line: Record, person_id: int) -> set[str]:
    """Return the fields that tell of a leaver."""
    tells = {
        "debit_account": line.is_debit_own,
        "credit_account": line.is_credit_own,
        "maker": line.maker_id == person_id,
        "checker": line.checker_id == person_id,
    }
    return {name for name, is_telling in tells.items() if is_telling} | OF_EVERYBODY
