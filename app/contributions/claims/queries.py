"""SQL of claims and their reviews."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Building, Resident, ResidentState
from app.contributions.claims.models import Claim, ClaimReview, ClaimState
from app.core.database import Record

_COLUMNS = """
    claims.*, rules.code AS rule_code, rule_versions.name AS rule_name, unit,
    claims.claimed_by IS DISTINCT FROM residents.person_id AS is_entered_by_staff,
    contributions.asked_points, contributions.granted_points
"""
_TABLES = """
    FROM claims
        JOIN rules USING (community_id, rule_id)
        JOIN rule_versions USING (community_id, rule_version_id)
        JOIN residents ON residents.community_id = claims.community_id
            AND residents.resident_id = claims.resident_id
        LEFT JOIN contributions ON contributions.community_id = claims.community_id
            AND contributions.contribution_id = claims.contribution_id
"""
_LIST_OWN = f"""
    SELECT {_COLUMNS} {_TABLES}
    WHERE claims.community_id = :community_id AND claims.resident_id = :resident_id
        AND claims.claim_id < :before
        AND (CAST(:claim_id AS bigint) IS NULL OR claims.claim_id = :claim_id)
    ORDER BY claims.claim_id DESC LIMIT :size
"""

# As the checks of claim_reviews: the household then and the one now both count.
_MAY_REVIEW = """
    claims.state = 'in_review' AND my.verdict IS NULL AND claims.claimed_by <> :person_id
        AND NOT coalesce(me.household_id IN (claims.household_id, residents.household_id), false)
        AND NOT EXISTS (SELECT FROM claim_reviews AS other
            WHERE other.community_id = claims.community_id AND other.claim_id = claims.claim_id
                AND other.reviewer_household_id = me.household_id)
"""
_FOR_REVIEWER = f"""
    SELECT {_COLUMNS}, residents.masked_name, grids.name AS grid_name, my.verdict AS my_verdict,
        {_MAY_REVIEW} AS may_review
    {_TABLES}
        JOIN buildings ON buildings.community_id = claims.community_id
            AND buildings.building_id = residents.building_id
        JOIN grids ON grids.community_id = claims.community_id
            AND grids.grid_id = buildings.grid_id
        LEFT JOIN claim_reviews AS my ON my.community_id = claims.community_id
            AND my.claim_id = claims.claim_id AND my.reviewer_id = :person_id
        LEFT JOIN residents AS me ON me.community_id = claims.community_id
            AND me.person_id = :person_id
    WHERE claims.community_id = :community_id
        AND residents.person_id IS DISTINCT FROM :person_id
        AND (CAST(:grid_ids AS bigint[]) IS NULL OR buildings.grid_id = ANY(:grid_ids))
"""  # noqa: S608 - fragments of this file
# What waits longest comes first, what is decided newest first.
_QUEUE = f"""
    {_FOR_REVIEWER} AND claims.state = :state AND claims.claim_id > :key
    ORDER BY claims.claim_id LIMIT :size
"""
_DECIDED = f"""
    {_FOR_REVIEWER} AND claims.state = :state AND claims.claim_id < :key
    ORDER BY claims.claim_id DESC LIMIT :size
"""
_GET_FOR_REVIEWER = f"{_FOR_REVIEWER} AND claims.claim_id = :claim_id"

# Who claimed, who entered and both households come from what is stored, never from the caller,
# so that the row's own checks see what holds. The household at the claim counts as today's does.
_INSERT_REVIEW = """
    INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, reason, claimant_id,
        entered_by, claimant_household_id, reviewer_household_id, reviewed_at)
    SELECT claims.community_id, claims.claim_id, :reviewer_id, :verdict, :reason,
        residents.person_id, claims.claimed_by,
        CASE WHEN me.household_id = claims.household_id THEN claims.household_id
            ELSE coalesce(residents.household_id, claims.household_id) END,
        me.household_id, :now
    FROM claims
        JOIN residents USING (community_id, resident_id)
        LEFT JOIN residents AS me ON me.community_id = claims.community_id
            AND me.person_id = :reviewer_id
    WHERE claims.community_id = :community_id AND claims.claim_id = :claim_id
"""
_LIST_REVIEWS = """
    SELECT verdict, reason, reviewed_at, (
        SELECT role FROM role_grants
        WHERE role_grants.community_id = claim_reviews.community_id
            AND role_grants.person_id = claim_reviews.reviewer_id
            AND role IN ('committee', 'grid_worker', 'reviewer')
        ORDER BY role LIMIT 1) AS role
    FROM claim_reviews
    WHERE community_id = :community_id AND claim_id = :claim_id
    ORDER BY reviewed_at, reviewer_id
"""


async def add_claim(session: AsyncSession, claim: Claim) -> None:
    session.add(claim)
    await session.flush()


async def get_claimant(session: AsyncSession, community_id: int, resident_id: int) -> Record | None:
    """Return (household_id, grid_id, person_id) of a resident who has not left."""
    statement = (
        select(Resident.household_id, Building.grid_id, Resident.person_id)
        .join(
            Building,
            (Building.community_id == Resident.community_id)
            & (Building.building_id == Resident.building_id),
        )
        .where(
            Resident.community_id == community_id,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
        )
    )
    return (await session.execute(statement)).one_or_none()


async def lock_claim(
    session: AsyncSession,
    community_id: int,
    claim_id: int,
    *,
    resident_id: int | None = None,
    grid_ids: Sequence[int] | None = None,
) -> Claim | None:
    """Return a claim as it stands now, locked; of this resident, or of these grids, if named."""
    statement = (
        select(Claim)
        .where(Claim.community_id == community_id, Claim.claim_id == claim_id)
        .with_for_update(of=Claim, key_share=True)
        .execution_options(populate_existing=True)
    )
    if resident_id is not None:
        statement = statement.where(Claim.resident_id == resident_id)
    if grid_ids is not None:
        residents = (
            select(Resident.resident_id)
            .join(
                Building,
                (Building.community_id == Resident.community_id)
                & (Building.building_id == Resident.building_id),
            )
            .where(Resident.community_id == community_id, Building.grid_id.in_(grid_ids))
        )
        statement = statement.where(Claim.resident_id.in_(residents))
    return await session.scalar(statement)


async def list_own(
    session: AsyncSession,
    community_id: int,
    resident_id: int,
    *,
    before: int,
    size: int,
    claim_id: int | None = None,
) -> Sequence[Record]:
    """Return a resident's claims, newest first; only one of them, if it is named."""
    values = {
        "community_id": community_id, "resident_id": resident_id, "before": before, "size": size,
        "claim_id": claim_id,
    }  # fmt: skip
    return (await session.execute(text(_LIST_OWN), values)).all()


async def list_for_reviewer(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    grid_ids: Sequence[int] | None,
    *,
    state: ClaimState,
    key: int,
    size: int,
) -> Sequence[Record]:
    """Return others' claims of these grids (None: of all); those in review oldest first."""
    values: dict[str, Any] = {
        "community_id": community_id, "person_id": person_id, "grid_ids": grid_ids,
        "state": state, "key": key, "size": size,
    }  # fmt: skip
    statement = _QUEUE if state is ClaimState.IN_REVIEW else _DECIDED
    return (await session.execute(text(statement), values)).all()


async def get_for_reviewer(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    grid_ids: Sequence[int] | None,
    claim_id: int,
) -> Record | None:
    """Return somebody else's claim of these grids (None: of any)."""
    values = {
        "community_id": community_id, "person_id": person_id, "grid_ids": grid_ids,
        "claim_id": claim_id,
    }  # fmt: skip
    return (await session.execute(text(_GET_FOR_REVIEWER), values)).one_or_none()


async def get_review(
    session: AsyncSession, community_id: int, claim_id: int, reviewer_id: int
) -> ClaimReview | None:
    return await session.get(ClaimReview, (community_id, claim_id, reviewer_id))


async def add_review(
    session: AsyncSession,
    claim: Claim,
    reviewer_id: int,
    *,
    verdict: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write a verdict; the row's checks refuse whoever is involved."""
    values = {
        "community_id": claim.community_id, "claim_id": claim.claim_id,
        "reviewer_id": reviewer_id, "verdict": verdict, "reason": reason, "now": now,
    }  # fmt: skip
    await session.execute(text(_INSERT_REVIEW), values)


async def list_reviews(session: AsyncSession, community_id: int, claim_id: int) -> Sequence[Record]:
    """Return (verdict, reason, reviewed_at, role) of a claim's reviews, the first one first."""
    values = {"community_id": community_id, "claim_id": claim_id}
    return (await session.execute(text(_LIST_REVIEWS), values)).all()
