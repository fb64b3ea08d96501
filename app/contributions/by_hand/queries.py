"""SQL of postings by hand."""

from collections.abc import Sequence

from sqlalchemy import Select, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident, ResidentState
from app.contributions.models import ManualPosting, PostingKind, PostingState
from app.core.database import Record
from app.ledger.models import Transfer
from app.rules.models import Rule, RuleVersion


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


async def is_answered_in_person(session: AsyncSession, posting: ManualPosting) -> bool:
    """Tell whether the resident has answered, and not somebody for them."""
    statement = select(
        exists().where(
            Resident.community_id == posting.community_id,
            Resident.resident_id == posting.resident_id,
            Resident.person_id == posting.answered_by,
        )
    )
    return bool(await session.scalar(statement))


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


async def get_deduction(session: AsyncSession, community_id: int, posting_id: int) -> Record | None:
    """Return (ManualPosting, rule_name) of a deduction by hand."""
    statement = _deductions(community_id).where(ManualPosting.manual_posting_id == posting_id)
    return (await session.execute(statement)).one_or_none()


async def list_deductions(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[Record]:
    """Return a resident's (ManualPosting, rule_name), newest first."""
    statement = (
        _deductions(community_id)
        .where(ManualPosting.resident_id == resident_id, ManualPosting.manual_posting_id < before)
        .order_by(ManualPosting.manual_posting_id.desc())
        .limit(size)
    )
    return (await session.execute(statement)).all()


def _deductions(community_id: int) -> Select[ManualPosting, str]:
    """Return deductions with their rule's name in the version of the day of the act."""
    at = ManualPosting.acted_at
    return (
        select(ManualPosting, RuleVersion.name.label("rule_name"))
        .join(
            Rule,
            (Rule.community_id == ManualPosting.community_id)
            & (Rule.code == ManualPosting.rule_code),
        )
        .join(
            RuleVersion,
            (RuleVersion.community_id == Rule.community_id)
            & (RuleVersion.rule_id == Rule.rule_id)
            & (RuleVersion.effective_from <= at)
            & or_(RuleVersion.effective_until.is_(None), RuleVersion.effective_until > at),
        )
        .where(
            ManualPosting.community_id == community_id,
            # Written out: the index on deductions is found in every plan.
            ManualPosting.kind == literal(PostingKind.DEDUCTION.value, literal_execute=True),
        )
    )
