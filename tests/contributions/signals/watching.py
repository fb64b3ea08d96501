"""What tests of signals have in common: reading them, and reviews and points that were before."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from app.core.ids import EPOCH, RANDOM_BITS
from tests.conftest import NOW
from tests.contributions.claims.desk import QUEUE, ClaimDesk

_numbers = itertools.count(1)
OVERVIEW = "/v1/staff/signals"
DAY = timedelta(days=1)

_CLAIM = """
    INSERT INTO claims (community_id, claim_id, resident_id, rule_id, rule_version_id, units,
        mode, acted_at, note, shows_deed, state, review_level, approvals, claimed_by, claimed_at,
        decided_at, reason)
    VALUES (:community, :claim, :resident, 1, 1, 1, 'any', :at, '', false, 'refused', 1, 0, 1,
        :at, :at, '重复')
"""
_REVIEW = """
    INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, entered_by,
        reviewed_at)
    VALUES (:community, :claim, :reviewer, 'approve', 1, :at)
"""
_STANDING = """
    INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
    VALUES (:community, 'month', :starts_on, :resident, :points, :at)
"""


def number_at(moment: datetime) -> int:
    """Return a number as it would have been made then; the process's own only ever rise."""
    milliseconds = int((moment - EPOCH).total_seconds() * 1000)
    return (milliseconds << RANDOM_BITS) + next(_numbers)


async def signals_of(desk: ClaimDesk, claim_id: str, by: str = "reviewer-1") -> list[Any]:
    """Return what a reviewer sees of a claim."""
    signals: list[Any] = (await desk.read(by, f"{QUEUE}/{claim_id}"))["signals"]
    return signals


async def overview(desk: ClaimDesk, by: str = "auditor-1") -> dict[str, Any]:
    found: dict[str, Any] = await desk.read(by, OVERVIEW)
    return found


async def reviewed(
    desk: ClaimDesk, resident: int, *reviewers: int, at: datetime = NOW - 30 * DAY
) -> None:
    """Let a resident have had one claim for each of these reviewers, by whom it was reviewed."""
    for reviewer in reviewers:
        claim = number_at(at)
        await desk.do(_CLAIM, claim=claim, resident=resident, at=at)
        await desk.do(_REVIEW, claim=claim, reviewer=reviewer, at=at)


async def earned(desk: ClaimDesk, month: datetime, points: dict[int, int]) -> None:
    """Let residents have so many points in a month."""
    for resident, score in points.items():
        await desk.do(
            _STANDING, starts_on=month.date().replace(day=1), resident=resident, points=score,
            at=month,
        )  # fmt: skip
