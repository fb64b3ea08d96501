"""SQL of the core: transactions' mode, idempotency, rate limits, signing keys, held jobs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import EPOCH, RANDOM_BITS
from app.core.models import IdempotencyKey, RateLimit, SigningKey

# Sent by most requests: parsed once, for all of them.
_SET_READ_ONLY = text("SET TRANSACTION READ ONLY")
_CLAIM_KEY = text("""
    INSERT INTO idempotency_keys
        (community_id, caller_id, operation, key, request_hash, created_at)
    VALUES (:community_id, :caller_id, :operation, :key, :request_hash, :created_at)
    ON CONFLICT DO NOTHING
    RETURNING caller_id
""")
_STORE_ANSWER = text("""
    UPDATE idempotency_keys SET status = :status, answer = CAST(:body AS json)
    WHERE community_id = :community_id AND caller_id = :caller_id AND operation = :operation
        AND key = :key
""")

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

# Of many at once, for rooms whose statements write more than that; see idempotency.Answer.
# Each `item` brings person_id, operation and key.
JOIN_STORED_ANSWERS = """
    LEFT JOIN idempotency_keys AS stored ON stored.community_id = :community_id
        AND stored.caller_id = item.person_id AND stored.operation = item.operation
        AND stored.key = item.key
"""
# In key order, so that two batches never wait for each other in a circle.
STORE_ANSWERS = """
    INSERT INTO idempotency_keys
        (community_id, caller_id, operation, key, request_hash, status, answer, created_at)
    SELECT :community_id, caller_id, operation, key, request_hash, status, CAST(body AS json), :now
    FROM unnest(CAST(:caller_ids AS bigint[]), CAST(:operations AS text[]),
            CAST(:keys AS text[]), CAST(:request_hashes AS bytea[]),
            CAST(:statuses AS smallint[]), CAST(:bodies AS text[]))
        AS row(caller_id, operation, key, request_hash, status, body)
    ORDER BY caller_id, operation, key
    ON CONFLICT DO NOTHING
    RETURNING key
"""


def first_id_at(moment: str) -> str:
    """Return the expression for the least number that is made at a moment (core/ids.py)."""
    since = f"extract(epoch FROM {moment} - TIMESTAMPTZ '{EPOCH}')"
    return f"(CAST({since} * 1000 AS bigint) << {RANDOM_BITS})"


async def set_read_only(session: AsyncSession) -> None:
    """Make PostgreSQL refuse any write for the rest of this transaction."""
    await session.execute(_SET_READ_ONLY)


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
    if await session.scalar(_CLAIM_KEY, values) is not None:
        return None
    return await session.get_one(
        IdempotencyKey, (claim.community_id, claim.caller_id, claim.operation, claim.key)
    )


async def store_answer(
    session: AsyncSession, claim: IdempotencyKey, *, status: int, body: str
) -> None:
    """Store the answer to a claimed request, as JSON."""
    values = {
        "community_id": claim.community_id, "caller_id": claim.caller_id,
        "operation": claim.operation, "key": claim.key, "status": status, "body": body,
    }  # fmt: skip
    await session.execute(_STORE_ANSWER, values)


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
