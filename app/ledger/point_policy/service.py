"""Publishing the next version of a point policy, and carrying it to what is there."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.database import Record
from app.core.jobs import enqueue
from app.ledger import queries as ledger_queries
from app.ledger.lapses import NEVER, first_lapse
from app.ledger.models import AccountKind, PointPolicy
from app.ledger.point_policy import queries
from app.ledger.point_policy.schemas import PolicyExpiry, PolicyTerms

BATCH = 500
LOTS_BATCH = 5000
APPLY = "apply_point_policy"


async def get_policy(session: AsyncSession, actor: Actor) -> PointPolicy:
    return await ledger_queries.get_policy(session, actor.community)


async def set_policy(
    session: AsyncSession, actor: Actor, terms: PolicyTerms, *, now: datetime
) -> PointPolicy:
    """Publish the next version, unless these are the newest one's terms: then that stands.

    New awards follow it at once; a job carries it to the points and wallets that are there.
    """
    await queries.lock_policy(session, actor.community)
    newest = await ledger_queries.get_policy(session, actor.community)
    if PolicyTerms.model_validate(newest) == terms:
        return newest
    policy = _next_version(newest, terms, published_by=actor.person_id, now=now)
    session.add(policy)
    await session.flush()
    named = f"{policy.community_id}:{policy.version}"
    await enqueue(session, APPLY, key=f"{APPLY}:{named}", payload=named.encode())
    return policy


def _next_version(
    newest: PointPolicy, terms: PolicyTerms, *, published_by: int, now: datetime
) -> PointPolicy:
    stated = terms.model_dump(mode="json", exclude_none=True)
    before = PolicyTerms.model_validate(newest)
    return PointPolicy(
        community_id=newest.community_id,
        version=newest.version + 1,
        expiry=stated["expiry"],
        expiry_since=_expiry_since(newest, before.expiry, terms.expiry, now),
        decay=stated.get("decay"),
        decay_since=_decay_since(newest, before, terms, now),
        savings=stated.get("savings"),
        gifts=stated.get("gifts"),
        lowest_points=terms.lowest_points,
        notice_days=terms.notice_days,
        published_at=now,
        published_by=published_by,
    )


def _expiry_since(
    newest: PointPolicy, before: PolicyExpiry, after: PolicyExpiry, now: datetime
) -> datetime | None:
    if after == before:
        return newest.expiry_since
    return None if after.kind == "never" else now


def _decay_since(
    newest: PointPolicy, before: PolicyTerms, after: PolicyTerms, now: datetime
) -> datetime | None:
    if after.decay == before.decay:
        return newest.decay_since
    return None if after.decay is None else now


async def apply_to_accounts(session: AsyncSession, community_id: int, *, after: int) -> int:
    """Carry the newest policy to the next 500 accounts; return the last one, or 0 if none."""
    accounts = await ledger_queries.list_accounts(session, community_id, after=after, size=BATCH)
    if not accounts:
        return 0
    policy = await _lock(session, community_id, accounts)
    wallets = [row.account_id for row in accounts if row.kind == AccountKind.WALLET]
    await queries.set_floors(session, community_id, wallets, lowest_points=policy.lowest_points)
    await _date_lots(session, policy, accounts)
    if _exempts_savings(policy):
        # Dated while they were not: whoever reads that they do not lapse, has it so.
        savings = [row.account_id for row in accounts if row.kind == AccountKind.SAVINGS]
        await queries.exempt_lots(session, community_id, savings, since=policy.published_at)
    return int(accounts[-1].account_id)


async def apply_to_lots(
    session: AsyncSession, community_id: int, *, after: int, until: int
) -> int | None:
    """Date those of the next 5,000 lots, up to `until`, that have no date; return the last one.

    None if there are no more. Comes after the accounts, for what was not to be seen there: a lot
    that was empty, into which points may yet be given back, and what one account gave to another
    in between.
    """
    found = await queries.search_undated(
        session, community_id, after=after, until=until, size=LOTS_BATCH
    )
    if found.lot_ids:
        accounts = await queries.list_owners_of_lots(session, community_id, found.lot_ids)
        policy = await _lock(session, community_id, accounts)
        await _date_lots(session, policy, accounts, found.lot_ids)
    return None if found.reached is None else int(found.reached)


def _exempts_savings(policy: PointPolicy) -> bool:
    return policy.savings is not None and bool(policy.savings["is_exempt"])


async def _lock(
    session: AsyncSession, community_id: int, accounts: Sequence[Record]
) -> PointPolicy:
    """Lock accounts and read the policy then: whoever publishes a later one comes after us."""
    numbers = [row.account_id for row in accounts]
    await ledger_queries.lock_balances(session, community_id, numbers)
    return await ledger_queries.get_policy(session, community_id)


async def _date_lots(
    session: AsyncSession,
    policy: PointPolicy,
    accounts: Sequence[Record],
    lot_ids: Sequence[int] | None = None,
) -> None:
    """Date what has no date, a full period ahead; with an expiry that always stood, nothing is."""
    timezone = await queries.get_timezone(session, policy.community_id)
    since = {AccountKind.WALLET: policy.expiry_since}
    if not _exempts_savings(policy):
        # The expiry may be an old one: what savings kept from it gets a full period, too.
        since[AccountKind.SAVINGS] = policy.published_at
    for kind, moment in since.items():
        numbers = [row.account_id for row in accounts if row.kind == kind]
        if not numbers or moment is None:
            continue
        lapses_at = first_lapse(policy.expiry, since=moment, timezone=timezone)
        if lapses_at != NEVER:
            await queries.date_lots(
                session, policy.community_id, numbers, lapses_at=lapses_at, lot_ids=lot_ids
            )
