"""Repairs and reversals by hand: part or all of what a transfer moved, back where it was."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions import queries as contribution_queries
from app.contributions.by_hand import policies, queries
from app.contributions.by_hand.errors import NotADeduction, NothingLeftToReverse, OwnPosting
from app.contributions.by_hand.schemas import PostingResult, RepairCreate, ReversalCreate
from app.contributions.models import ManualPosting, PostingKind, PostingState
from app.contributions.repairs import queries as repairs
from app.contributions.repairs.service import lapse_if_nothing_stands
from app.contributions.reversals import Undoing, undo_contribution
from app.core.access import Actor
from app.core.database import Record
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.errors import MoreThanOriginal, NotReversible, TransferUnknown
from app.ledger.models import AccountKind, TransferKind
from app.ledger.reversals import queries as reversal_queries
from app.ledger.reversals import service as reversals

MANUAL = "manual"
# What stands in contributions too, whose boards follow.
OF_CONTRIBUTIONS = (TransferKind.AWARD, TransferKind.DEDUCTION)
RESIDENTS_OWN = (AccountKind.WALLET, AccountKind.SAVINGS)


async def propose(
    session: AsyncSession, actor: Actor, body: RepairCreate | ReversalCreate, *, now: datetime
) -> ManualPosting:
    """Return a proposal that could be posted now; raises what speaks against it.

    Where it leaves the points open they are fixed here: who checks it reads what will move.
    """
    original = await reversal_queries.get_reversible(session, actor.community, body.transfer_id)
    if original is None:
        raise TransferUnknown
    if isinstance(body, RepairCreate) and original.kind != TransferKind.DEDUCTION:
        raise NotADeduction
    resident_id = _resident_of(original)
    if not policies.may_post_for(actor, resident_id):
        raise OwnPosting
    return ManualPosting(
        community_id=actor.community,
        manual_posting_id=new_id(now),
        kind=body.kind,
        state=PostingState.PROPOSED,
        resident_id=resident_id,
        transfer_id=body.transfer_id,
        points=await _points_of(session, actor.community, original, body.points),
        is_our_fault=isinstance(body, ReversalCreate) and body.is_our_fault,
        reason=body.reason,
        proposed_by=actor.person_id,
        proposed_at=now,
    )


async def post(
    session: AsyncSession, posting: ManualPosting, *, checker_id: int, now: datetime
) -> PostingResult:
    """Post an approved repair or reversal; raises MoreThanOriginal, NothingLeftToReverse."""
    transfer_id, points = posting.transfer_id or 0, posting.points or 0
    here = await community.get_community(session, posting.community_id)
    original = await reversals.get_reversible(session, posting.community_id, transfer_id)
    if original.kind in OF_CONTRIBUTIONS:
        moved = await _undo(session, posting, original, checker_id, here.timezone, now)
    else:
        moved = await _give_back(session, posting, original, checker_id, here.timezone, now)
    return PostingResult(
        asked_points=-points if original.kind == TransferKind.AWARD else points,
        moved_points=moved,
        contribution_id=None,
        transfer_id=await queries.get_transfer_of(
            session, posting.community_id, MANUAL, posting.manual_posting_id
        ),
    )


def _resident_of(original: Record) -> int:
    """Return whose points a transfer moved; raises NotReversible."""
    is_award = original.kind == TransferKind.AWARD
    kind = original.credit_kind if is_award else original.debit_kind
    if original.kind not in reversals.REVERSIBLE or kind not in RESIDENTS_OWN:
        raise NotReversible
    resident_id: int = original.credit_owner_id if is_award else original.debit_owner_id
    return resident_id


async def _points_of(
    session: AsyncSession, community_id: int, original: Record, asked: int | None
) -> int:
    left: int = original.points - original.reversed_points
    if original.kind in OF_CONTRIBUTIONS:
        # What was asked back of an award counts, also where the wallet had less.
        standing = await contribution_queries.get_standing(
            session, community_id, original.transfer_id
        )
        left = 0 if standing is None else standing.left_points
    if left == 0:
        raise NothingLeftToReverse
    points = left if asked is None else asked
    if points > left:
        raise MoreThanOriginal(left_points=left, asked_points=points)
    return points


async def _undo(
    session: AsyncSession,
    posting: ManualPosting,
    original: Record,
    checker_id: int,
    timezone: str,
    now: datetime,
) -> int:
    undoing = Undoing(
        contribution_id=original.transfer_id,
        points=posting.points,
        memo=_memo_of(posting, original),
        reason=posting.reason,
        source=(MANUAL, posting.manual_posting_id),
        reversed_by=posting.proposed_by,
        checked_by=checker_id,
        is_usable_again=_is_usable_again(posting),
    )
    # Locked before the wallet, as who accepts a repair does.
    repair = await repairs.lock_open_of(session, posting.community_id, original.transfer_id)
    undone = await undo_contribution(
        session, posting.community_id, undoing, timezone=timezone, now=now
    )
    if undone is None:
        raise NothingLeftToReverse
    await lapse_if_nothing_stands(session, repair)
    is_award = original.kind == TransferKind.AWARD
    return -undone.taken_points if is_award else undone.taken_points


async def _give_back(
    session: AsyncSession,
    posting: ManualPosting,
    original: Record,
    checker_id: int,
    timezone: str,
    now: datetime,
) -> int:
    await ledger_queries.lock_owned(session, posting.community_id, [posting.resident_id])
    wanted = reversals.GiveBack(
        reversal_id=new_id(now),
        transfer_id=original.transfer_id,
        account_id=original.debit_account_id,
        points=posting.points or 0,
        memo=_memo_of(posting, original),
        maker_id=posting.proposed_by,
        checker_id=checker_id,
        source_kind=MANUAL,
        source_id=posting.manual_posting_id,
        is_usable_again=_is_usable_again(posting),
    )
    await reversals.give_back(session, posting.community_id, wanted, timezone=timezone, now=now)
    return wanted.points


def _is_usable_again(posting: ManualPosting) -> bool:
    """Tell whether points whose date has passed get more time: new work has earned a repair."""
    return posting.kind == PostingKind.REPAIR or posting.is_our_fault


def _memo_of(posting: ManualPosting, original: Record) -> str:
    if posting.kind == PostingKind.REPAIR:
        return f"积分修复：{posting.reason}（{original.memo}）"
    return f"冲正：{original.memo}（{posting.reason}）"
