"""Check-ins in batches, as the posting lane commits them.

Whatever a check-in was let through by is asked of the database again in the transaction that
posts it: the session and the roles behind it, the activity's version, that the code was not
revoked, that the resident is one, and under lock the rule's version. Who differs goes round again
(`Outdated`) and is judged by what holds now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import queries
from app.activities.schemas import CheckInRead, RankChange
from app.activities.venues import Venue
from app.community import service as community
from app.community.errors import ResidentNotFound
from app.contributions.posting import AwardItem, Verdict
from app.contributions.service import Act, Outcome, award, evaluate_each
from app.core.calendar import Period
from app.core.callers import Caller
from app.core.code_errors import CodeRevoked
from app.core.codes import Code
from app.core.database import Record
from app.core.lane import Held
from app.core.problem_handlers import ServiceBusy
from app.core.problems import Problem
from app.rules import service as rules
from app.rules.evaluation import Bonus
from app.standings import queries as standings
from app.standings.service import board_key

RANKED_PERIOD = Period.ALL
# A resident, and the points that were not there before.
PlaceKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A check-in let through: by whom, where, of whom, and the code that was scanned, if any."""

    caller: Caller
    venue: Venue
    act: Act
    code: Code | None

    @property
    def scan(self) -> queries.Scan:
        claims, activity = self.caller.claims, self.venue.activity
        return queries.Scan(
            session_id=claims.session_id,
            person_id=claims.person_id,
            activity_id=None if activity is None else activity.activity_id,
            resident_id=self.act.resident_id,
            code=self.code,
        )


class Outdated(Exception):
    """What a check-in was let through by has changed: it goes round again, nobody sees this."""


async def post_check_ins(
    session: AsyncSession, community_id: int, check_ins: Sequence[CheckIn]
) -> list[CheckInRead | Exception]:
    """Post check-ins of one community; return an answer or a refusal for each, in their order."""
    scans = [check_in.scan for check_in in check_ins]
    moments = [check_in.act.acted_at for check_in in check_ins]
    since, now = min(moments), max(moments)
    rows = await queries.look_at_scans(session, community_id, scans, since=since, at=now)
    answers: dict[int, CheckInRead | Exception] = {}
    for number, (check_in, row) in enumerate(zip(check_ins, rows, strict=True)):
        if (refusal := _objection(check_in, row)) is not None:
            answers[number] = refusal
    standing = [number for number in range(len(check_ins)) if number not in answers]
    bonuses: Sequence[Bonus] = ()
    if rows[0].has_campaigns:
        bonuses = await rules.list_bonuses(session, community_id, at=now, since=since)
    going_on = [check_ins[number] for number in standing]
    outcomes = await _award(session, community_id, going_on, bonuses, now=now)
    awarded = {
        number: outcome
        for number, outcome in zip(standing, outcomes, strict=True)
        if isinstance(outcome, Outcome)
    }
    places = await _places(session, community_id, list(awarded.values()))
    for number, outcome in zip(standing, outcomes, strict=True):
        answers[number] = (
            outcome
            if isinstance(outcome, Exception)
            else _answer(check_ins[number], outcome, rows[number].masked_name, places)
        )
    return [answers[number] for number in range(len(check_ins))]


def _objection(check_in: CheckIn, row: Record) -> Exception | None:
    """Return what speaks against a check-in by what the database says now."""
    claims, activity = check_in.caller.claims, check_in.venue.activity
    actor = community.actor_of(claims, resident_id=row.caller_resident_id, roles=row.roles)
    if not row.is_signed_in or actor != check_in.caller.actor:
        return Outdated()
    if activity is not None and row.version != activity.version:
        return Outdated()
    if row.is_revoked:
        return CodeRevoked()
    return ResidentNotFound() if row.masked_name is None else None


async def _award(
    session: AsyncSession,
    community_id: int,
    check_ins: Sequence[CheckIn],
    bonuses: Sequence[Bonus],
    *,
    now: datetime,
) -> list[Outcome | Exception]:
    if not check_ins:
        return []
    acts = [(check_in.act, check_in.venue.terms) for check_in in check_ins]
    items = await evaluate_each(session, community_id, acts, bonuses, now=now)
    outcomes = await award(
        session, community_id, [item for item in items if isinstance(item, AwardItem)],
        timezone=check_ins[0].venue.timezone, now=now, waits=False,
    )  # fmt: skip
    found = iter(outcomes)
    return [item if isinstance(item, Problem) else _verdict(next(found)) for item in items]


def _verdict(outcome: Outcome) -> Outcome | Exception:
    if outcome.posted is None:
        # Residents have balances (_objection): somebody else has locked this one. So it may be
        # where the check-in is there already, and the answer is to tell the balance.
        return Held(ServiceBusy())
    return Outdated() if outcome.decision.verdict is Verdict.RULE_CHANGED else outcome


async def _places(
    session: AsyncSession, community_id: int, outcomes: Sequence[Outcome]
) -> dict[PlaceKey, Record]:
    """Return where residents stand now, and would with what an outcome gave them taken off."""
    if not outcomes:
        return {}
    asked = sorted({_place_key(outcome) for outcome in outcomes})
    # Nothing but the period's first day depends on the time zone, and this one has a fixed one.
    board = board_key(community_id, "UTC", RANKED_PERIOD, outcomes[0].decision.item.acted_at)
    rows = await standings.get_places(session, board, asked)
    return {(row.resident_id, row.gained): row for row in rows}


def _place_key(outcome: Outcome) -> PlaceKey:
    decision = outcome.decision
    return decision.item.resident_id, decision.granted_points if decision.is_new else 0


def _answer(
    check_in: CheckIn, outcome: Outcome, masked_name: str, places: Mapping[PlaceKey, Record]
) -> CheckInRead | Exception:
    decision, place = outcome.decision, places[_place_key(outcome)]
    if decision.recorded is None:
        return ResidentNotFound()
    return CheckInRead(
        contribution_id=decision.recorded.contribution_id,
        resident_id=decision.item.resident_id,
        masked_name=masked_name,
        title=check_in.venue.title,
        is_new=decision.is_new,
        points_gained=decision.granted_points,
        is_capped=decision.verdict is Verdict.CAPPED,
        balance_points=outcome.posted or 0,
        rank=RankChange(
            period=RANKED_PERIOD,
            rank=place.rank,
            places_gained=place.rank_before - place.rank,
        ),
    )
