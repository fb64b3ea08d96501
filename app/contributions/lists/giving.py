"""Awarding an approved list, a thousand rows a transaction.

Whoever gives holds the list's row, and a row's award is unique by (list, resident, row): broken
off anywhere it goes on where it was, and nothing is given twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions.lists import queries
from app.contributions.lists.models import AwardList, AwardListRow, ListState
from app.contributions.models import SourceKind
from app.contributions.posting import AwardItem
from app.contributions.service import Act, Outcome, award_all, evaluate_acts
from app.contributions.telling.awards import tell_awards
from app.core.database import Record
from app.core.jobs import enqueue
from app.notices import service as notices
from app.rules import service as rules
from app.rules.models import Effort

BATCH = 1000
JOB = "post_award_lists"
# Not the list's own title, which was checked by nobody.
OPENING = "居委会登记的名单："
# What a row, or a list, is told that gave nothing.
HAS_LEFT = "居民已退出本社区"
NOT_MEANT_FOR = "规则不适用于该居民所属的人群"
OBJECTED = "公示期异议成立"
NOTICE_WITHDRAWN = "公示已撤回"


async def ask_to_give(session: AsyncSession, award_list: AwardList) -> None:
    """Ask for the job when this transaction commits."""
    # A key of its own: a job that runs already may have gone past this list.
    key = f"{JOB}:{award_list.community_id}:{award_list.award_list_id}"
    await enqueue(session, JOB, key=key)


async def give_batch(
    session: AsyncSession, community_id: int, award_list_id: int, *, now: datetime
) -> bool:
    """Award the next thousand rows of a list; tell whether there is more to do just now.

    Not where somebody else is at it, or an objection still waits for its answer.
    """
    award_list = await queries.lock_list(session, community_id, award_list_id, skip_locked=True)
    if award_list is None:
        return False
    if award_list.state == ListState.IN_NOTICE:
        await _end_notice(session, award_list, now=now)
    if award_list.state != ListState.POSTING:
        return False
    waiting = await queries.list_waiting_rows(session, award_list, size=BATCH)
    if waiting:
        await _give(session, award_list, waiting, now=now)
    if len(waiting) == BATCH:
        return True
    award_list.state = ListState.POSTED
    award_list.posted_at = now
    await session.flush()
    return False


async def evaluate_rows(
    session: AsyncSession,
    community_id: int,
    rows: Sequence[AwardListRow | Record],
    *,
    timezone: str,
    now: datetime,
    award_list: AwardList | None = None,
) -> list[AwardItem]:
    """Turn rows into items by the rule versions they were taken under.

    Those whose rule is not meant for their resident any more are left out.
    """
    if not rows:
        return []
    since = min(row.acted_at for row in rows)
    versions = sorted({row.rule_version_id for row in rows})
    terms = await rules.list_terms_of_versions(session, community_id, versions)
    bonuses = await rules.list_bonuses(session, community_id, at=now, since=since)
    acts = [
        (_act(row, terms[row.rule_version_id].name, timezone, award_list),
            terms[row.rule_version_id])
        for row in rows
    ]  # fmt: skip
    return await evaluate_acts(session, community_id, acts, bonuses, now=now)


def _act(
    row: AwardListRow | Record, rule_name: str, timezone: str, award_list: AwardList | None
) -> Act:
    return Act(
        source_kind=SourceKind.AWARD_LIST,
        source_id=row.award_list_id,
        resident_id=row.resident_id,
        occasion=str(row.row_number),
        units=row.units,
        acted_at=row.acted_at,
        timezone=timezone,
        recorded_by=0 if award_list is None else award_list.proposed_by,
        memo=f"{rule_name}：{row.note}",
        reason=row.note,
        checked_by=None if award_list is None else award_list.decided_by,
        effort=None if row.effort is None else Effort(row.effort),
    )


async def _end_notice(session: AsyncSession, award_list: AwardList, *, now: datetime) -> None:
    """Let a list go to be posted once its notice is over and every objection is answered."""
    number = award_list.public_notice_id or 0
    found = await notices.lock_outcomes(session, award_list.community_id, [number], now=now)
    outcome = found[number]
    if outcome.is_withdrawn or None in outcome.upheld:
        award_list.state = ListState.REFUSED
        award_list.decision_reason = NOTICE_WITHDRAWN if outcome.is_withdrawn else OBJECTED
    elif not outcome.is_over or outcome.unanswered:
        return
    else:
        award_list.state = ListState.POSTING
        upheld = [line for line in outcome.upheld if line is not None]
        if upheld:
            await queries.refuse_rows(session, award_list, upheld, OBJECTED)
    await session.flush()
    await notices.settle(session, award_list.community_id, number, now=now)


async def _give(
    session: AsyncSession,
    award_list: AwardList,
    waiting: Sequence[Any],
    *,
    now: datetime,
) -> None:
    community_id = award_list.community_id
    here = await community.get_community(session, community_id)
    rows = [row for row, is_here in waiting if is_here]

    async def list_items() -> Sequence[AwardItem]:
        return await evaluate_rows(
            session, community_id, rows, timezone=here.timezone, now=now, award_list=award_list
        )

    outcomes = await award_all(session, community_id, list_items, timezone=here.timezone, now=now)
    by_row = {int(outcome.decision.item.occasion): outcome for outcome in outcomes}
    settled = [_settled(row, is_here, by_row) for row, is_here in waiting]
    await queries.settle_rows(session, award_list, settled)
    await tell_awards(
        session, community_id, outcomes, opening=OPENING, timezone=here.timezone, now=now
    )


def _settled(row: AwardListRow, is_here: bool, outcomes: Mapping[int, Outcome]) -> dict[str, Any]:  # noqa: FBT001
    outcome = outcomes.get(row.row_number)
    recorded = None if outcome is None else outcome.decision.recorded
    if recorded is None:
        # Either may have changed since the list was taken.
        has_left = not is_here or outcome is not None
        refusal = HAS_LEFT if has_left else NOT_MEANT_FOR
        return {"row_number": row.row_number, "refusal": refusal}
    return {
        "row_number": row.row_number,
        "contribution_id": recorded.contribution_id,
        "granted_points": recorded.granted_points,
    }
