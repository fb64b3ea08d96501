"""Taking a list in: read it, find out what each row means, store it if nothing is wrong.

The file is read and judged in a thread while no transaction is open; what the database knows of
it is asked for in five statements, however many rows it has.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community import personal
from app.community import service as community
from app.contributions.lists import queries
from app.contributions.lists.columns import Columns, Entry
from app.contributions.lists.errors import AwardListKnown, ListHasErrors
from app.contributions.lists.faults import Faults
from app.contributions.lists.judging import Judge, Judged, Known
from app.contributions.lists.models import AwardList, ListState
from app.contributions.lists.schemas import AwardListCheck, RowUnderstood, RuleShare
from app.contributions.lists.tables import read_table
from app.contributions.lists.values import place_of
from app.core.access import Actor
from app.core.ids import new_id
from app.core.personal import Vault
from app.core.rate_limits import Limit
from app.rules import service as rules

PER_PERSON = Limit("award list", burst=30, interval=timedelta(seconds=10))
SHOWN_ROWS = 20

Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True, slots=True)
class SentList:
    """A file as it came in."""

    title: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What is in a file, and all that is wrong with it."""

    row_count: int
    rows: list[Judged]
    faults: Faults

    def told_in(self, language: str) -> AwardListCheck:
        shares: dict[int, RuleShare] = {}
        for row in self.rows:
            terms = row.item.terms
            share = shares.setdefault(
                terms.rule_id,
                RuleShare(rule_code=terms.code, rule_name=terms.name, rows=0, points=0),
            )
            share.rows += 1
            share.points += row.item.points
        return AwardListCheck(
            row_count=self.row_count,
            asked_points=self.asked_points,
            rules=sorted(shares.values(), key=lambda share: share.rule_code),
            rows=[_understood(row) for row in self.rows[:SHOWN_ROWS]],
            error_count=len(self.faults.found),
            errors=self.faults.told_in(language),
        )

    @property
    def asked_points(self) -> int:
        return sum(row.item.points for row in self.rows)


async def admit_list(
    session: AsyncSession, actor: Actor, *, aside: Sessions, now: datetime
) -> None:
    """Return if the caller may send a list now; raises TooManyAttempts.

    Ends the caller's transaction: none is open while a file comes in and is read.
    """
    await session.rollback()
    await PER_PERSON.take(aside, str(actor.person_id), now=now)


async def check_list(
    actor: Actor, content: bytes, *, aside: Sessions, vault: Vault, now: datetime
) -> Checked:
    """Return what a file holds and all that is wrong with it.

    Raises ListTooLarge, ListUnreadable and ListEmpty.
    """
    table = await asyncio.to_thread(read_table, content)
    async with aside() as reading:
        here = await community.get_community(reading, actor.community)
    faults = Faults()

    def read() -> tuple[Columns, list[Entry], list[dict[str, Any]]]:
        columns = Columns(table, faults, timezone=here.timezone, now=now)
        entries = columns.read()
        wanted = [_wanted(vault, actor.community, entry) for entry in entries if entry.tells_who]
        return columns, entries, wanted

    columns, entries, wanted = await asyncio.to_thread(read)
    async with aside() as reading:
        known = await _look_up(reading, actor.community, entries, wanted, now=now)
    judge = Judge(known, columns, faults, vault, here.timezone, actor.person_id, now)
    rows = await asyncio.to_thread(judge.judge, entries)
    return Checked(len(table.rows), rows, faults)


async def store_list(
    actor: Actor,
    sent: SentList,
    checked: Checked,
    *,
    aside: Sessions,
    language: str,
    now: datetime,
) -> int:
    """Store a list as proposed and return its number.

    Raises ListHasErrors with the report in this language, and AwardListKnown.
    """
    if checked.faults.found:
        report = checked.told_in(language).model_dump(mode="json")
        raise ListHasErrors(report=report)
    file_hash = hashlib.sha256(sent.content).digest()
    async with aside.begin() as writing:
        known = await queries.find_known(writing, actor.community, file_hash)
        if known is not None:
            raise AwardListKnown(award_list_id=str(known))
        award_list = AwardList(
            community_id=actor.community,
            award_list_id=new_id(now),
            title=sent.title,
            file_hash=file_hash,
            row_count=len(checked.rows),
            asked_points=checked.asked_points,
            state=ListState.PROPOSED,
            proposed_by=actor.person_id,
            proposed_at=now,
        )
        writing.add(award_list)
        await writing.flush()
        await queries.insert_rows(writing, award_list, [_stored(row) for row in checked.rows])
    return award_list.award_list_id


async def _look_up(
    session: AsyncSession,
    community_id: int,
    entries: Sequence[Entry],
    wanted: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> Known:
    words = sorted({entry.rule for entry in entries if entry.rule is not None})
    moments = [entry.acted_at for entry in entries if entry.acted_at is not None]
    found = await queries.find_residents(session, community_id, wanted)
    versions = await queries.list_versions(session, community_id, words)
    terms = await rules.list_terms_of_versions(
        session, community_id, [version.rule_version_id for version in versions]
    )
    bonuses = await rules.list_bonuses(
        session, community_id, at=now, since=min(moments, default=now)
    )
    return Known(found, versions, terms, bonuses)


def _wanted(vault: Vault, community_id: int, entry: Entry) -> dict[str, Any]:
    phone = None
    if entry.phone is not None:
        phone = personal.phone_token(vault, community_id, entry.phone).hex()
    is_placed = entry.building is not None and entry.room is not None
    return {
        "row_number": entry.row,
        "resident_id": entry.resident_id,
        "serial": entry.serial,
        "phone": phone,
        "building": place_of(entry.building or "") if is_placed else None,
        "room": entry.room if is_placed else None,
    }


def _stored(row: Judged) -> dict[str, Any]:
    item = row.item
    return {
        "row_number": row.entry.row,
        "resident_id": item.resident_id,
        "rule_id": item.terms.rule_id,
        "rule_version_id": item.terms.rule_version_id,
        "units": item.units,
        "effort": row.entry.effort,
        "acted_at": item.acted_at.isoformat(),
        "note": row.entry.note,
    }


def _understood(row: Judged) -> RowUnderstood:
    item = row.item
    return RowUnderstood(
        row=row.entry.row,
        resident_id=item.resident_id,
        masked_name=row.resident.masked_name,
        building_name=row.resident.building_name,
        room=row.resident.room,
        rule_code=item.terms.code,
        rule_name=item.terms.name,
        units=item.units,
        effort=row.entry.effort,
        acted_at=item.acted_at,
        note=row.entry.note or "",
        points=item.points,
    )
