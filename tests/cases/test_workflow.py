"""The table of what may happen to a case."""

import pytest

from app.cases.models import CaseState, StatusKind
from app.cases.workflow import (
    OPEN,
    PUBLISHED,
    STATUSES,
    STEPS,
    Action,
    actions_in,
    may_follow,
    next_state,
)

S = CaseState
SOURCES: dict[Action, set[CaseState]] = {
    Action.ACCEPT: {S.REPORTED, S.REOPENED},
    Action.PROGRESS: {S.ACCEPTED, S.PAUSED},
    Action.PAUSE: {S.ACCEPTED},
    Action.RESUME: {S.PAUSED},
    Action.RESOLVE: {S.ACCEPTED, S.PAUSED},
    Action.REFUSE: {S.REPORTED, S.REOPENED, S.ACCEPTED, S.PAUSED},
    Action.JUDGE_FAKE: {
        S.REPORTED, S.REOPENED, S.ACCEPTED, S.PAUSED, S.RESOLVED, S.REFUSED,
    },
    Action.MARK_DUPLICATE: {S.REPORTED, S.REOPENED, S.ACCEPTED, S.PAUSED},
    Action.PASS_ON: {S.REPORTED, S.REOPENED, S.ACCEPTED},
    Action.ROUTE: {S.REPORTED, S.REOPENED, S.ACCEPTED, S.PAUSED},
    Action.ESCALATE: {S.REPORTED, S.REOPENED, S.ACCEPTED, S.PAUSED},
    Action.CONFIRM: {S.RESOLVED},
    Action.NOT_FIXED: {S.RESOLVED},
    Action.WITHDRAW: {S.REPORTED},
    Action.CLOSE: {S.RESOLVED},
}  # fmt: skip


def test_every_state_can_be_reached_from_the_report() -> None:
    reached, new = set[CaseState](), {S.REPORTED}
    while new:
        reached |= new
        new = {
            next_state(action, state) for state in reached for action in actions_in(state)
        } - reached
    assert reached == set(CaseState)


@pytest.mark.parametrize("action", SOURCES)
def test_an_action_follows_its_own_states_and_no_other(action: Action) -> None:
    assert {state for state in CaseState if may_follow(action, state)} == SOURCES[action]


def test_the_table_knows_every_action_but_the_report_itself() -> None:
    assert set(STEPS) == set(SOURCES) == set(Action) - {Action.REPORT}


def test_what_is_over_for_good_has_no_next_step() -> None:
    ends = {state for state in CaseState if not actions_in(state)}
    assert ends == {S.CONFIRMED, S.FAKE, S.DUPLICATE, S.WITHDRAWN}


def test_every_state_has_one_status_to_start_with_whose_kind_fits() -> None:
    assert [status.state for status in STATUSES] == list(dict.fromkeys(s.state for s in STATUSES))
    assert {status.state for status in STATUSES} == set(CaseState)
    open_ones = {status.state for status in STATUSES if status.kind is StatusKind.OPEN}
    assert open_ones == OPEN


def test_neighbours_see_what_is_open_or_solved() -> None:
    hidden = set(CaseState) - PUBLISHED
    assert hidden == {S.REFUSED, S.FAKE, S.DUPLICATE, S.WITHDRAWN}


def test_a_step_that_keeps_the_state_says_so() -> None:
    assert next_state(Action.PROGRESS, S.PAUSED) is S.PAUSED
    assert next_state(Action.PROGRESS, S.ACCEPTED) is S.ACCEPTED
    assert next_state(Action.ESCALATE, S.REOPENED) is S.REOPENED
