"""What may happen to a case, in one table: action, from which states, to which, and by whom."""

from dataclasses import dataclass
from enum import StrEnum

from app.cases.models import CaseState, StatusKind


class Action(StrEnum):
    """What somebody did to a case; its history is written in these words."""

    REPORT = "report"
    ACCEPT = "accept"
    PROGRESS = "progress"
    PAUSE = "pause"
    RESUME = "resume"
    RESOLVE = "resolve"
    REFUSE = "refuse"
    JUDGE_FAKE = "judge_fake"
    MARK_DUPLICATE = "mark_duplicate"
    PASS_ON = "pass_on"  # noqa: S105 - hands a case to another grid
    ROUTE = "route"
    ESCALATE = "escalate"
    CONFIRM = "confirm"
    NOT_FIXED = "not_fixed"
    WITHDRAW = "withdraw"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an action leads, and from where; without `to` the state stays."""

    sources: frozenset[CaseState]
    to: CaseState | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A status every community starts with; it may name finer ones for the same state."""

    state: CaseState
    kind: StatusKind
    name: str


_S = CaseState
UNANSWERED = frozenset({_S.REPORTED, _S.REOPENED})
IN_HAND = frozenset({_S.ACCEPTED, _S.PAUSED})
OPEN = UNANSWERED | IN_HAND

STEPS: dict[Action, Step] = {
    Action.ACCEPT: Step(UNANSWERED, _S.ACCEPTED),
    Action.PROGRESS: Step(IN_HAND),
    Action.PAUSE: Step(frozenset({_S.ACCEPTED}), _S.PAUSED),
    Action.RESUME: Step(frozenset({_S.PAUSED}), _S.ACCEPTED),
    Action.RESOLVE: Step(IN_HAND, _S.RESOLVED),
    Action.REFUSE: Step(OPEN, _S.REFUSED),
    Action.JUDGE_FAKE: Step(OPEN | {_S.RESOLVED, _S.REFUSED}, _S.FAKE),
    Action.MARK_DUPLICATE: Step(OPEN, _S.DUPLICATE),
    Action.PASS_ON: Step(UNANSWERED | {_S.ACCEPTED}, _S.REPORTED),
    Action.ROUTE: Step(OPEN, _S.REPORTED),
    Action.ESCALATE: Step(OPEN),
    Action.CONFIRM: Step(frozenset({_S.RESOLVED}), _S.CONFIRMED),
    Action.NOT_FIXED: Step(frozenset({_S.RESOLVED}), _S.REOPENED),
    Action.WITHDRAW: Step(frozenset({_S.REPORTED}), _S.WITHDRAWN),
    Action.CLOSE: Step(frozenset({_S.RESOLVED}), _S.CONFIRMED),
}

STATUSES: tuple[Status, ...] = (
    Status(_S.REPORTED, StatusKind.OPEN, "待受理"),
    Status(_S.ACCEPTED, StatusKind.OPEN, "处理中"),
    Status(_S.PAUSED, StatusKind.OPEN, "暂缓处理"),
    Status(_S.REOPENED, StatusKind.OPEN, "重新处理"),
    Status(_S.RESOLVED, StatusKind.CLOSED, "已解决"),
    Status(_S.CONFIRMED, StatusKind.CLOSED, "已确认"),
    Status(_S.REFUSED, StatusKind.CLOSED, "不予受理"),
    Status(_S.FAKE, StatusKind.CLOSED, "虚假上报"),
    Status(_S.DUPLICATE, StatusKind.CLOSED, "重复上报"),
    Status(_S.WITHDRAWN, StatusKind.CLOSED, "已撤回"),
)

# What other residents see: not what was taken back, refused, or never so.
PUBLISHED = OPEN | {_S.RESOLVED, _S.CONFIRMED}


def may_follow(action: Action, state: CaseState) -> bool:
    """Tell whether an action is possible in a state."""
    return state in STEPS[action].sources


def next_state(action: Action, state: CaseState) -> CaseState:
    """Return the state after an action that is possible."""
    return STEPS[action].to or state


def actions_in(state: CaseState) -> list[Action]:
    """Return what is possible in a state, in the order of the table."""
    return [action for action, step in STEPS.items() if state in step.sources]
