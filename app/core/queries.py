"""SQL of the core: transactions' mode, idempotency, rate limits, signing keys, held jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import EPOCH, RANDOM_BITS
from app.core.models import IdempotencyKey, RateLimit, SigningKey

# One of those with the same key, and none while such a one is waiting or running: keys are unique.
_RETRY_HELD_JOBS = """
    WITH again AS (
        SELECT DISTINCT ON (coalesce(dedupe_key, CAST(id AS text))) id FROM pgqueuer AS held
        WHERE status = 'failed' AND entrypoint = ANY(:names) AND NOT EXISTS (
            SELECT FROM pgqueuer AS other
            WHERE other.dedupe_key = held.dedupe_key AND other.status IN ('queued', 'picked'))
        ORDER BY coalesce(dedupe_key, CAST(id AS text)), id)
    UPDATE pgqueuer SET status = 'queued', attempts = 0, execute_after = now(), updated = now(),
        queue_manager_id = NULL
    FROM again WHERE pgqueuer.id = again.id AND status = 'failed'
    RETURNING pgqueuer.id
"""


def first_id_at(moment: str) -> str:
    """Return the expression for the least number that is made at a moment (core/ids.py)."""
    since = f"extract(epoch FROM {moment} - TIMESTAMPTZ '{EPOCH}')"
    return f"(CAST({since} * 1000 AS bigint) << {RANDOM_BITS})"


async def set_read_only(session: AsyncSession) -> None:
    """Make PostgreSQL refuse any write for the rest of this transaction."""
    await session.execute(text("SET TRANSACTION READ ONLY"))


async def is_migrated(session: AsyncSession, head: str) -> bool:
    """Tell whether the schema stands at this revision."""
    found: str | None = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return found == head


async def claim_key(session: AsyncSession, claim: IdempotencyKey) -> IdempotencyKey | None:
    """Claim a key for this transaction; return what an earlier one stored, if any.

    A twin that is still running holds the row, so this waits for it (lock_timeout).
    """
    values = {
        "community_id": claim.community_id, "caller_id": claim.caller_id,
        "operation": claim.operation, "key": claim.key,
        "request_hash": claim.request_hash, "created_at": claim.created_at,
    }  # fmt: skip
    statement = insert(IdempotencyKey).values(values).on_conflict_do_nothing()
    if await session.scalar(statement.returning(IdempotencyKey.caller_id)) is not None:
        return None
    return await session.get_one(
        IdempotencyKey, (claim.community_id, claim.caller_id, claim.operation, claim.key)
    )


async def store_answer(
    session: AsyncSession, claim: IdempotencyKey, *, status: int, answer: Any
) -> None:
    statement = (
        update(IdempotencyKey)
        .where(
            IdempotencyKey.community_id == claim.community_id,
            IdempotencyKey.caller_id == claim.caller_id,
            IdempotencyKey.operation == claim.operation,
            IdempotencyKey.key == claim.key,
        )
        .values(status=status, answer=bindparam("answer", answer, JSON))
    )
    await session.execute(statement)


async def delete_keys_before(session: AsyncSession, moment: datetime) -> None:
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < moment))


async def take_turn(
    session: AsyncSession, key: str, *, now_us: int, interval_us: int, burst: int
) -> bool:
    """Count one attempt against the GCRA limiter `key`; tell whether it is within the limit."""
    start = insert(RateLimit).values(key=key, arrival_us=now_us + interval_us)
    arrival = text("greatest(rate_limits.arrival_us, :now_us) + :interval_us").bindparams(
        now_us=now_us, interval_us=interval_us
    )
    statement = start.on_conflict_do_update(
        index_elements=[RateLimit.key],
        set_={"arrival_us": arrival},
        where=RateLimit.arrival_us <= now_us + interval_us * (burst - 1),
    )
    return await session.scalar(statement.returning(RateLimit.arrival_us)) is not None


async def delete_idle_limits(session: AsyncSession, *, now_us: int) -> None:
    await session.execute(delete(RateLimit).where(RateLimit.arrival_us < now_us))


async def list_signing_keys(session: AsyncSession) -> Sequence[SigningKey]:
    statement = select(SigningKey).order_by(SigningKey.active_from, SigningKey.key_id)
    return (await session.scalars(statement)).all()


async def lock_signing_keys(session: AsyncSession) -> None:
    """Let one process at a time decide whether a key is missing."""
    await session.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))


async def retry_held_jobs(session: AsyncSession, names: Sequence[str]) -> int:
    """Have held jobs of these names tried again from their first attempt; return how many."""
    return len((await session.scalars(text(_RETRY_HELD_JOBS), {"names": list(names)})).all())
