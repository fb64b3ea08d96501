"""A case on somebody's desk: locked for one action that the workflow allows, then moved on."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import credit, policies, queries
from app.cases.credit import Earning
from app.cases.deadlines import next_rung_at, rungs_of
from app.cases.errors import CaseMovedOn, CaseNotFound, OwnCase, StatusNotFound
from app.cases.messages import tell_of_step
from app.cases.models import Case, CaseCategory, CaseSettings, CaseState
from app.cases.schemas import CaseMoved
from app.cases.workflow import OPEN, Action, may_follow, next_state
from app.core.access import Actor, Permission
from app.core.ids import new_id
from app.media.service import attach_check_text
from app.rules.models import ArrivesOn


@dataclass(slots=True)
class Desk:
    """A locked case, the action it is locked for, and what its handling needs.

    `note` and `details` go into the history.
    """

    session: AsyncSession
    actor: Actor
    case: Case
    action: Action
    category: CaseCategory
    settings: CaseSettings
    timezone: str
    now: datetime
    note: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    points_given: int = 0
    points_taken: int = 0

    async def move(self, *, status_code: str | None = None) -> CaseMoved:
        """Take the step: write state and history, tell people."""
        case = self.case
        case.state = next_state(self.action, CaseState(case.state))
        if case.state != CaseState.PAUSED:
            case.left_seconds = case.pause_reason = None
        status = await queries.get_status(
            self.session, case.community_id, status_code or case.state
        )
        if status is None or status.state != case.state:
            raise StatusNotFound
        case.status_code = status.code
        if case.state not in OPEN:
            case.due_at = case.escalates_at = None
            case.closed_at = self.now
        await self._record()
        await self.session.flush()
        await tell_of_step(
            self.session, case, self.action,
            category=self.category.name, status=status.name, note=self.note,
            timezone=self.timezone, now=self.now,
        )  # fmt: skip
        return CaseMoved(
            case_id=case.case_id,
            state=CaseState(case.state),
            status_code=status.code,
            status_name=status.name,
            due_at=case.due_at,
            points_given=self.points_given,
            points_taken=self.points_taken,
        )

    async def _record(self) -> None:
        event_id = new_id(self.now)
        event = {
            "case_event_id": event_id,
            "case_id": self.case.case_id,
            "action": self.action,
            "state": self.case.state,
            "status_code": self.case.status_code,
            "person_id": self.actor.person_id,
            "note": self.note,
            "details": self.details,
        }
        await queries.add_events(self.session, self.case.community_id, [event], now=self.now)
        if self.action is Action.RESOLVE and self.note is not None:
            self.case.result_event_id = event_id
            await attach_check_text(
                self.session, self.case.community_id,
                subject_id=event_id, person_id=self.actor.person_id, text=self.note, now=self.now,
            )  # fmt: skip

    def set_due(self, due_at: datetime) -> None:
        """Start a clock: the ladder is climbed anew."""
        self.case.due_at = due_at
        self.case.escalations = 0
        self.case.escalates_at = next_rung_at(
            rungs_of(self.settings.ladder), 0,
            began=self.now, due_at=due_at, timezone=self.timezone,
        )  # fmt: skip

    async def give(self, step: ArrivesOn) -> None:
        """Award what arrives at this step, to the reporter and to those who joined.

        Whoever takes the step earns nothing by it: staff may live here and have joined.
        """
        case = self.case
        joiners = await queries.list_joiners(self.session, case.community_id, case.case_id)
        earning = Earning(
            case_id=case.case_id,
            rule_codes=self.category.rule_codes,
            arrives_on=step,
            reported_at=case.reported_at,
            recorded_by=self.actor.person_id,
            title=self.category.name,
            timezone=self.timezone,
            reporter_id=case.reporter_id,
            joiners=[
                (row.resident_id, row.joined_at)
                for row in joiners
                if row.resident_id != self.actor.resident_id
            ],
        )
        outcomes = await credit.give(self.session, case.community_id, earning, now=self.now)
        self.points_given += credit.total(outcomes)

    async def take_back(self, reason: str) -> None:
        """Take back all that this case has given."""
        self.points_taken += await credit.withdraw(
            self.session, self.case.community_id, self.case.case_id,
            reason=reason, by=self.actor.person_id, timezone=self.timezone, now=self.now,
        )  # fmt: skip


async def open_desk(
    session: AsyncSession,
    actor: Actor,
    case_id: int,
    action: Action,
    *,
    also: int | None = None,
    now: datetime,
) -> Desk:
    """Lock a case for an action of staff; raises CaseNotFound, OwnCase, CaseMovedOn.

    `also` is another case that will be locked: the lower number goes first, so that two joined
    to each other do not wait in a circle.
    """
    grids = policies.grids_of(actor, Permission.CASES_HANDLE)
    if also is not None and also < case_id:
        await queries.lock_case(session, actor.community, also, grid_ids=grids)
    case = await queries.lock_case(session, actor.community, case_id, grid_ids=grids)
    if case is not None and policies.is_own(actor, case):
        raise OwnCase
    return await _desk(session, actor, case, action, now)


async def open_own(
    session: AsyncSession, actor: Actor, case_id: int, action: Action, *, now: datetime
) -> Desk:
    """Lock a case for an action of whoever reported it; raises CaseNotFound, CaseMovedOn."""
    case = await queries.lock_case(session, actor.community, case_id, reporter_id=actor.resident)
    return await _desk(session, actor, case, action, now)


async def _desk(
    session: AsyncSession, actor: Actor, case: Case | None, action: Action, now: datetime
) -> Desk:
    if case is None:
        raise CaseNotFound
    if not may_follow(action, CaseState(case.state)):
        status = await queries.get_status(session, case.community_id, case.status_code)
        name = case.state if status is None else status.name
        raise CaseMovedOn(state=case.state, stands_at=name)
    frame = await queries.get_frame(session, case.community_id, case.category_id)
    if frame is None:
        raise CaseNotFound
    # A step is written as a whole, when it is taken: half of one would break the constraints.
    session.autoflush = False
    return Desk(session, actor, case, action, *frame, now)
