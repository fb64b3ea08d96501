"""A community of before fair play keeps what it had, and gets what every community has now."""

from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.migrations.conftest import Scratch
from tests.migrations.test_money_rules import BEFORE as BOOKS
from tests.migrations.test_money_rules import add, add_old_books, read

BEFORE, AFTER = "0007", "0010"
LIVED_IN: dict[str, list[dict[str, Any]]] = {
    "role_grants": [{"role_grant_id": 1, "person_id": 1, "role": "committee",
                     "granted_at": "2026-01-01T00:00:00Z"}],
    "campaigns": [{"campaign_id": 9, "code": "month", "name": "平安月", "rule_codes": [],
                   "percent": 200, "bonus_points": 0, "starts_at": "2026-01-01T00:00:00Z",
                   "ends_at": "2026-02-01T00:00:00Z"}],
    "manual_postings": [
        {"manual_posting_id": number, "kind": "deduction", "state": state, "resident_id": 2001,
         "rule_code": "patrol", "units": 1, "acted_at": "2026-02-01T00:00:00Z",
         "is_our_fault": False, "reason": "混投", "proposed_by": 1,
         "proposed_at": "2026-02-01T00:00:00Z", **decided}
        for number, state, decided in (
            (21, "proposed", {}),
            (22, "posted", {"decided_by": 2, "decided_at": "2026-02-02T00:00:00Z", "result": {}}),
        )
    ],
}  # fmt: skip
# What only came with fair play.
SINCE: dict[str, list[dict[str, Any]]] = {
    "role_grants": [{"role_grant_id": 2, "person_id": 2, "role": "auditor",
                     "granted_at": "2026-03-01T00:00:00Z"}],
    "contributions": [
        {"contribution_id": 31, "source_kind": "duty", "source_id": 1, "resident_id": 2001,
         "occasion": "2026-03", "rule_id": 5, "rule_version_id": 6, "state": "awarded", "units": 1,
         "asked_points": 5, "granted_points": 5, "breakdown": {}, "recorded_by": 1,
         "is_spaced": False},
    ],
}  # fmt: skip


async def live_in(scratch: Scratch) -> int:
    """Fill a database of before fair play; return the number of its community."""
    await scratch.run(command.upgrade, BOOKS)
    await add_old_books(scratch)
    await scratch.run(command.upgrade, BEFORE)
    ((number,),) = await read(scratch, "SELECT community_id FROM communities")
    await add(scratch, number, LIVED_IN)
    return int(number)


async def test_a_community_of_before_has_procedures_categories_and_rules_as_they_were(
    scratch: Scratch,
) -> None:
    await live_in(scratch)

    await scratch.run(command.upgrade, AFTER)

    days = "SELECT rule_notice_days, hearing_days, repair_days, appeal_days FROM procedures"
    assert len(await read(scratch, days)) == 1
    assert await read(scratch, "SELECT code, name FROM rule_categories") == [("平安", "平安")]
    asked = """
        SELECT DISTINCT is_claimable, review_level, evidence, audience, mode, award_notice_days,
            min_interval_minutes, points_by_effort, adopted_at FROM rule_versions
    """
    assert await read(scratch, asked) == [(False, 1, [], [], "any", 0, None, None, None)]
    campaigns = "SELECT code, percent, categories, weekdays, budget_points FROM campaigns"
    assert await read(scratch, campaigns) == [("month", 200, [], [], None)]
    states = "SELECT state, heard_until FROM manual_postings ORDER BY manual_posting_id"
    assert await read(scratch, states) == [("proposed", None), ("posted", None)]
    open_checks = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    assert await read(scratch, open_checks) == []


async def test_going_back_and_coming_again_keeps_what_is_of_fair_play(scratch: Scratch) -> None:
    number = await live_in(scratch)
    await scratch.run(command.upgrade, AFTER)
    await add(scratch, number, SINCE)

    await scratch.run(command.downgrade, BEFORE)
    await scratch.run(command.upgrade, AFTER)

    kinds = "SELECT source_kind FROM contributions ORDER BY contribution_id"
    assert await read(scratch, kinds) == [("committee_alone",), ("duty",)]
    assert len(await read(scratch, "SELECT community_id FROM procedures")) == 1
    async with scratch.owner.connect() as connection:
        with pytest.raises(IntegrityError, match="role_known"):
            await connection.execute(text("UPDATE role_grants SET role = 'king'"))
