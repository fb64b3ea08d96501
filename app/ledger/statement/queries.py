"""SQL of statements: one statement each, so that lines and balance are of the same moment.

Every statement starts from what the account holds now and goes back: the balance after a line is
what the newer ones leave, so only what is older than a period can be left out.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.queries import first_id_at
from app.ledger.queries import run_statement
from app.ledger.statement.schemas import Direction, LineFilter, OwnAccount

_OWNED = """
    SELECT accounts.account_id, opened_at, posted, timezone
    FROM accounts
        JOIN balances ON balances.community_id = accounts.community_id
            AND balances.account_id = accounts.account_id
        JOIN communities ON communities.community_id = accounts.community_id
    WHERE accounts.community_id = :community_id AND kind = :account AND owner_id = :owner_id
"""


def _lines(condition: str, *, newest: str = "") -> str:
    """Return the fragment of an account's lines that meet a condition, or the newest of them."""
    limit = f"ORDER BY transfer_id DESC LIMIT {newest}" if newest else ""
    sides = (("credit", "debit", "transfers.points"), ("debit", "credit", "-transfers.points"))
    return " UNION ALL ".join(
        f"""
        (SELECT transfer_id, kind, signed.points, memo, {other}_account_id AS other_id,
            reverses_transfer_id, occurred_at, posted_at
        FROM transfers CROSS JOIN LATERAL (SELECT {points} AS points) AS signed
        WHERE community_id = :community_id
            AND {side}_account_id = (SELECT account_id FROM owned) AND {side}_account_id > 999
            AND {condition}
        {limit})
        """  # noqa: S608 - fragments of our own
        for side, other, points in sides
    )


def _is_since(moment: str) -> str:
    """Return the condition that a number was not made before a moment; null is the beginning."""
    first = f"(SELECT {first_id_at(moment)} FROM owned)"  # noqa: S608 - a fragment of our own
    return f"transfer_id >= coalesce({first}, 0)"


_FIRST_MOMENT = "(CAST(CAST(:first AS date) AS timestamp) AT TIME ZONE timezone)"
_LAST_MOMENT = "(CAST(CAST(:last AS date) + 1 AS timestamp) AT TIME ZONE timezone)"
_CHOSEN = f"""
    transfer_id < :before AND {_is_since(_FIRST_MOMENT)}
        AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
        AND (CAST(:sign AS integer) IS NULL OR sign(signed.points) = CAST(:sign AS integer))
        AND (CAST(:first AS date) IS NULL OR posted_at >= (SELECT {_FIRST_MOMENT} FROM owned))
        AND (CAST(:last AS date) IS NULL OR posted_at < (SELECT {_LAST_MOMENT} FROM owned))
"""  # noqa: S608 - fragments of our own

# First the page, which each index gives from its newest end, then what is newer than its last.
_LIST_LINES = f"""
    WITH owned AS ({_OWNED}),
    chosen AS (
        SELECT * FROM ({_lines(_CHOSEN, newest=":size")}) AS line
        ORDER BY transfer_id DESC LIMIT :size),
    newer AS ({_lines("transfer_id >= (SELECT min(transfer_id) FROM chosen)")}),
    balance AS (
        SELECT transfer_id, (SELECT posted FROM owned) - coalesce(sum(points) OVER (
            ORDER BY transfer_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint
            AS balance_points
        FROM newer)
    SELECT chosen.*, balance_points, accounts.kind AS counterparty
    FROM chosen JOIN balance USING (transfer_id)
        JOIN accounts ON accounts.community_id = :community_id
            AND accounts.account_id = chosen.other_id
    ORDER BY transfer_id DESC
"""  # noqa: S608 - fragments of this room

_FIRST_MONTH = """
    (greatest(date_trunc('month', CAST(:now AS timestamptz) AT TIME ZONE timezone)
            - make_interval(months => :months - 1),
        date_trunc('month', opened_at AT TIME ZONE timezone)))
"""
_LIST_MONTHS = f"""
    WITH owned AS ({_OWNED}),
    line AS ({_lines(_is_since(f"({_FIRST_MONTH} AT TIME ZONE timezone)"))}),
    month AS (
        SELECT month, posted
        FROM owned CROSS JOIN LATERAL generate_series({_FIRST_MONTH},
            CAST(:now AS timestamptz) AT TIME ZONE timezone, INTERVAL '1 month') AS month),
    moved AS (
        SELECT date_trunc('month', posted_at AT TIME ZONE (SELECT timezone FROM owned)) AS month,
            coalesce(sum(points) FILTER (WHERE points > 0), 0)::bigint AS in_points,
            coalesce(-sum(points) FILTER (WHERE points < 0), 0)::bigint AS out_points
        FROM line GROUP BY 1)
    SELECT month::date, coalesce(in_points, 0) AS in_points, coalesce(out_points, 0) AS out_points,
        posted - coalesce(sum(in_points - out_points) OVER (
            ORDER BY month DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint
            AS balance_points
    FROM month LEFT JOIN moved USING (month)
    ORDER BY month DESC
"""  # noqa: S608 - fragments of this room

# One row even for a period without lines, since the balance stands there too.
_LIST_PERIOD = f"""
    WITH owned AS ({_OWNED}),
    line AS ({_lines(_is_since("CAST(:since AS timestamptz)"))})
    SELECT posted - (SELECT coalesce(sum(points), 0)::bigint FROM line WHERE posted_at >= :until)
            AS closing_points,
        (SELECT coalesce(sum(points), 0)::bigint FROM line
            WHERE posted_at >= :since AND posted_at < :until) AS moved_points,
        line.*
    FROM owned LEFT JOIN line ON posted_at >= :since AND posted_at < :until
    ORDER BY posted_at, transfer_id LIMIT :size
"""  # noqa: S608 - fragments of this room

_SIGNS = {Direction.IN: 1, Direction.OUT: -1, None: None}


async def list_lines(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    chosen: LineFilter,
    *,
    before: int,
    size: int,
) -> Sequence[Record]:
    """Return an account's lines, newest first, points signed as the account sees them."""
    return await run_statement(
        session, _LIST_LINES,
        community_id=community_id, owner_id=owner_id, account=chosen.account,
        kinds=chosen.kinds, sign=_SIGNS[chosen.direction],
        first=chosen.first, last=chosen.last, before=before, size=size,
    )  # fmt: skip


async def list_months(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    account: OwnAccount,
    *,
    months: int,
    now: datetime,
) -> Sequence[Record]:
    """Return so many local months up to now, newest first, none before the account was opened."""
    return await run_statement(
        session, _LIST_MONTHS,
        community_id=community_id, owner_id=owner_id, account=account, months=months, now=now,
    )  # fmt: skip


async def list_period(
    session: AsyncSession,
    community_id: int,
    owner_id: int,
    account: OwnAccount,
    *,
    since: datetime,
    until: datetime,
    size: int,
) -> Sequence[Record]:
    """Return the lines from `since` until before `until`, oldest first.

    Each row also has what the account held at the end and what moved in all; a period without
    lines is one row without a number, an account that was never opened is none.
    """
    return await run_statement(
        session, _LIST_PERIOD,
        community_id=community_id, owner_id=owner_id, account=account,
        since=since, until=until, size=size,
    )  # fmt: skip
