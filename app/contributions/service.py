"""Awards and deductions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import queries as community
from app.community.errors import ResidentNotFound
from app.contributions import queries
from app.contributions.errors import RuleChanged
from app.contributions.posting import AwardItem, Decision, Verdict, decide
from app.contributions.rows import award_rows
from app.core.calendar import day_in
from app.core.database import Record
from app.core.ids import new_id
from app.core.problems import Problem
from app.ledger import queries as ledger_queries
from app.rules.errors import NotForYou, OtherMode, RuleOfOtherDirection, TooManyUnits
from app.rules.evaluation import Bonus, Facts, Terms, evaluate, needs_person
from app.rules.models import Effort, Mode

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
    """A decision and the wallet's posted balance after it, if there is a wallet."""

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


async def evaluate_each(
    session: AsyncSession,
    community_id: int,
    acts: Sequence[tuple[Act, Terms]],
    campaigns: Sequence[Bonus],
    *,
    now: datetime,
) -> list[AwardItem | Problem]:
    """Turn each act into an item, or into what evaluate_act raises.

    Who acted is looked up only where a rule or campaign asks for it.
    """
    concerned = {act.resident_id for act, terms in acts if needs_person(terms, campaigns)}
    people: Mapping[int, Record] = {}
    if concerned:
        people = await community.list_traits(session, community_id, sorted(concerned))
    items: list[AwardItem | Problem] = []
    for act, terms in acts:
        person = people.get(act.resident_id)
        try:
            items.append(evaluate_act(act, terms, campaigns, now=now, person=person))
        except Problem as refusal:
            items.append(refusal)
    return items


async def evaluate_acts(
    session: AsyncSession,
    community_id: int,
    acts: Sequence[tuple[Act, Terms]],
    campaigns: Sequence[Bonus],
    *,
    now: datetime,
) -> list[AwardItem]:
    """Turn acts into items; those that their rule is not meant for are left out.

    Raises as evaluate_act.
    """
    items = []
    for item in await evaluate_each(session, community_id, acts, campaigns, now=now):
        if isinstance(item, AwardItem):
            items.append(item)
        elif not isinstance(item, NotForYou):
            raise item
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
    waits: bool = True,
) -> list[Outcome]:
    """Award many items of one community; return an outcome per item, in their order.

    Where it `waits` for no balance that somebody else has locked, that is no such resident's.
    Three statements whatever the number: lock the balance rows in order, read what is
    recorded and used, write everything. Rules with an interval add one, campaigns with limits
    up to three.
    """
    residents = [item.resident_id for item in items]
    balances = await ledger_queries.lock_balances(session, community_id, residents, waits=waits)
    debts = {resident_id: row.debt for resident_id, row in balances.items()}
    locked = await queries.read_under_lock(session, community_id, items, debts)
    decisions, used = decide(items, locked)
    new = [decision for decision in decisions if decision.is_new]
    posted = {resident_id: row.posted for resident_id, row in balances.items()}
    if new:
        rows = award_rows(new, used, timezone=timezone, now=now)
        posted |= await queries.post_awards(session, community_id, rows, now=now)
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
