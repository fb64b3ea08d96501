"""SQL of public lists of claims."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.claims.models import Claim, ClaimState
from app.core.database import Record
from app.notices.models import PublicNotice

# Asked community by community: claims that were decided long ago are not gone through.
_LIST_COMMUNITIES_WITH_APPROVED = """
    SELECT community_id FROM communities
    WHERE EXISTS (SELECT FROM claims
        WHERE claims.community_id = communities.community_id AND claims.state = 'approved')
    ORDER BY community_id
"""
_LIST_LISTS_ON_NOTICE = """
    SELECT community_id, public_notice_id
    FROM communities CROSS JOIN LATERAL (
        SELECT DISTINCT public_notice_id FROM claims
        WHERE claims.community_id = communities.community_id AND claims.state = 'in_notice') AS list
    ORDER BY community_id, public_notice_id
"""
# Who has left is on no list.
_LOCK_APPROVED = """
    SELECT claim_id, award_notice_days
    FROM claims
        JOIN rule_versions USING (community_id, rule_version_id)
        JOIN residents USING (community_id, resident_id)
    WHERE community_id = :community_id AND claims.state = 'approved'
        AND residents.state = 'active'
    ORDER BY claim_id LIMIT :size
    FOR NO KEY UPDATE OF claims
"""
_PUT_ON_LIST = """
    UPDATE claims SET state = 'in_notice', public_notice_id = :public_notice_id
    WHERE community_id = :community_id AND claim_id = ANY(CAST(:claim_ids AS bigint[]))
"""
_SEND_BACK = """
    UPDATE claims SET state = 'approved', public_notice_id = NULL
    WHERE community_id = :community_id AND public_notice_id = :public_notice_id
        AND state = 'in_notice'
"""
_LIST_UPHELD = """
    SELECT about_id, answer FROM notice_remarks
    WHERE community_id = :community_id AND public_notice_id = :public_notice_id AND is_upheld
    ORDER BY remark_id
"""
# The last one who approved a claim is who checked the award.
_LOCK_DUE = """
    SELECT claims.*, residents.state = 'active' AS is_here, residents.person_id,
        rule_versions.name AS rule_name,
        (SELECT reviewer_id FROM claim_reviews AS review
            WHERE review.community_id = claims.community_id
                AND review.claim_id = claims.claim_id AND review.verdict = 'approve'
            ORDER BY reviewed_at DESC, reviewer_id DESC LIMIT 1) AS checked_by
    FROM claims
        JOIN rule_versions USING (community_id, rule_version_id)
        JOIN residents ON residents.community_id = claims.community_id
            AND residents.resident_id = claims.resident_id
    WHERE claims.community_id = :community_id AND public_notice_id = :public_notice_id
        AND claims.state = 'in_notice'
        AND claims.claim_id <> ALL(CAST(:waiting AS bigint[]))
    ORDER BY claims.claim_id LIMIT :size
    FOR NO KEY UPDATE OF claims
"""
_SETTLE = """
    UPDATE claims SET state = settled.state, contribution_id = settled.contribution_id,
        reason = coalesce(settled.reason, claims.reason), decided_at = :now
    FROM json_to_recordset(CAST(:settled AS json)) AS settled(
        claim_id bigint, state text, contribution_id bigint, reason text)
    WHERE community_id = :community_id AND claims.claim_id = settled.claim_id
"""
# Lines that an objection has struck out are not shown any more.
_LIST_LINES = """
    SELECT claims.*, residents.masked_name, rule_versions.name AS rule_name,
        contributions.asked_points, NULL AS checked_by,
        CASE WHEN shows_deed AND text_check.state = 'passed' THEN note END AS deed
    FROM claims
        JOIN rule_versions USING (community_id, rule_version_id)
        JOIN residents ON residents.community_id = claims.community_id
            AND residents.resident_id = claims.resident_id
        LEFT JOIN contributions ON contributions.community_id = claims.community_id
            AND contributions.contribution_id = claims.contribution_id
        LEFT JOIN content_checks AS text_check ON text_check.community_id = claims.community_id
            AND text_check.content_check_id = claims.claim_id
    WHERE claims.community_id = :community_id AND public_notice_id = :public_notice_id
        AND claims.state IN ('in_notice', 'awarded') AND claims.claim_id > :after
        AND residents.state = 'active'
    ORDER BY claims.claim_id LIMIT :size
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a claim whose notice is over."""

    claim_id: int
    state: ClaimState
    contribution_id: int | None = None
    reason: str | None = None


async def list_communities_with_approved(session: AsyncSession) -> Sequence[int]:
    return (await session.scalars(text(_LIST_COMMUNITIES_WITH_APPROVED))).all()


async def list_lists_on_notice(session: AsyncSession) -> Sequence[tuple[int, int]]:
    """Return (community, notice) of every list of which claims still wait."""
    rows = (await session.execute(text(_LIST_LISTS_ON_NOTICE))).all()
    return [(row.community_id, row.public_notice_id) for row in rows]


async def lock_approved(session: AsyncSession, community_id: int, *, size: int) -> Sequence[Record]:
    """Return (claim_id, award_notice_days) of claims that wait for a list, locked."""
    values = {"community_id": community_id, "size": size}
    return (await session.execute(text(_LOCK_APPROVED), values)).all()


async def put_on_list(
    session: AsyncSession, community_id: int, claim_ids: Sequence[int], public_notice_id: int
) -> None:
    values = {"community_id": community_id, "claim_ids": list(claim_ids),
        "public_notice_id": public_notice_id}  # fmt: skip
    await session.execute(text(_PUT_ON_LIST), values)


async def send_back(session: AsyncSession, community_id: int, public_notice_id: int) -> None:
    """Let the claims of a withdrawn list wait for the next one."""
    values = {"community_id": community_id, "public_notice_id": public_notice_id}
    await session.execute(text(_SEND_BACK), values)


async def list_upheld(
    session: AsyncSession, community_id: int, public_notice_id: int
) -> dict[int | None, str]:
    """Return the answers to upheld objections, by the line (None: the whole list)."""
    values = {"community_id": community_id, "public_notice_id": public_notice_id}
    rows = (await session.execute(text(_LIST_UPHELD), values)).all()
    return {row.about_id: row.answer for row in rows}


async def lock_due(
    session: AsyncSession,
    community_id: int,
    public_notice_id: int,
    *,
    waiting: Collection[int],
    size: int,
) -> Sequence[Record]:
    """Return the next claims of a list, locked, but for those that still wait for an answer."""
    values = {"community_id": community_id, "public_notice_id": public_notice_id,
        "waiting": sorted(waiting), "size": size}  # fmt: skip
    return (await session.execute(text(_LOCK_DUE), values)).all()


async def settle(
    session: AsyncSession, community_id: int, settled: Sequence[Settled], *, now: datetime
) -> None:
    """Write what becomes of locked claims."""
    rows = json.dumps([asdict(row) for row in settled])
    values = {"community_id": community_id, "settled": rows, "now": now}
    await session.execute(text(_SETTLE), values)


async def is_list_of_claims(
    session: AsyncSession, community_id: int, public_notice_id: int
) -> bool:
    """Tell whether a notice that stands is of claims; other lists of awards are shown elsewhere."""
    statement = select(PublicNotice.public_notice_id).where(
        PublicNotice.community_id == community_id,
        PublicNotice.public_notice_id == public_notice_id,
        PublicNotice.withdrawn_at.is_(None),
        exists().where(
            Claim.community_id == PublicNotice.community_id,
            Claim.public_notice_id == PublicNotice.public_notice_id,
        ),
    )
    return await session.scalar(statement) is not None


async def list_lines(
    session: AsyncSession, community_id: int, public_notice_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return the lines of a list in their order; asked_points only where it is awarded."""
    values = {"community_id": community_id, "public_notice_id": public_notice_id,
        "after": after, "size": size}  # fmt: skip
    return (await session.execute(text(_LIST_LINES), values)).all()
