"""SQL of signals: each statement answers for a whole page of claims, or for the community.

None reads more than a page's residents, or a period, of a table that grows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.queries import first_id_at

_LIST_CLAIMS = """
    SELECT claim_id, resident_id, acted_at, acted_until,
        ARRAY(SELECT photo_id FROM evidence_photos
            WHERE evidence_photos.community_id = :community_id AND subject_id = claim_id
            ORDER BY photo_id) AS photo_ids
    FROM claims
    WHERE community_id = :community_id AND claim_id = ANY(CAST(:claim_ids AS bigint[]))
    ORDER BY claim_id
"""

# A photo that stands behind nothing is nobody's evidence, and is left out.
_LIST_USES = """
    SELECT photo_id, use.kind, use.subject_id, use.resident_id, photos.created_at AS sent_at
    FROM photos CROSS JOIN LATERAL (
        SELECT CASE WHEN claims.claim_id IS NOT NULL THEN 'claim'
                WHEN manual_postings.manual_posting_id IS NOT NULL THEN 'posting'
                WHEN repair_tasks.repair_task_id IS NOT NULL THEN 'repair'
                WHEN appeals.appeal_id IS NOT NULL THEN 'appeal' END AS kind,
            evidence.subject_id,
            coalesce(claims.resident_id, manual_postings.resident_id, repair_tasks.resident_id,
                appeals.resident_id) AS resident_id
        FROM evidence_photos AS evidence
            LEFT JOIN claims ON claims.community_id = :community_id
                AND claim_id = evidence.subject_id
            LEFT JOIN manual_postings ON manual_postings.community_id = :community_id
                AND manual_posting_id = evidence.subject_id
            LEFT JOIN repair_tasks ON repair_tasks.community_id = :community_id
                AND repair_task_id = evidence.subject_id
            LEFT JOIN appeals ON appeals.community_id = :community_id
                AND appeal_id = evidence.subject_id
        WHERE evidence.community_id = :community_id AND evidence.photo_id = photos.photo_id
        UNION ALL
        SELECT 'case', case_id, reporter_id
        FROM case_photos JOIN cases USING (community_id, case_id)
        WHERE case_photos.community_id = :community_id
            AND case_photos.photo_id = photos.photo_id) AS use
    WHERE community_id = :community_id AND photo_id = ANY(CAST(:photo_ids AS bigint[]))
        AND use.kind IS NOT NULL
    ORDER BY photo_id, subject_id
"""

_WINDOWS = """
    SELECT * FROM json_to_recordset(CAST(:windows AS json)) AS row(
        claim_id bigint, resident_id bigint, since timestamptz, until timestamptz)
    LIMIT json_array_length(CAST(:windows AS json))
"""

_LIST_OTHER_CLAIMS = f"""
    SELECT wanted.claim_id, other.claim_id AS other_claim_id, other.acted_at, other.acted_until
    FROM ({_WINDOWS}) AS wanted
    JOIN claims AS other ON other.community_id = :community_id
        AND other.resident_id = wanted.resident_id AND other.claim_id <> wanted.claim_id
        AND other.acted_at >= wanted.since AND other.acted_at <= wanted.until
        AND other.state NOT IN ('refused', 'withdrawn')
    ORDER BY wanted.claim_id, other.acted_at, other.claim_id
"""  # noqa: S608 - a fragment of this file

# By way of the wallet's transfers, which have an index for it and an award's own number; what a
# cap left nothing of has no transfer, and gained nothing by being elsewhere. Recorded after the
# act, so that numbers begin where the window does.
_LIST_VISITS = f"""
    SELECT wanted.claim_id, contribution_id, contributions.source_kind,
        contributions.acted_at, longitude, latitude
    FROM ({_WINDOWS}) AS wanted
    JOIN transfers ON transfers.community_id = :community_id AND credit_account_id > 999
        AND credit_account_id = wanted.resident_id
        AND transfer_id >= {first_id_at("wanted.since")}
    JOIN contributions ON contributions.community_id = :community_id
        AND contribution_id = transfer_id
    WHERE contributions.acted_at >= wanted.since AND contributions.acted_at <= wanted.until
        AND (contributions.source_kind = 'activity' OR longitude IS NOT NULL)
    ORDER BY wanted.claim_id, contributions.acted_at, contribution_id
"""  # noqa: S608 - fragments of our own

# As 120 km/h and 2 km in measures.py, but by degrees, which are 111.3 km or less: what this lets
# through is measured there.
_LIST_JUMPS = f"""
    SELECT * FROM (
        SELECT resident_id, contribution_id, acted_at, longitude, latitude,
            lag(contribution_id) OVER before AS earlier_id,
            lag(acted_at) OVER before AS earlier_at,
            lag(longitude) OVER before AS earlier_longitude,
            lag(latitude) OVER before AS earlier_latitude
        FROM contributions
        WHERE community_id = :community_id AND contribution_id >= {first_id_at(":since")}
            AND longitude IS NOT NULL AND acted_at >= :since
            AND (CAST(:resident_ids AS bigint[]) IS NULL OR resident_id = ANY(:resident_ids))
        WINDOW before AS (PARTITION BY resident_id ORDER BY acted_at, contribution_id)) AS visit
    WHERE 111.4 * sqrt(power(latitude - earlier_latitude, 2)
            + power(longitude - earlier_longitude, 2))
        > greatest(1.9, 120 * extract(epoch FROM acted_at - earlier_at) / 3600)
    ORDER BY acted_at DESC, contribution_id DESC
    LIMIT :size
"""  # noqa: S608 - a fragment of our own

# Claims carry the time they were made in their numbers, and so do the reviews' keys.
_COUNT_PAIRS = f"""
    WITH recent AS (
        SELECT count(DISTINCT claim_id) AS all_claims,
            count(*) FILTER (WHERE reviewer_id = :reviewer_id) AS seen_of_all
        FROM claim_reviews
        WHERE community_id = :community_id AND claim_id >= {first_id_at(":since")})
    SELECT resident_id, count(DISTINCT claims.claim_id) AS claims,
        count(*) FILTER (WHERE reviewer_id = :reviewer_id) AS seen, seen_of_all, all_claims
    FROM recent CROSS JOIN claims
        JOIN claim_reviews USING (community_id, claim_id)
    WHERE claims.community_id = :community_id
        AND resident_id = ANY(CAST(:resident_ids AS bigint[]))
        AND claims.claim_id >= {first_id_at(":since")}
    GROUP BY resident_id, seen_of_all, all_claims
"""  # noqa: S608 - a fragment of our own

_LIST_PAIRS = f"""
    WITH review AS (
        SELECT reviewer_id, claim_id, resident_id
        FROM claim_reviews JOIN claims USING (community_id, claim_id)
        WHERE claim_reviews.community_id = :community_id
            AND claim_reviews.claim_id >= {first_id_at(":since")}),
    pair AS (
        SELECT reviewer_id, resident_id, count(*) AS seen FROM review
        GROUP BY reviewer_id, resident_id HAVING count(*) >= :least),
    resident AS (
        SELECT resident_id, count(DISTINCT claim_id) AS claims FROM review GROUP BY resident_id),
    reviewer AS (
        SELECT reviewer_id, count(*) AS seen_of_all FROM review GROUP BY reviewer_id),
    everybody AS (SELECT count(DISTINCT claim_id) AS all_claims FROM review)
    SELECT reviewer_id, resident_id, claims, seen, seen_of_all, all_claims
    FROM pair JOIN resident USING (resident_id) JOIN reviewer USING (reviewer_id)
        CROSS JOIN everybody
    WHERE seen * all_claims > claims * seen_of_all
    ORDER BY seen - claims * seen_of_all / CAST(all_claims AS float8) DESC, resident_id,
        reviewer_id
    LIMIT :size
"""  # noqa: S608 - a fragment of our own

# One resident's months together, then each against the sum of all.
_LIST_SHARES = """
    WITH resident AS (
        SELECT resident_id, sum(score)::bigint AS points FROM standings
        WHERE community_id = :community_id AND period = 'month'
            AND starts_on = ANY(CAST(:months AS date[])) AND score > 0
        GROUP BY resident_id),
    everybody AS (
        SELECT sum(points)::bigint AS all_points, count(*) AS active_residents FROM resident)
    SELECT resident_id, points, all_points, active_residents FROM resident CROSS JOIN everybody
    WHERE (CAST(:resident_ids AS bigint[]) IS NULL OR resident_id = ANY(:resident_ids))
        AND points >= CAST(:least_share AS float8) * all_points
    ORDER BY points DESC, resident_id
    LIMIT :size
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A time around a claim of a resident."""

    claim_id: int
    resident_id: int
    since: datetime
    until: datetime


async def _run(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()


async def list_claims(
    session: AsyncSession, community_id: int, claim_ids: Sequence[int]
) -> Sequence[Record]:
    """Return (claim_id, resident_id, acted_at, acted_until, photo_ids)."""
    return await _run(session, _LIST_CLAIMS, community_id=community_id, claim_ids=list(claim_ids))


async def list_uses(
    session: AsyncSession, community_id: int, photo_ids: Sequence[int]
) -> Sequence[Record]:
    """Return what photos stand behind: (photo_id, kind, subject_id, resident_id, sent_at)."""
    return await _run(session, _LIST_USES, community_id=community_id, photo_ids=list(photo_ids))


async def list_other_claims(
    session: AsyncSession, community_id: int, windows: Sequence[Window]
) -> Sequence[Record]:
    """Return (claim_id, other_claim_id, acted_at, acted_until) of what the resident claims too."""
    return await _run(
        session, _LIST_OTHER_CLAIMS, community_id=community_id, windows=_json(windows)
    )


async def list_visits(
    session: AsyncSession, community_id: int, windows: Sequence[Window]
) -> Sequence[Record]:
    """Return (claim_id, contribution_id, source_kind, acted_at, longitude, latitude)."""
    return await _run(session, _LIST_VISITS, community_id=community_id, windows=_json(windows))


async def list_jumps(
    session: AsyncSession,
    community_id: int,
    *,
    resident_ids: Sequence[int] | None,
    since: datetime,
    size: int,
) -> Sequence[Record]:
    """Return visits that may be too far from the one before, newest first, to be measured."""
    return await _run(
        session, _LIST_JUMPS,
        community_id=community_id, resident_ids=resident_ids, since=since, size=size,
    )  # fmt: skip


async def count_pairs(
    session: AsyncSession,
    community_id: int,
    resident_ids: Sequence[int],
    *,
    reviewer_id: int,
    since: datetime,
) -> Sequence[Record]:
    """Return (resident_id, claims, seen, seen_of_all, all_claims) for one reviewer."""
    return await _run(
        session, _COUNT_PAIRS,
        community_id=community_id, resident_ids=list(resident_ids), reviewer_id=reviewer_id,
        since=since,
    )  # fmt: skip


async def list_pairs(
    session: AsyncSession, community_id: int, *, since: datetime, least: int, size: int
) -> Sequence[Record]:
    """Return pairs of at least so many reviews, furthest above what is expected first."""
    return await _run(
        session, _LIST_PAIRS, community_id=community_id, since=since, least=least, size=size
    )


async def list_shares(
    session: AsyncSession,
    community_id: int,
    *,
    resident_ids: Sequence[int] | None,
    months: Sequence[date],
    least_share: float,
    size: int,
) -> Sequence[Record]:
    """Return (resident_id, points, all_points, active_residents) of those with the most."""
    return await _run(
        session, _LIST_SHARES,
        community_id=community_id, resident_ids=resident_ids, months=list(months),
        least_share=least_share, size=size,
    )  # fmt: skip


def _json(windows: Sequence[Window]) -> str:
    return json.dumps(
        [
            {
                "claim_id": window.claim_id,
                "resident_id": window.resident_id,
                "since": window.since.isoformat(),
                "until": window.until.isoformat(),
            }
            for window in windows
        ]
    )
