"""Two people, by the database: whatever writes there, the checker is another than the maker."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.problem_handlers import problem_of_constraint
from app.ledger.errors import CheckerIsMaker
from tests.contributions.by_hand.desk import Desk

COPIED_CONTRIBUTION = """
    INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
        occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
        reason, recorded_by, checked_by, acted_at, created_at)
    SELECT community_id, contribution_id + 1, source_kind, source_id, resident_id, 'copy', rule_id,
        rule_version_id, state, units, asked_points, granted_points, breakdown, reason,
        recorded_by, {checked_by}, acted_at, created_at
    FROM contributions LIMIT 1
"""
COPIED_TRANSFER = """
    INSERT INTO transfers
    SELECT (jsonb_populate_record(transfers, jsonb_build_object('transfer_id', transfer_id + 1,
        'source_kind', 'manual', 'checker_id', {checker_id}))).*
    FROM transfers LIMIT 1
"""
DECIDED = """
    UPDATE manual_postings SET state = '{state}', decided_by = proposed_by, decided_at = proposed_at
    WHERE state = 'proposed'
"""


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (
            "UPDATE manual_postings SET decided_by = proposed_by WHERE state = 'posted'",
            "ck_manual_postings_checker_is_another",
        ),
        (DECIDED.format(state="refused"), "ck_manual_postings_checker_is_another"),
        (
            COPIED_CONTRIBUTION.format(checked_by="NULL"),
            "ck_contributions_manual_is_checked",
        ),
        (
            COPIED_CONTRIBUTION.format(checked_by="recorded_by"),
            "ck_contributions_checked_by_another",
        ),
        (COPIED_TRANSFER.format(checker_id="NULL"), "ck_transfers_manual_is_checked"),
        (COPIED_TRANSFER.format(checker_id="maker_id"), "ck_transfers_checker_is_another"),
    ],
)
async def test_the_database_refuses_a_maker_who_checks(
    desk: Desk, statement: str, constraint: str
) -> None:
    await desk.here.give("resident-1", "mediation")
    await desk.proposed(desk.under_rule("award"))
    async with desk.sessionmaker() as session:
        with pytest.raises(IntegrityError, match=constraint):
            await session.execute(text(statement))
    assert problem_of_constraint(constraint) is CheckerIsMaker


async def test_the_same_rows_with_another_checker_are_let_in(desk: Desk) -> None:
    await desk.here.give("resident-1", "mediation")
    await desk.proposed(desk.under_rule("award"))
    async with desk.sessionmaker() as session:
        for statement in (
            DECIDED.format(state="withdrawn"),
            COPIED_CONTRIBUTION.format(checked_by="checked_by"),
            COPIED_TRANSFER.format(checker_id="checker_id"),
        ):
            await session.execute(text(statement))
        await session.rollback()
