"""Telling residents of points that came without their asking: one notice each, for any number."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.posting import Decision
from app.contributions.service import Outcome
from app.contributions.telling import queries
from app.core.calendar import in_zone
from app.notifications.service import Notice, notify
from app.wechat.message_fields import date_text

KIND = "points_awarded"
CONTRIBUTION = "contribution"
MOST_RULES = 5


async def tell_awards(
    session: AsyncSession,
    community_id: int,
    outcomes: Sequence[Outcome],
    *,
    opening: str,
    timezone: str,
    now: datetime,
) -> None:
    """Tell everybody with a phone what they were granted just now; three statements for all.

    `opening` says where it comes from. Who calls on residents without a phone is not told of
    each of thousands: it is on their statement.
    """
    granted: dict[int, list[Decision]] = defaultdict(list)
    for outcome in outcomes:
        decision = outcome.decision
        if decision.is_new and decision.granted_points > 0:
            granted[decision.item.resident_id].append(decision)
    if not granted:
        return
    persons = await queries.list_persons(session, community_id, sorted(granted))
    at = date_text(in_zone(timezone, now))
    notices = [
        awarded_notice(person_id, granted[resident_id], opening=opening, at=at)
        for resident_id, person_id in persons.items()
    ]
    await notify(session, community_id, notices, now=now)


def awarded_notice(
    person_id: int, decisions: Sequence[Decision], *, opening: str, at: str
) -> Notice:
    """Tell of awards to one resident; `at` is the local time as a message shows it."""
    by_rule: dict[str, int] = defaultdict(int)
    for decision in decisions:
        by_rule[decision.item.terms.name] += decision.granted_points
    points = sum(by_rule.values())
    left_out = sum(decision.asked_points for decision in decisions) - points
    is_one = len(decisions) == 1
    fields = {
        "title": next(iter(by_rule)) if len(by_rule) == 1 else f"{len(decisions)} 笔积分",
        "status": "已到账",
        "time": at,
        "note": f"获得 {points} 分",
    }
    body = opening + _listed(by_rule, points) + "已到账。"
    if left_out > 0:
        body += f"另有 {left_out} 分因达到积分上限未计入。"
    return Notice(
        person_id, KIND, "积分到账", body,
        CONTRIBUTION if is_one else None,
        decisions[0].item.contribution_id if is_one else None,
        fields,
    )  # fmt: skip


def _listed(by_rule: dict[str, int], points: int) -> str:
    named = [f"“{name}” {share} 分" for name, share in by_rule.items()]
    if len(named) == 1:
        return named[0]
    more = "等" if len(named) > MOST_RULES else ""
    return f"{'、'.join(named[:MOST_RULES])}{more}，共 {points} 分"
