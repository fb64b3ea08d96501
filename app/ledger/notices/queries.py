"""SQL of notices: who is told of which points, written down in the statement that finds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import run_statement


@dataclass(frozen=True, slots=True)
class Lead:
    """How long ahead a community's residents are told now."""

    community_id: int
    timezone: str
    days: int
    now: datetime

    @property
    def until(self) -> datetime:
        return self.now + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class DecayTerms:
    """What lies unused for so many months, counted from `since` at the earliest, loses a part."""

    months: int
    percent: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """The last account that was looked at, or 0; who is told of which points, and when they end."""

    reached: int
    notices: Sequence[Record]


_LIST_POLICIES = """
    SELECT policy.community_id, timezone, notice_days, decay, decay_since
    FROM communities JOIN LATERAL (
        SELECT * FROM point_policies AS newest
        WHERE newest.community_id = communities.community_id
        ORDER BY version DESC LIMIT 1) AS policy ON true
    WHERE jsonb_array_length(notice_days) > 0
    ORDER BY policy.community_id
"""

_IS_FREE = "remaining > 0 AND remaining > lots.held AND expires_at > :now"


def _local_month(moment: str) -> str:
    """Return the expression of the first day of the month that a lapse is the end of a day of."""
    last = f"(({moment} - interval '1 microsecond') AT TIME ZONE CAST(:timezone AS text))"
    return f"CAST(date_trunc('month', {last}) AS date)"


def _tell(kind: str, *, account: str, due: str) -> str:
    """Return the statement that writes down what the next accounts are told, and returns it.

    `account` says who of them it is about, `due` what is coming to them: person, kind of account,
    month, points, and when the first and the last of them end. Whoever was told from nearer by is
    not told again. What is asked for each row is written so that it stays a look-up by key.
    """
    return f"""
    WITH page AS (
        SELECT account_id, kind, owner_id FROM accounts
        WHERE community_id = :community_id AND account_id > :after
        ORDER BY account_id LIMIT :size),
    account AS ({account}),
    due AS ({due}),
    told AS (
        INSERT INTO lapse_notices
        SELECT :community_id, account_id, '{kind}', month, :days_ahead, points, first_at, :now
        FROM due
        WHERE points > 0 AND (
            SELECT count(*) FROM lapse_notices AS nearer
            WHERE nearer.community_id = :community_id AND nearer.account_id = due.account_id
                AND nearer.kind = '{kind}' AND nearer.month = due.month
                AND nearer.days_ahead <= :days_ahead) = 0
        ON CONFLICT DO NOTHING
        RETURNING account_id, month)
    SELECT reached.account_id AS reached, notice.*
    FROM (SELECT max(account_id) AS account_id FROM page) AS reached
        LEFT JOIN (
            SELECT person_id, kind, points, first_at, last_at
            FROM told JOIN due USING (account_id, month)
            ORDER BY account_id, month) AS notice ON true
    """  # noqa: S608 - fragments of our own


# Only who can be told: without a person there is no inbox.
_PEOPLES_ACCOUNTS = """
    SELECT page.account_id, page.kind, person_id, last_spent_at, decayed_at
    FROM page
        JOIN balances ON balances.community_id = :community_id
            AND balances.account_id = page.account_id
        JOIN residents ON residents.community_id = :community_id
            AND residents.resident_id = page.owner_id
    WHERE person_id IS NOT NULL AND residents.state = 'active'
"""

# With the first points of a month come all others that will lapse before it ends.
_LAPSING = f"""
    SELECT account_id, person_id, kind, month, lapsing.points, first_at, last_at
    FROM account CROSS JOIN LATERAL (
        SELECT {_local_month("expires_at")} AS month,
            sum(remaining - lots.held)::bigint AS points, min(expires_at) AS first_at,
            max(expires_at) AS last_at
        FROM lots
        WHERE lots.community_id = :community_id AND lots.account_id = account.account_id
            AND {_IS_FREE} AND expires_at <= CAST(:until AS timestamptz) + interval '32 days'
        GROUP BY 1 HAVING min(expires_at) <= CAST(:until AS timestamptz)) AS lapsing
"""  # noqa: S608 - fragments of our own

_TELL_EXPIRY = _tell(
    "expiry",
    account=f"""
    {_PEOPLES_ACCOUNTS} AND page.kind IN ('wallet', 'savings')
        AND next_expiry_at <= CAST(:until AS timestamptz)""",
    due=_LAPSING,
)

# A wallet is cut when it, and something in it, has been unused for the policy's months. What lapses
# before is not in question; what is due within a day more goes along, for the job comes at night.
_DECAYING = f"""
    SELECT account_id, person_id, kind, {_local_month("cut_at")} AS month, share.points,
        cut_at AS first_at, cut_at AS last_at
    FROM account
        CROSS JOIN LATERAL (
            SELECT min(earned_at) AS oldest_at FROM lots
            WHERE lots.community_id = :community_id AND lots.account_id = account.account_id
                AND {_IS_FREE}
                AND expires_at > make_interval(months => :months) + greatest(last_spent_at,
                    decayed_at, CAST(:decay_since AS timestamptz), earned_at)) AS free
        CROSS JOIN LATERAL (
            SELECT greatest(last_spent_at, decayed_at, CAST(:decay_since AS timestamptz),
                oldest_at) AS unused_since) AS wallet
        CROSS JOIN LATERAL (SELECT unused_since + make_interval(months => :months)) AS cut (cut_at)
        CROSS JOIN LATERAL (
            SELECT div(sum(remaining - lots.held) * CAST(:percent AS bigint), 100)::bigint
            FROM lots
            WHERE lots.community_id = :community_id AND lots.account_id = account.account_id
                AND {_IS_FREE} AND expires_at > cut_at
                AND earned_at <= unused_since + interval '1 day')
            AS share (points)
    WHERE oldest_at IS NOT NULL AND cut_at > :now AND cut_at <= CAST(:until AS timestamptz)
"""  # noqa: S608 - fragments of our own

_TELL_DECAY = _tell(
    "decay",
    account=f"""
    {_PEOPLES_ACCOUNTS} AND page.kind = 'wallet' AND lots_total > balances.held
        AND coalesce(greatest(last_spent_at, decayed_at, CAST(:decay_since AS timestamptz)),
            '-infinity') <= CAST(:until AS timestamptz) - make_interval(months => :months)""",
    due=_DECAYING,
)


async def list_policies(session: AsyncSession) -> Sequence[Record]:
    """Return the newest policy of each community that gives notice, and its time zone."""
    return (await session.execute(text(_LIST_POLICIES))).all()


async def tell_expiry(session: AsyncSession, lead: Lead, *, after: int, size: int) -> Told:
    """Write down who, of the next accounts, is told of points that lapse within the lead."""
    return await _tell_next(session, _TELL_EXPIRY, lead, after=after, size=size)


async def tell_decay(
    session: AsyncSession, lead: Lead, decay: DecayTerms, *, after: int, size: int
) -> Told:
    """Write down who, of the next wallets, is told that points will be cut within the lead."""
    return await _tell_next(
        session, _TELL_DECAY, lead,
        after=after, size=size, decay_since=decay.since, months=decay.months,
        percent=decay.percent,
    )  # fmt: skip


async def _tell_next(
    session: AsyncSession, statement: str, lead: Lead, *, after: int, size: int, **values: Any
) -> Told:
    rows = await run_statement(
        session, statement,
        community_id=lead.community_id, timezone=lead.timezone, days_ahead=lead.days,
        until=lead.until, now=lead.now, after=after, size=size, **values,
    )  # fmt: skip
    return Told(rows[0].reached or 0, [row for row in rows if row.person_id is not None])
