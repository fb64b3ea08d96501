"""SQL of postings by hand."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident, ResidentState
from app.contributions.models import ManualPosting, PostingState
from app.ledger.models import Transfer


async def is_resident(session: AsyncSession, community_id: int, resident_id: int) -> bool:
    """Tell whether somebody lives here and has not left: funds and shops have accounts too."""
    statement = select(
        exists().where(
            Resident.community_id == community_id,
            Resident.resident_id == resident_id,
            Resident.state == ResidentState.ACTIVE,
        )
    )
    return bool(await session.scalar(statement))


async def get_posting(
    session: AsyncSession, community_id: int, posting_id: int
) -> ManualPosting | None:
    return await session.get(ManualPosting, (community_id, posting_id))


async def lock_posting(
    session: AsyncSession, community_id: int, posting_id: int
) -> ManualPosting | None:
    """Return a posting as it stands now, locked until the transaction ends."""
    statement = (
        select(ManualPosting)
        .where(
            ManualPosting.community_id == community_id,
            ManualPosting.manual_posting_id == posting_id,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def list_postings(
    session: AsyncSession,
    community_id: int,
    *,
    state: PostingState | None,
    before: int,
    size: int,
) -> Sequence[ManualPosting]:
    """Return postings in one state, or all, newest first."""
    statement = (
        select(ManualPosting)
        .where(
            ManualPosting.community_id == community_id,
            ManualPosting.manual_posting_id < before,
        )
        .order_by(ManualPosting.manual_posting_id.desc())
        .limit(size)
    )
    if state is not None:
        statement = statement.where(ManualPosting.state == state)
    return (await session.scalars(statement)).all()


async def get_transfer_of(
    session: AsyncSession, community_id: int, source_kind: str, posting_id: int
) -> int | None:
    """Return the transfer that a posting made, if it moved anything."""
    statement = select(Transfer.transfer_id).where(
        Transfer.community_id == community_id,
        Transfer.source_kind == source_kind,
        Transfer.source_id == posting_id,
        Transfer.leg == 0,
    )
    return await session.scalar(statement)
