"""SQL that reads contributions for their residents.

There is no index of contributions by resident: awards and deductions are found through their
transfers, which carry the same number. What gave nothing has none, and is in no list.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record


def _newest(side: str, kind: str) -> str:
    return f"""
        (SELECT transfer_id FROM transfers
        WHERE community_id = :community_id AND {side}_account_id = :resident_id
            AND {side}_account_id > 999 AND kind = '{kind}' AND transfer_id < :before
        ORDER BY transfer_id DESC LIMIT :size)
    """  # noqa: S608 - fragments of this file


LIST_PAGE = f"""
    WITH newest AS ({_newest("credit", "award")} UNION ALL {_newest("debit", "deduction")})
    SELECT contribution_id, breakdown ->> 'name' AS name, state, source_kind, asked_points,
        granted_points, undone.points AS undone_points, acted_at, created_at AS recorded_at
    FROM newest
        JOIN contributions ON community_id = :community_id AND contribution_id = transfer_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(reversal.asked_points), 0)::bigint AS points
            FROM contribution_reversals AS reversal
            WHERE reversal.community_id = :community_id
                AND reversal.contribution_id = transfer_id) AS undone
    ORDER BY transfer_id DESC LIMIT :size
"""  # noqa: S608 - fragments of this file

_GET = """
    SELECT act.*, rules.code, version.name AS rule_name, version.version, version.unit,
        version.category, version.caps, version.min_interval_minutes, version.effective_from,
        version.effective_until,
        change.rule_change_id, change.title AS change_title, change.reason AS change_reason,
        change.decided_at AS change_decided_at, notice.public_notice_id, notice.opens_at,
        notice.closes_at, residents.person_id, timezone
    FROM contributions AS act
        JOIN rule_versions AS version ON version.community_id = act.community_id
            AND version.rule_version_id = act.rule_version_id
        JOIN rules ON rules.community_id = act.community_id AND rules.rule_id = act.rule_id
        JOIN residents ON residents.community_id = act.community_id
            AND residents.resident_id = act.resident_id
        JOIN communities ON communities.community_id = act.community_id
        LEFT JOIN rule_changes AS change ON change.community_id = act.community_id
            AND change.rule_change_id = version.rule_change_id
        LEFT JOIN public_notices AS notice ON notice.community_id = act.community_id
            AND notice.public_notice_id = change.public_notice_id
    WHERE act.community_id = :community_id AND contribution_id = :contribution_id
        AND (CAST(:resident_id AS bigint) IS NULL OR act.resident_id = :resident_id)
"""

_LIST_UNDONE = """
    SELECT asked_points, taken_points, reason, created_at FROM contribution_reversals
    WHERE community_id = :community_id AND contribution_id = :contribution_id
        AND (asked_points > 0 OR taken_points > 0)
    ORDER BY reversal_id
"""

_LIST_REVIEWERS = """
    SELECT reviewer_id FROM claim_reviews
    WHERE community_id = :community_id AND claim_id = :claim_id AND verdict = 'approve'
    ORDER BY reviewed_at, reviewer_id
"""

_LIST_GRANTS = """
    SELECT DISTINCT ON (person_id) person_id, role, role_grant_id, sealed_name FROM role_grants
    WHERE community_id = :community_id AND person_id = ANY(CAST(:persons AS bigint[]))
    ORDER BY person_id, role_grant_id
"""


async def list_contributions(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[Record]:
    """Return a resident's awards and deductions that moved points, newest first."""
    values = {
        "community_id": community_id, "resident_id": resident_id, "before": before, "size": size
    }  # fmt: skip
    return (await session.execute(text(LIST_PAGE), values)).all()


async def get_contribution(
    session: AsyncSession, community_id: int, contribution_id: int, *, resident_id: int | None
) -> Record | None:
    """Return a contribution of this resident (None: of anybody) with its rule version."""
    values = {
        "community_id": community_id, "contribution_id": contribution_id,
        "resident_id": resident_id,
    }  # fmt: skip
    return (await session.execute(text(_GET), values)).one_or_none()


async def list_undone(
    session: AsyncSession, community_id: int, contribution_id: int
) -> Sequence[Record]:
    """Return what of a contribution has been undone, in that order."""
    values = {"community_id": community_id, "contribution_id": contribution_id}
    return (await session.execute(text(_LIST_UNDONE), values)).all()


async def list_reviewers(session: AsyncSession, community_id: int, claim_id: int) -> list[int]:
    """Return the persons who approved a claim."""
    values = {"community_id": community_id, "claim_id": claim_id}
    return list((await session.scalars(text(_LIST_REVIEWERS), values)).all())


async def list_grants(
    session: AsyncSession, community_id: int, persons: Sequence[int]
) -> dict[int, Record]:
    """Return the first role of each person who has one, with the sealed name."""
    values = {"community_id": community_id, "persons": list(persons)}
    rows = (await session.execute(text(_LIST_GRANTS), values)).all()
    return {row.person_id: row for row in rows}
