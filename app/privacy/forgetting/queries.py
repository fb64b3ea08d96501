"""SQL that forgets a phone, places or messages of a person in a community; may be repeated."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

Rows = Sequence[dict[str, Any]]

_LOCK_PHONE = """
    SELECT community_id, resident_id, sealed_phone FROM residents
    WHERE community_id = :community_id AND person_id = :person_id AND sealed_phone IS NOT NULL
    FOR NO KEY UPDATE
"""

_FORGET_PHONE = """
    WITH gone AS (
        DELETE FROM resident_tokens
        WHERE community_id = :community_id AND resident_id = :resident_id AND token = :token)
    UPDATE residents SET sealed_phone = NULL
    WHERE community_id = :community_id AND resident_id = :resident_id
"""

_LIST_PLACES = """
    SELECT case_id, latitude, longitude FROM cases
    WHERE community_id = :community_id AND latitude IS NOT NULL
        AND reporter_id IN (
            SELECT resident_id FROM residents
            WHERE residents.community_id = :community_id AND person_id = :person_id)
    ORDER BY case_id FOR NO KEY UPDATE
"""

# A text that others may see goes on telling of the street; the opinion of its author does not.
_FORGET_TEXTS = """
    WITH own AS (
        UPDATE cases SET rating_comment = NULL,
            description = CASE WHEN state = ANY(CAST(:published AS text[]))
                THEN description ELSE '' END,
            address = CASE WHEN state = ANY(CAST(:published AS text[])) THEN address ELSE '' END
        WHERE community_id = :community_id AND reporter_id = :resident_id
        RETURNING case_id, state)
    DELETE FROM content_checks USING own
    WHERE community_id = :community_id AND content_check_id = own.case_id
        AND own.state <> ALL(CAST(:published AS text[]))
"""

_MOVE_PLACES = """
    UPDATE cases SET latitude = row.latitude, longitude = row.longitude
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        case_id bigint, latitude float8, longitude float8)
    WHERE community_id = :community_id AND cases.case_id = row.case_id
"""

_STOP_MESSAGES = """
    WITH unsent AS (
        DELETE FROM wechat_messages
        WHERE community_id = :community_id AND person_id = :person_id AND state = 'waiting')
    UPDATE message_quotas SET left_count = 0, updated_at = :now
    WHERE person_id = :person_id AND left_count > 0
"""


async def _run(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()


async def _do(session: AsyncSession, statement: str, **values: Any) -> None:
    await session.execute(text(statement), values)


async def lock_phone(session: AsyncSession, community_id: int, person_id: int) -> Sequence[Record]:
    """Return (community_id, resident_id, sealed_phone), locked, if a phone is kept."""
    return await _run(session, _LOCK_PHONE, community_id=community_id, person_id=person_id)


async def forget_phone(
    session: AsyncSession, community_id: int, resident_id: int, token: bytes
) -> None:
    await _do(
        session, _FORGET_PHONE, community_id=community_id, resident_id=resident_id, token=token
    )


async def lock_places(session: AsyncSession, community_id: int, person_id: int) -> Sequence[Record]:
    """Return (case_id, latitude, longitude) of what a person reported, locked."""
    return await _run(session, _LIST_PLACES, community_id=community_id, person_id=person_id)


async def move_places(session: AsyncSession, community_id: int, rows: Rows) -> None:
    """Give cases other places, as {case_id, latitude, longitude}."""
    await _do(session, _MOVE_PLACES, community_id=community_id, rows=json.dumps(rows))


async def stop_messages(
    session: AsyncSession, community_id: int, person_id: int, *, now: datetime
) -> None:
    """Count no WeChat message any more, and drop those that wait to be sent."""
    await _do(session, _STOP_MESSAGES, community_id=community_id, person_id=person_id, now=now)


async def forget_texts(
    session: AsyncSession, community_id: int, resident_id: int, *, published: Sequence[str]
) -> None:
    """Erase what a resident wrote in cases that nobody else may see, and in ratings."""
    values = {"community_id": community_id, "resident_id": resident_id,
        "published": list(published)}  # fmt: skip
    await session.execute(text(_FORGET_TEXTS), values)
