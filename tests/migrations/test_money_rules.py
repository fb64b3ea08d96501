"""A community of before the money rules keeps its books, and gets what every community has now."""

import json
from typing import Any

from alembic import command
from sqlalchemy import text

from tests.migrations.conftest import Scratch

BEFORE, AFTER = "0004", "0006"
COMMUNITY = """
    INSERT INTO communities (code, name, timezone, created_at)
    VALUES ('old', '老社区', 'Asia/Shanghai', '2026-01-01T00:00:00Z') RETURNING community_id
"""
# An award posted by one person, redeemed, confirmed by a shop and taken back by it.
ROWS: dict[str, list[dict[str, Any]]] = {
    "contributions": [
        {"contribution_id": 11, "source_kind": "committee", "source_id": 1, "resident_id": 2001,
         "occasion": "", "rule_id": 5, "rule_version_id": 6, "state": "awarded", "units": 1,
         "asked_points": 30, "granted_points": 30, "breakdown": {}, "recorded_by": 1},
    ],
    "transfers": [
        {"transfer_id": 11, "posting_id": 11, "kind": "award", "debit_account_id": 1,
         "credit_account_id": 2001, "points": 30, "source_kind": "contribution", "source_id": 11,
         "leg": 0},
        {"transfer_id": 12, "posting_id": 12, "kind": "spend", "debit_account_id": 2001,
         "credit_account_id": 3001, "points": 20, "source_kind": "hold", "source_id": 9,
         "leg": 1},
        {"transfer_id": 13, "posting_id": 13, "kind": "reversal", "debit_account_id": 3001,
         "credit_account_id": 2001, "points": 20, "source_kind": "reversal", "source_id": 12,
         "leg": 0, "reverses_transfer_id": 12},
    ],
    "lots": [
        {"lot_id": 11, "account_id": 2001, "transfer_id": 11, "granted": 30, "remaining": 30},
    ],
    "lot_moves": [{"transfer_id": 12, "lot_id": 11, "points": 20}],
    "rules": [{"rule_id": 5, "code": "mediation"}, {"rule_id": 7, "code": "patrol"}],
    "rule_versions": [
        {"rule_version_id": 6, "rule_id": 5, "expiry": {"kind": "never"}},
        {"rule_version_id": 8, "rule_id": 7, "expiry": {"kind": "months", "months": 6}},
    ],
}  # fmt: skip
COMMON: dict[str, dict[str, Any]] = {
    "transfers": {"memo": "", "maker_id": 1, "occurred_at": "2026-02-01T00:00:00Z",
                  "posted_at": "2026-02-01T00:00:00Z", "salt": "\\x00"},
    "contributions": {"acted_at": "2026-02-01T00:00:00Z", "created_at": "2026-02-01T00:00:00Z"},
    "lots": {"earned_at": "2026-02-01T00:00:00Z"},
    "contribution_reversals": {"reason": "登记两次", "reversed_by": 1,
                               "created_at": "2026-02-01T00:00:00Z"},
    "rule_versions": {"version": 1, "name": "调解", "category": "平安", "direction": "earn",
                      "unit": "time", "points": 5, "max_units": 1, "caps": [],
                      "effective_from": "2026-01-01T00:00:00Z"},
}  # fmt: skip


async def add_old_books(scratch: Scratch) -> None:
    async with scratch.owner.begin() as connection:
        number = await connection.scalar(text(COMMUNITY))
    await add(scratch, number, ROWS)


async def add(scratch: Scratch, number: int, tables: dict[str, list[dict[str, Any]]]) -> None:
    async with scratch.owner.begin() as connection:
        for table, rows in tables.items():
            for row in rows:
                whole = {"community_id": number, **COMMON.get(table, {}), **row}
                names = ", ".join(whole)
                statement = (
                    f"INSERT INTO {table} ({names}) SELECT {names}"  # noqa: S608
                    f" FROM json_populate_record(NULL::{table}, CAST(:row AS json))"
                )
                await connection.execute(text(statement), {"row": json.dumps(whole)})


async def read(scratch: Scratch, statement: str) -> list[tuple[Any, ...]]:
    async with scratch.owner.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).all()]


async def test_books_of_before_are_kept_and_completed(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await add_old_books(scratch)

    await scratch.run(command.upgrade, AFTER)

    moves = "SELECT transfer_id, lot_id, points FROM lot_moves ORDER BY transfer_id"
    assert await read(scratch, moves) == [(12, 11, 20), (13, 11, -20)]
    sources = "SELECT source_kind, checked_by FROM contributions"
    assert await read(scratch, sources) == [("committee_alone", None)]
    policies = "SELECT version, expiry, decay, savings, gifts, lowest_points FROM point_policies"
    assert await read(scratch, policies) == [(1, {"kind": "never"}, None, None, None, 0)]


async def test_what_was_given_for_ever_follows_the_policy_and_other_rules_stay(
    scratch: Scratch,
) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await add_old_books(scratch)

    await scratch.run(command.upgrade, AFTER)

    rules = "SELECT rule_version_id, expiry FROM rule_versions ORDER BY rule_version_id"
    half_a_year = {"kind": "months", "months": 6}
    assert await read(scratch, rules) == [(6, {"kind": "community"}), (8, half_a_year)]
    lots = "SELECT lot_id, remaining, expires_at = 'infinity', follows_policy FROM lots"
    assert await read(scratch, lots) == [(11, 30, True, True)]

    await scratch.run(command.downgrade, BEFORE)

    assert await read(scratch, rules) == [(6, {"kind": "never"}), (8, half_a_year)]


async def test_going_back_leaves_the_old_books_as_they_were(scratch: Scratch) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await add_old_books(scratch)
    await scratch.run(command.upgrade, AFTER)

    await scratch.run(command.downgrade, BEFORE)

    assert await read(scratch, "SELECT transfer_id, points FROM lot_moves") == [(12, 20)]
    assert await read(scratch, "SELECT source_kind FROM contributions") == [("committee",)]


async def test_going_back_and_coming_again_keeps_what_was_done_in_between(
    scratch: Scratch,
) -> None:
    await scratch.run(command.upgrade, BEFORE)
    await add_old_books(scratch)
    await scratch.run(command.upgrade, AFTER)
    ((number, saved),) = await read(
        scratch, "SELECT community_id, nextval('derived_lots') FROM communities"
    )
    parts = [
        {"reversal_id": reversal, "contribution_id": 11, "asked_points": 10, "taken_points": taken}
        for reversal, taken in ((14, 10), (15, 4))
    ]
    lot = {"lot_id": saved, "account_id": 2002, "transfer_id": 16, "origin_lot_id": 11,
           "granted": 5, "remaining": 5}  # fmt: skip
    await add(scratch, number, {"contribution_reversals": parts, "lots": [lot]})

    await scratch.run(command.downgrade, BEFORE)

    undone = "SELECT reversal_id, asked_points, taken_points FROM contribution_reversals"
    assert await read(scratch, undone) == [(15, 20, 14)]

    await scratch.run(command.upgrade, AFTER)

    assert await read(scratch, "SELECT nextval('derived_lots')") == [(saved + 1,)]
