"""社区安全积分: an estate that patrols itself, from five who begin to thirty.

An hour counts ten, by night double; who comes upon a danger gets twenty more. What was claimed
is looked at, and every award can be added up from its own words.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.access import Role
from tests.story.village import FoundVillage, Village
from tests.support.caller import fresh_key, problem_code
from tests.support.photos import send_photo
from tests.support.shopping import consume, redeem

# Three in the afternoon in Shanghai.
WEDNESDAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
NIGHT = WEDNESDAY.replace(hour=14, minute=30)
HOUR = timedelta(hours=1)
RULE = "patrol_hour"
HEADINGS = ("居民编号", "规则", "数量", "日期", "事由")
RESIDENTS = 30


async def test_an_estate_patrols_finds_dangers_and_has_its_reward(
    found_village: FoundVillage,
) -> None:
    estate: Village = await found_village("patrol", WEDNESDAY, residents=RESIDENTS)
    await a_patrol_by_day_counts_ten_an_hour(estate)
    await a_patrol_by_night_counts_double_and_its_words_add_up(estate)
    await who_patrols_again_at_once_gets_nothing_more(estate)
    await who_finds_a_danger_gets_twenty_more(estate)
    await five_patrol_the_first_week_and_thirty_the_next(estate)
    await points_become_a_coupon_and_a_health_check(estate)
    await estate.audit()


async def a_patrol_by_day_counts_ten_an_hour(estate: Village) -> None:
    await estate.until(WEDNESDAY + HOUR)
    photo_ids = [await send_photo(await estate.resident("resident-1"))]
    lacking = {
        "proof_photo_missing": patrol(1, 1),
        "proof_times_missing": {"mode": "offline", "photo_ids": photo_ids},
        "more_hours_than_times": patrol(2, 1) | {"photo_ids": photo_ids},
        "other_mode": patrol(1, 1) | {"photo_ids": photo_ids, "mode": "online"},
    }
    for code, claim in lacking.items():
        assert problem_code(await estate.tries_to_claim("resident-1", RULE, **claim)) == code

    filed = await estate.claims("resident-1", RULE, photo_ids=photo_ids, **patrol(1, 1))

    assert (filed["state"], filed["worth_points"]) == ("in_review", 10)
    assert await estate.points("resident-1") == 0
    assert await estate.approve(filed["claim_id"], "worker-1") == "awarded"
    assert await estate.points("resident-1") == 10


def patrol(units: int, hours: float, began: datetime = WEDNESDAY) -> dict[str, Any]:
    """Return what a claim says of a patrol."""
    return {
        "units": units,
        "mode": "offline",
        "acted_at": began.isoformat(),
        "acted_until": (began + hours * HOUR).isoformat(),
    }


async def a_patrol_by_night_counts_double_and_its_words_add_up(estate: Village) -> None:
    await estate.until(NIGHT + 3 * HOUR)
    filed = await estate.claims("resident-1", RULE, has_photo=True, **patrol(2, 2, NIGHT))
    assert filed["worth_points"] == 40
    assert await estate.approve(filed["claim_id"], "reviewer-1") == "awarded"

    claim = await estate.claim("resident-1", filed["claim_id"])

    assert (claim["granted_points"], await estate.points("resident-1")) == (40, 50)
    sentences = await estate.says("resident-1", claim["contribution_id"])
    assert sentences[0] == (
        "社区巡逻：每小时 10 分 × 2 小时 = 20 分；“夜间巡逻双倍积分”加 20 分；本次计入 40 分。"
    )
    each, units, base, more, counted = (int(number) for number in re.findall(r"\d+", sentences[0]))
    assert each * units == base
    assert base + more == counted
    assert sentences[2:] == ["由居民本人登记。", "由审核员 r***审核。"]


async def who_patrols_again_at_once_gets_nothing_more(estate: Village) -> None:
    """Half an hour after a patrol began another one does not count."""
    soon = NIGHT + HOUR / 2
    filed = await estate.claims("resident-1", RULE, has_photo=True, **patrol(1, 1, soon))
    assert await estate.approve(filed["claim_id"], "reviewer-1") == "awarded"

    claim = await estate.claim("resident-1", filed["claim_id"])

    assert (claim["asked_points"], claim["granted_points"]) == (20, 0)
    told = (
        "您申报的“社区巡逻”已通过，应得 20 分，因达到积分上限，实得 0 分。"
    )  # fmt: skip
    assert await estate.newest("resident-1") == ("积分申报已通过", told)
    sentences = await estate.says("resident-1", claim["contribution_id"])
    assert sentences[0].endswith("；两次之间须隔 60 分钟，本次计入 0 分。")
    assert await estate.points("resident-1") == 50


async def who_finds_a_danger_gets_twenty_more(estate: Village) -> None:
    she = await estate.resident("resident-1")
    report = {
        "category_code": "public_order",
        "description": "西门门禁坏了，夜里随便进出",
        "building_id": str(estate.here.places.buildings[0]),
        "photo_ids": [await send_photo(she)],
    }
    case = await she.post("/v1/cases", report, key=fresh_key())
    assert (case.status_code, case.json()["points_gained"]) == (201, 0)
    worker = await estate.caller("worker-1")

    accepted = await worker.post_once(f"/v1/staff/cases/{case.json()['case_id']}/accept")

    assert (accepted.status_code, accepted.json()["points_given"]) == (200, 20)
    assert await estate.points("resident-1") == 70


async def five_patrol_the_first_week_and_thirty_the_next(estate: Village) -> None:
    await estate.until(WEDNESDAY + timedelta(days=4))
    first = await estate.award_list(
        patrols(estate, range(2, 7), ("2026-11-20 16:00", 2)), title="第一周巡逻"
    )
    assert (first["granted_rows"], first["granted_points"]) == (5, 100)
    await estate.until(WEDNESDAY + timedelta(days=12))

    days = [(f"2026-11-{day} 22:00", 4) for day in range(23, 29)]
    everybody = [*patrols(estate, range(1, RESIDENTS + 1), ("2026-11-29 09:00", 1))]
    often = [*patrols(estate, [1], *days)][1:]
    second = await estate.award_list([*everybody, *often], title="第二周巡逻")

    # Six nights of four hours at double, 80 each: no day gives more.
    assert second["granted_points"] == RESIDENTS * 10 + 6 * 80
    month = await estate.read("resident-1", "/v1/me/rank", period="month")
    assert (month["rank"], await estate.points("resident-1")) == (1, 70 + 10 + 480)
    board = await estate.read("resident-1", "/v1/boards/residents", period="month", size=50)
    assert len(board["items"]) == RESIDENTS


def patrols(estate: Village, numbers: Any, *when: tuple[str, int]) -> list[tuple[str, ...]]:
    """Return a list's rows: these residents, each at these times for so many hours."""
    return [
        HEADINGS,
        *(
            (
                estate.here.resident_id(f"resident-{number}"),
                "社区巡逻",
                str(hours),
                at,
                "按计划巡逻",
            )
            for number in numbers
            for at, hours in when
        ),
    ]


async def points_become_a_coupon_and_a_health_check(estate: Village) -> None:
    coupon = await redeem(estate.here, "resident-1", estate.here.reward_id("coupon_10"))
    assert (await consume(estate.here, coupon["token"], shop="corner_shop")).status_code == 200
    check = await redeem(estate.here, "resident-1", estate.here.reward_id("health_check"))
    await estate.grants("nurse", Role.CLERK, shop="clinic")
    nurse = await estate.signs_in_anew("nurse")
    body = {
        "shop_id": estate.here.shop_id("clinic"),
        "out_request_no": fresh_key(),
        "code": check["token"],
    }

    confirmed = await nurse.post("/v1/merchant/vouchers/consume", body)

    assert (confirmed.status_code, confirmed.json()["voucher"]["state"]) == (200, "used")
    assert await estate.points("resident-1") == 560 - 100 - 300
