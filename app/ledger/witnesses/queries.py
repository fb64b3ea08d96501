"""SQL of countersignatures."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.ledger.queries import run_statement
from app.ledger.seals.notes import Cosignature

_GET_CHECKPOINT = """
    SELECT note, made_at FROM checkpoints WHERE community_id = :community_id AND size = :size
"""

# The first word of a witness stands: what is published does not change.
_KEEP_COSIGNATURE = """
    INSERT INTO cosignatures (community_id, size, witness, line, signed_at)
    VALUES (:community_id, :size, :witness, :line, :signed_at)
    ON CONFLICT DO NOTHING
"""

_GET_COSIGNATURE = """
    SELECT witness, line, signed_at FROM cosignatures
    WHERE community_id = :community_id AND size = :size AND witness = :witness
"""


async def get_checkpoint(session: AsyncSession, community_id: int, size: int) -> Record | None:
    """Return the signed checkpoint of a tree of this size, if one was made, and when."""
    values = {"community_id": community_id, "size": size}
    return (await session.execute(text(_GET_CHECKPOINT), values)).one_or_none()


async def keep_cosignature(
    session: AsyncSession, community_id: int, size: int, cosignature: Cosignature, line: str
) -> Record:
    """Store a witness's line unless there is one; return the one that is kept."""
    of = {"community_id": community_id, "size": size, "witness": cosignature.witness}
    values = {**of, "line": line, "signed_at": cosignature.signed_at}
    await session.execute(text(_KEEP_COSIGNATURE), values)
    (kept,) = await run_statement(session, _GET_COSIGNATURE, **of)
    return kept
