"""Awards and deductions."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import queries as community
from app.community.errors import ResidentNotFound
from app.contributions import queries
from app.contributions.errors import RuleChanged
from app.contributions.limits.queries import campaign_rows
from app.contributions.models import ContributionState
from app.contributions.posting import AwardItem, Decision, Used, Verdict, decide
from app.core.calendar import Period, day_in, period_start
from app.core.database import Record
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger.lapses import NEVER, lapse_under, timestamp
from app.ledger.models import SystemAccount, TransferKind
from app.ledger.salts import new_salt
from app.rules.errors import NotForYou, OtherMode, RuleOfOtherDirection, TooManyUnits
from app.rules.evaluation import Bonus, Facts, Terms, evaluate, needs_person
from app.rules.models import Effort, Mode

SCORED_PERIODS = (Period.WEEK, Period.MONTH, Period.ALL)
CONTRIBUTION = "contribution"
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Act:
    """What a resident did: from which source, how much, when, and who recorded it.

    `timezone` is the community's: caps and boards go by the day of the act there. `place` is
    (longitude, latitude) as it was announced, never a person's own.
    """

    source_kind: str
    source_id: int
    resident_id: int
    occasion: str
    units: int
    acted_at: datetime
    timezone: str
    recorded_by: int
    memo: str
    reason: str | None = None
    checked_by: int | None = None
    effort: Effort | None = None
    mode: Mode = Mode.ANY
    place: tuple[float, float] | None = None

    @property
    def acted_on(self) -> date:
        return day_in(self.timezone, self.acted_at)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and, for what was granted, the wallet's new posted balance."""

    decision: Decision
    posted: int | None


def evaluate_act(
    act: Act,
    terms: Terms,
    campaigns: Sequence[Bonus],
    *,
    now: datetime,
    person: Record | None = None,
) -> AwardItem:
    """Turn an act into an item.

    `person` (grid_id, audience, joined_at) is needed where the rule or a campaign asks who acted.
    Raises TooManyUnits, RuleOfOtherDirection, OtherMode, EffortMissing, NotForYou.
    """
    if not terms.is_earning:
        raise RuleOfOtherDirection
    if act.units > terms.max_units:
        raise TooManyUnits(max_units=terms.max_units)
    if Mode.ANY not in (terms.mode, act.mode) and terms.mode is not act.mode:
        raise OtherMode
    facts = _facts_of(act, person)
    if terms.audience and facts.audience.isdisjoint(terms.audience):
        raise NotForYou
    return AwardItem(
        contribution_id=new_id(now),
        source_kind=act.source_kind,
        source_id=act.source_id,
        resident_id=act.resident_id,
        occasion=act.occasion,
        terms=terms,
        units=act.units,
        worth=evaluate(terms, campaigns, facts),
        recorded_by=act.recorded_by,
        acted_at=act.acted_at,
        acted_on=act.acted_on,
        memo=act.memo,
        reason=act.reason,
        checked_by=act.checked_by,
        place=act.place,
    )


def _facts_of(act: Act, person: Record | None) -> Facts:
    facts = Facts(act.units, act.acted_at, act.timezone, act.effort, act.mode)
    if person is None:
        return facts
    return replace(
        facts,
        grid_id=person.grid_id,
        audience=frozenset(person.audience),
        joined_at=person.joined_at,
    )


async def evaluate_acts(
    session: AsyncSession,
    community_id: int,
    acts: Sequence[tuple[Act, Terms]],
    campaigns: Sequence[Bonus],
    *,
    now: datetime,
) -> list[AwardItem]:
    """Turn acts into items; those that their rule is not meant for are left out.

    Who acted is looked up only where a rule or campaign asks for it. Raises as evaluate_act.
    """
    concerned = {act.resident_id for act, terms in acts if needs_person(terms, campaigns)}
    people: Mapping[int, Record] = {}
    if concerned:
        people = await community.list_traits(session, community_id, sorted(concerned))
    items = []
    for act, terms in acts:
        with suppress(NotForYou):
            person = people.get(act.resident_id)
            items.append(evaluate_act(act, terms, campaigns, now=now, person=person))
    return items


async def evaluate_one(
    session: AsyncSession,
    community_id: int,
    act: Act,
    terms: Terms,
    campaigns: Sequence[Bonus],
    *,
    now: datetime,
) -> AwardItem:
    """Turn one act into an item; raises NotForYou and as evaluate_act."""
    items = await evaluate_acts(session, community_id, [(act, terms)], campaigns, now=now)
    if not items:
        raise NotForYou
    return items[0]


async def award(
    session: AsyncSession,
    community_id: int,
    items: Sequence[AwardItem],
    *,
    timezone: str,
    now: datetime,
) -> list[Outcome]:
    """Award many items of one community; return an outcome per item, in their order.

    Three statements whatever the number: lock the balance rows in order, read what is
    recorded and used, write everything. Rules with an interval add one, campaigns with limits
    up to three.
    """
    residents = [item.resident_id for item in items]
    balances = await ledger_queries.lock_balances(session, community_id, residents)
    debts = {resident_id: row.debt for resident_id, row in balances.items()}
    locked = await queries.read_under_lock(session, community_id, items, debts)
    decisions, used = decide(items, locked)
    new = [decision for decision in decisions if decision.is_new]
    posted: dict[int, int] = {}
    if new:
        rows = award_rows(new, used, timezone=timezone, now=now)
        posted = await queries.post_awards(session, community_id, rows, now=now)
    return [Outcome(decision, posted.get(decision.item.resident_id)) for decision in decisions]


async def award_all(
    session: AsyncSession,
    community_id: int,
    list_items: Callable[[], Awaitable[Sequence[AwardItem]]],
    *,
    timezone: str,
    now: datetime,
) -> list[Outcome]:
    """Award what nobody asks for a second time: an item is listed anew if its rule has changed.

    So it is where a point policy was published since it was listed. Raises RuleChanged where
    that goes on; the transaction is to be given up then.
    """
    settled: list[Outcome] = []
    items = await list_items()
    for _ in range(ATTEMPTS):
        if not items:
            return settled
        outcomes = await award(session, community_id, items, timezone=timezone, now=now)
        changed = {
            outcome.decision.item.natural_key
            for outcome in outcomes
            if outcome.decision.verdict is Verdict.RULE_CHANGED
        }
        settled += [
            outcome for outcome in outcomes if outcome.decision.item.natural_key not in changed
        ]
        if not changed:
            return settled
        items = [item for item in await list_items() if item.natural_key in changed]
    raise RuleChanged


async def award_one(
    session: AsyncSession, community_id: int, item: AwardItem, *, timezone: str, now: datetime
) -> Outcome:
    """Award a single item; raises ResidentNotFound and RuleChanged."""
    (outcome,) = await award(session, community_id, [item], timezone=timezone, now=now)
    match outcome.decision.verdict:
        case Verdict.NO_SUCH_RESIDENT:
            raise ResidentNotFound
        case Verdict.RULE_CHANGED:
            raise RuleChanged
        case _:
            return outcome


def award_rows(
    new: Sequence[Decision], used: Used, *, timezone: str, now: datetime
) -> queries.AwardRows:
    """Lay decisions out as the rows that the award statement writes."""
    granted = [decision for decision in new if decision.granted_points > 0]
    lapses = [_lapse_of(decision.item, timezone, now) for decision in granted]
    return queries.AwardRows(
        contributions=[_contribution_row(decision) for decision in new],
        usage=queries.usage_rows(used.caps),
        campaigns=campaign_rows(used.campaigns),
        transfers=[_transfer_row(decision) for decision in granted],
        lots=[
            _lot_row(decision, lapse)
            for decision, lapse in zip(granted, lapses, strict=True)
            if decision.granted_points > decision.repaid_points
        ],
        scores=score_rows([_score_of(decision) for decision in granted]),
        balances=_balance_rows(granted, lapses),
    )


def _contribution_row(decision: Decision) -> dict[str, Any]:
    item = decision.item
    longitude, latitude = item.place or (None, None)
    return {
        "contribution_id": item.contribution_id,
        "source_kind": item.source_kind,
        "source_id": item.source_id,
        "resident_id": item.resident_id,
        "occasion": item.occasion,
        "rule_id": item.terms.rule_id,
        "rule_version_id": item.terms.rule_version_id,
        "state": ContributionState.CAPPED
        if decision.granted_points == 0
        else ContributionState.AWARDED,
        "units": item.units,
        "asked_points": decision.asked_points,
        "granted_points": decision.granted_points,
        "breakdown": decision.breakdown(),
        "reason": item.reason,
        "recorded_by": item.recorded_by,
        "checked_by": item.checked_by,
        "acted_at": item.acted_at.isoformat(),
        "is_spaced": item.terms.min_interval is not None and decision.granted_points > 0,
        "longitude": longitude,
        "latitude": latitude,
    }


def _transfer_row(decision: Decision) -> dict[str, Any]:
    item = decision.item
    return {
        "transfer_id": item.contribution_id,
        "kind": TransferKind.AWARD,
        "debit_account_id": SystemAccount.ISSUER,
        "credit_account_id": item.resident_id,
        "points": decision.granted_points,
        "source_kind": CONTRIBUTION,
        "source_id": item.contribution_id,
        "leg": 0,
        "memo": item.memo,
        "rule_version_id": item.terms.rule_version_id,
        "maker_id": item.recorded_by,
        "checker_id": item.checked_by,
        "occurred_at": item.acted_at.isoformat(),
        "salt": new_salt(),
    }


def _lapse_of(item: AwardItem, timezone: str, now: datetime) -> datetime:
    """Return when points of an act lapse: what comes too late for that is as if earned today."""
    terms = item.terms
    lapses = [
        lapse_under(terms.expiry, acted_on=day, since=terms.expiry_since, timezone=timezone)
        for day in (item.acted_on, max(item.acted_on, day_in(timezone, now)))
    ]
    return next((lapse for lapse in lapses if lapse > now), lapses[-1])


def _lot_row(decision: Decision, lapse: datetime) -> dict[str, Any]:
    return {
        "lot_id": decision.item.contribution_id,
        "account_id": decision.item.resident_id,
        "points": decision.granted_points - decision.repaid_points,
        "earned_at": decision.item.acted_at.isoformat(),
        "expires_at": timestamp(lapse),
        "follows_policy": decision.item.terms.follows_policy,
    }


def _balance_rows(granted: Sequence[Decision], lapses: Sequence[datetime]) -> list[dict[str, Any]]:
    """Sum up per wallet: an UPDATE touches a row once."""
    rows: dict[int, dict[str, Any]] = {}
    soonest: dict[int, datetime] = defaultdict(lambda: NEVER)
    for decision, lapse in zip(granted, lapses, strict=True):
        resident_id = decision.item.resident_id
        row = rows.setdefault(
            resident_id,
            {"account_id": resident_id, "points": 0, "lot_points": 0, "repaid_points": 0},
        )
        row["points"] += decision.granted_points
        row["lot_points"] += decision.granted_points - decision.repaid_points
        row["repaid_points"] += decision.repaid_points
        soonest[resident_id] = min(soonest[resident_id], lapse)
        row["expires_at"] = timestamp(soonest[resident_id])
    return list(rows.values())


def _score_of(decision: Decision) -> tuple[int, date, int]:
    return decision.item.resident_id, decision.item.acted_on, decision.granted_points


def score_rows(scored: Sequence[tuple[int, date, int]]) -> list[dict[str, Any]]:
    """Sum up (resident, day of the act, points) per board row, once for each period."""
    sums: dict[tuple[Period, date, int], int] = defaultdict(int)
    for resident_id, acted_on, points in scored:
        for period in SCORED_PERIODS:
            sums[period, period_start(period, acted_on), resident_id] += points
    return [
        {
            "period": period,
            "starts_on": start.isoformat(),
            "resident_id": resident_id,
            "points": points,
        }
        for (period, start, resident_id), points in sums.items()
    ]
