"""What the service's book holds, read in one statement, and what must hold of it at any time."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Connection

from app.ledger.queries import LAPSED_FREE

Row = list[Any]

_READ = f"""
    SELECT json_build_object(
        'accounts', (SELECT json_agg(json_build_array(account_id, posted, debt, held, lots_total,
                floor, greatest(lots_total - held - debt - {LAPSED_FREE}, 0), last_spent_at,
                decayed_at, next_expiry_at) ORDER BY account_id)
            FROM balances WHERE community_id = $1),
        'lots', (SELECT json_agg(json_build_array(lots.lot_id, account_id, transfer_id,
                origin_lot_id, granted, expires_at, remaining, held, earned_at,
                follows_policy, coalesce(moved.points, 0)) ORDER BY lots.lot_id)
            FROM lots LEFT JOIN (SELECT lot_id, sum(points) AS points FROM lot_moves
                WHERE community_id = $1 GROUP BY lot_id) AS moved USING (lot_id)
            WHERE community_id = $1),
        'holds', (SELECT json_agg(json_build_array(hold_id, account_id, points, captured_points,
                state, expires_at, pins) ORDER BY hold_id)
            FROM holds JOIN (SELECT hold_id,
                    json_agg(json_build_array(lot_id, points) ORDER BY lot_id) AS pins
                FROM hold_lots WHERE community_id = $1 GROUP BY hold_id) AS pinned USING (hold_id)
            WHERE community_id = $1),
        'transfers', (SELECT json_agg(json_build_array(transfer_id, kind, debit_account_id,
                credit_account_id, transfers.points, reverses_transfer_id,
                coalesce(reversed_points.points, 0), original_points) ORDER BY transfer_id)
            FROM transfers LEFT JOIN reversed_points USING (community_id, transfer_id)
            WHERE community_id = $1),
        'unsealed', (SELECT count(*) FROM seal_queue WHERE community_id = $1))
""".replace(":now", "$2")  # noqa: S608 - the ledger's own way to tell what has lapsed


@dataclass(frozen=True, slots=True)
class Stored:
    """The rows of one community; moments are ISO text, or `infinity`, which sorts last."""

    accounts: list[Row]
    lots: list[Row]
    holds: list[Row]
    transfers: list[Row]
    unsealed: int


async def read_book(connection: Connection, community_id: int, now: datetime) -> Stored:
    found = await connection.fetchval(_READ, community_id, now)
    return Stored(**{name: [] if rows is None else rows for name, rows in found.items()})


def assert_sound(stored: Stored) -> None:
    """Check what must hold whatever was done, by the rows alone."""
    _lots_are_what_moves_left(stored)
    _balances_are_what_follows(stored)
    _holds_pin_lots(stored)
    _reversals_stay_within_originals(stored)
    assert stored.unsealed == len(stored.transfers), "each transfer waits to be sealed"


def _lots_are_what_moves_left(stored: Stored) -> None:
    for lot_id, *_, granted, _expires_at, remaining, held, _, _, moved in stored.lots:
        assert remaining == granted - moved, f"lot {lot_id}"
        assert 0 <= held <= remaining, f"lot {lot_id}"


def _balances_are_what_follows(stored: Stored) -> None:
    posted: Counter[int] = Counter()
    for _, _, debit, credit, points, *_ in stored.transfers:
        posted[debit] -= points
        posted[credit] += points
    remaining: Counter[int] = Counter()
    pinned: Counter[int] = Counter()
    soonest: dict[int, str] = {}
    for _, account, _, _, _, expires_at, left, held, *_ in stored.lots:
        remaining[account] += left
        pinned[account] += held
        if left > held:
            soonest[account] = min(soonest.get(account, expires_at), expires_at)
    for account, *figures, floor, _, _, _, next_expiry_at in stored.accounts:
        debt = figures[1]
        lots = remaining[account]
        assert figures == [posted[account], lots - posted[account], pinned[account], lots], account
        assert 0 <= debt <= -floor, f"account {account} is below its floor"
        assert next_expiry_at <= soonest.get(account, "infinity"), f"account {account} lapses"
        posted[account] = figures[0]
    assert sum(posted.values()) == 0


def _holds_pin_lots(stored: Stored) -> None:
    pinned: Counter[int] = Counter()
    for hold_id, _, points, _, state, _, pins in stored.holds:
        assert sum(share for _, share in pins) == points, f"hold {hold_id}"
        if state == "held":
            for lot_id, share in pins:
                pinned[lot_id] += share
    for lot_id, *_, held, _, _, _ in stored.lots:
        assert held == pinned[lot_id], f"held of lot {lot_id}"


def _reversals_stay_within_originals(stored: Stored) -> None:
    reversed_points: Counter[int] = Counter()
    for _, _, _, _, points, reverses, _, _ in stored.transfers:
        if reverses is not None:
            reversed_points[reverses] += points
    for transfer_id, _, _, _, points, _, is_reversed, original in stored.transfers:
        assert is_reversed == reversed_points[transfer_id] <= points, f"transfer {transfer_id}"
        assert original in (None, points), f"transfer {transfer_id}"
