"""天河社区: what 吴桂兰 takes back in WeChat's own settings is deleted here; in the end, so is she.

WeChat tells us of it by a push; nobody asks anything of our service.
"""

from datetime import UTC, datetime
from pathlib import Path

from tests.story.conftest import SetStage
from tests.story.hazards import APP_ID, LAMP, Stage, files_in, place_of_photo, refusal
from tests.story.tale import balance_of, get
from tests.support.caller import Caller, fresh_key

WEDNESDAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
LOCATION = "13"


async def test_a_place_taken_back_in_wechat_is_forgotten_and_so_is_who_leaves_wechat(
    set_stage: SetStage, photo_folder: Path
) -> None:
    stage = await set_stage("tianhe", WEDNESDAY)
    she = await stage.neighbour("guilan", "吴桂兰")
    case = await stage.reports(she, "parking", 1)
    await stage.wechat_answers("pass")
    await stage.handle("worker-1", case, "accept")
    assert await balance_of(she) == (20, 0, 20)

    await she_takes_the_place_back(stage, she, str(case["case_id"]))
    assert len(files_in(photo_folder)) == 4  # two photos, each with its sealed original
    await she_leaves_wechat(stage, she, str(case["case_id"]))

    assert len(files_in(photo_folder)) == 1  # what neighbours have been shown stays
    await stage.audit()


async def she_takes_the_place_back(stage: Stage, she: Caller, case_id: str) -> None:
    (shown,) = (await get(she, f"/v1/me/cases/{case_id}"))["photos"]
    photo = await get(she, f"/v1/photos/{shown['photo_id']}")
    place, exact = place_of_photo(photo), await place_of_case(she, case_id)

    await push(stage, "user_authorization_revoke", RevokeInfo=LOCATION)

    photo = await get(she, f"/v1/photos/{shown['photo_id']}")
    assert photo["suggested_place"] is None
    neighbours_see = (await get(she, f"/v1/cases/{case_id}"))["place"]
    assert await place_of_case(she, case_id) == neighbours_see != exact
    consents = (await get(she, "/v1/consents", community_id=stage.here.community_id))["items"]
    standing = {item["code"] for item in consents if item["standing"]}
    assert standing == {"service"}
    photo = await stage.photographs(she, 2, LAMP)
    assert photo["suggested_place"] is None
    body = {
        "category_code": "parking",
        "description": "消防通道又被占了",
        "position": place,
        "photo_ids": [photo["photo_id"]],
    }
    refused = await she.post("/v1/cases", body, key=fresh_key())
    assert refusal(refused) == (403, "consent_required")


async def she_leaves_wechat(stage: Stage, she: Caller, case_id: str) -> None:
    await push(stage, "user_authorization_cancellation")

    assert (await she.get("/v1/me/home")).status_code == 401
    worker = await stage.staff("worker-1")
    read = await get(worker, f"/v1/staff/cases/{case_id}")
    assert read["reporter_masked_name"] == "已注销居民"
    (photo,) = read["photos"]
    path = f"/v1/staff/photos/{photo['photo_id']}/original"
    gone = await worker.post(path, {"purpose": "核对车牌号码"})
    assert refusal(gone) == (410, "original_destroyed")
    board = await worker.get("/v1/boards/residents", period="all")
    assert "吴" not in board.text
    stranger = await stage.opens_wechat("guilan")
    assert stranger.tokens["memberships"] == []


async def place_of_case(she: Caller, case_id: str) -> object:
    return (await get(she, f"/v1/me/cases/{case_id}"))["place"]


async def push(stage: Stage, name: str, **more: str) -> None:
    """Let WeChat tell us, twice as it may, what somebody did in its settings."""
    event = {
        "Event": name,
        "OpenID": stage.wechat.open_id(APP_ID, "guilan"),
        "AppID": APP_ID,
        "PluginID": "",
        "OpenPID": "",
        **more,
    }
    for _ in range(2):
        told = await stage.wechat.push_event(event)
        assert (told.status_code, told.text) == (200, "success")
    await stage.work_off()
