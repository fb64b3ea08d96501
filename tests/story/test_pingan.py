"""平安社区: three points for a hazard at once, two more when it is solved, an answer within a day.

The day is one of working days: what comes on Friday afternoon is answered by Monday afternoon.
"""

from datetime import UTC, datetime
from typing import Any

from tests.story.conftest import SetStage
from tests.story.hazards import Stage, inbox, lines_of, newest
from tests.story.tale import balance_of, get
from tests.support.caller import Caller

# Three in the afternoon in Shanghai.
FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
DUE = "2026-11-23T07:00:00Z"
OVERDUE = "事件办理时限提醒"


def monday(hour: int, minute: int = 0) -> datetime:
    """Return a time of Monday as clocks in Shanghai show it."""
    return datetime(2026, 11, 23, hour - 8, minute, tzinfo=UTC)


async def test_a_hazard_gives_three_at_once_an_answer_in_time_and_two_when_solved(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("pingan", FRIDAY)
    she = await stage.neighbour("meifang", "周美芳")

    case = await stage.reports(she, "fire_safety", 1)

    assert (case["points_gained"], case["balance_points"], case["due_at"]) == (3, 3, DUE)
    assert await balance_of(she) == (3, 0, 3)  # before anybody has looked at it
    await stage.wechat_answers("pass")
    await stage.accepts_a_message("meifang")

    await stage.until(monday(14, 59))
    await stage.a_minute_passes()
    accepted = await stage.handle("worker-1", case, "accept")
    await stage.work_off()

    assert accepted["points_given"] == 0
    told = (await inbox(she))[0]
    assert (told["title"], told["subject_id"]) == ("消防隐患：处理中", case["case_id"])
    assert told["created_at"] == "2026-11-23T06:59:00Z"
    assert told["created_at"] < case["due_at"]
    (message,) = stage.sent_to("meifang")
    assert message.fields["time3"] == "2026年11月23日 14:59"
    own = await get(she, f"/v1/me/cases/{case['case_id']}")
    assert own["answered_at"] == "2026-11-23T06:59:00Z"

    resolved = await stage.handle("worker-1", case, "resolve", result="已清理通道，加装隔离桩")
    assert resolved["points_given"] == 2
    # In between the newcomer's pack has come.
    assert await lines_of(she) == [("award", 3), ("award", 5), ("award", 2)]
    assert await inbox(await stage.staff("committee-1")) == []  # it never came to that
    await stage.audit()


async def test_what_nobody_answers_climbs_to_the_committee_at_the_right_moment(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("pingan", FRIDAY)
    she = await stage.neighbour("meifang", "周美芳")
    case = await stage.reports(she, "traffic_safety", 1)

    await stage.until(monday(10, 59))  # 20 working hours less a minute
    assert await told_of_deadlines(stage) == (0, 0)
    await stage.until(monday(11))  # four hours are left
    assert await told_of_deadlines(stage) == (1, 0)
    assert await newest(await stage.staff("worker-1")) == (
        OVERDUE, "“交通隐患”即将到办理时限（2026年11月23日 15:00），请尽快处理。",
    )  # fmt: skip
    await stage.until(monday(14, 59))
    assert await told_of_deadlines(stage) == (1, 0)
    assert await shown_as_overdue(stage, she, case) == (False, [])

    await stage.until(monday(15))
    assert await told_of_deadlines(stage) == (1, 1)
    assert await newest(await stage.staff("committee-1")) == (
        OVERDUE, "“交通隐患”已超过办理时限（2026年11月23日 15:00），请尽快处理。",
    )  # fmt: skip
    await stage.let_pass(minutes=1)
    assert await told_of_deadlines(stage) == (1, 1)
    assert await shown_as_overdue(stage, she, case) == (True, [case["case_id"]])

    await stage.let_pass(days=1)
    assert await told_of_deadlines(stage) == (1, 2)
    await stage.let_pass(days=7)
    assert await told_of_deadlines(stage) == (1, 2)  # the top of the ladder
    worker = await stage.staff("worker-1")
    full = await get(worker, f"/v1/staff/cases/{case['case_id']}")
    assert (full["escalations"], full["is_overdue"]) == (3, True)


async def test_the_sixth_hazard_of_a_day_gives_nothing_and_the_next_day_does(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("pingan", FRIDAY)
    she = await stage.neighbour("meifang", "周美芳")

    filed = [await stage.reports(she, "public_order", seed) for seed in range(1, 7)]

    gained = [(case["points_gained"], case["is_capped"]) for case in filed]
    assert gained == [(3, False)] * 5 + [(0, True)]
    assert await balance_of(she) == (15, 0, 15)
    await stage.until(datetime(2026, 11, 20, 16, 0, tzinfo=UTC))  # midnight in Shanghai
    on_saturday = await stage.reports(she, "public_order", 7)
    assert (on_saturday["points_gained"], on_saturday["balance_points"]) == (3, 18)
    await stage.audit()


async def test_what_is_taken_back_before_anybody_answers_takes_its_points_along(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("pingan", FRIDAY)
    she = await stage.neighbour("meifang", "周美芳")
    case = await stage.reports(she, "safety", 1)

    taken = await she.post_once(f"/v1/me/cases/{case['case_id']}/withdraw")

    assert (taken.status_code, taken.json()["points_taken"]) == (200, 3)
    assert await lines_of(she) == [("award", 3), ("reversal", -3)]
    assert (await get(she, "/v1/cases"))["items"] == []
    await stage.let_pass(days=9)
    assert await told_of_deadlines(stage) == (0, 0)
    await stage.audit()


async def told_of_deadlines(stage: Stage) -> tuple[int, int]:
    """Let the schedule of every minute run; return how often worker and committee were told."""
    await stage.a_minute_passes()
    told = [await inbox(await stage.staff(name)) for name in ("worker-1", "committee-1")]
    worker, committee = (
        sum(message["title"] == OVERDUE for message in messages) for messages in told
    )
    return worker, committee


async def shown_as_overdue(
    stage: Stage, neighbour: Caller, case: dict[str, Any]
) -> tuple[bool, list[str]]:
    """Return what neighbours are shown, and the worker's list of what is late."""
    shown = await get(neighbour, f"/v1/cases/{case['case_id']}")
    worker = await stage.staff("worker-1")
    late = (await get(worker, "/v1/staff/cases", chosen="overdue"))["items"]
    return shown["is_overdue"], [line["case_id"] for line in late]
