"""SQL of photos and their files."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.community.models import PersonalDataRead, Resident
from app.core.database import Record
from app.media.models import CheckState, ContentCheck, Photo

CHECK_OF_PHOTO = (ContentCheck.community_id == Photo.community_id) & (
    ContentCheck.content_check_id == Photo.photo_id
)

# A photo that is gone keeps its number and nothing that tells what it was.
_DELETE_PHOTOS = """
    WITH doomed AS (
        SELECT photo_id, served_key, original_key FROM photos
        WHERE community_id = :community_id AND deleted_at IS NULL
            AND (CAST(:person_id AS bigint) IS NULL OR person_id = :person_id)
            AND (CAST(:photo_ids AS bigint[]) IS NULL OR photo_id = ANY(:photo_ids))
        ORDER BY photo_id FOR UPDATE),
    unchecked AS (
        DELETE FROM content_checks USING doomed
        WHERE content_checks.community_id = :community_id
            AND content_checks.content_check_id = doomed.photo_id)
    UPDATE photos SET
        deleted_at = :now, served_key = NULL, original_key = NULL, sealed_position = NULL,
        taken_at = NULL, perceptual_hash = 0,
        upload_hash = sha256(CAST(CAST(photos.photo_id AS text) AS bytea))
    FROM doomed
    WHERE photos.community_id = :community_id AND photos.photo_id = doomed.photo_id
    RETURNING doomed.served_key, doomed.original_key
"""

_SIMILAR = """
    SELECT mine.photo_id, other.photo_id AS other_photo_id,
        bit_count(CAST(mine.perceptual_hash # other.perceptual_hash AS bit(64))) AS distance
    FROM photos AS mine JOIN photos AS other
        ON other.community_id = mine.community_id AND other.photo_id <> mine.photo_id
    WHERE mine.community_id = :community_id AND mine.photo_id = ANY(CAST(:photo_ids AS bigint[]))
        AND mine.deleted_at IS NULL AND other.deleted_at IS NULL AND other.created_at >= :since
        AND bit_count(CAST(mine.perceptual_hash # other.perceptual_hash AS bit(64)))
            <= :most_distance
    ORDER BY mine.photo_id, distance, other.photo_id
"""

_UNNAMED = """
    SELECT found.key FROM unnest(CAST(:photo_ids AS bigint[]), CAST(:keys AS text[]))
        AS found (photo_id, key)
    WHERE NOT EXISTS (
        SELECT FROM photos
        WHERE photos.community_id = :community_id AND photos.photo_id = found.photo_id
            AND found.key IN (photos.served_key, photos.original_key))
"""

_FORGET_ORIGINALS = """
    UPDATE photos SET original_key = NULL
    FROM unnest(CAST(:photo_ids AS bigint[]), CAST(:keys AS text[])) AS gone (photo_id, key)
    WHERE photos.community_id = :community_id AND photos.photo_id = gone.photo_id
        AND photos.original_key = gone.key
"""


def is_passed(
    community_id: InstrumentedAttribute[int], number: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """Return the condition that others may see the photo or text with this number."""
    return exists().where(
        ContentCheck.community_id == community_id,
        ContentCheck.content_check_id == number,
        ContentCheck.state == CheckState.PASSED,
    )


# Photos.


async def add_photo(session: AsyncSession, photo: Photo) -> bool:
    """Add a photo; False if the person has sent this file before."""
    values = {
        column.name: getattr(photo, column.name)
        for column in Photo.__table__.columns
        if getattr(photo, column.name) is not None
    }
    statement = insert(Photo).values(values)
    statement = statement.on_conflict_do_nothing(
        index_elements=["community_id", "person_id", "upload_hash"]
    )
    return await session.scalar(statement.returning(Photo.photo_id)) is not None


async def find_upload(
    session: AsyncSession, community_id: int, person_id: int, upload_hash: bytes
) -> Photo | None:
    """Return the photo that came as this file."""
    statement = select(Photo).where(
        Photo.community_id == community_id,
        Photo.person_id == person_id,
        Photo.upload_hash == upload_hash,
    )
    return await session.scalar(statement)


async def get_photo(
    session: AsyncSession, community_id: int, photo_id: int
) -> tuple[Photo, ContentCheck] | None:
    """Return a photo that is not deleted, with its check."""
    statement = (
        select(Photo, ContentCheck)
        .join(ContentCheck, CHECK_OF_PHOTO)
        .where(
            Photo.community_id == community_id,
            Photo.photo_id == photo_id,
            Photo.deleted_at.is_(None),
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def lock_photo(session: AsyncSession, community_id: int, photo_id: int) -> Photo | None:
    """Return a photo that is not deleted, locked."""
    statement = (
        select(Photo)
        .where(
            Photo.community_id == community_id,
            Photo.photo_id == photo_id,
            Photo.deleted_at.is_(None),
        )
        .with_for_update()
    )
    return await session.scalar(statement)


async def delete_photos(
    session: AsyncSession,
    community_id: int,
    *,
    person_id: int | None = None,
    photo_ids: Sequence[int] | None = None,
    now: datetime,
) -> list[str]:
    """Delete photos: a person's (None: anybody's), these (None: all); return their files' keys."""
    values = {
        "community_id": community_id, "person_id": person_id, "photo_ids": photo_ids, "now": now,
    }  # fmt: skip
    rows = await session.execute(text(_DELETE_PHOTOS), values)
    return [key for row in rows for key in row if key is not None]


async def forget_positions(session: AsyncSession, community_id: int, person_id: int) -> None:
    statement = (
        update(Photo)
        .where(
            Photo.community_id == community_id,
            Photo.person_id == person_id,
            Photo.sealed_position.is_not(None),
        )
        .values(sealed_position=None)
        .execution_options(synchronize_session=False)
    )
    await session.execute(statement)


async def replace_served(
    session: AsyncSession,
    community_id: int,
    photo_id: int,
    *,
    before: str,
    after: str,
    redacted_by: int,
    now: datetime,
) -> bool:
    """Show another picture; False if the present one is not the one that was looked at."""
    statement = (
        update(Photo)
        .where(
            Photo.community_id == community_id,
            Photo.photo_id == photo_id,
            Photo.served_key == before,
        )
        .values(served_key=after, redacted_by=redacted_by, redacted_at=now)
        .returning(Photo.photo_id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def list_similar(
    session: AsyncSession,
    community_id: int,
    photo_ids: Sequence[int],
    *,
    since: datetime,
    most_distance: int = 6,
) -> Sequence[Record]:
    """Return (photo_id, other_photo_id, distance) of photos sent since that look like these.

    Distance is in how many of 64 bits they differ: 0 to 6 is nearly always the same scene.
    """
    values = {
        "community_id": community_id, "photo_ids": list(photo_ids),
        "since": since, "most_distance": most_distance,
    }  # fmt: skip
    return (await session.execute(text(_SIMILAR), values)).all()


async def get_resident_of(session: AsyncSession, community_id: int, person_id: int) -> int | None:
    statement = select(Resident.resident_id).where(
        Resident.community_id == community_id, Resident.person_id == person_id
    )
    return await session.scalar(statement)


async def add_read(session: AsyncSession, read: PersonalDataRead) -> None:
    session.add(read)
    await session.flush()


# Files.


async def list_communities_with_due_originals(
    session: AsyncSession, *, now: datetime
) -> Sequence[int]:
    statement = select(Photo.community_id).distinct().where(*_due(now))
    return (await session.scalars(statement)).all()


async def list_due_originals(
    session: AsyncSession, community_id: int, *, now: datetime, size: int
) -> Sequence[Record]:
    """Return (photo_id, original_key) of originals past their time, oldest first."""
    statement = (
        select(Photo.photo_id, Photo.original_key)
        .where(Photo.community_id == community_id, *_due(now))
        .order_by(Photo.original_until)
        .limit(size)
    )
    return (await session.execute(statement)).all()


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Photo.original_key.is_not(None), Photo.original_until <= now


async def forget_originals(
    session: AsyncSession, community_id: int, originals: Sequence[Record]
) -> None:
    """Note that the files of these (photo_id, original_key) are gone."""
    values = {
        "community_id": community_id,
        "photo_ids": [row.photo_id for row in originals],
        "keys": [row.original_key for row in originals],
    }
    await session.execute(text(_FORGET_ORIGINALS), values)


async def list_unnamed_keys(
    session: AsyncSession, community_id: int, files: Sequence[tuple[int, str]]
) -> Sequence[str]:
    """Return which of these (photo_id, key) no row names."""
    values = {
        "community_id": community_id,
        "photo_ids": [photo_id for photo_id, _ in files],
        "keys": [key for _, key in files],
    }
    return (await session.scalars(text(_UNNAMED), values)).all()
