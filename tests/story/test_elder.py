"""周秀兰, 78, has no phone: a card of paper first, then her grandson's, and in the end a farewell.

A worker acts for her with her card, and both are on record; the points are hers all along. When
she has WeChat, she claims what is hers, takes a copy of it along, and leaves.
"""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pypdfium2 as pdfium  # type: ignore[import-untyped]
from sqlalchemy import text

from tests.story.conftest import SetStage
from tests.story.hazards import Stage, lines_of, newest, photograph, refusal
from tests.story.tale import balance_of, get
from tests.support.caller import Caller, fresh_key
from tests.support.photos import post_photo
from tests.support.scanner import read_qr_codes

WEDNESDAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
NAME = "周秀兰"
MASKED = "周*兰"
RECORDED = """
    SELECT source_kind, resident_id, identities.subject AS recorded_by
    FROM contributions JOIN identities ON identities.person_id = recorded_by
    WHERE community_id = :community_id AND resident_id = :resident_id ORDER BY contribution_id
"""
LEFT_OF_HER = """
    SELECT state, masked_name, sealed_name, sealed_phone, person_id FROM residents
    WHERE community_id = :community_id AND resident_id = :resident_id
"""
LEFT_IN_HER_WALLET = """
    SELECT posted, held, lots_total FROM balances
    WHERE community_id = :community_id AND account_id = :resident_id
"""


async def test_she_earns_by_card_claims_by_phone_and_leaves_with_her_data(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("sunshine", WEDNESDAY)
    resident_id = await a_worker_registers_her(stage)
    card = await a_worker_prints_her_card(stage, resident_id)
    await her_card_checks_her_in(stage, card)
    case = await a_worker_reports_for_her(stage, card, resident_id)
    await both_names_are_on_record(stage, resident_id)
    new_card = await her_card_is_lost(stage, card, resident_id)
    she = await she_claims_what_is_hers(stage, card, new_card)
    await it_is_all_there(stage, she, resident_id, case)
    photo_id = await she_reports_herself(stage, she)
    await she_takes_a_copy_along(stage, she, photo_id)
    await she_no_longer_wants_to_be_located(stage, she, photo_id)
    await she_leaves_stays_and_leaves(stage, she)
    await after_seven_days_she_is_gone(stage, resident_id, new_card)
    await stage.audit()


async def a_worker_registers_her(stage: Stage) -> str:
    body = {
        "name": NAME,
        "building_id": str(stage.here.places.buildings[0]),
        "room": "1-101",
        "phone": "13800001234",
    }
    other_grid, worker = await stage.staff("worker-2"), await stage.staff("worker-1")
    refused = await other_grid.post_once("/v1/staff/residents", body)
    assert refusal(refused) == (404, "building_not_found")

    answer = await worker.post_once("/v1/staff/residents", body)

    assert answer.status_code == 201, answer.text
    registered = answer.json()
    assert (registered["masked_name"], registered["masked_phone"]) == (MASKED, "138****1234")
    return str(registered["resident_id"])


async def a_worker_prints_her_card(stage: Stage, resident_id: str) -> str:
    """Return what a camera reads off the printed sheet."""
    worker = await stage.staff("worker-1")
    issued = await worker.post_once(f"/v1/staff/residents/{resident_id}/card")
    assert issued.status_code == 201, issued.text
    return await printed(worker, resident_id, issued.json()["serial"])


async def printed(worker: Caller, resident_id: str, serial: str) -> str:
    answer = await worker.post("/v1/staff/card-sheets", {"resident_ids": [resident_id]})
    assert answer.status_code == 200, answer.text
    (page,) = pdfium.PdfDocument(answer.content)
    words = "".join(page.get_textpage().get_text_range().split())
    assert NAME in words
    assert serial in words
    (code,) = read_qr_codes(page.render(scale=200 / 72).to_pil())
    return str(code.text)


async def her_card_checks_her_in(stage: Stage, card: str) -> None:
    checked_in = await check_in(stage, card)
    assert (checked_in.status_code, checked_in.json()["masked_name"]) == (201, MASKED)
    assert (checked_in.json()["points_gained"], checked_in.json()["balance_points"]) == (20, 20)


async def check_in(stage: Stage, card: str) -> httpx.Response:
    worker = await stage.staff("worker-1")
    clean_up = await stage.here.announce(stage.clock.now)
    body = {"activity_id": clean_up["activity_id"], "code": card}
    return await worker.post("/v1/staff/check-ins", body)


async def a_worker_reports_for_her(stage: Stage, card: str, resident_id: str) -> dict[str, Any]:
    worker = await stage.staff("worker-1")
    await stage.agrees(worker, "service")
    photo = (await post_photo(worker, photograph(1))).json()
    body = {
        "category_code": "blocked_passage",
        "description": "楼道堆了旧家具，轮椅过不去",
        "building_id": str(stage.here.places.buildings[0]),
        "photo_ids": [photo["photo_id"]],
        "resident_code": card,
    }
    answer = await worker.post("/v1/staff/cases", body, key=fresh_key())
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    assert (await stage.handle("worker-1", case, "accept"))["points_given"] == 5
    assert await newest(worker) == (
        "楼道堆物：处理中", "您上报的“楼道堆物”已受理，网格员正在处理。",
    )  # fmt: skip
    committee = await stage.staff("committee-1")
    read = await get(committee, f"/v1/staff/cases/{case['case_id']}")
    assert (read["reporter_id"], read["reporter_masked_name"]) == (resident_id, MASKED)
    assert read["is_reported_by_staff"] is True
    return case


async def both_names_are_on_record(stage: Stage, resident_id: str) -> None:
    rows = await ask(stage, RECORDED, resident_id)
    assert [tuple(row) for row in rows] == [
        ("activity", int(resident_id), "worker-1"), ("case", int(resident_id), "worker-1"),
    ]  # fmt: skip


async def her_card_is_lost(stage: Stage, lost: str, resident_id: str) -> str:
    worker = await stage.staff("worker-1")
    path = f"/v1/staff/residents/{resident_id}/card/reissue"
    issued = await worker.post_once(path, {"reason": "遗失"})
    assert issued.status_code == 201, issued.text
    new_card = await printed(worker, resident_id, issued.json()["serial"])
    assert refusal(await check_in(stage, lost)) == (410, "code_revoked")
    assert (await check_in(stage, new_card)).json()["balance_points"] == 45
    return new_card


async def she_claims_what_is_hers(stage: Stage, lost: str, card: str) -> Caller:
    she = await stage.opens_wechat("xiulan")
    await stage.agrees(she, "service", "location")
    found = await she.post("/v1/join-requests/by-card", {"code": lost})
    assert refusal(found) == (410, "code_revoked")

    claimed = await she.post("/v1/join-requests/by-card", {"code": card})

    assert (claimed.status_code, claimed.json()["masked_name"]) == (201, MASKED)
    assert (await she.get("/v1/me/home")).status_code == 403  # nothing before a worker has looked
    path = f"/v1/staff/join-requests/{claimed.json()['join_request_id']}/approve"
    assert refusal(await (await stage.staff("worker-2")).post(path)) == (
        404, "join_request_not_found",
    )  # fmt: skip
    approved = await (await stage.staff("worker-1")).post(path)
    assert approved.status_code == 200, approved.text
    return await stage.opens_wechat("xiulan")


async def it_is_all_there(
    stage: Stage, she: Caller, resident_id: str, case: dict[str, Any]
) -> None:
    me = await get(she, "/v1/me")
    assert (me["resident_id"], me["display_name"]) == (resident_id, NAME)
    assert await balance_of(she) == (45, 0, 45)
    assert await lines_of(she) == [("award", 20), ("award", 5), ("award", 20)]
    (mine,) = (await get(she, "/v1/me/cases"))["items"]
    assert mine["case_id"] == case["case_id"]
    resolved = await stage.handle("worker-1", case, "resolve", result="已联系业主清走")
    assert resolved["points_given"] == 5
    assert await newest(she) == (
        "楼道堆物：已解决", "您上报的“楼道堆物”已处理：已联系业主清走 请确认是否已解决。",
    )  # fmt: skip


async def she_reports_herself(stage: Stage, she: Caller) -> str:
    """Let her report something, and exchange what she has for a meal."""
    case = await stage.reports(she, "street_lamp", 2)
    await stage.wechat_answers("pass")
    (photo,) = (await get(she, f"/v1/me/cases/{case['case_id']}"))["photos"]
    meal = await she.post_once(f"/v1/rewards/{stage.here.reward_id('canteen_meal')}/redeem")
    assert meal.status_code == 201, meal.text
    assert await balance_of(she) == (50, 50, 0)
    return str(photo["photo_id"])


async def she_takes_a_copy_along(stage: Stage, she: Caller, photo_id: str) -> None:
    asked = await she.post("/v1/me/data-exports")
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    await stage.work_off()
    (copy,) = (await get(she, "/v1/me/data-exports"))["items"]
    assert copy["state"] == "ready"
    path = f"/v1/me/data-exports/{copy['data_export_id']}/file"
    not_hers = await (await stage.staff("resident-1")).get(path)
    assert refusal(not_hers) == (404, "data_export_not_found")

    answer = await she.get(path)

    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        parts = json.loads(archive.read("data.json"))
        statement = archive.read("statement.csv").decode("utf-8-sig")
        assert f"photos/{photo_id}.jpg" in archive.namelist()
    (me,) = parts["me"]
    assert (me["name"], me["phone"]) == (NAME, "+8613800001234")
    assert len(parts["paper_cards"]) == 2
    assert len(parts["cases"]) == 2
    assert {"隐患上报受理：楼道堆物", "周末大扫除"} <= {
        line.split(",")[3] for line in statement.splitlines()
    }
    assert parts["personal_data_reads"], "the printing of her name is not in her copy"


async def she_no_longer_wants_to_be_located(stage: Stage, she: Caller, photo_id: str) -> None:
    photo = await get(she, f"/v1/photos/{photo_id}")
    assert photo["suggested_place"] is not None
    withdrawn = await she.delete(f"/v1/consents/{stage.here.community_id}/location")
    assert withdrawn.json() == {"purpose": "location", "was_standing": True}
    photo = await get(she, f"/v1/photos/{photo_id}")
    assert photo["suggested_place"] is None
    assert (await stage.photographs(she, 5))["suggested_place"] is None
    elsewhere = {"latitude": 31.2304, "longitude": 121.4737}
    body = {
        "category_code": "street_lamp",
        "description": "又一盏路灯不亮",
        "position": elsewhere,
        "photo_ids": [photo_id],
    }
    refused = await she.post("/v1/cases", body, key=fresh_key())
    assert refusal(refused) == (403, "consent_required")


async def she_leaves_stays_and_leaves(stage: Stage, she: Caller) -> None:
    asked = await she.post("/v1/me/closure")
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    await stage.let_pass(days=6, hours=23)
    kept = await she.delete("/v1/me/closure")
    assert (kept.status_code, kept.json()["state"]) == (200, "cancelled")
    await stage.let_pass(days=2)
    await stage.an_hour_passes()
    await stage.a_night_passes()
    assert await balance_of(she) == (50, 50, 0)  # nobody took her word for the last one

    again = await she.post("/v1/me/closure")

    due = stage.clock.now + timedelta(days=7)
    assert again.json()["closes_at"] == due.isoformat().replace("+00:00", "Z")


async def after_seven_days_she_is_gone(stage: Stage, resident_id: str, card: str) -> None:
    she = stage.people.pop("xiulan")
    await stage.let_pass(days=7)
    await stage.an_hour_passes()
    await stage.a_night_passes()

    back = await she.post("/v1/auth/refresh", {"refresh_token": she.tokens["refresh_token"]})
    assert back.status_code == 401
    stranger = await stage.opens_wechat("xiulan")
    assert (stranger.tokens["membership"], stranger.tokens["memberships"]) == (None, [])
    (left,) = await ask(stage, LEFT_OF_HER, resident_id)
    assert tuple(left) == ("left", "已注销居民", None, None, None)
    (wallet,) = await ask(stage, LEFT_IN_HER_WALLET, resident_id)
    assert tuple(wallet) == (0, 0, 0)
    assert refusal(await check_in(stage, card)) == (410, "code_revoked")
    neighbour = await stage.staff("resident-1")
    meal = await get(neighbour, f"/v1/rewards/{stage.here.reward_id('canteen_meal')}")
    assert meal["stock_left"] == 200  # hers is on sale again
    board = await neighbour.get("/v1/boards/residents", period="all")
    assert MASKED not in board.text
    assert "周" not in (await neighbour.get("/v1/cases")).text


async def ask(stage: Stage, statement: str, resident_id: str) -> list[Any]:
    values = {"community_id": stage.here.community_id, "resident_id": int(resident_id)}
    async with stage.sessionmaker() as session:
        return list((await session.execute(text(statement), values)).all())
