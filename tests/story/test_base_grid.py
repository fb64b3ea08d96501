"""网格基础: what any grid starts with, half a year of it.

Everybody is registered and has ten a month; sorting counts by how much work it was; noise costs
ten, unless it was somebody else's. A hundred points are worth something at the corner shop.
"""

from datetime import UTC, datetime, timedelta

from tests.story.village import FoundVillage, Village
from tests.support.caller import problem_code
from tests.support.shopping import consume, redeem

# Nine in the morning in Shanghai.
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
EVERYBODY = tuple(f"resident-{number}" for number in range(1, 7))
HEADINGS = ("居民编号", "规则", "强度", "日期", "事由")
DUTIES = "/v1/staff/duties"


def at(day: int, hour: int, *, month: int = 11, year: int = 2026) -> datetime:
    """Return a moment as clocks in Shanghai show it."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


async def test_a_grid_registers_sorts_keeps_quiet_and_shops(found_village: FoundVillage) -> None:
    grid: Village = await found_village("base-grid", MONDAY)
    await everybody_is_registered(grid)
    await sorting_counts_by_how_much_work_it_was(grid)
    await noise_costs_ten_after_a_hearing(grid)
    await it_was_somebody_else_and_the_points_come_back(grid)
    await everybody_has_ten_at_the_end_of_a_month(grid)
    await a_survey_brings_her_to_a_hundred(grid)
    await grid.audit()


async def everybody_is_registered(grid: Village) -> None:
    duty = {"rule_code": "residence_registration", "starts_on": "2026-11-01", "everybody": True}
    committee = await grid.caller("committee-1")
    assigned = await committee.post_once(DUTIES, duty)
    assert (assigned.status_code, assigned.json()["assigned_count"]) == (201, len(EVERYBODY))
    again = await committee.post_once(DUTIES, duty)
    assert (again.json()["assigned_count"], again.json()["skipped_count"]) == (0, len(EVERYBODY))


async def sorting_counts_by_how_much_work_it_was(grid: Village) -> None:
    effortless = await grid.hands_in([HEADINGS, sorting(grid, 1, "", 15)], title="桶边记录")
    assert problem_code(effortless) == "list_has_errors"

    rows = [sorting(grid, number, effort, 15) for number, effort in enumerate("低中高", start=1)]
    more = [sorting(grid, 3, "高", day) for day in (12, 13, 14)]
    twice = sorting(grid, 3, "高", "15 18:00")
    posted = await grid.award_list([HEADINGS, *rows, *more, twice], title="桶边记录")

    # Five, ten and twenty; once a day, however often.
    assert (posted["granted_points"], posted["refused_rows"]) == (95, 0)
    assert [await grid.points(name) for name in EVERYBODY] == [5, 10, 80, 0, 0, 0]
    path = f"/v1/staff/award-lists/{posted['award_list_id']}/rows"
    second = (await grid.read("committee-2", path))["items"][-1]
    sentences = await grid.says("resident-3", second["contribution_id"])
    assert sentences[0] == (
        "垃圾分类（强度高）：每次 20 分 × 1 次 = 20 分；当日上限 1 次，本次计入 0 分。"
    )


def sorting(grid: Village, number: int, effort: str, day: int | str) -> tuple[str, ...]:
    resident_id = grid.here.resident_id(f"resident-{number}")
    return (resident_id, "垃圾分类", effort, f"2026-11-{day}", "桶边督导记录")


async def noise_costs_ten_after_a_hearing(grid: Village) -> None:
    posting_id = await grid.proposes("resident-3", "noise", reason="22 时后电钻施工，邻居录音")
    assert (await grid.newest("resident-3"))[0] == "拟扣分告知"
    checker = await grid.caller("committee-2")
    path = f"/v1/staff/postings/{posting_id}/approval"
    assert problem_code(await checker.post(path)) == "not_heard_yet"

    # She says nothing; the three days pass.
    await grid.until(at(20, 0))
    posted = await grid.here.approve(posting_id)

    assert posted.json()["result"]["moved_points"] == -10
    assert await grid.points("resident-3") == 70


async def it_was_somebody_else_and_the_points_come_back(grid: Village) -> None:
    (deduction,) = (await grid.read("resident-3", "/v1/me/deductions"))["items"]
    contribution_id = deduction["result"]["contribution_id"]
    text = "施工的是楼上正在装修的人家，当晚我家没有人。"
    appeal_id = await grid.appeals("resident-3", "deduction", contribution_id, text)
    outcome = "经走访核实，噪音来自楼上装修，扣分予以撤销。"
    involved = await grid.decides("committee-2", appeal_id, "upheld", outcome)
    assert problem_code(involved) == "you_were_involved"

    decided = await grid.decides("auditor-1", appeal_id, "upheld", outcome)

    assert decided.json()["effects"]["given_back_points"] == 10
    assert await grid.points("resident-3") == 80
    title, told = await grid.newest("resident-3")
    assert (title, "10 分" in told, outcome in told) == ("申诉成立", True, True)
    words = await grid.says("resident-3", contribution_id)
    assert words[0] == "噪音扰民：每次 10 分 × 1 次 = 10 分；扣除 10 分。"
    assert words[-1] == "2026 年 11 月 20 日返还 10 分：申诉更正：噪音扰民。"


async def everybody_has_ten_at_the_end_of_a_month(grid: Village) -> None:
    before = [await grid.points(name) for name in EVERYBODY]
    await grid.until(at(1, 1, month=12))

    for _ in range(2):
        await grid.runs("award_duties")

    after = [await grid.points(name) for name in EVERYBODY]
    assert [there - here for here, there in zip(before, after, strict=True)] == [10] * 6


async def a_survey_brings_her_to_a_hundred(grid: Village) -> None:
    survey = {"rule": "satisfaction_survey", "title": "物业满意度调查"}
    first, second = [
        (await grid.attends("resident-3", **survey))[0]["points_gained"] for _ in range(2)
    ]
    assert (first, second) == (5, 0)
    she = await grid.caller("resident-3")
    goods = grid.here.reward_id("daily_goods")
    not_yet = await she.post_once(f"/v1/rewards/{goods}/redeem")
    assert problem_code(not_yet) == "insufficient_points"
    await grid.until(at(1, 1, month=1, year=2027))
    await grid.runs("award_duties")
    assert await grid.points("resident-3") == 105

    voucher = await redeem(grid.here, "resident-3", goods)
    used = await consume(grid.here, voucher["token"], shop="corner_shop")

    assert (used.status_code, await grid.points("resident-3")) == (200, 5)
    prices = [
        one["price_points"] for one in (await grid.read("resident-3", "/v1/rewards"))["items"]
    ]
    assert prices == [100, 500, 1000]
