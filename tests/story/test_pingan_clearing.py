"""平安社区: the yearly clearing. What 2026 brought can be used until the end of March 2027."""

from datetime import UTC, datetime

from tests.story.conftest import SetStage
from tests.story.hazards import Stage, inbox, lines_of
from tests.story.tale import balance_of, get
from tests.support.caller import Caller
from tests.support.working import come_round

FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
KINDS_OF_HAZARD = ("safety", "fire_safety", "traffic_safety", "public_order")


def in_2027(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time as clocks in Shanghai show it, from eight in the morning on."""
    return datetime(2027, month, day, hour - 8, minute, tzinfo=UTC)


async def open_fund(stage: Stage) -> str:
    """Let the committee open a fund to donate to."""
    committee = await stage.staff("committee-1")
    body = {"code": "elder_meals", "name": "独居老人助餐基金", "description": "午餐"}
    answer = await committee.post_once("/v1/staff/funds", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["fund_id"])


async def donate(she: Caller, fund_id: str, points: int) -> None:
    answer = await she.post_once(f"/v1/funds/{fund_id}/donations", {"points": points})
    assert answer.status_code == 201, answer.text


async def a_morning_passes(stage: Stage) -> None:
    assert "tell_lapses" in await come_round(stage.app, "every_morning")


async def warnings(she: Caller) -> list[str]:
    """Return what she was told of her points, oldest first."""
    told = [message for message in await inbox(she) if message["kind"] == "points_expiry"]
    return [message["body"] for message in reversed(told)]


async def earn_in_two_years(stage: Stage) -> Caller:
    """Let her report four hazards in November and one in January, for three points each.

    The first hour welcomes her with five more, of the day she came, in November.
    """
    she = await stage.neighbour("meifang", "周美芳")
    for seed, category in enumerate(KINDS_OF_HAZARD):
        await stage.reports(she, category, seed)
    await stage.until(in_2027(1, 5, 10))
    await stage.reports(she, "traffic_safety", 9, at=(31.2270, 121.4700))
    return she


async def test_a_years_points_are_cleared_in_spring_after_two_warnings(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("pingan", FRIDAY)
    fund = await open_fund(stage)
    she = await earn_in_two_years(stage)

    # The year is over, its points are not.
    await stage.an_hour_passes()
    await a_morning_passes(stage)
    assert (await balance_of(she), await warnings(she)) == ((20, 0, 20), [])

    # Thirty days before the end she is told, and gives some away: the old ones go first.
    await stage.until(in_2027(3, 2, 9, 30))
    await a_morning_passes(stage)
    assert await warnings(she) == ["您有 17 分将于 2027 年 3 月 31 日到期，请尽快使用。"]
    await donate(she, fund, 5)

    # A week before the end she is told of what is left of them.
    await stage.until(in_2027(3, 25, 9, 30))
    await a_morning_passes(stage)
    assert (await warnings(she))[1:] == ["您有 12 分将于 2027 年 3 月 31 日到期，请尽快使用。"]

    # The last minute of March, and the first of April, in which no job has come by yet.
    await stage.until(in_2027(3, 31, 23, 59))
    assert await balance_of(she) == (15, 0, 15)
    await stage.let_pass(minutes=1)
    assert await balance_of(she) == (15, 0, 3)

    await stage.an_hour_passes()
    assert await balance_of(she) == (3, 0, 3)
    assert await lines_of(she) == [
        *[("award", 3)] * 5, ("award", 5), ("donation", -5), ("expiry", -12),
    ]  # fmt: skip
    await stage.audit()


async def test_what_the_new_year_brought_stays_for_a_year_more(set_stage: SetStage) -> None:
    stage = await set_stage("pingan", FRIDAY)
    she = await earn_in_two_years(stage)
    policy = await get(she, "/v1/point-policy")
    assert policy["expiry"] == {"kind": "year_end", "months": None, "grace_days": 90}

    # 2028 is a leap year: ninety days after its first midnight is the thirtieth of March.
    for moment in (
        in_2027(4, 1, 9, 30), in_2027(12, 31, 12), datetime(2028, 3, 30, 15, 59, tzinfo=UTC),
    ):  # fmt: skip
        await stage.until(moment)
        await stage.an_hour_passes()
        assert await balance_of(she) == (3, 0, 3)

    await a_morning_passes(stage)
    assert await warnings(she) == ["您有 3 分将于 2028 年 3 月 30 日到期，请尽快使用。"]
    await stage.let_pass(minutes=1)
    await stage.an_hour_passes()
    assert await balance_of(she) == (0, 0, 0)
    await stage.audit()
