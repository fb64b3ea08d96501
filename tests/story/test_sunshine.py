"""阳光社区, a month of it: 赵小满 moves in, helps, rises to first place, and has her reward.

Sixty neighbours in three buildings, two grid workers, two shops, the committee. Everything is
done through the API, every number is written down here, and at the end the book is audited.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Vault
from app.rewards.jobs import expire_vouchers
from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.story.tale import APP_ID, APP_SECRET, Tale, balance_of, get, place_of, scan
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import Caller, fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.neighbourhood import make_neighbourhood
from tests.support.passing import let_pass

RESIDENTS = 60


@pytest.fixture
async def tale(
    app: FastAPI,
    http: httpx.AsyncClient,
    sessionmaker: async_sessionmaker[AsyncSession],
    vault: Vault,
    clock: Clock,
) -> AsyncIterator[Tale]:
    here = await make_neighbourhood(
        sessionmaker, http, vault=vault, now=clock.now, residents=RESIDENTS
    )
    wechat = WeChatDouble({APP_ID: APP_SECRET}, clock=clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(wechat.app)) as to_wechat:
        client = WeChatClient(to_wechat, APP_ID, APP_SECRET, "https://api.weixin.qq.com")
        app.state.wechat = {APP_ID: client}
        yield Tale(here, clock, sessionmaker, wechat, she=Caller(http))


async def test_a_newcomer_helps_rises_to_first_place_and_has_her_reward(tale: Tale) -> None:
    await she_asks_to_join_and_a_worker_lets_her_in(tale)
    await tale.let_pass(days=2, hours=18)  # Saturday, nine in the morning
    await everybody_checks_in_for_the_day(tale)
    await neighbours_scan_the_poster_of_the_clean_up(tale)
    await a_worker_scans_those_who_explain_waste_sorting(tale)
    await tale.let_pass(hours=10)
    await they_scan_the_screen_at_the_story_evening(tale)
    await tale.let_pass(hours=14)  # Sunday morning
    await the_committee_rewards_and_deducts(tale)
    await tale.let_pass(days=1)  # Monday: another week
    await the_committee_records_what_was_done_on_sunday(tale)
    await the_boards_show_week_month_and_all_time(tale)
    await her_home_page_shows_it_all(tale)
    await she_redeems_a_coupon_and_the_right_shop_confirms_it(tale)
    await the_shop_takes_it_back_in_time_and_confirms_again(tale)
    await she_gives_a_meal_back_and_forgets_another(tale)
    let_pass(tale.here, tale.clock, days=31)  # Christmas Eve
    await the_forgotten_meal_has_given_its_points_back(tale)
    await she_signs_out(tale)
    await the_book_is_audited(tale)


async def she_asks_to_join_and_a_worker_lets_her_in(tale: Tale) -> None:
    tokens = await tale.she_opens_wechat()
    assert (tokens["membership"], tokens["memberships"]) == (None, [])
    assert (await tale.she.get("/v1/me/home")).status_code == 403
    (listed,) = (await get(Caller(tale.she.http), "/v1/public/communities"))["items"]
    path = f"/v1/public/communities/{listed['community_id']}"
    shown = await get(Caller(tale.she.http), path)
    assert (shown["name"], shown["residents"]) == ("阳光社区", RESIDENTS)
    building_3 = shown["buildings"][2]
    assert (building_3["name"], building_3["grid_name"]) == ("3 号楼", "第二网格")

    await agree(tale.she, listed["community_id"], "service")
    asked = await tale.she.post(
        "/v1/join-requests",
        {
            "community_id": listed["community_id"],
            "display_name": "赵小满",
            "building_id": building_3["building_id"],
            "room": "2-302",
        },
    )

    assert (asked.status_code, asked.json()["state"]) == (201, "pending")
    not_hers = await tale.here.caller("worker-1")
    assert (await get(not_hers, "/v1/staff/join-requests"))["items"] == []
    worker = await tale.here.caller("worker-2")
    (waiting,) = (await get(worker, "/v1/staff/join-requests"))["items"]
    approve = f"/v1/staff/join-requests/{waiting['join_request_id']}/approve"
    assert (await worker.post(approve)).json()["state"] == "approved"
    tokens = await tale.she_comes_back()
    assert tokens["membership"]["community_name"] == "阳光社区"
    assert await balance_of(tale.she) == (0, 0, 0)


async def everybody_checks_in_for_the_day(tale: Tale) -> None:
    for number in range(1, RESIDENTS + 1):
        tale.clock.advance(seconds=5)
        (neighbour,) = await tale.neighbours(number)
        answer = await neighbour.post("/v1/me/daily-check-in")
        assert (answer.status_code, answer.json()["points_gained"]) == (201, 1)

    hers = await tale.she.post("/v1/me/daily-check-in")
    again = await tale.she.post("/v1/me/daily-check-in")

    assert hers.status_code == 201
    assert rank_in(hers) == (1, 60)  # beside sixty others
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert again.json()["balance_points"] == 1


async def neighbours_scan_the_poster_of_the_clean_up(tale: Tale) -> None:
    worker = await tale.here.caller("worker-1")
    clean_up = await tale.here.announce(tale.clock.now)
    poster = await scan(worker, f"/v1/staff/activities/{clean_up['activity_id']}/code.png")
    assert poster.startswith("http")

    scanners = await tale.neighbours(*range(1, 13))
    answers = [await one.post("/v1/me/check-ins", {"code": poster}) for one in scanners]
    twice = await scanners[0].post("/v1/me/check-ins", {"code": poster})

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["points_gained"] for answer in answers} == {20}
    assert rank_in(answers[0]) == (1, 0)
    assert rank_in(answers[11]) == (1, 11)
    assert (twice.status_code, twice.json()["balance_points"]) == (200, 21)
    assert rank_in(twice) == (1, 0)


async def a_worker_scans_those_who_explain_waste_sorting(tale: Tale) -> None:
    activity_id = await announce_for_grid_2(tale)
    worker = await tale.here.caller("worker-2")

    async def show_code_to(scanner: Caller, shown: str) -> httpx.Response:
        body = {"activity_id": activity_id, "code": shown}
        return await scanner.post("/v1/staff/check-ins", body)

    helpers = [*await tale.neighbours(3, 6, 9), tale.she]
    answers = [await show_code_to(worker, await scan(one, "/v1/me/code.png")) for one in helpers]

    assert [answer.json()["points_gained"] for answer in answers] == [10] * 4
    assert [rank_in(answer) for answer in answers] == [(1, 0), (1, 1), (1, 2), (13, 0)]
    assert answers[3].json()["masked_name"] == "赵*满"
    photographed = await scan(helpers[0], "/v1/me/code.png")
    stranger = await tale.here.caller("worker-1")
    assert problem_code(await show_code_to(stranger, photographed)) == "not_your_activity"
    tale.clock.advance(minutes=2, seconds=1)
    assert problem_code(await show_code_to(worker, photographed)) == "code_expired"


async def announce_for_grid_2(tale: Tale) -> str:
    body = {
        "title": "垃圾分类宣传",
        "location": "3 号楼前",
        "rule_code": "waste_sorting_publicity",
        "grid_id": str(tale.here.places.grids[1]),
        "starts_at": tale.clock.now.isoformat(),
        "ends_at": (tale.clock.now + timedelta(hours=1)).isoformat(),
    }
    worker = await tale.here.caller("worker-2")
    answer = await worker.post("/v1/staff/activities", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["activity_id"])


async def they_scan_the_screen_at_the_story_evening(tale: Tale) -> None:
    evening = await tale.here.announce(tale.clock.now, rule_code="story_evening", title="故事会")
    listeners = await tale.neighbours(1, 2, 3, 4, 5)
    screen = {"code": await tale.here.poster(evening, "rotating")}
    early = [await one.post("/v1/me/check-ins", screen) for one in listeners[:4]]
    tale.clock.advance(seconds=31)

    from_a_photo = await listeners[4].post("/v1/me/check-ins", screen)
    screen = {"code": await tale.here.poster(evening, "rotating")}
    late = await listeners[4].post("/v1/me/check-ins", screen)
    hers = await tale.she.post("/v1/me/check-ins", screen)

    assert [rank_in(answer) for answer in early] == [(1, 3), (1, 4), (1, 2), (2, 4)]
    assert problem_code(from_a_photo) == "code_expired"
    assert rank_in(late) == (2, 5)
    assert rank_in(hers) == (8, 5)
    assert hers.json()["balance_points"] == 1 + 10 + 15


async def the_committee_rewards_and_deducts(tale: Tale) -> None:
    her_id = tale.she.tokens["membership"]["resident_id"]
    assert await place_of(tale.she, "month") == (26, 8)
    for code, points in (("legal_advice", 50), ("mediation", 20), ("organising", 30)):
        posted = await tale.post_points("award", her_id, code)
        assert (posted["asked_points"], posted["moved_points"]) == (points, points)
    assert await place_of(tale.she, "month") == (126, 1)

    sorted_wrongly = {1: (2, -10), 7: (4, -20), 20: (1, -1)}
    for number, (pieces, taken) in sorted_wrongly.items():
        resident_id = tale.here.resident_id(f"resident-{number}")
        posted = await tale.post_points("deduction", resident_id, "sorted_wrongly", units=pieces)
        assert (posted["asked_points"], posted["moved_points"]) == (-5 * pieces, taken)

    first, seventh, twentieth = await tale.neighbours(1, 7, 20)
    assert await balance_of(first) == (26, 0, 26)
    assert await place_of(first, "month") == (26, 8)
    assert await balance_of(seventh) == (1, 0, 1)
    assert await balance_of(twentieth) == (0, 0, 0)  # it had one point; nobody owes the committee


async def the_committee_records_what_was_done_on_sunday(tale: Tale) -> None:
    her_id = tale.she.tokens["membership"]["resident_id"]
    sunday = (tale.clock.now - timedelta(days=1)).isoformat()
    patrol = {"rule_code": "volunteer_hour", "acted_at": sunday}
    eight_hours = await tale.post_points("award", her_id, **patrol, units=8)
    one_more = await tale.post_points("award", her_id, **patrol)
    assert (eight_hours["asked_points"], eight_hours["moved_points"]) == (80, 80)
    assert (one_more["asked_points"], one_more["moved_points"]) == (10, 0)

    in_october = (tale.clock.now - timedelta(days=28)).isoformat()
    tenth = tale.here.resident_id("resident-10")
    await tale.post_points("award", tenth, "mediation", acted_at=in_october)


async def the_boards_show_week_month_and_all_time(tale: Tale) -> None:
    (third,) = await tale.neighbours(3)
    for caller in (tale.she, third):
        assert (await caller.post("/v1/me/daily-check-in")).status_code == 201

    assert await board(tale.she, "week") == [(1, "赵*满", 1), (1, "张*英", 1)]
    assert (await board(tale.she, "month"))[:8] == [
        (1, "赵*满", 207),
        (2, "张*英", 47),
        (3, "陈*梅", 36),
        (3, "刘*明", 36),
        (3, "李*", 36),
        (6, "张*英", 31),
        (6, "杨*国", 31),
        (8, "王*四", 26),
    ]
    of_all_time = await board(tale.she, "all")
    assert of_all_time[2] == (3, "刘*明", 41)  # resident 10 has helped in October
    assert of_all_time[3:6] == [(4, "陈*梅", 36), (4, "刘*明", 36), (4, "李*", 36)]
    buildings = (await get(tale.she, "/v1/boards/buildings", period="month"))["items"]
    assert [(one["rank"], one["name"], one["points"]) for one in buildings] == [
        (1, "3 号楼", 353),
        (2, "2 号楼", 129),
        (3, "1 号楼", 100),
    ]
    place = await get(third, "/v1/me/rank", period="month")
    assert (place["points"], place["rank"], place["points_to_next"]) == (47, 2, 160)
    assert [line["masked_name"] for line in place["ahead"]] == ["赵*满"]
    assert [line["masked_name"] for line in place["behind"]] == ["陈*梅", "刘*明"]


async def her_home_page_shows_it_all(tale: Tale) -> None:
    tomorrow = tale.clock.now + timedelta(days=1)
    await tale.here.announce(tomorrow, rule_code="calligraphy_lesson", title="书法课")

    home = await get(tale.she, "/v1/me/home")

    assert home["me"]["display_name"] == "赵小满"
    assert home["balance"]["available_points"] == 207
    assert (home["month"]["rank"], home["month"]["points"]) == (1, 207)
    assert home["all_time"]["rank"] == 1
    assert home["has_checked_in_today"] is True
    affordable = [reward["price_points"] for reward in home["can_redeem"]]
    assert (affordable, home["next_reward"]["price_points"]) == ([200, 100, 50], 300)
    assert [activity["title"] for activity in home["activities"]] == ["书法课"]


async def she_redeems_a_coupon_and_the_right_shop_confirms_it(tale: Tale) -> None:
    catalogue = (await get(tale.she, "/v1/rewards"))["items"]
    assert [(one["name"], one["price_points"]) for one in catalogue] == [
        ("社区食堂午餐一份", 50),
        ("便利店 10 元代金券", 100),
        ("地面停车 10 小时", 200),
        ("活动室优先使用权", 300),
        ("理发八折卡", 500),
    ]
    assert problem_code(await redeem(tale, "activity_room")) == "insufficient_points"

    coupon = (await redeem(tale, "coupon_10")).json()
    assert (coupon["state"], await balance_of(tale.she)) == ("issued", (207, 100, 107))
    code = await scan(tale.she, f"/v1/me/vouchers/{coupon['voucher_id']}/code.png")
    elsewhere = (await tale.till("canteen", "prepare", code=code)).json()
    assert (elsewhere["can_consume"], elsewhere["reason"]) == (False, "voucher_of_other_shop")
    prepared = (await tale.till("corner_shop", "prepare", code=code)).json()
    assert (prepared["can_consume"], prepared["voucher"]["holder"]) == (True, "赵*满")
    assert await balance_of(tale.she) == (207, 100, 107)

    confirmed = await tale.till("corner_shop", "consume", code=prepared["verify_token"])
    assert (confirmed.status_code, confirmed.json()["voucher"]["state"]) == (200, "used")
    assert await balance_of(tale.she) == (107, 0, 107)
    again = await tale.till("corner_shop", "consume", code=code)
    assert problem_code(again) == "voucher_used"


async def the_shop_takes_it_back_in_time_and_confirms_again(tale: Tale) -> None:
    clerk = await tale.here.caller("clerk-1")
    shop = {"shop_id": tale.here.shop_id("corner_shop")}
    (first,) = (await get(clerk, "/v1/merchant/verifications", **shop))["items"]
    (coupon,) = (await get(tale.she, "/v1/me/vouchers"))["items"]
    await tale.let_pass(minutes=29)

    back = {"verification_id": first["verification_id"], "reason": "她换了一件商品"}
    taken_back = await tale.till("corner_shop", "cancel", **back)
    assert (taken_back.status_code, taken_back.json()["voucher"]["state"]) == (200, "issued")
    assert await balance_of(tale.she) == (207, 100, 107)
    twice = await tale.till("corner_shop", "cancel", **back)
    assert problem_code(twice) == "verification_cancelled"

    second = await tale.till("corner_shop", "consume", code=coupon["typed_code"])
    assert (second.status_code, await balance_of(tale.she)) == (200, (107, 0, 107))
    await tale.let_pass(minutes=31)
    late = back | {"verification_id": second.json()["verification_id"]}
    refused = await tale.till("corner_shop", "cancel", **late)
    assert problem_code(refused) == "void_window_closed"
    record = await get(await tale.here.caller("clerk-1"), "/v1/merchant/verifications", **shop)
    operations = [line["operation"] for line in record["items"]]
    assert operations == ["consume", "cancel", "consume"]


async def she_gives_a_meal_back_and_forgets_another(tale: Tale) -> None:
    meal = (await redeem(tale, "canteen_meal")).json()
    assert await balance_of(tale.she) == (107, 50, 57)
    cancel = f"/v1/me/vouchers/{meal['voucher_id']}/cancel"
    cancelled = await tale.she.post_once(cancel)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert await balance_of(tale.she) == (107, 0, 107)
    gone = await tale.till("canteen", "consume", code=meal["link"])
    assert problem_code(gone) == "voucher_cancelled"

    assert (await redeem(tale, "canteen_meal")).status_code == 201
    assert await stock_of(tale, "canteen_meal") == 199


async def the_forgotten_meal_has_given_its_points_back(tale: Tale) -> None:
    body = {"refresh_token": tale.she.tokens["refresh_token"]}
    forgotten = await tale.she.http.post(
        "/v1/auth/refresh", json=body, headers={"Accept-Language": "en"}
    )
    assert problem_code(forgotten) == "refresh_token_invalid"
    assert (await tale.she_opens_wechat())["membership"]["roles"] == ["resident"]
    newest, *_ = (await get(tale.she, "/v1/me/vouchers"))["items"]
    assert newest["state"] == "expired"
    too_late = await tale.till("canteen", "consume", code=newest["typed_code"])
    assert problem_code(too_late) == "voucher_expired"

    assert await expire_vouchers(tale.sessionmaker, now=tale.clock.now) == 1
    assert await expire_vouchers(tale.sessionmaker, now=tale.clock.now) == 0

    assert await balance_of(tale.she) == (107, 0, 107)
    assert await stock_of(tale, "canteen_meal") == 200
    assert await board(tale.she, "month") == []  # December
    assert await place_of(tale.she, "all") == (207, 1)  # spending lowers no rank


async def she_signs_out(tale: Tale) -> None:
    statement = await get(tale.she, "/v1/me/statement")
    lines = [(line["kind"], line["points"]) for line in statement["items"]]
    assert lines == [
        ("spend", -100), ("reversal", 100), ("spend", -100), ("award", 1), ("award", 80),
        ("award", 30), ("award", 20), ("award", 50), ("award", 15), ("award", 10), ("award", 1),
    ]  # fmt: skip
    assert (await tale.she.post("/v1/auth/sign-out")).json() == {"ended_sessions": 1}
    assert (await tale.she.get("/v1/me/home")).status_code == 401


async def the_book_is_audited(tale: Tale) -> None:
    async with tale.sessionmaker() as session:
        await assert_books_balance(session, tale.here.community_id)
        await assert_audit_clean(session, tale.here.community_id)


def rank_in(answer: httpx.Response) -> tuple[int, int]:
    """Return the rank of all time and the places gained, as a check-in tells them."""
    told = answer.json()["rank"]
    return told["rank"], told["places_gained"]


async def board(caller: Caller, period: str) -> list[tuple[int, str, int]]:
    lines = (await get(caller, "/v1/boards/residents", period=period))["items"]
    return [(line["rank"], line["masked_name"], line["points"]) for line in lines]


async def redeem(tale: Tale, code: str) -> httpx.Response:
    path = f"/v1/rewards/{tale.here.reward_id(code)}/redeem"
    return await tale.she.post(path, key=fresh_key())


async def stock_of(tale: Tale, code: str) -> Any:
    return (await get(tale.she, f"/v1/rewards/{tale.here.reward_id(code)}"))["stock_left"]
