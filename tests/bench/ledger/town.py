"""Communities to measure in: wallets whose numbers and lots follow one another without a gap.

They are written by plain SQL, as a hundred thousand awards through the service take a minute;
what is written is what awards would have left, and the auditor looks at it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import EPOCH, RANDOM_BITS
from app.ledger.lapses import NEVER, timestamp
from app.ledger.point_policy.schemas import PolicyDecay
from app.rules import service as rules
from app.rules.evaluation import Terms
from app.setup.community import CreatedCommunity, create_community
from app.setup.presets import read_preset

RULE, SHOP = "weekend_clean_up", "canteen"
PLENTY = 1_000_000_000
AN_HOUR = timedelta(hours=1)
_AWARDED = """
    WITH lot AS (
        SELECT * FROM json_to_recordset(CAST(:lots AS json)) AS row(
            first bigint, points bigint, acted_at timestamptz, expires_at timestamptz))
    {insert}
    FROM lot CROSS JOIN generate_series(0::bigint, :wallets - 1) AS k
    {ending}
"""
_FILL = [
    """
    INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
    SELECT :community, :first + k, 'wallet', :first + k, :now
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    _AWARDED.format(
        insert="""
        INSERT INTO balances (community_id, account_id, posted, lots_total, next_expiry_at)
        SELECT :community, :first + k, sum(points), sum(points), min(expires_at)""",
        ending="GROUP BY k",
    ),
    _AWARDED.format(
        insert="""
        INSERT INTO contributions (community_id, contribution_id, source_kind, source_id,
            resident_id, occasion, rule_id, rule_version_id, state, units, asked_points,
            granted_points, breakdown, recorded_by, acted_at, created_at)
        SELECT :community, lot.first + k, 'daily_check_in', :rule, :first + k, lot.first::text,
            :rule, :version,
            'awarded', 1, points, points, '{"name": "周末大扫除"}', 1, acted_at, acted_at""",
        ending="",
    ),
    _AWARDED.format(
        insert="""
        INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
            credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id,
            maker_id, occurred_at, posted_at, salt)
        SELECT :community, lot.first + k, lot.first + k, 'award', 1, :first + k, points,
            'contribution', lot.first + k, 0, '周末大扫除', :version, 1, acted_at, acted_at,
            uuid_send(gen_random_uuid())""",
        ending="",
    ),
    _AWARDED.format(
        insert="""
        INSERT INTO seal_queue (community_id, transfer_id) SELECT :community, lot.first + k""",
        ending="",
    ),
    _AWARDED.format(
        insert="""
        INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining,
            earned_at, expires_at)
        SELECT :community, lot.first + k, :first + k, lot.first + k, points, points, acted_at,
            expires_at""",
        ending="",
    ),
    *(
        _AWARDED.format(
            insert=f"""
            INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
            SELECT :community, '{period}', {start}, :first + k, sum(points), :now""",
            ending=f"GROUP BY {start}, k",
        )
        for period, start in (
            ("all", "date '1970-01-01'"),
            ("month", "date_trunc('month', acted_at AT TIME ZONE 'Asia/Shanghai')::date"),
            ("week", "date_trunc('week', acted_at AT TIME ZONE 'Asia/Shanghai')::date"),
        )
    ),
    # Counted anew, with all that may have waited to be.
    "DELETE FROM score_changes WHERE community_id = :community",
    """
    INSERT INTO score_counts (community_id, period, starts_on, level, slot, residents)
    SELECT community_id, period, starts_on, level, score >> 6 * level, count(*)
    FROM standings CROSS JOIN generate_series(0, 2) AS level
    WHERE community_id = :community AND score > 0
    GROUP BY community_id, period, starts_on, level, score >> 6 * level
    ON CONFLICT (community_id, period, starts_on, level, slot) DO UPDATE
        SET residents = excluded.residents
    """,
]  # fmt: skip
# What pgbench's scripts find in every wallet: something pinned to capture, something taken from
# the lot to give back, and room in both for ever.
_PIN = [
    """
    INSERT INTO holds (community_id, hold_id, account_id, purpose, memo, points, state, created_at,
        expires_at)
    SELECT :community, :hold + k, :first + k, 'redemption', '', :half, 'held', :now,
        CAST(:now AS timestamptz) + interval '30 days'
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO hold_lots (community_id, hold_id, lot_id, points)
    SELECT :community, :hold + k, :lot + k, :half
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    """
    INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
    SELECT :community, :lot + k, :lot + k, 10
    FROM generate_series(0::bigint, :wallets - 1) AS k
    """,
    "UPDATE lots SET held = :half, granted = 2 * granted WHERE community_id = :community",
    """
    UPDATE balances SET held = :half
    WHERE community_id = :community AND account_id - :first BETWEEN 0 AND :wallets - 1
    """,
]


@dataclass(frozen=True, slots=True)
class Grant:
    """A lot that everybody gets; the first wallet's has the number `first`."""

    first: int
    points: int
    acted_at: datetime
    expires_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Wallets:
    """Wallets of a community, numbered without a gap."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Town:
    """A community and the terms of the rule that everybody earns by."""

    created: CreatedCommunity
    terms: Terms

    @property
    def community_id(self) -> int:
        return self.created.community_id

    @property
    def shop_id(self) -> int:
        return self.created.shops[SHOP]


def block(now: datetime, number: int) -> int:
    """Return the first of two million numbers that nothing made at `now` or later has."""
    milliseconds = int((now - AN_HOUR - EPOCH).total_seconds() * 1000)
    return (milliseconds + number) << RANDOM_BITS


async def found_town(
    session: AsyncSession, code: str, *, decay: PolicyDecay | None = None, now: datetime
) -> Town:
    """Make an empty community; its residents' points halve if there is a `decay`."""
    preset = read_preset("sunshine")
    preset.points = preset.points.model_copy(update={"decay": decay})
    created = await create_community(session, preset, code=code, now=now)
    terms = await rules.get_terms(session, created.community_id, created.rules[RULE], at=now)
    return Town(created, terms)


async def fill_wallets(
    session: AsyncSession, town: Town, wallets: Wallets, grants: Sequence[Grant], *, now: datetime
) -> None:
    """Open wallets and put the same lots into each."""
    lots = [
        {
            "first": grant.first,
            "points": grant.points,
            "acted_at": grant.acted_at.isoformat(),
            "expires_at": timestamp(grant.expires_at),
        }
        for grant in grants
    ]
    values = {
        "community": town.community_id,
        "first": wallets.first,
        "wallets": wallets.count,
        "rule": town.terms.rule_id,
        "version": town.terms.rule_version_id,
        "lots": json.dumps(lots),
        "now": now,
    }
    await _run(session, _FILL, values)


async def pin_halves(
    session: AsyncSession, town: Town, wallets: Wallets, *, lot: int, hold: int, now: datetime
) -> None:
    """Hold half of what each wallet's only lot has; numbers of holds count up from `hold`."""
    values = {
        "community": town.community_id,
        "first": wallets.first,
        "wallets": wallets.count,
        "lot": lot,
        "hold": hold,
        "half": PLENTY // 2,
        "now": now,
    }
    await _run(session, _PIN, values)


async def _run(session: AsyncSession, statements: Sequence[str], values: dict[str, Any]) -> None:
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    for statement in statements:
        known = {name: value for name, value in values.items() if f":{name}" in statement}
        await session.execute(text(statement), known)
