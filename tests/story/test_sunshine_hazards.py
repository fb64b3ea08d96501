"""阳光社区, a broken lamp: 赵小满 reports it, it is mended twice, and everybody can see so.

From the day before the holidays of National Day 2026 to the Saturday worked for them. Everybody
acts through the API; WeChat's double checks photos and texts and pushes to us in its safe mode.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.story.conftest import SetStage
from tests.story.hazards import (
    LAMP,
    PROGRESS,
    Stage,
    fetch,
    inbox,
    lines_of,
    newest,
    place_of_photo,
    refusal,
    saved_photo,
)
from tests.story.tale import balance_of, get, place_of
from tests.support.caller import Caller, fresh_key
from tests.support.photos import post_photo

# Tuesday, three in the afternoon in Shanghai.
TUESDAY = datetime(2026, 9, 29, 7, 0, tzinfo=UTC)
WORDS = "3 号楼东侧路灯不亮，晚上看不清台阶"


async def test_a_broken_lamp_is_reported_mended_and_mended_again(set_stage: SetStage) -> None:
    stage = await set_stage("sunshine", TUESDAY)
    she = await she_signs_in_and_agrees(stage)
    photos = await she_photographs_the_lamp(stage, she)
    case = await she_reports_what_nobody_has_reported(stage, she, photos)
    he = await a_neighbour_sees_what_has_passed_and_no_more(stage, she, case, photos)
    await he_says_me_too(he, she, case)
    await the_worker_of_the_grid_accepts_and_points_arrive(stage, she, case)
    await the_clock_stands_still_over_the_holidays(stage, she, case)
    await the_lamp_is_mended(stage, she, he, case)
    await it_is_not(stage, she, case)
    await now_it_is(stage, she, case)
    await everybody_can_read_how_it_went(stage, she, case)
    await stage.audit()


async def she_signs_in_and_agrees(stage: Stage) -> Caller:
    she = await stage.opens_wechat("xiaoman")
    hers = {
        "community_id": str(stage.here.community_id),
        "display_name": "赵小满",
        "building_id": str(stage.here.places.buildings[2]),
        "room": "2-302",
    }
    refused = await she.post("/v1/join-requests", hers)
    assert refusal(refused) == (403, "consent_required")
    await stage.moves_in("xiaoman", "赵小满", building=3)
    assert (await stage.photographs(she, 9))["suggested_place"] is None
    await stage.agrees(she, "location")
    for name, rule_code in (("resident-1", "mediation"), ("resident-2", "waste_sorting_publicity")):
        await stage.here.give(name, rule_code)
    return she


async def she_photographs_the_lamp(stage: Stage, she: Caller) -> list[dict[str, Any]]:
    stage.wechat_is_hasty = True  # its verdict comes before its answer to our question
    by_day = await stage.photographs(she, 2)
    await stage.work_off()
    assert (await get(she, f"/v1/photos/{by_day['photo_id']}"))["state"] == "passed"

    stage.wechat_is_hasty = False
    by_night = await stage.photographs(she, 1)
    await stage.work_off()
    assert (await get(she, f"/v1/photos/{by_night['photo_id']}"))["state"] == "asked"

    assert (by_night["width"], by_night["height"]) == (240, 320)  # upright, as it was held
    offered = by_night["suggested_place"]["wgs84"]
    assert (offered["latitude"], offered["longitude"]) == pytest.approx(LAMP, abs=1e-5)
    assert await fetch(she, by_night["url"])
    return [by_day, by_night]


async def she_reports_what_nobody_has_reported(
    stage: Stage, she: Caller, photos: list[dict[str, Any]]
) -> dict[str, Any]:
    place = place_of_photo(photos[1])
    near = await get(she, "/v1/cases/nearby", category_code="street_lamp", **place)
    assert near["items"] == []
    body = {
        "category_code": "street_lamp",
        "description": WORDS,
        "address": "东门台阶",
        "position": place,
        "photo_ids": [photo["photo_id"] for photo in photos],
    }

    filed = await she.post("/v1/cases", body, key="reported-once-by-her")
    again = await she.post("/v1/cases", body, key="reported-once-by-her")

    assert filed.status_code == 201, filed.text
    case: dict[str, Any] = filed.json()
    assert again.json() == case
    assert (case["status_name"], case["grid_name"]) == ("待受理", "第一网格")
    assert (case["points_gained"], case["due_at"]) == (0, "2026-09-30T07:00:00Z")
    assert await balance_of(she) == (0, 0, 0)
    assert await newest(await stage.staff("worker-1")) == (
        "新事件待受理", "第一网格有新上报：路灯不亮 东门台阶",
    )  # fmt: skip
    return case


async def a_neighbour_sees_what_has_passed_and_no_more(
    stage: Stage, she: Caller, case: dict[str, Any], photos: list[dict[str, Any]]
) -> Caller:
    he = await stage.neighbour("dawei", "孙大伟")
    path = f"/v1/cases/{case['case_id']}"
    by_day, by_night = (photo["photo_id"] for photo in photos)
    seen = await get(he, path)
    assert (seen["description"], shown_photos(seen)) == (None, [by_day])
    assert refusal(await he.get(f"/v1/photos/{by_night}")) == (404, "photo_not_found")

    await stage.wechat_answers("pass")

    answer = await he.get(path)
    seen = answer.json()
    assert (seen["description"], shown_photos(seen)) == (WORDS, sorted([by_day, by_night]))
    for photo in seen["photos"]:
        assert await fetch(he, photo["url"])
    own = await get(she, f"/v1/me/cases/{case['case_id']}")
    exact, blurred = own["place"], seen["place"]
    assert abs(exact["latitude"] - blurred["latitude"]) < 0.0006
    assert exact != blurred
    for secret in ("赵", "小满", "东门台阶", str(exact["latitude"]), "reporter"):
        assert secret not in answer.text
    return he


async def he_says_me_too(he: Caller, she: Caller, case: dict[str, Any]) -> None:
    here = {"latitude": LAMP[0], "longitude": LAMP[1], "coordinate_system": "wgs84"}
    (near,) = (await get(he, "/v1/cases/nearby", category_code="street_lamp", **here))["items"]
    assert (near["case_id"], near["distance_meters"]) == (case["case_id"], 0)
    path = f"/v1/cases/{case['case_id']}/join"

    first, second = await he.post(path), await he.post(path)

    assert (first.json()["joined"], first.json()["is_new"]) == (1, True)
    assert (second.json()["joined"], second.json()["is_new"]) == (1, False)
    assert refusal(await she.post(path)) == (409, "own_case_joined")


async def the_worker_of_the_grid_accepts_and_points_arrive(
    stage: Stage, she: Caller, case: dict[str, Any]
) -> None:
    await stage.let_pass(hours=2)
    await stage.accepts_a_message("xiaoman")
    path = f"/v1/staff/cases/{case['case_id']}"
    assert refusal(await (await stage.staff("worker-2")).get(path)) == (404, "case_not_found")
    for stranger, expected in (
        ("worker-2", (404, "case_not_found")), ("clerk-1", (403, "forbidden")),
        ("resident-1", (403, "forbidden")),
    ):  # fmt: skip
        refused = await stage.tries_to_handle(stranger, case, "accept")
        assert refusal(refused) == expected

    accepted = await stage.handle("worker-1", case, "accept")

    assert (accepted["status_name"], accepted["points_given"]) == ("处理中", 5)
    assert accepted["due_at"] == "2026-10-08T09:00:00Z"  # 48 h of working days
    assert await balance_of(she) == (5, 0, 5)
    assert await place_of(she, "month") == (5, 3)
    assert await newest(she) == (
        "路灯不亮：处理中", "您上报的“路灯不亮”已受理，网格员正在处理。",
    )  # fmt: skip
    await stage.work_off()
    (message,) = stage.sent_to("xiaoman")
    assert (message.template_id, message.page) == (PROGRESS, f"pages/case?id={case['case_id']}")
    assert message.fields == {
        "thing1": "路灯不亮", "phrase2": "处理中", "time3": "2026年9月29日 17:00",
    }  # fmt: skip
    assert await stage.messages_left(she) == 0


async def the_clock_stands_still_over_the_holidays(
    stage: Stage, she: Caller, case: dict[str, Any]
) -> None:
    await stage.let_pass(hours=17)  # Wednesday, ten in the morning
    await stage.accepts_a_message("xiaoman")
    stage.wechat.messages.accepted.clear()  # she said no in WeChat's settings after all
    paused = await stage.handle("worker-1", case, "pause", reason="等待配件，预计节后到货")
    await stage.work_off()
    assert (paused["status_name"], paused["due_at"]) == ("暂缓处理", None)
    assert await stage.messages_left(she) == 0  # 43101, which is as common as not
    noted = await stage.handle(
        "worker-1", case, "progress", note="已下单灯具", status_code="waiting_parts"
    )
    assert noted["status_name"] == "等待配件"
    await stage.work_off()
    assert len(stage.sent_to("xiaoman")) == 1
    assert [message["title"] for message in (await inbox(she))[:2]] == [
        "路灯不亮：等待配件", "路灯不亮：暂缓处理",
    ]  # fmt: skip

    await stage.until(datetime(2026, 10, 9, 2, 0, tzinfo=UTC))
    await stage.a_minute_passes()
    assert await inbox(await stage.staff("committee-1")) == []
    resumed = await stage.handle("worker-1", case, "resume")
    # 31 of the 48 hours were left, and the Saturday is worked.
    assert (resumed["status_name"], resumed["due_at"]) == ("处理中", "2026-10-10T09:00:00Z")


async def the_lamp_is_mended(stage: Stage, she: Caller, he: Caller, case: dict[str, Any]) -> None:
    await stage.let_pass(hours=4)
    resolved = await resolve(stage, case, "已更换灯泡并恢复照明", seed=11)

    assert (resolved["status_name"], resolved["points_given"]) == ("已解决", 5 + 1)
    assert await balance_of(she) == (10, 0, 10)
    assert await balance_of(he) == (1, 0, 1)
    assert await place_of(she, "all") == (10, 2)
    seen = await get(he, f"/v1/cases/{case['case_id']}")
    assert (seen["result"], purposes(seen)) == (None, ["report"] * 2)  # the worker's own words
    assert await the_committee_passes_all_that_waits(stage) == ["photo", "text"]
    seen = await get(he, f"/v1/cases/{case['case_id']}")
    assert seen["result"] == "已更换灯泡并恢复照明"
    assert purposes(seen) == ["report", "report", "result"]


async def it_is_not(stage: Stage, she: Caller, case: dict[str, Any]) -> None:
    await stage.let_pass(hours=5)  # evening
    path = f"/v1/me/cases/{case['case_id']}"
    objected = await she.post_once(f"{path}/not-fixed", {"reason": "今晚又灭了"})

    assert objected.status_code == 200, objected.text
    assert objected.json()["status_name"] == "重新处理"
    assert await newest(await stage.staff("worker-1")) == (
        "路灯不亮：重新处理", "居民反映“路灯不亮”仍未解决：今晚又灭了",
    )  # fmt: skip
    accepted = await stage.handle("worker-1", case, "accept")
    assert accepted["points_given"] == 0


async def now_it_is(stage: Stage, she: Caller, case: dict[str, Any]) -> None:
    await stage.let_pass(hours=15)  # Saturday, ten in the morning
    resolved = await resolve(stage, case, "更换整灯并检修线路", seed=12)
    assert resolved["points_given"] == 0
    await the_committee_passes_all_that_waits(stage)
    path = f"/v1/me/cases/{case['case_id']}/confirm"

    confirmed = await she.post_once(path, {"rating": 5, "comment": "亮了，谢谢"})

    assert (confirmed.status_code, confirmed.json()["status_name"]) == (200, "已确认")
    assert refusal(await she.post_once(path, {"rating": 1})) == (409, "case_moved_on")
    assert await balance_of(she) == (10, 0, 10)
    assert await lines_of(she) == [("award", 5), ("award", 5)]
    lines = (await get(she, "/v1/me/statement"))["items"]
    assert [line["memo"] for line in lines] == ["隐患上报办结：路灯不亮", "隐患上报受理：路灯不亮"]


async def everybody_can_read_how_it_went(stage: Stage, she: Caller, case: dict[str, Any]) -> None:
    own = await get(she, f"/v1/me/cases/{case['case_id']}")
    assert (own["points_granted"], own["rating"]) == (10, 5)
    assert [event["action"] for event in own["history"]] == [
        "report", "accept", "pause", "progress", "resume", "resolve", "not_fixed", "accept",
        "resolve", "confirm",
    ]  # fmt: skip
    anybody = Caller(she.http)
    page = f"/v1/public/communities/{stage.here.community_id}/cases"
    (shown,) = (await get(anybody, page))["items"]
    assert (shown["kind"], shown["status_name"], shown["joined"]) == ("closed", "已确认", 1)
    assert (shown["description"], shown["result"]) == (WORDS, "更换整灯并检修线路")
    assert purposes(shown) == ["report", "report", "result", "result"]
    for photo in shown["photos"]:
        assert await fetch(anybody, photo["url"])


async def test_a_repeated_report_is_joined_and_a_fake_one_loses_its_credit(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("sunshine", TUESDAY)
    he = await stage.neighbour("dawei", "孙大伟")
    she = await stage.neighbour("lihua", "何丽华", building=2)
    faker = await stage.neighbour("fangfang", "高芳", building=3)
    case = await stage.reports(he, "manhole", 3)
    await stage.wechat_answers("pass")
    await stage.handle("worker-1", case, "accept")
    await a_repeated_report_joins_the_first(stage, she, case)
    await a_fake_is_found_out(stage, faker, case)
    await stage.handle("worker-1", case, "resolve", result="已更换井盖")
    assert await lines_of(he) == [("award", 5), ("award", 5)]
    assert await lines_of(she) == [("award", 1)]
    await stage.audit()


async def a_repeated_report_joins_the_first(
    stage: Stage, she: Caller, first: dict[str, Any]
) -> None:
    nearby = (LAMP[0] + 0.0002, LAMP[1])
    repeated = await stage.reports(she, "manhole", 4, at=nearby)

    joined = await stage.handle("worker-1", repeated, "mark-duplicate", of_case_id=first["case_id"])

    assert (joined["status_name"], joined["points_taken"]) == ("重复上报", 0)
    assert await newest(she) == (
        "井盖缺损：重复上报", "您上报的“井盖缺损”与已有事件重复，已并入该事件，您已列为附议人。",
    )  # fmt: skip
    (shown,) = (await get(she, "/v1/cases"))["items"]
    assert (shown["case_id"], shown["joined"]) == (first["case_id"], 1)
    refused = await stage.tries_to_handle("worker-1", repeated, "accept")
    assert refusal(refused) == (409, "case_moved_on")


async def a_fake_is_found_out(stage: Stage, faker: Caller, real: dict[str, Any]) -> None:
    """She files a neighbour's photo, as she got it in the chat, as her own."""
    photo = (await post_photo(faker, saved_photo(3, width=240, quality=70))).json()
    assert photo["suggested_place"] is None
    body = {
        "category_code": "manhole",
        "description": "井盖坏了，请快来修",
        "building_id": str(stage.here.places.buildings[0]),
        "photo_ids": [photo["photo_id"]],
    }
    filed = await faker.post("/v1/cases", body, key=fresh_key())
    assert filed.status_code == 201, filed.text
    fake = filed.json()
    await stage.work_off()
    await stage.handle("worker-1", fake, "accept")
    assert await balance_of(faker) == (5, 0, 5)
    worker = await stage.staff("worker-1")
    (flag,) = (await get(worker, f"/v1/staff/cases/{fake['case_id']}"))["flags"]
    assert (flag["photo_id"], flag["other_case_id"]) == (photo["photo_id"], real["case_id"])

    judged = await stage.handle("worker-1", fake, "judge-fake", reason="现场井盖完好，照片系转发")

    assert (judged["status_name"], judged["points_taken"]) == ("虚假上报", 5)
    assert await balance_of(faker) == (0, 0, 0)
    assert await place_of(faker, "month") == (0, 2)
    assert [points for _, points in await lines_of(faker)] == [5, -5]
    assert await newest(faker) == (
        "井盖缺损：虚假上报",
        "您上报的“井盖缺损”经核实不属实，积分已收回：现场井盖完好，照片系转发 如有异议可申诉。",
    )


# What happens more than once.


async def resolve(stage: Stage, case: dict[str, Any], result: str, *, seed: int) -> dict[str, Any]:
    """Let the worker photograph the result and say what was done."""
    worker = await stage.staff("worker-1")
    await stage.agrees(worker, "service")
    photo = await stage.photographs(worker, seed)
    return await stage.handle(
        "worker-1", case, "resolve", result=result, photo_ids=[photo["photo_id"]]
    )


async def the_committee_passes_all_that_waits(stage: Stage) -> list[str]:
    """Let a person judge what WeChat does not: its author does not use the mini-program."""
    await stage.work_off()
    committee = await stage.staff("committee-1")
    waiting = (await get(committee, "/v1/staff/content-checks"))["items"]
    for check in waiting:
        path = f"/v1/staff/content-checks/{check['content_check_id']}/pass"
        assert (await committee.post(path)).status_code == 200
    return sorted(check["kind"] for check in waiting)


def shown_photos(case: dict[str, Any]) -> list[str]:
    return sorted(photo["photo_id"] for photo in case["photos"])


def purposes(case: dict[str, Any]) -> list[str]:
    return sorted(photo["purpose"] for photo in case["photos"])
