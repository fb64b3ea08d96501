"""Points for cases: which rules apply at a step is rule data, who gets them too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import queries
from app.cases.models import Case
from app.contributions.models import SourceKind
from app.contributions.posting import AwardItem
from app.contributions.reversals import Revocation, take_back
from app.contributions.service import Act, Outcome, award_all, evaluate_acts
from app.rules import service as rules
from app.rules.evaluation import Terms
from app.rules.models import ArrivesOn, EarnedBy


@dataclass(frozen=True, slots=True)
class Earning:
    """Who may earn by a case, at which step of it, and under what name."""

    case_id: int
    rule_codes: Sequence[str]
    arrives_on: ArrivesOn
    reported_at: datetime
    recorded_by: int
    title: str
    timezone: str
    reporter_id: int | None = None
    joiners: Sequence[tuple[int, datetime]] = ()


async def give(
    session: AsyncSession, community_id: int, earning: Earning, *, now: datetime
) -> list[Outcome]:
    """Award whoever earns at this step; asked again, it gives nothing more."""
    return await give_all(session, community_id, [earning], timezone=earning.timezone, now=now)


async def give_all(
    session: AsyncSession,
    community_id: int,
    earnings: Sequence[Earning],
    *,
    timezone: str,
    now: datetime,
) -> list[Outcome]:
    """Award whoever earns by one of many cases; none of them comes by this step again."""

    async def list_all() -> list[AwardItem]:
        items: list[AwardItem] = []
        for earning in earnings:
            items += await list_items(session, community_id, earning, now=now)
        return items

    return await award_all(session, community_id, list_all, timezone=timezone, now=now)


async def list_items(
    session: AsyncSession, community_id: int, earning: Earning, *, now: datetime
) -> list[AwardItem]:
    """Return what is to be awarded at this step: a rule is never changed back in time.

    A reporter earns by the rules of the report, a joiner by those of the joining. Campaigns count
    that ran at the report and, for joiners, still when they joined.
    """
    reporters = [] if earning.reporter_id is None else [earning.reporter_id]
    then: list[Terms] = []
    if reporters:
        then = await _list_due(session, community_id, earning, earning.reported_at)
    acts = [
        (rule, _act(earning, rule, reporter_id, earning.reported_at))
        for reporter_id in reporters
        for rule in then
        if rule.earned_by is not EarnedBy.JOINERS
    ]
    rules_at = await _rules_of_joiners(session, community_id, earning, then)
    acts += [
        (rule, _act(earning, rule, resident_id, joined_at))
        for resident_id, joined_at in earning.joiners
        for rule in rules_at[joined_at]
        if rule.earned_by is EarnedBy.JOINERS
    ]
    if not acts:
        return []
    bonuses = await rules.list_bonuses(session, community_id, at=earning.reported_at)
    judged = [(act, rule) for rule, act in acts]
    return await evaluate_acts(session, community_id, judged, bonuses, now=now)


async def _list_due(
    session: AsyncSession, community_id: int, earning: Earning, moment: datetime
) -> list[Terms]:
    terms = await rules.list_terms_by_codes(session, community_id, earning.rule_codes, at=moment)
    return [rule for rule in terms if rule.arrives_on is earning.arrives_on]


async def _rules_of_joiners(
    session: AsyncSession, community_id: int, earning: Earning, then: list[Terms]
) -> Mapping[datetime, list[Terms]]:
    """Return the rules by the moment of joining: one look, unless they have changed since."""
    moments = {joined_at for _, joined_at in earning.joiners}
    if not moments:
        return {}
    latest, now = max(moments), then
    if earning.reporter_id is None or latest != earning.reported_at:
        now = await _list_due(session, community_id, earning, latest)
    if now == then or len(moments) == 1:
        return dict.fromkeys(moments, now)
    return {moment: await _list_due(session, community_id, earning, moment) for moment in moments}


async def welcome(
    session: AsyncSession,
    case: Case,
    residents: Sequence[int],
    *,
    by: int,
    timezone: str,
    now: datetime,
) -> int:
    """Give those who join a case now what a rule lets them have at once; return how much."""
    category = await queries.get_category(session, case.community_id, case.category_id)
    if category is None or not residents:
        return 0
    earning = Earning(
        case_id=case.case_id,
        rule_codes=category.rule_codes,
        arrives_on=ArrivesOn.REPORTED,
        reported_at=case.reported_at,
        recorded_by=by,
        title=category.name,
        timezone=timezone,
        joiners=[(resident_id, now) for resident_id in residents],
    )
    return total(await give(session, case.community_id, earning, now=now))


def _act(earning: Earning, rule: Terms, resident_id: int, acted_at: datetime) -> Act:
    return Act(
        source_kind=SourceKind.CASE,
        source_id=earning.case_id,
        resident_id=resident_id,
        occasion=f"{earning.arrives_on}:{rule.code}",
        units=1,
        acted_at=acted_at,
        timezone=earning.timezone,
        recorded_by=earning.recorded_by,
        memo=f"{rule.name}：{earning.title}",
    )


def total(outcomes: Sequence[Outcome], resident_id: int | None = None) -> int:
    """Return what was newly granted, to everybody or to one resident."""
    return sum(
        outcome.decision.granted_points
        for outcome in outcomes
        if outcome.decision.is_new and resident_id in (None, outcome.decision.item.resident_id)
    )


async def withdraw(
    session: AsyncSession,
    community_id: int,
    case_id: int,
    *,
    reason: str,
    by: int,
    timezone: str,
    now: datetime,
) -> int:
    """Take back everything that a case has given; return how many points were there to take."""
    revocation = Revocation(SourceKind.CASE, case_id, reason, by)
    taken = await take_back(session, community_id, revocation, timezone=timezone, now=now)
    return sum(loss.taken_points for loss in taken)
