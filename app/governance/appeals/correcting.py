"""Putting right what an appeal was upheld against; in the deciding transaction, so once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.errors import ResidentNotFound
from app.community.models import ResidentState
from app.contributions.by_hand import queries as postings
from app.contributions.claims.service import award_on_appeal
from app.contributions.models import SourceKind
from app.contributions.repairs import queries as repairs
from app.contributions.repairs.service import lapse_if_nothing_stands
from app.contributions.replacing import Replaced, replace_award
from app.contributions.reversals import Undoing, undo_contribution
from app.contributions.service import Act, evaluate_one
from app.core.database import Record
from app.governance.appeals import queries
from app.governance.appeals.errors import (
    AppealSubjectNotFound,
    CorrectionMissing,
    CorrectionUnfit,
    LessThanBefore,
)
from app.governance.appeals.messages import memo
from app.governance.appeals.schemas import Correction, Effects, Verdict
from app.governance.models import Appeal, AppealKind
from app.rules import service as rules
from app.rules.models import Effort

APPEAL = "appeal"
# What a correction may say, by what the appeal is against.
FIELDS = {
    AppealKind.DEDUCTION: {"points"},
    AppealKind.REFUSAL: {"units", "effort"},
    AppealKind.AWARD: {"rule_code", "units", "effort"},
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """An upheld appeal with what is needed to put it right."""

    appeal: Appeal
    subject: Record
    correction: Correction
    decider_id: int
    timezone: str
    now: datetime

    @property
    def reason(self) -> str:
        return memo(self.subject.name)


def check_correction(kind: AppealKind, verdict: Verdict, correction: Correction | None) -> None:
    """Refuse a correction that does not fit; raises CorrectionMissing, CorrectionUnfit."""
    said = set() if correction is None else correction.model_dump(exclude_none=True).keys()
    if verdict is Verdict.DISMISSED:
        if correction is not None:
            raise CorrectionUnfit
        return
    if not said <= FIELDS[kind]:
        raise CorrectionUnfit
    if kind is AppealKind.DEDUCTION and verdict is Verdict.UPHELD and said:
        # Upheld means all of it.
        raise CorrectionUnfit
    if kind is AppealKind.AWARD and correction is None:
        raise CorrectionMissing
    if kind is not AppealKind.AWARD and verdict is Verdict.PARTLY_UPHELD and not said:
        raise CorrectionMissing


async def correct(session: AsyncSession, ruling: Ruling) -> Effects:
    """Put right what the appeal was against; return what was done.

    Raises ResidentNotFound where the resident has left, and what each way refuses.
    """
    if ruling.subject.resident_state != ResidentState.ACTIVE:
        raise ResidentNotFound
    return await _WAYS[AppealKind(ruling.appeal.kind)](session, ruling)


async def _give_back(session: AsyncSession, ruling: Ruling) -> Effects:
    """Give a deduction back, points whose date has passed for 30 more days.

    Raises MoreThanOriginal. What a repair has given back already is not given twice; nobody is
    left with a task that nothing can be given back for.
    """
    # Locked before the wallet, as who accepts a repair does.
    repair = await repairs.lock_open_of(
        session, ruling.appeal.community_id, ruling.appeal.subject_id
    )
    undone = await undo_contribution(
        session,
        ruling.appeal.community_id,
        _undoing_of(ruling, ruling.correction.points),
        timezone=ruling.timezone,
        now=ruling.now,
    )
    given = 0 if undone is None else undone.taken_points
    await lapse_if_nothing_stands(session, repair)
    return await _effects(session, ruling, given_back_points=given)


async def _award_refused(session: AsyncSession, ruling: Ruling) -> Effects:
    """Award a refused claim after all."""
    outcome = await award_on_appeal(
        session,
        ruling.appeal.community_id,
        ruling.appeal.subject_id,
        units=ruling.correction.units,
        effort=ruling.correction.effort,
        decided_by=ruling.decider_id,
        now=ruling.now,
    )
    recorded = outcome.decision.recorded
    return await _effects(
        session,
        ruling,
        granted_points=outcome.decision.granted_points,
        contribution_id=None if recorded is None else recorded.contribution_id,
    )


async def _award_anew(session: AsyncSession, ruling: Ruling) -> Effects:
    """Put another award in the place of one; raises LessThanBefore, and what its rule refuses."""
    replaced = await _replace(session, ruling)
    granted = replaced.outcome.decision.granted_points
    taken = replaced.taken
    standing = 0 if taken is None else taken.asked_points
    if granted < standing:
        raise LessThanBefore(points=granted, standing_points=standing)
    return await _effects(
        session,
        ruling,
        granted_points=granted,
        taken_back_points=replaced.taken_points,
        contribution_id=replaced.outcome.decision.item.contribution_id,
    )


async def _replace(session: AsyncSession, ruling: Ruling) -> Replaced:
    appeal, correction = ruling.appeal, ruling.correction
    original = await queries.get_act(session, appeal.community_id, appeal.subject_id)
    if original is None:
        raise AppealSubjectNotFound
    code = correction.rule_code or original.rule_code
    terms = await rules.get_terms_by_code(session, appeal.community_id, code, at=original.acted_at)
    bonuses = await rules.list_bonuses(session, appeal.community_id, at=original.acted_at)
    act = _act_of(ruling, original, f"{terms.name}：申诉更正")
    item = await evaluate_one(session, appeal.community_id, act, terms, bonuses, now=ruling.now)
    return await replace_award(
        session,
        appeal.community_id,
        _undoing_of(ruling, None),
        item,
        timezone=ruling.timezone,
        now=ruling.now,
    )


def _act_of(ruling: Ruling, original: Record, memo: str) -> Act:
    effort = ruling.correction.effort
    if effort is None and "effort" in original.breakdown:
        effort = Effort(original.breakdown["effort"])
    return Act(
        source_kind=SourceKind.APPEAL,
        source_id=ruling.appeal.appeal_id,
        resident_id=original.resident_id,
        occasion="",
        units=ruling.correction.units or original.units,
        acted_at=original.acted_at,
        timezone=ruling.timezone,
        recorded_by=ruling.appeal.filed_by,
        memo=memo,
        reason=original.reason,
        checked_by=ruling.decider_id,
        effort=effort,
        place=None if original.longitude is None else (original.longitude, original.latitude),
    )


def _undoing_of(ruling: Ruling, points: int | None) -> Undoing:
    return Undoing(
        contribution_id=ruling.appeal.subject_id,
        points=points,
        memo=ruling.reason,
        reason=ruling.reason,
        source=(APPEAL, ruling.appeal.appeal_id),
        reversed_by=ruling.appeal.filed_by,
        checked_by=ruling.decider_id,
        is_usable_again=True,
    )


async def _effects(
    session: AsyncSession,
    ruling: Ruling,
    *,
    granted_points: int = 0,
    taken_back_points: int = 0,
    given_back_points: int = 0,
    contribution_id: int | None = None,
) -> Effects:
    return Effects(
        points=granted_points - taken_back_points + given_back_points,
        granted_points=granted_points,
        taken_back_points=taken_back_points,
        given_back_points=given_back_points,
        contribution_id=contribution_id,
        reversal_id=await postings.get_transfer_of(
            session, ruling.appeal.community_id, APPEAL, ruling.appeal.appeal_id
        ),
    )


_WAYS: dict[AppealKind, Callable[[AsyncSession, Ruling], Awaitable[Effects]]] = {
    AppealKind.DEDUCTION: _give_back,
    AppealKind.REFUSAL: _award_refused,
    AppealKind.AWARD: _award_anew,
}
