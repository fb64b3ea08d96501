"""天河社区: twenty points for a hazard once it is accepted, and pictures that show no more.

What WeChat finds risky nobody sees, what it doubts a person decides, a face is blacked out for
good, and the file that the phone sent is destroyed in the end.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.story.conftest import SetStage
from tests.story.hazards import Stage, fetch, files_in, lines_of, newest, refusal
from tests.story.tale import balance_of, get
from tests.support.caller import Caller

WEDNESDAY = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
FACE = {"left": 0.25, "top": 0.25, "width": 0.5, "height": 0.25}


async def test_a_hazard_gives_twenty_when_it_is_accepted_and_nothing_when_it_is_not(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("tianhe", WEDNESDAY)
    she = await stage.neighbour("guilan", "吴桂兰")
    thrown = await stage.reports(she, "thrown_objects", 1)
    parked = await stage.reports(she, "parking", 2)
    burning = await stage.reports(she, "fire_safety", 3)
    assert {case["points_gained"] for case in (thrown, parked, burning)} == {0}
    assert await balance_of(she) == (0, 0, 0)

    accepted = await stage.handle("worker-1", thrown, "accept")
    refused = await stage.handle("worker-1", parked, "refuse", reason="该处为允许停车路段")

    assert (accepted["points_given"], refused["points_given"]) == (20, 0)
    assert await newest(she) == (
        "占道停车：不予受理", "您上报的“占道停车”未予受理：该处为允许停车路段",
    )  # fmt: skip
    assert await balance_of(she) == (20, 0, 20)
    assert (await stage.handle("worker-1", burning, "accept"))["points_given"] == 20
    third = await stage.reports(she, "fire_safety", 4)
    assert (await stage.handle("worker-1", third, "accept"))["points_given"] == 0  # two a day
    for case in (thrown, burning):
        resolved = await stage.handle("worker-1", case, "resolve", result="已处理")
        assert resolved["points_given"] == 0
    assert await lines_of(she) == [("award", 20), ("award", 20)]
    await stage.audit()


async def test_a_risky_photo_is_never_shown_and_its_author_reads_why(
    set_stage: SetStage,
) -> None:
    stage = await set_stage("tianhe", WEDNESDAY)
    she = await stage.neighbour("guilan", "吴桂兰")
    he = await stage.neighbour("jianjun", "郑建军", building=2)
    case = await stage.reports(she, "thrown_objects", 1)

    await stage.wechat_answers("risky")

    reason = "内容疑似涉及违法犯罪，如需报警请拨打 110"
    assert await newest(she) == (
        "照片未通过审核", f"您提交的照片未通过内容审核，不会公开显示。{reason}",
    )  # fmt: skip
    (hers,) = (await get(she, f"/v1/me/cases/{case['case_id']}"))["photos"]
    assert hers["state"] == "refused"
    assert (await get(she, f"/v1/photos/{hers['photo_id']}"))["reason"] == reason
    for _ in range(2):
        seen = await get(he, f"/v1/cases/{case['case_id']}")
        assert seen["photos"] == []
        assert seen["description"] is not None
        answer = await he.get(f"/v1/photos/{hers['photo_id']}")
        assert refusal(answer) == (404, "photo_not_found")
        await stage.let_pass(days=1)
        await stage.a_minute_passes()


async def test_what_wechat_doubts_waits_until_a_person_has_passed_it(set_stage: SetStage) -> None:
    stage = await set_stage("tianhe", WEDNESDAY)
    she = await stage.neighbour("guilan", "吴桂兰")
    he = await stage.neighbour("jianjun", "郑建军", building=2)
    words = "疑似有人高空抛物，请查看监控"
    case = await stage.reports(she, "thrown_objects", 1, description=words)
    await stage.wechat_answers("review")
    path = f"/v1/cases/{case['case_id']}"
    seen = await get(he, path)
    assert (seen["description"], seen["photos"]) == (None, [])

    worker = await stage.staff("worker-1")
    waiting = (await get(worker, "/v1/staff/content-checks"))["items"]
    assert {check["kind"]: check["author"] for check in waiting} == {
        "photo": "吴*兰", "text": "吴*兰",
    }  # fmt: skip
    for check in waiting:
        decided = await worker.post(f"/v1/staff/content-checks/{check['content_check_id']}/pass")
        assert decided.json()["state"] == "passed"

    seen = await get(he, path)
    assert (seen["description"], len(seen["photos"])) == (words, 1)
    assert (await get(worker, "/v1/staff/content-checks"))["items"] == []


async def test_a_face_is_blacked_out_for_good_and_the_original_does_not_last(
    set_stage: SetStage, photo_folder: Path
) -> None:
    stage = await set_stage("tianhe", WEDNESDAY)
    she = await stage.neighbour("guilan", "吴桂兰")
    case = await stage.reports(she, "parking", 1)
    await stage.wechat_answers("pass")
    (photo,) = (await get(she, f"/v1/cases/{case['case_id']}"))["photos"]
    before = await fetch(she, photo["url"])
    files = files_in(photo_folder)
    assert len(files) == 2  # as it is served, and the sealed original
    path = f"/v1/staff/photos/{photo['photo_id']}"
    worker = await stage.staff("worker-1")

    redacted = await worker.post(f"{path}/redactions", {"boxes": [FACE]})

    assert redacted.status_code == 201, redacted.text
    after = await fetch(she, redacted.json()["url"])
    assert (is_black(before), is_black(after)) == (False, True)
    await stage.work_off()
    await nobody_gets_the_old_picture(stage, she, photo, before)
    gone = files - files_in(photo_folder)
    assert len(gone) == len(files_in(photo_folder) - files) == 1
    asked = {"purpose": "居民申诉，核对车牌"}
    original = await worker.post(f"{path}/original", asked)
    assert (original.status_code, is_black(original.content)) == (200, False)
    await after_a_month_only_the_black_one_is_left(stage, path, photo_folder)


async def nobody_gets_the_old_picture(
    stage: Stage, neighbour: Caller, photo: dict[str, Any], before: bytes
) -> None:
    by_old_link = await neighbour.http.get(photo["url"])
    assert before not in by_old_link.content
    assert (by_old_link.status_code, is_black(by_old_link.content)) == (200, True)
    page = f"/v1/public/communities/{stage.here.community_id}/cases"
    (shown,) = (await get(neighbour, page))["items"]
    assert is_black(await fetch(neighbour, shown["photos"][0]["url"]))


async def after_a_month_only_the_black_one_is_left(
    stage: Stage, path: str, photo_folder: Path
) -> None:
    await stage.let_pass(days=29, hours=23)
    await stage.a_night_passes()
    assert len(files_in(photo_folder)) == 2
    await stage.let_pass(hours=1)
    await stage.a_night_passes()
    (left,) = files_in(photo_folder)
    assert is_black((photo_folder / left).read_bytes())
    worker = await stage.staff("worker-1")
    answer = await worker.post(f"{path}/original", {"purpose": "居民申诉，核对车牌"})
    assert refusal(answer) == (410, "original_destroyed")


def is_black(jpeg: bytes) -> bool:
    """Tell whether nothing is to be seen where the face was."""
    with Image.open(BytesIO(jpeg)) as picture:
        width, height = picture.size
        box = (width * 3 // 10, height * 3 // 10, width * 7 // 10, height * 45 // 100)
        brightest = picture.convert("L").crop(box).getextrema()[1]
    return int(str(brightest)) < 16
