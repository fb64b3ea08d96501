"""Running audits, and telling how they ended."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import queries
from app.audit.accounts.walks import WALKS as ACCOUNTS
from app.audit.acts.walks import WALKS as ACTS
from app.audit.boards.walks import WALKS as BOARDS
from app.audit.campaigns.walks import WALKS as CAMPAIGNS
from app.audit.errors import NoAuditYet
from app.audit.holds.walks import WALKS as HOLDS
from app.audit.lots.walks import WALKS as LOTS
from app.audit.models import Audit, AuditState
from app.audit.schemas import AuditRead, LatestAudit
from app.audit.seals.walk import walks as seal_walks
from app.audit.transfers.walks import WALKS as TRANSFERS
from app.audit.walks import AuditedBook, Walk
from app.community.errors import CommunityNotFound
from app.core.access import Actor
from app.core.ids import MAX_ID
from app.core.metrics import Figure
from app.core.pagination import Page, page_of, read_cursor
from app.core.queries import set_read_only
from app.ledger.seals.notes import KeyKind, VerifierKey

Clock = Callable[[], datetime]
Progress = Callable[[Audit], None]
# What was broken off longer ago would say of a book what it was like then.
GOES_ON_WITHIN = timedelta(days=1)
LOOKS_AGAIN_AFTER = 0.2

# All else follows from the transfers, so what is wrong with them is told first.
WALKS: tuple[Walk, ...] = (
    *seal_walks, *TRANSFERS, *LOTS, *HOLDS, *ACCOUNTS, *ACTS, *BOARDS, *CAMPAIGNS,
)  # fmt: skip
# A difference in one of these is about the transfers themselves.
SEAL_WALKS = frozenset(walk.name for walk in seal_walks)


async def run_audit(
    sessionmaker: async_sessionmaker[AsyncSession],
    community_id: int,
    *,
    clock: Clock,
    anew: bool = False,
    on_progress: Progress | None = None,
) -> Audit:
    """Go through a community's book until a difference or its end; return how it ended.

    It takes up what was broken off, unless that is a day old or it is to begin `anew`. Each page
    is a transaction that also stores how far it came. Several may run at once: they share the
    pages of one audit. Raises CommunityNotFound.
    """
    async with sessionmaker.begin() as session:
        audit = await _take_up(session, community_id, now=clock())
    starts_over = anew
    while True:
        async with sessionmaker.begin() as session:
            mine = await queries.lock_audit(session, community_id, audit.audit_id)
            if mine is not None and mine.state == AuditState.RUNNING:
                await _go_on(session, mine, starts_over=starts_over, now=clock())
                starts_over = False
        if mine is None:
            # Another one is at this page; should it die, the next turn is ours.
            await asyncio.sleep(LOOKS_AGAIN_AFTER)
            continue
        if on_progress is not None:
            on_progress(mine)
        if mine.state != AuditState.RUNNING:
            return mine


async def _take_up(session: AsyncSession, community_id: int, *, now: datetime) -> Audit:
    if await queries.get_book(session, community_id) is None:
        raise CommunityNotFound
    while True:
        await queries.begin_audit(session, community_id, now=now)
        # None: the one that was running has ended in between.
        audit = await queries.get_running(session, community_id)
        if audit is not None:
            return audit


async def _go_on(session: AsyncSession, audit: Audit, *, starts_over: bool, now: datetime) -> None:
    """Go through the next page; nothing but the audit's own row can be written meanwhile."""
    names = [walk.name for walk in WALKS]
    # An older release may have gone other ways.
    is_lost = audit.walk is not None and audit.walk not in names
    if starts_over or is_lost or audit.updated_at < now - GOES_ON_WITHIN:
        audit.walk, audit.position, audit.checked, audit.started_at = None, None, 0, now
    place = 0 if audit.walk is None else names.index(audit.walk)
    walk = WALKS[place]
    async with session.begin_nested():
        await set_read_only(session)
        await queries.plan_each_page(session)
        book = await read_book(session, audit.community_id, now=now)
        step = await walk.step(session, book, audit.position or {})
    audit.checked += step.checked
    audit.updated_at = now
    if step.difference is not None:
        audit.walk, audit.position = walk.name, step.position
        audit.difference = step.difference.as_row()
        audit.state, audit.ended_at = AuditState.DIFFERENT, now
    elif step.position is not None:
        audit.walk, audit.position = walk.name, step.position
    elif place + 1 < len(WALKS):
        audit.walk, audit.position = WALKS[place + 1].name, None
    else:
        audit.walk, audit.position = None, None
        audit.state, audit.ended_at = AuditState.CLEAN, now


async def read_book(session: AsyncSession, community_id: int, *, now: datetime) -> AuditedBook:
    """Read it anew for each page: a tree may be opened and keys be made meanwhile."""
    row = await queries.get_book(session, community_id)
    if row is None:
        raise CommunityNotFound
    keys = [VerifierKey(row.origin, KeyKind.LOG, key) for key in row.public_keys if row.origin]
    return AuditedBook(community_id, row.timezone, keys, now)


async def get_latest(session: AsyncSession, community_id: int) -> LatestAudit:
    """Return how the newest audit that is over has ended, else the one that runs.

    Raises NoAuditYet.
    """
    audit = await queries.get_newest(session, community_id, is_over=True)
    audit = audit or await queries.get_newest(session, community_id, is_over=False)
    if audit is None:
        raise NoAuditYet
    return LatestAudit.model_validate(audit)


async def list_audits(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[AuditRead]:
    """Return the community's audits, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_audits(session, actor.community, before=before, size=size + 1)
    return page_of(AuditRead, rows, size, lambda audit: (audit.audit_id,))


async def measure(session: AsyncSession, *, now: datetime) -> list[Figure]:
    """Return what an operator watches: differences, the oldest clean audit, what waits longest."""
    row = await queries.measure(session)

    def age(moment: datetime | None) -> float:
        return 0 if moment is None else max((now - moment).total_seconds(), 0)

    return [
        Figure(
            "gridpoints_audit_differences",
            "Communities whose newest audit found a difference; should be 0",
            row.differences,
        ),
        Figure(
            "gridpoints_audit_oldest_seconds",
            "Age of the last clean audit of the community where it is oldest",
            age(row.clean_since),
        ),
        Figure(
            "gridpoints_seal_lag_seconds",
            "Age of the oldest transfer that waits to be sealed",
            age(row.waits_since),
        ),
    ]
