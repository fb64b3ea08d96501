"""SQL of evidence photos."""

from collections.abc import Sequence

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.models import EvidencePhoto
from app.core.database import Record

# Locked, so that none is deleted while it becomes evidence.
_ATTACH = """
    WITH own AS (
        SELECT photo_id FROM photos
        WHERE community_id = :community_id AND photo_id = ANY(CAST(:photo_ids AS bigint[]))
            AND person_id = :person_id AND deleted_at IS NULL
        FOR SHARE)
    INSERT INTO evidence_photos (community_id, subject_id, photo_id)
    SELECT :community_id, :subject_id, photo_id FROM own
    ON CONFLICT DO NOTHING
    RETURNING photo_id
"""
_LIST = """
    SELECT subject_id, photo_id, served_key, content_checks.state, photos.taken_at
    FROM evidence_photos
        JOIN photos USING (community_id, photo_id)
        JOIN content_checks ON content_checks.community_id = evidence_photos.community_id
            AND content_check_id = photo_id
    WHERE evidence_photos.community_id = :community_id
        AND subject_id = ANY(CAST(:subject_ids AS bigint[])) AND served_key IS NOT NULL
    ORDER BY photo_id
"""


async def attach(
    session: AsyncSession,
    community_id: int,
    subject_id: int,
    photo_ids: Sequence[int],
    *,
    person_id: int,
) -> int:
    """Let photos that this person has sent stand behind something; return how many there were."""
    values = {"community_id": community_id, "subject_id": subject_id,
        "photo_ids": list(photo_ids), "person_id": person_id}  # fmt: skip
    return len((await session.execute(text(_ATTACH), values)).all())


async def list_photos(
    session: AsyncSession, community_id: int, subject_ids: Sequence[int]
) -> Sequence[Record]:
    """Return (subject_id, photo_id, served_key, state, taken_at) of photos still there."""
    values = {"community_id": community_id, "subject_ids": list(subject_ids)}
    return (await session.execute(text(_LIST), values)).all()


async def is_evidence(session: AsyncSession, community_id: int, photo_id: int) -> bool:
    """Tell whether a photo stands behind something."""
    statement = select(
        exists().where(
            EvidencePhoto.community_id == community_id, EvidencePhoto.photo_id == photo_id
        )
    )
    return bool(await session.scalar(statement))
