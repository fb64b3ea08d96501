"""Taking a list in: read it, find out what each row means, store it if nothing is wrong.

No transaction is open while a file is sent and looked through. Then it is read a thousand rows at
a time, each thousand is judged in a thread by what five statements tell of it, and stored by one
more if a list is proposed; where a row is wrong, all of that is undone. So memory is flat: held
over the whole file are only the file itself (5 MB at most) with the shared texts of a workbook, a
table of a third of a megabyte by which the same act is known twice, sums by rule, 20 rows and
500 faults.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community import personal
from app.community import service as community
from app.contributions.lists import queries
from app.contributions.lists.columns import Columns, Entry
from app.contributions.lists.errors import AwardListKnown, ListHasErrors
from app.contributions.lists.faults import Faults
from app.contributions.lists.judging import FirstRows, Judge, Judged, Known
from app.contributions.lists.models import AwardList, ListState
from app.contributions.lists.schemas import AwardListCheck, RowUnderstood, RuleShare
from app.contributions.lists.tables import Table, open_table
from app.contributions.lists.values import place_of
from app.core.access import Actor
from app.core.ids import new_id
from app.core.personal import Vault
from app.core.rate_limits import Limit
from app.rules import service as rules

PER_PERSON = Limit("award list", burst=30, interval=timedelta(seconds=10))
SHOWN_ROWS = 20
ROWS_AT_ONCE = 1000

Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True, slots=True)
class SentList:
    """A file as it came in."""

    title: str
    content: bytes


@dataclass(slots=True)
class Checked:
    """What is in a file, summed up, and what is wrong with it."""

    faults: Faults
    row_count: int = 0
    asked_points: int = 0
    _shares: dict[int, RuleShare] = field(default_factory=dict)
    _shown: list[RowUnderstood] = field(default_factory=list)

    def add(self, rows: Sequence[Judged]) -> None:
        for row in rows:
            terms, points = row.item.terms, row.item.points
            share = self._shares.setdefault(
                terms.rule_id,
                RuleShare(rule_code=terms.code, rule_name=terms.name, rows=0, points=0),
            )
            share.rows += 1
            share.points += points
            self.asked_points += points
        self._shown += [_understood(row) for row in rows[: SHOWN_ROWS - len(self._shown)]]

    def told_in(self, language: str) -> AwardListCheck:
        return AwardListCheck(
            row_count=self.row_count,
            asked_points=self.asked_points,
            rules=sorted(self._shares.values(), key=lambda share: share.rule_code),
            rows=self._shown,
            error_count=self.faults.count,
            errors=self.faults.told_in(language),
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """The list that rows are added to."""

    award_list_id: int
    add: Callable[[Sequence[Judged]], Awaitable[None]]


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
    table = await asyncio.to_thread(open_table, content)
    async with aside() as reading:
        return await _go_through(reading, actor, table, vault=vault, now=now)


async def store_list(
    actor: Actor, sent: SentList, *, aside: Sessions, vault: Vault, language: str, now: datetime
) -> int:
    """Store a list as proposed and return its number; what was stored is undone if a row is wrong.

    Raises ListHasErrors with the report in this language, AwardListKnown, and as check_list.
    """
    table = await asyncio.to_thread(open_table, sent.content)
    async with aside.begin() as writing:
        award_list = await _begin_list(writing, actor, sent, now=now)

        async def keep(rows: Sequence[Judged]) -> None:
            await queries.insert_rows(writing, award_list, [_stored(row) for row in rows])

        kept = Kept(award_list.award_list_id, keep)
        checked = await _go_through(writing, actor, table, vault=vault, now=now, kept=kept)
        if checked.faults.count:
            raise ListHasErrors(report=checked.told_in(language).model_dump(mode="json"))
        award_list.row_count = checked.row_count
        award_list.asked_points = checked.asked_points
    return award_list.award_list_id


async def _begin_list(
    session: AsyncSession, actor: Actor, sent: SentList, *, now: datetime
) -> AwardList:
    """Write the list that rows are then added to; raises AwardListKnown."""
    file_hash = hashlib.sha256(sent.content).digest()
    known = await queries.find_known(session, actor.community, file_hash)
    if known is not None:
        raise AwardListKnown(award_list_id=str(known))
    award_list = AwardList(
        community_id=actor.community,
        award_list_id=new_id(now),
        title=sent.title,
        file_hash=file_hash,
        row_count=1,
        asked_points=0,
        state=ListState.PROPOSED,
        proposed_by=actor.person_id,
        proposed_at=now,
    )
    session.add(award_list)
    await session.flush()
    return award_list


async def _go_through(
    session: AsyncSession,
    actor: Actor,
    table: Table,
    *,
    vault: Vault,
    now: datetime,
    kept: Kept | None = None,
) -> Checked:
    """Judge a file a thousand rows at a time, and keep them as long as nothing is wrong."""
    here = await community.get_community(session, actor.community)
    faults = Faults()
    columns = Columns(table.headings, faults, timezone=here.timezone, now=now)
    faults.go_on()
    checked = Checked(faults)
    judge = partial(
        Judge, columns=columns, faults=faults, vault=vault, timezone=here.timezone,
        proposer_id=actor.person_id, now=now, seen=FirstRows(),
    )  # fmt: skip

    unread = iter(table.rows)

    def read() -> tuple[int, list[Entry], list[dict[str, Any]]]:
        lines = list(islice(unread, ROWS_AT_ONCE))
        entries = columns.read(lines)
        wanted = [_wanted(vault, actor.community, entry) for entry in entries if entry.tells_who]
        return len(lines), entries, wanted

    async def go_on() -> int:
        # A function of its own: what it holds is gone before the next rows are read.
        count, entries, wanted = await asyncio.to_thread(read)
        if entries:
            known = await _look_up(session, actor.community, entries, wanted, now=now)
            judged = await asyncio.to_thread(lambda: judge(known).judge(entries))
            rows = await _leave_out_known(session, actor, judged, columns, faults, kept)
            checked.add(rows)
            if kept is not None and not faults.count:
                await kept.add(rows)
        faults.go_on()
        checked.row_count += count
        return count

    while await go_on() == ROWS_AT_ONCE:
        pass
    return checked


async def _leave_out_known(
    session: AsyncSession,
    actor: Actor,
    rows: Sequence[Judged],
    columns: Columns,
    faults: Faults,
    kept: Kept | None,
) -> Sequence[Judged]:
    """Return the rows that no other list has; the file may be one of last week, saved anew."""
    if not rows:
        return rows
    own_id = 0 if kept is None else kept.award_list_id
    acts = {row.entry.row: _occurrence(row) for row in rows}
    known = await queries.list_on_others(session, actor.community, own_id, acts.values())
    for number, act in acts.items():
        if act in known:
            faults.add(number, columns.heading("date"), "on_another_list")
    return [row for row in rows if acts[row.entry.row] not in known]


def _occurrence(row: Judged) -> queries.Occurrence:
    return row.item.resident_id, row.item.terms.rule_id, row.item.acted_at


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
