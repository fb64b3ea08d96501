"""What staff and reporters do to a case: every action in every state, and what each leads to."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cases.models import CaseState
from app.cases.workflow import Action, may_follow, next_state
from tests.cases.filing import RATING, WHY, Watch, make_worker, read
from tests.support.caller import fresh_key, problem_code
from tests.support.photos import send_photo

Sessions = async_sessionmaker[AsyncSession]
STAFF = "committee-1"
RESULT = {"result": "已更换灯泡"}


async def into(watch: Watch, state: CaseState) -> str:
    """Bring a case of resident-1 into a state."""
    case_id = await watch.file()
    steps: dict[CaseState, list[tuple[str, dict[str, Any] | None]]] = {
        CaseState.REPORTED: [],
        CaseState.ACCEPTED: [("accept", None)],
        CaseState.PAUSED: [("accept", None), ("pause", WHY)],
        CaseState.RESOLVED: [("accept", None), ("resolve", RESULT)],
        CaseState.CONFIRMED: [("accept", None), ("resolve", RESULT)],
        CaseState.REOPENED: [("accept", None), ("resolve", RESULT)],
        CaseState.REFUSED: [("refuse", WHY)],
        CaseState.FAKE: [("judge-fake", WHY)],
        CaseState.DUPLICATE: [],
        CaseState.WITHDRAWN: [],
    }
    for action, body in steps[state]:
        await watch.do(case_id, action, body)
    if state is CaseState.DUPLICATE:
        await watch.do(case_id, "mark-duplicate", {"of_case_id": await watch.file()})
    own: dict[CaseState, tuple[str, dict[str, Any] | None]] = {
        CaseState.CONFIRMED: ("confirm", RATING),
        CaseState.REOPENED: ("not-fixed", WHY),
        CaseState.WITHDRAWN: ("withdraw", None),
    }
    if state in own:
        assert (await watch.say(case_id, *own[state])).status_code == 200
    assert (await watch.read(case_id))["state"] == state
    return case_id


Act = Callable[[Watch, str], Awaitable[httpx.Response]]


def staff(action: str, body: dict[str, Any] | None = None) -> Act:
    async def act(watch: Watch, case_id: str) -> httpx.Response:
        return await watch.act(case_id, action, body, STAFF)

    return act


def own(action: str, body: dict[str, Any] | None = None) -> Act:
    async def act(watch: Watch, case_id: str) -> httpx.Response:
        return await watch.say(case_id, action, body)

    return act


def to_second_grid(action: str) -> Act:
    async def act(watch: Watch, case_id: str) -> httpx.Response:
        body = WHY | {"grid_id": await watch.grid_id(1)}
        return await watch.act(case_id, action, body, STAFF)

    return act


async def mark_duplicate(watch: Watch, case_id: str) -> httpx.Response:
    return await watch.act(case_id, "mark-duplicate", {"of_case_id": await watch.file()}, STAFF)


ACTIONS: dict[Action, Act] = {
    Action.ACCEPT: staff("accept"),
    Action.PROGRESS: staff("progress", {"note": "已联系电工"}),
    Action.PAUSE: staff("pause", WHY),
    Action.RESUME: staff("resume"),
    Action.RESOLVE: staff("resolve", RESULT),
    Action.REFUSE: staff("refuse", WHY),
    Action.JUDGE_FAKE: staff("judge-fake", WHY),
    Action.MARK_DUPLICATE: mark_duplicate,
    Action.PASS_ON: to_second_grid("pass-on"),
    Action.ROUTE: to_second_grid("route"),
    Action.CONFIRM: own("confirm", RATING),
    Action.NOT_FIXED: own("not-fixed", WHY),
    Action.WITHDRAW: own("withdraw"),
}


def test_the_table_below_does_all_that_people_can_do() -> None:
    assert set(ACTIONS) == set(Action) - {Action.REPORT, Action.ESCALATE, Action.CLOSE}


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("action", ACTIONS)
async def test_an_action_is_possible_where_the_table_says_so_or_changes_nothing(
    watch: Watch, action: Action, state: CaseState
) -> None:
    case_id = await into(watch, state)
    before = await watch.look(case_id, STAFF)
    answer = await ACTIONS[action](watch, case_id)
    after = await watch.look(case_id, STAFF)
    if may_follow(action, state):
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == after["state"] == next_state(action, state)
        assert [line["action"] for line in after["history"]] == [
            *(line["action"] for line in before["history"]), action,
        ]  # fmt: skip
    else:
        assert problem_code(answer) == "case_moved_on"
        assert answer.json()["stands_at"] == before["status_name"]
        assert after == before


@pytest.mark.parametrize("state", CaseState)
async def test_people_are_shown_what_they_can_do_and_nothing_else(
    watch: Watch, state: CaseState
) -> None:
    case_id = await into(watch, state)
    possible = {action for action in ACTIONS if may_follow(action, state)}
    owners = {Action.CONFIRM, Action.NOT_FIXED, Action.WITHDRAW}
    assert set((await watch.read(case_id))["actions"]) == possible & owners
    assert set((await watch.look(case_id, STAFF))["actions"]) == possible - owners
    workers = possible - owners - {Action.ROUTE}
    assert set((await watch.look(case_id))["actions"]) == workers


async def test_accepting_starts_the_clock_for_solving_it(watch: Watch) -> None:
    case_id = await watch.file()
    watch.let_pass(hours=2)
    moved = await watch.do(case_id, "accept")
    assert moved["due_at"] == "2026-11-23T09:00:00Z"
    found = await watch.look(case_id)
    assert found["answered_at"] == "2026-11-18T09:00:00Z"
    assert [message["title"] for message in await watch.inbox("resident-1")] == ["安全隐患：处理中"]


async def test_the_committee_can_take_a_case_on_itself(watch: Watch) -> None:
    case_id = await watch.file()
    before = (await watch.look(case_id))["assigned_to"]
    await watch.do(case_id, "accept", by=STAFF)
    assert (await watch.look(case_id))["assigned_to"] not in (None, before)


async def test_nobody_handles_their_own_case(watch: Watch, sessionmaker: Sessions) -> None:
    await make_worker(sessionmaker, watch.here, "resident-1")
    case_id = await watch.file()
    before = await watch.look(case_id)
    other = await watch.file("resident-2")
    for action, body in (
        ("accept", {}), ("refuse", WHY), ("judge-fake", WHY), ("resolve", RESULT),
        ("mark-duplicate", {"of_case_id": other}),
        ("pass-on", WHY | {"grid_id": await watch.grid_id(1)}),
    ):  # fmt: skip
        assert problem_code(await watch.act(case_id, action, body, "resident-1")) == "own_case"
    assert await watch.look(case_id) == before
    assert (await watch.act(other, "accept", by="resident-1")).status_code == 200


async def test_a_finer_status_stands_for_the_state_the_case_is_in(watch: Watch) -> None:
    case_id = await into(watch, CaseState.PAUSED)
    waiting = {"note": "等待配件", "status_code": "waiting_parts"}
    moved = await watch.do(case_id, "progress", waiting)
    assert (moved["state"], moved["status_name"]) == ("paused", "等待配件")
    await watch.do(case_id, "progress", {"note": "配件已寄出"})
    assert (await watch.read(case_id))["status_name"] == "等待配件"
    assert (await watch.do(case_id, "resume"))["status_name"] == "处理中"
    assert problem_code(await watch.act(case_id, "progress", waiting)) == "status_not_found"
    unknown = {"note": "等待配件", "status_code": "on_the_moon"}
    assert problem_code(await watch.act(case_id, "progress", unknown)) == "status_not_found"


async def test_a_pause_stops_the_clock_and_the_reporter_reads_why(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    watch.let_pass(hours=10)
    assert (await watch.do(case_id, "pause", {"reason": "等待配件"}))["due_at"] is None
    assert (await watch.read(case_id))["pause_reason"] == "等待配件"
    watch.let_pass(days=7)
    assert (await watch.look(case_id))["is_overdue"] is False
    # 72 hours less the 10 that were used; the Saturday and Sunday after do not count.
    assert (await watch.do(case_id, "resume"))["due_at"] == "2026-11-30T07:00:00Z"
    assert (await watch.read(case_id))["pause_reason"] is None


async def test_passing_on_counts_until_only_the_committee_decides(watch: Watch) -> None:
    case_id = await watch.file()
    first, second = await watch.grid_id(0), await watch.grid_id(1)
    await watch.do(case_id, "pass-on", WHY | {"grid_id": second})
    assert problem_code(await watch.act(case_id, "accept")) == "case_not_found"
    found = await watch.look(case_id, "worker-2")
    assert (found["bounces"], found["grid_name"], found["state"]) == (1, "第二网格", "reported")
    await watch.do(case_id, "pass-on", WHY | {"grid_id": first}, "worker-2")
    third = await watch.act(case_id, "pass-on", WHY | {"grid_id": second})
    assert problem_code(third) == "bounced_too_often"
    assert (await watch.look(case_id))["bounces"] == 2
    await watch.do(case_id, "route", WHY | {"grid_id": second}, STAFF)
    found = await watch.look(case_id, "worker-2")
    assert (found["bounces"], found["grid_name"]) == (2, "第二网格")


async def test_whoever_gets_a_case_is_told_and_the_reporter_too(watch: Watch) -> None:
    case_id = await watch.file()
    body = {"reason": "属于第二网格", "grid_id": await watch.grid_id(1)}
    await watch.do(case_id, "pass-on", body)
    (message,) = await watch.inbox("worker-2")
    assert (message["kind"], message["body"]) == (
        "case_assigned", "“安全隐患”已转由您的网格办理：属于第二网格",
    )  # fmt: skip
    (message,) = await watch.inbox("resident-1")
    assert message["body"] == "您上报的“安全隐患”已转由其他网格办理：属于第二网格"


async def test_routing_names_a_worker_of_that_grid_and_never_the_reporter(
    watch: Watch, sessionmaker: Sessions
) -> None:
    own_case = await make_worker(sessionmaker, watch.here, "resident-1", grid=1)
    case_id, second = await watch.file(), await watch.grid_id(1)
    worker_1 = (await watch.look(case_id))["assigned_to"]
    path = WHY | {"grid_id": second}
    wrong = await watch.act(case_id, "route", path | {"worker_id": worker_1}, STAFF)
    assert problem_code(wrong) == "grid_has_no_such_worker"
    itself = await watch.act(case_id, "route", path | {"worker_id": own_case}, STAFF)
    assert problem_code(itself) == "own_case"
    nowhere = await watch.act(case_id, "route", WHY | {"grid_id": "1"}, STAFF)
    assert problem_code(nowhere) == "grid_not_found"
    await watch.do(case_id, "route", path, STAFF)
    assert (await watch.look(case_id, "worker-2"))["assigned_to"] not in (own_case, worker_1)


async def test_a_case_in_hand_that_moves_has_a_fresh_time_to_be_answered(watch: Watch) -> None:
    for state in (CaseState.ACCEPTED, CaseState.PAUSED):
        case_id = await into(watch, state)
        answer = await watch.act(case_id, "route", WHY | {"grid_id": await watch.grid_id(1)}, STAFF)
        assert answer.json()["due_at"] == "2026-11-19T07:00:00Z"


async def test_a_case_nobody_answered_keeps_its_deadline_when_it_moves(watch: Watch) -> None:
    case_id = await watch.file()
    watch.let_pass(hours=5)
    moved = await watch.do(case_id, "pass-on", WHY | {"grid_id": await watch.grid_id(1)})
    assert moved["due_at"] == "2026-11-19T07:00:00Z"


async def test_the_result_comes_with_photos_of_the_worker(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    photo_id = await send_photo(await watch.agreed("worker-1"))
    await watch.resolve(case_id, photo_ids=[photo_id, photo_id])
    found = await watch.read(case_id)
    assert (found["result"], found["state"]) == ("已清理楼道", "resolved")
    assert [photo["photo_id"] for photo in found["photos"] if photo["purpose"] == "result"] == [
        photo_id
    ]


async def test_photos_of_others_and_used_ones_prove_no_result(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    residents = await send_photo(await watch.agreed("resident-2"))
    used = (await watch.read(case_id))["photos"][0]["photo_id"]
    for photo_id in (residents, used, "1"):
        answer = await watch.act(case_id, "resolve", RESULT | {"photo_ids": [photo_id]})
        assert problem_code(answer) == "case_photo_not_found"
    mine = await send_photo(await watch.agreed("worker-1"))
    await watch.resolve(case_id, photo_ids=[mine])
    other = await watch.file()
    await watch.do(other, "accept")
    answer = await watch.act(other, "resolve", RESULT | {"photo_ids": [mine]})
    assert problem_code(answer) == "photo_in_use"
    assert (await watch.look(other))["state"] == "accepted"


async def test_the_reporter_confirms_and_rates(watch: Watch) -> None:
    case_id = await watch.file(category_code="quiet")
    await watch.join(case_id, "resident-2")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    answer = await watch.say(case_id, "confirm", RATING)
    assert (answer.json()["state"], answer.json()["points_given"]) == ("confirmed", 5)
    assert (await watch.read(case_id))["rating"] == 5
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [4, 1]
    assert (await watch.inbox("worker-1"))[0]["body"] == "居民已确认“噪声扰民”解决。"


@pytest.mark.parametrize("rating", [0, 6, -1, 1.5, None])
async def test_a_rating_is_one_to_five(watch: Watch, rating: object) -> None:
    case_id = await into(watch, CaseState.RESOLVED)
    answer = await watch.say(case_id, "confirm", {"rating": rating})
    assert problem_code(answer) == "request_invalid"


async def test_not_fixed_opens_it_again_and_pays_nothing_twice(watch: Watch) -> None:
    case_id = await into(watch, CaseState.RESOLVED)
    assert await watch.points("resident-1") == 5
    answer = await watch.say(case_id, "not-fixed", {"reason": "灯还是不亮"})
    assert (answer.json()["state"], answer.json()["due_at"]) == (
        "reopened", "2026-11-19T07:00:00Z",
    )  # fmt: skip
    found = await watch.read(case_id)
    assert (found["result"], found["resolved_at"]) == (None, None)
    assert (await watch.inbox("worker-1"))[0]["body"] == "居民反映“安全隐患”仍未解决：灯还是不亮"
    await watch.do(case_id, "accept")
    assert (await watch.resolve(case_id))["points_given"] == 0
    assert await watch.points("resident-1") == 5


async def test_after_fourteen_days_it_is_too_late_to_confirm_or_object(watch: Watch) -> None:
    case_id = await into(watch, CaseState.RESOLVED)
    watch.let_pass(days=14)
    for action, body in (("confirm", RATING), ("not-fixed", WHY)):
        assert problem_code(await watch.say(case_id, action, body)) == "confirmation_closed"
    assert (await watch.read(case_id))["state"] == "resolved"


async def test_an_action_repeated_with_its_key_is_done_once(watch: Watch) -> None:
    case_id = await watch.file()
    worker, key = await watch.caller("worker-1"), fresh_key()
    path = f"/v1/staff/cases/{case_id}/accept"
    first, again = await worker.post(path, key=key), await worker.post(path, key=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert len((await watch.read(case_id))["history"]) == 2


async def test_staff_list_what_is_open_theirs_late_or_over(watch: Watch) -> None:
    late = await watch.file()
    watch.let_pass(days=2)
    mine, closed = await watch.file(), await watch.file()
    await watch.do(mine, "accept")
    await watch.do(closed, "refuse", WHY)
    elsewhere = await watch.file(building_id=str(watch.here.places.buildings[2]))

    async def listed(chosen: str, by: str = "worker-1") -> list[str]:
        page = await read(await watch.caller(by), "/v1/staff/cases", chosen=chosen)
        return [item["case_id"] for item in page["items"]]

    assert await listed("open") == [mine, late]
    assert await listed("mine") == [mine, late]
    assert await listed("overdue") == [late]
    assert await listed("closed") == [closed]
    assert await listed("open", "worker-2") == [elsewhere]
    assert await listed("open", STAFF) == [elsewhere, mine, late]
    assert await listed("mine", STAFF) == []


async def test_a_list_goes_on_where_its_page_ended(watch: Watch) -> None:
    cases = [await watch.file() for _ in range(3)]
    worker = await watch.caller("worker-1")
    first = await read(worker, "/v1/staff/cases", size=2)
    rest = await read(worker, "/v1/staff/cases", size=2, cursor=first["next_cursor"])
    found = [item["case_id"] for item in [*first["items"], *rest["items"]]]
    assert found == list(reversed(cases))
    assert rest["next_cursor"] is None
