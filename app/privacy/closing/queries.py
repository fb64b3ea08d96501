"""SQL that ends accounts; all may be repeated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.privacy.models import Closure, ClosureState

_ADD_CLOSURE = """
    INSERT INTO closures (community_id, closure_id, resident_id, person_id, state, asked_at,
        closes_at)
    VALUES (:community_id, :closure_id, :resident_id, :person_id, 'asked', :now, :closes_at)
    ON CONFLICT (community_id, resident_id) WHERE state = 'asked' DO NOTHING
    RETURNING closure_id
"""

_HASTEN = """
    UPDATE closures SET closes_at = :now
    WHERE community_id = :community_id AND resident_id = :resident_id AND state = 'asked'
        AND closes_at > :now
"""

_LIST_DUE = """
    SELECT community_id, closure_id FROM closures
    WHERE state = 'asked' AND closes_at <= :now
    ORDER BY closes_at, closure_id
"""

# Points may still come to a closed account: a case confirmed late, a voucher given back.
_LIST_LEFT_OVER = """
    SELECT closures.community_id, closures.resident_id, closures.person_id
    FROM closures
    WHERE closures.state = 'done' AND EXISTS (
        SELECT FROM accounts JOIN balances ON balances.community_id = accounts.community_id
            AND balances.account_id = accounts.account_id
        WHERE accounts.community_id = closures.community_id AND kind IN ('wallet', 'savings')
            AND owner_id = closures.resident_id AND lots_total > 0)
    ORDER BY closures.community_id, closures.resident_id
"""

# And messages: a text refused late, a request that had begun before the end.
_FORGET_LATE_MESSAGES = """
    WITH gone AS MATERIALIZED (
        SELECT DISTINCT community_id, person_id FROM closures
        WHERE state = 'done'
            AND NOT EXISTS (SELECT FROM residents
                WHERE residents.community_id = closures.community_id
                    AND residents.person_id = closures.person_id)
            AND NOT EXISTS (SELECT FROM role_grants
                WHERE role_grants.community_id = closures.community_id
                    AND role_grants.person_id = closures.person_id)),
    wechat_message AS (
        DELETE FROM wechat_messages USING gone
        WHERE wechat_messages.community_id = gone.community_id
            AND wechat_messages.person_id = gone.person_id)
    DELETE FROM inbox_messages USING gone
    WHERE inbox_messages.community_id = gone.community_id
        AND inbox_messages.person_id = gone.person_id
"""

_DESTROY_LATE_EXPORTS = """
    UPDATE data_exports SET state = 'destroyed', object_key = NULL FROM closures
    WHERE closures.state = 'done' AND data_exports.state <> 'destroyed'
        AND data_exports.community_id = closures.community_id
        AND data_exports.resident_id = closures.resident_id
    RETURNING data_exports.community_id, data_export_id
"""

_FORGET_RESIDENT = """
    WITH token AS (
        DELETE FROM resident_tokens
        WHERE community_id = :community_id AND resident_id = :resident_id),
    card AS (
        UPDATE paper_cards SET revoked_at = :now, revoked_by = :person_id, reason = '账号已注销'
        WHERE community_id = :community_id AND resident_id = :resident_id
            AND revoked_at IS NULL),
    role AS (
        DELETE FROM role_grants
        WHERE community_id = :community_id AND person_id = :person_id),
    pending AS (
        UPDATE join_requests SET sealed_name = NULL, room = '',
            reason = CASE WHEN state = 'pending' THEN '申请人已注销' ELSE reason END,
            decided_at = coalesce(decided_at, :now),
            state = CASE WHEN state = 'pending' THEN 'refused' ELSE state END
        WHERE community_id = :community_id
            AND (person_id = :person_id OR claims_resident_id = :resident_id)),
    message AS (
        DELETE FROM inbox_messages
        WHERE community_id = :community_id AND person_id = :person_id),
    wechat_message AS (
        DELETE FROM wechat_messages
        WHERE community_id = :community_id AND person_id = :person_id),
    answer AS (
        DELETE FROM idempotency_keys
        WHERE community_id = :community_id AND caller_id = :person_id),
    shop_answer AS (
        UPDATE verifications SET answer = CAST(jsonb_set(CAST(answer AS jsonb),
            '{voucher,holder}', to_jsonb(CAST(:masked_name AS text))) AS json)
        FROM vouchers
        WHERE verifications.community_id = :community_id
            AND vouchers.community_id = :community_id AND resident_id = :resident_id
            AND verifications.voucher_id = vouchers.voucher_id
            AND answer #>> '{voucher,holder}' IS NOT NULL),
    consent AS (
        UPDATE consents SET withdrawn_at = greatest(:now, granted_at)
        WHERE community_id = :community_id AND person_id = :person_id
            AND withdrawn_at IS NULL)
    UPDATE residents SET sealed_name = NULL, sealed_phone = NULL, masked_name = :masked_name,
        person_id = NULL, household_id = NULL, audience = '[]', state = 'left'
    WHERE community_id = :community_id AND resident_id = :resident_id
"""

# Published photos show the neighbourhood and stay, without what tells of their sender.
_FORGET_PHOTOS = """
    WITH own AS (
        SELECT photo_id, served_key, original_key, EXISTS (
            SELECT FROM case_photos
                JOIN cases USING (community_id, case_id)
                JOIN content_checks ON content_checks.community_id = case_photos.community_id
                    AND content_check_id = case_photos.photo_id
            WHERE case_photos.community_id = :community_id
                AND case_photos.photo_id = photos.photo_id
                AND cases.state = ANY(CAST(:published AS text[]))
                AND content_checks.state = 'passed') AS is_published
        FROM photos
        WHERE community_id = :community_id AND person_id = :person_id AND deleted_at IS NULL
        ORDER BY photo_id FOR UPDATE OF photos),
    unchecked AS (
        DELETE FROM content_checks USING own
        WHERE community_id = :community_id AND content_check_id = own.photo_id
            AND NOT is_published)
    UPDATE photos SET original_key = NULL, sealed_position = NULL, taken_at = NULL,
        upload_hash = sha256(CAST(CAST(photos.photo_id AS text) AS bytea)),
        served_key = CASE WHEN is_published THEN photos.served_key END,
        perceptual_hash = CASE WHEN is_published THEN perceptual_hash ELSE 0 END,
        deleted_at = CASE WHEN is_published THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM own
    WHERE community_id = :community_id AND photos.photo_id = own.photo_id
    RETURNING own.original_key, CASE WHEN is_published THEN NULL ELSE own.served_key END
"""

_HAS_OPEN_VOUCHER = """
    SELECT EXISTS (SELECT FROM vouchers
        WHERE community_id = :community_id AND resident_id = :resident_id AND state = 'issued')
"""

_DESTROY_EXPORTS = """
    UPDATE data_exports SET state = 'destroyed', object_key = NULL
    WHERE community_id = :community_id AND resident_id = :resident_id AND state <> 'destroyed'
    RETURNING data_export_id
"""


async def _run(session: AsyncSession, statement: str, **values: Any) -> Sequence[Record]:
    return (await session.execute(text(statement), values)).all()


async def _do(session: AsyncSession, statement: str, **values: Any) -> None:
    await session.execute(text(statement), values)


# Closures.


async def add_closure(session: AsyncSession, closure: Closure) -> bool:
    """Record that a resident wants to leave; False if that is known."""
    rows = await _run(
        session, _ADD_CLOSURE,
        community_id=closure.community_id, closure_id=closure.closure_id,
        resident_id=closure.resident_id, person_id=closure.person_id,
        closes_at=closure.closes_at, now=closure.asked_at,
    )  # fmt: skip
    return bool(rows)


async def hasten(
    session: AsyncSession, community_id: int, resident_id: int, *, now: datetime
) -> None:
    """Let a closure that was asked for be due now."""
    await _do(session, _HASTEN, community_id=community_id, resident_id=resident_id, now=now)


async def get_closure(
    session: AsyncSession, community_id: int, resident_id: int, *, is_locked: bool = False
) -> Closure | None:
    """Return the closure that a resident has asked for."""
    statement = select(Closure).where(
        Closure.community_id == community_id,
        Closure.resident_id == resident_id,
        Closure.state == ClosureState.ASKED,
    )
    return await session.scalar(statement.with_for_update() if is_locked else statement)


async def list_due(session: AsyncSession, *, now: datetime) -> Sequence[Record]:
    """Return (community_id, closure_id) of what is to be carried out, oldest first."""
    return await _run(session, _LIST_DUE, now=now)


async def list_left_over(session: AsyncSession) -> Sequence[Record]:
    """Return (community_id, resident_id, person_id) of closed accounts that hold points."""
    return await _run(session, _LIST_LEFT_OVER)


async def forget_late_messages(session: AsyncSession) -> None:
    """Delete messages to people whose accounts are closed, unless they have come back."""
    await _do(session, _FORGET_LATE_MESSAGES)


async def destroy_late_exports(session: AsyncSession) -> Sequence[Record]:
    """Mark copies of closed accounts as destroyed; return (community_id, data_export_id)."""
    return await _run(session, _DESTROY_LATE_EXPORTS)


async def lock_due(
    session: AsyncSession, community_id: int, closure_id: int, *, now: datetime
) -> Closure | None:
    """Return a due closure that nobody else carries out, locked."""
    statement = (
        select(Closure)
        .where(
            Closure.community_id == community_id,
            Closure.closure_id == closure_id,
            Closure.state == ClosureState.ASKED,
            Closure.closes_at <= now,
        )
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement)


async def forget_resident(
    session: AsyncSession, closure: Closure, *, masked_name: str, now: datetime
) -> None:
    """Empty the membership, and take away what hung on it; its number stays for the books."""
    await _do(
        session, _FORGET_RESIDENT,
        community_id=closure.community_id, resident_id=closure.resident_id,
        person_id=closure.person_id, masked_name=masked_name, now=now,
    )  # fmt: skip


async def forget_photos(
    session: AsyncSession, closure: Closure, *, published: Sequence[str], now: datetime
) -> list[str]:
    """Delete photos that no published case shows; return the keys of files to destroy."""
    rows = await _run(
        session, _FORGET_PHOTOS,
        community_id=closure.community_id, person_id=closure.person_id,
        published=list(published), now=now,
    )  # fmt: skip
    return [key for row in rows for key in row if key is not None]


async def has_open_voucher(session: AsyncSession, community_id: int, resident_id: int) -> bool:
    values = {"community_id": community_id, "resident_id": resident_id}
    return bool(await session.scalar(text(_HAS_OPEN_VOUCHER), values))


async def destroy_exports(session: AsyncSession, community_id: int, resident_id: int) -> list[int]:
    """Mark every copy as destroyed, also one being made; return their numbers."""
    rows = await _run(session, _DESTROY_EXPORTS, community_id=community_id, resident_id=resident_id)
    return [row.data_export_id for row in rows]
