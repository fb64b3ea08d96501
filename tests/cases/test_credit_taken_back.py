"""What a case has given is taken back: once, with its reason, as far as it is there."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.cases.filing import WHY, Watch, read
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code

Sessions = async_sessionmaker[AsyncSession]


async def solved(watch: Watch) -> str:
    """Return a solved case that gave resident-1 five points and resident-2 one."""
    case_id = await watch.file()
    await watch.join(case_id, "resident-2")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [5, 1]
    return case_id


async def spend(watch: Watch, name: str, points: int) -> None:
    """Let somebody buy a meal for 50, which leaves so many points free."""
    resident = await watch.caller(name)
    path = f"/v1/rewards/{watch.here.reward_id('canteen_meal')}/redeem"
    assert (await resident.post_once(path)).status_code == 201
    balance = await read(resident, "/v1/me/balance")
    assert balance["available_points"] == points


async def audit(watch: Watch, sessionmaker: Sessions) -> None:
    async with sessionmaker() as session:
        await assert_books_balance(session, watch.here.community_id)


async def test_a_fake_costs_reporter_and_joiners_all_it_gave(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await solved(watch)
    moved = await watch.do(case_id, "judge-fake", {"reason": "照片为旧照"})
    assert (moved["state"], moved["points_taken"]) == ("fake", 6)
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [0, 0]
    assert (await watch.read(case_id))["points_granted"] == 0
    await audit(watch, sessionmaker)


async def test_the_reason_stands_in_the_statement_and_in_the_inbox(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "judge-fake", {"reason": "照片为旧照"})
    statement = await read(await watch.caller("resident-1"), "/v1/me/statement")
    back, award = statement["items"]
    assert (award["kind"], award["points"]) == ("award", 3)
    assert (back["kind"], back["points"]) == ("reversal", -3)
    assert back["memo"] == "收回：隐患上报（照片为旧照）"
    (message,) = await watch.inbox("resident-1")
    assert "积分已收回：照片为旧照" in message["body"]


async def test_refusing_takes_back_what_came_with_the_upload(watch: Watch) -> None:
    case_id = await watch.file()
    moved = await watch.do(case_id, "refuse", {"reason": "不属于社区管辖"})
    assert (moved["state"], moved["points_taken"]) == ("refused", 3)
    found = await watch.read(case_id)
    assert (found["points_granted"], found["history"][-1]["note"]) == (0, "不属于社区管辖")


async def test_a_refused_case_judged_fake_later_costs_nothing_more(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "refuse", WHY)
    assert (await watch.do(case_id, "judge-fake", WHY))["points_taken"] == 0
    assert await watch.points("resident-1") == 0


async def test_withdrawing_gives_back_what_the_report_gave(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.join(case_id, "resident-2")
    answer = await watch.say(case_id, "withdraw")
    assert (answer.json()["state"], answer.json()["points_taken"]) == ("withdrawn", 4)
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [0, 0]


async def test_a_repeated_judgement_takes_once(watch: Watch) -> None:
    case_id = await solved(watch)
    worker, key = await watch.caller("worker-1"), fresh_key()
    path = f"/v1/staff/cases/{case_id}/judge-fake"
    first = await worker.post(path, WHY, key=key)
    again = await worker.post(path, WHY, key=key)
    anew = await worker.post_once(path, WHY)
    assert first.json() == again.json()
    assert problem_code(anew) == "case_moved_on"
    assert await watch.points("resident-1") == 0


async def solved_alone(watch: Watch) -> str:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    return case_id


async def test_where_all_is_spent_nothing_is_taken_nobody_owes_and_the_board_loses_it(
    watch: Watch, sessionmaker: Sessions
) -> None:
    for _ in range(4):
        await watch.here.give("resident-1", "organising")
    await watch.here.give("resident-1", "story_evening")
    # 135 points and 5 of the case; meals at 50, 50 leave 40.
    case_id = await solved_alone(watch)
    await spend(watch, "resident-1", 90)
    await spend(watch, "resident-1", 40)
    await watch.here.give("resident-1", "clean_up")
    await spend(watch, "resident-1", 0)
    moved = await watch.do(case_id, "judge-fake", WHY)
    assert moved["points_taken"] == 0
    balance = await read(await watch.caller("resident-1"), "/v1/me/balance")
    assert (balance["posted_points"], balance["debt_points"]) == (150, 0)
    board = await read(await watch.caller("resident-1"), "/v1/boards/residents", period="all")
    assert {row["points"] for row in board["items"] if row["is_me"]} == {145}
    await audit(watch, sessionmaker)


async def test_what_joiners_earned_in_another_week_leaves_the_board_of_that_week(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file()
    watch.let_pass(days=7)
    await watch.join(case_id, "resident-2")
    await watch.do(case_id, "judge-fake", WHY)
    for name in ("resident-1", "resident-2"):
        for period in ("week", "month", "all"):
            board = await read(await watch.caller(name), "/v1/boards/residents", period=period)
            assert [row["points"] for row in board["items"] if row["points"]] == []
    await audit(watch, sessionmaker)


async def test_caps_that_a_fake_has_used_stay_used(watch: Watch) -> None:
    cases = [await watch.file() for _ in range(5)]
    for case_id in cases:
        await watch.do(case_id, "judge-fake", WHY)
    assert (await watch.report())["points_gained"] == 0
    assert await watch.points("resident-1") == 0
