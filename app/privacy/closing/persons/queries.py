"""SQL that signs persons out and forgets them; all may be repeated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record

_LOCK_PERSON = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"

_HAS_MEMBERSHIP = """
    SELECT EXISTS (SELECT FROM residents WHERE person_id = :person_id)
        OR EXISTS (SELECT FROM role_grants WHERE person_id = :person_id)
        OR EXISTS (SELECT FROM join_requests WHERE person_id = :person_id AND state = 'pending')
"""

# `community_id` empty means every session of the person.
_END_SESSIONS = """
    WITH login AS (
        SELECT session_id FROM login_sessions
        WHERE person_id = :person_id
            AND (CAST(:community_id AS bigint) IS NULL OR community_id = :community_id)
        ORDER BY session_id FOR NO KEY UPDATE),
    token AS (DELETE FROM refresh_tokens USING login WHERE refresh_tokens.session_id =
        login.session_id)
    UPDATE login_sessions SET revoked_at = :now FROM login
    WHERE login_sessions.session_id = login.session_id AND revoked_at IS NULL
"""

_FORGET_PERSON = """
    WITH quota AS (DELETE FROM message_quotas WHERE person_id = :person_id)
    DELETE FROM identities WHERE person_id = :person_id
"""

# Those of communities that the person never came to belong to, too.
_FORGET_REQUESTS = """
    WITH consent AS (
        UPDATE consents SET withdrawn_at = greatest(:now, granted_at)
        WHERE person_id = :person_id AND withdrawn_at IS NULL)
    UPDATE join_requests SET sealed_name = NULL, room = '',
        reason = CASE WHEN state = 'pending' THEN '申请人已注销' ELSE reason END,
        decided_at = coalesce(decided_at, :now),
        state = CASE WHEN state = 'pending' THEN 'refused' ELSE state END
    WHERE person_id = :person_id
"""

_FORGET_IDENTITY = """
    WITH gone AS (
        DELETE FROM identities
        WHERE provider = 'wechat' AND app_id = :app_id AND subject = :open_id
        RETURNING person_id)
    DELETE FROM message_quotas USING gone
    WHERE message_quotas.person_id = gone.person_id AND app_id = :app_id
"""

_LIST_COMMUNITIES = """
    SELECT community_id FROM residents WHERE person_id = :person_id
    UNION SELECT community_id FROM role_grants WHERE person_id = :person_id
    UNION SELECT community_id FROM closures WHERE person_id = :person_id
    UNION SELECT community_id FROM consents WHERE person_id = :person_id
    ORDER BY community_id
"""

_LIST_MEMBERSHIPS = """
    SELECT community_id, resident_id FROM residents
    WHERE person_id = :person_id AND state = 'active' ORDER BY community_id
"""

_FIND_PERSON = """
    SELECT person_id FROM identities
    WHERE provider = 'wechat' AND app_id = :app_id AND subject = :open_id
"""


async def _run(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()


async def _do(session: AsyncSession, statement: str, **values: Any) -> None:
    await session.execute(text(statement), values)


async def lock_person(session: AsyncSession, person_id: int) -> None:
    """Let one transaction at a time decide whether a person has any membership left."""
    await _do(session, _LOCK_PERSON, name=f"end of person {person_id}")


async def has_membership(session: AsyncSession, person_id: int) -> bool:
    """Tell whether a person belongs, or waits to belong, to any community."""
    return bool(await session.scalar(text(_HAS_MEMBERSHIP), {"person_id": person_id}))


async def end_sessions(
    session: AsyncSession, person_id: int, *, community_id: int | None, now: datetime
) -> None:
    """Sign a person out of one community, or (None) everywhere."""
    await _do(session, _END_SESSIONS, person_id=person_id, community_id=community_id, now=now)


async def forget_person(session: AsyncSession, person_id: int) -> None:
    """Forget by what a person signs in, and what they subscribed to."""
    await _do(session, _FORGET_PERSON, person_id=person_id)


async def forget_requests(session: AsyncSession, person_id: int, *, now: datetime) -> None:
    """Refuse what a person still asks to join and forget by what name; withdraw all consents."""
    await _do(session, _FORGET_REQUESTS, person_id=person_id, now=now)


async def forget_identity(session: AsyncSession, app_id: str, open_id: str) -> None:
    """Forget one mini-program's openid, and what was subscribed to there."""
    await _do(session, _FORGET_IDENTITY, app_id=app_id, open_id=open_id)


async def find_person(session: AsyncSession, app_id: str, open_id: str) -> int | None:
    person_id: int | None = await session.scalar(
        text(_FIND_PERSON), {"app_id": app_id, "open_id": open_id}
    )
    return person_id


async def list_communities(session: AsyncSession, person_id: int) -> Sequence[int]:
    """Return every community that may hold something of a person."""
    values = {"person_id": person_id}
    return (await session.scalars(text(_LIST_COMMUNITIES), values)).all()


async def list_memberships(session: AsyncSession, person_id: int) -> Sequence[Record]:
    """Return (community_id, resident_id) of every account in force."""
    return await _run(session, _LIST_MEMBERSHIPS, person_id=person_id)
