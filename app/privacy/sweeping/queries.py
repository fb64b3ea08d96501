"""SQL that ends what was kept long enough: one batch of one community each, safe to repeat."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

_DESTROY_EXPORTS = """
    UPDATE data_exports SET state = 'destroyed', object_key = NULL
    WHERE community_id = :community_id AND data_export_id IN (
        SELECT data_export_id FROM data_exports
        WHERE community_id = :community_id AND state = 'ready' AND expires_at <= :now
        ORDER BY data_export_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING data_export_id
"""

_FORGET_POSITIONS = """
    UPDATE photos SET sealed_position = NULL
    WHERE community_id = :community_id AND photo_id IN (
        SELECT photo_id FROM photos
        WHERE community_id = :community_id AND created_at < :before
            AND sealed_position IS NOT NULL
        ORDER BY photo_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING photo_id
"""

_DELETE_READ_MESSAGES = """
    DELETE FROM inbox_messages
    WHERE community_id = :community_id AND inbox_message_id IN (
        SELECT inbox_message_id FROM inbox_messages
        WHERE community_id = :community_id AND read_at < :before
        ORDER BY inbox_message_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING inbox_message_id
"""

_DELETE_WECHAT_MESSAGES = """
    DELETE FROM wechat_messages
    WHERE community_id = :community_id AND wechat_message_id IN (
        SELECT wechat_message_id FROM wechat_messages
        WHERE community_id = :community_id AND created_at < :before
            AND state NOT IN ('waiting', 'sending')
        ORDER BY wechat_message_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING wechat_message_id
"""

_FORGET_JOIN_NAMES = """
    UPDATE join_requests SET sealed_name = NULL, room = ''
    WHERE community_id = :community_id AND join_request_id IN (
        SELECT join_request_id FROM join_requests
        WHERE community_id = :community_id AND decided_at < :before
            AND state <> 'pending' AND (sealed_name IS NOT NULL OR room <> '')
        ORDER BY join_request_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING join_request_id
"""

_LIST_UNATTACHED_PHOTOS = """
    SELECT photo_id FROM photos
    WHERE community_id = :community_id AND created_at < :before AND deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM case_photos
            WHERE case_photos.community_id = photos.community_id
                AND case_photos.photo_id = photos.photo_id)
        AND NOT EXISTS (SELECT FROM evidence_photos
            WHERE evidence_photos.community_id = photos.community_id
                AND evidence_photos.photo_id = photos.photo_id)
    ORDER BY photo_id LIMIT :size FOR UPDATE SKIP LOCKED
"""

# Asked again under the lock: a report or claim may have taken a photo since that statement began.
_STILL_UNATTACHED = """
    SELECT photo_id FROM unnest(CAST(:photo_ids AS bigint[])) AS photo_id
    WHERE NOT EXISTS (SELECT FROM case_photos
            WHERE case_photos.community_id = :community_id
                AND case_photos.photo_id = photo_id.photo_id)
        AND NOT EXISTS (SELECT FROM evidence_photos
            WHERE evidence_photos.community_id = :community_id
                AND evidence_photos.photo_id = photo_id.photo_id)
"""

# Unless somebody still objects to the refusal: whoever decides that needs to see them. A photo
# that stands behind nothing else is then swept with those above.
_RELEASE_EVIDENCE = """
    WITH due AS (
        SELECT subject_id, photo_id
        FROM claims JOIN evidence_photos ON evidence_photos.community_id = claims.community_id
            AND subject_id = claim_id
        WHERE claims.community_id = :community_id AND state IN ('refused', 'withdrawn')
            AND decided_at < :before
            AND NOT EXISTS (SELECT FROM appeals
                WHERE appeals.community_id = claims.community_id AND appeals.kind = 'refusal'
                    AND appeals.subject_id = claim_id AND appeals.state = 'open')
        ORDER BY subject_id, photo_id LIMIT :size FOR UPDATE OF claims SKIP LOCKED)
    DELETE FROM evidence_photos USING due
    WHERE community_id = :community_id AND evidence_photos.subject_id = due.subject_id
        AND evidence_photos.photo_id = due.photo_id
    RETURNING evidence_photos.photo_id
"""

_DELETE_WITHDRAWN_CONSENTS = """
    DELETE FROM consents
    WHERE community_id = :community_id AND consent_id IN (
        SELECT consent_id FROM consents
        WHERE community_id = :community_id AND withdrawn_at < :before
        ORDER BY consent_id LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING consent_id
"""

_DELETE_PUSHES = """
    DELETE FROM wechat_pushes
    WHERE push_key IN (
        SELECT push_key FROM wechat_pushes WHERE received_at < :before
        ORDER BY received_at LIMIT :size FOR UPDATE SKIP LOCKED)
    RETURNING push_key
"""

_LIST_WAITING_EXPORTS = """
    SELECT community_id, data_export_id FROM data_exports
    WHERE state = 'waiting' AND asked_at < :before
    ORDER BY community_id, data_export_id
"""


async def _run(session: AsyncSession, statement: str, **values: Any) -> Sequence[Any]:
    return (await session.scalars(text(statement), values)).all()


async def destroy_exports(
    session: AsyncSession, community_id: int, *, now: datetime, size: int
) -> Sequence[int]:
    """Mark copies past their time as destroyed; return their numbers."""
    return await _run(session, _DESTROY_EXPORTS, community_id=community_id, now=now, size=size)


async def forget_positions(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Forget where photos were taken that were sent before; return how many."""
    return len(
        await _run(session, _FORGET_POSITIONS, community_id=community_id, before=before, size=size)
    )


async def delete_read_messages(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Delete inbox messages read before; return how many."""
    return len(
        await _run(
            session, _DELETE_READ_MESSAGES, community_id=community_id, before=before, size=size
        )
    )


async def delete_wechat_messages(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Delete messages to WeChat that came to an end, made before; return how many."""
    return len(
        await _run(
            session, _DELETE_WECHAT_MESSAGES, community_id=community_id, before=before, size=size
        )
    )


async def forget_join_names(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Forget who asked to join, of requests decided before; return how many."""
    return len(
        await _run(session, _FORGET_JOIN_NAMES, community_id=community_id, before=before, size=size)
    )


async def list_unattached_photos(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> Sequence[int]:
    """Return photos sent before that belong to nothing, locked."""
    return await _run(
        session, _LIST_UNATTACHED_PHOTOS, community_id=community_id, before=before, size=size
    )


async def still_unattached(
    session: AsyncSession, community_id: int, photo_ids: Sequence[int]
) -> Sequence[int]:
    """Return which of these locked photos belong to nothing now."""
    return await _run(
        session, _STILL_UNATTACHED, community_id=community_id, photo_ids=list(photo_ids)
    )


async def release_evidence(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Let go of photos of claims refused or withdrawn before; return how many."""
    return len(
        await _run(session, _RELEASE_EVIDENCE, community_id=community_id, before=before, size=size)
    )


async def delete_withdrawn_consents(
    session: AsyncSession, community_id: int, *, before: datetime, size: int
) -> int:
    """Delete the proof of consents withdrawn before; return how many."""
    return len(
        await _run(
            session, _DELETE_WITHDRAWN_CONSENTS,
            community_id=community_id, before=before, size=size,
        )
    )  # fmt: skip


async def delete_pushes(session: AsyncSession, *, before: datetime, size: int) -> int:
    """Delete events received before, of all apps; return how many."""
    return len(await _run(session, _DELETE_PUSHES, before=before, size=size))


async def list_waiting_exports(session: AsyncSession, *, before: datetime) -> Sequence[Record]:
    """Return (community_id, data_export_id) of copies that nobody made."""
    return (await session.execute(text(_LIST_WAITING_EXPORTS), {"before": before})).all()
