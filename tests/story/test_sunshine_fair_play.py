"""阳光社区, beside its month: claims are looked at, and what is taken can be earned back.

Volunteer hours and lessons count once a worker has looked, legal advice once everybody could
object; the head of a building is paid by the month; who sorted wrongly is heard first, and gets
the points back for an hour beside the bins. A weekend of volunteers comes as one file.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.story.village import FoundVillage, Village
from tests.support.caller import problem_code
from tests.support.neighbourhood import POSTINGS
from tests.support.photos import send_photo

# Nine in the morning in Shanghai.
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
HEADINGS = ("楼栋", "房号", "姓名", "规则", "日期", "事由")
WEEKEND = "周末大扫除"
HER_WORDS = "那袋垃圾是访客误投的，我愿意去桶边值守"


def at(day: int, hour: int, *, month: int = 11, year: int = 2026) -> datetime:
    """Return a moment as clocks in Shanghai show it."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


async def test_neighbours_claim_are_reviewed_and_a_building_has_its_head(
    found_village: FoundVillage,
) -> None:
    estate: Village = await found_village("sunshine", MONDAY)
    await volunteer_hours_count_after_review(estate)
    await a_lesson_and_a_swept_stairwell_count_after_review(estate)
    await legal_advice_counts_once_everybody_could_object(estate)
    await the_head_of_a_building_has_twenty_a_month(estate)
    await estate.audit()


async def test_who_sorted_wrongly_is_heard_and_a_weekend_comes_as_one_file(
    found_village: FoundVillage,
) -> None:
    estate: Village = await found_village("sunshine", MONDAY)
    await a_weekend_of_volunteers_is_one_file(estate)
    posting_id = await a_deduction_is_proposed_with_a_photo_and_a_task(estate)
    await she_is_told_and_answers(estate, posting_id)
    await somebody_else_posts_it(estate, posting_id)
    await an_hour_beside_the_bins_gives_them_back(estate)
    await estate.audit()


# Claims and duties.


async def volunteer_hours_count_after_review(estate: Village) -> None:
    worked = {
        "units": 3,
        "acted_at": at(15, 9).isoformat(),
        "acted_until": at(15, 12).isoformat(),
        "note": "陪同独居老人去医院复诊取药",
    }
    filed = await estate.claims("resident-1", "volunteer_hour", **worked)
    assert (filed["state"], filed["worth_points"]) == ("in_review", 30)
    assert await estate.points("resident-1") == 0

    (waiting,) = (await estate.read("worker-1", "/v1/staff/claims"))["items"]
    assert (waiting["masked_name"], waiting["units"]) == ("王*四", 3)
    assert (await estate.read("worker-2", "/v1/staff/claims"))["items"] == []
    assert await estate.approve(filed["claim_id"], "worker-1") == "awarded"

    assert await estate.points("resident-1") == 30
    assert await estate.newest("resident-1") == (
        "积分申报已通过", "您申报的“志愿服务”已通过，获得 30 分。",
    )  # fmt: skip


async def a_lesson_and_a_swept_stairwell_count_after_review(estate: Village) -> None:
    without = await estate.tries_to_claim("resident-1", "calligraphy_lesson")
    assert problem_code(without) == "proof_photo_missing"
    for rule, points in (("calligraphy_lesson", 40), ("clean_up", 50)):
        filed = await estate.claims("resident-1", rule, has_photo=True)
        assert await estate.approve(filed["claim_id"], "reviewer-1") == "awarded"
        assert await estate.points("resident-1") == points
    refused = await estate.claims("resident-2", "clean_up", has_photo=True)
    verdict = {"verdict": "refuse", "reason": "照片是别的楼道"}
    assert (await estate.reviews("worker-1", refused["claim_id"], verdict)).status_code == 200
    title, body = await estate.newest("resident-2")
    assert (title, "原因：照片是别的楼道。" in body) == ("积分申报未通过", True)
    assert await estate.points("resident-2") == 0


async def legal_advice_counts_once_everybody_could_object(estate: Village) -> None:
    note = "周日下午为三户居民解答房屋租赁合同问题"
    filed = await estate.claims("resident-4", "legal_advice", note=note)
    assert await estate.approve(filed["claim_id"], "reviewer-1") == "in_review"
    assert await estate.approve(filed["claim_id"], "committee-1") == "approved"
    await estate.until(at(17, 9))
    await estate.comes_round("every_morning")
    (notice,) = (await estate.public("/notices"))["items"]
    awards = f"/notices/{notice['notice_id']}/awards"
    (line,) = (await estate.public(awards))["items"]
    assert (line["masked_name"], line["rule_name"], line["asked_points"]) == (
        "刘*明", "法律咨询服务", 50,
    )  # fmt: skip
    await estate.until(at(22, 23))
    await estate.comes_round("every_hour")
    assert await estate.points("resident-4") == 0

    await estate.until(at(23, 0))
    await estate.comes_round("every_hour")

    assert await estate.points("resident-4") == 50


async def the_head_of_a_building_has_twenty_a_month(estate: Village) -> None:
    duty = {
        "rule_code": "building_head",
        "starts_on": "2026-11-01",
        "resident_ids": [estate.here.resident_id("resident-4")],
    }
    committee = await estate.caller("committee-1")
    assigned = await committee.post_once("/v1/staff/duties", duty)
    assert (assigned.status_code, assigned.json()["assigned_count"]) == (201, 1)

    months = [at(1, 1, month=12), at(1, 2, month=12), at(1, 1, month=1, year=2027)]
    points = []
    for moment in months:
        await estate.until(moment)
        await estate.runs("award_duties")
        await estate.runs("award_duties")
        points.append(await estate.points("resident-4"))

    assert points == [70, 70, 90]
    lines = (await estate.read("resident-4", "/v1/me/statement"))["items"]
    assert [line["memo"] for line in lines] == [
        "楼长履职 2026-12", "楼长履职 2026-11", "法律咨询服务",
    ]  # fmt: skip
    (newest, *_) = (await estate.read("resident-4", "/v1/me/contributions"))["items"]
    sentences = await estate.says("resident-4", newest["contribution_id"])
    assert sentences[0] == "楼长履职：每个月 20 分 × 1 个月 = 20 分；本次计入 20 分。"
    assert sentences[2] == "由系统自动登记。"


# Lists, deductions and repair.


async def a_weekend_of_volunteers_is_one_file(estate: Village) -> None:
    first = volunteer(1, "王小四")
    faulty = [HEADINGS, first, volunteer(2, "李磊"), volunteer(3, "张秀英", 日期="2026-11-31")]
    looked_at = await estate.hands_in(faulty, title=WEEKEND, dry_run=True)
    assert looked_at.status_code == 200, looked_at.text
    report = looked_at.json()
    assert (report["row_count"], report["error_count"], report["asked_points"]) == (3, 2, 20)
    assert [(fault["row"], fault["column"], fault["message"]) for fault in report["errors"]] == [
        (3, "姓名", "找到的居民姓名不符。"),
        (4, "日期", "日期应写作 2026-11-18 或 2026-11-18 14:30。"),
    ]
    refused = await estate.hands_in(faulty, title=WEEKEND)
    assert problem_code(refused) == "list_has_errors"

    right = [HEADINGS, first, volunteer(2, "李雷"), volunteer(3, "张秀英")]
    posted = await estate.award_list(right, title=WEEKEND)

    assert (posted["state"], posted["granted_rows"], posted["granted_points"]) == ("posted", 3, 60)
    again = await estate.hands_in(right, title=WEEKEND)
    assert problem_code(again) == "award_list_known"
    assert [await estate.points(f"resident-{number}") for number in (1, 2, 3, 4)] == [20] * 3 + [0]


def volunteer(number: int, name: str, **changes: str) -> tuple[str, ...]:
    """Return the row of a neighbour, who is found by where they live."""
    row = {
        "楼栋": f"{number}号楼",
        "房号": f"{number}-101",
        "姓名": name,
        "规则": WEEKEND,
        "日期": "2026-11-14",
        "事由": "中心花园大扫除",
    } | changes
    return tuple(row[heading] for heading in HEADINGS)


async def a_deduction_is_proposed_with_a_photo_and_a_task(estate: Village) -> str:
    committee = await estate.resident("committee-1")
    return await estate.proposes(
        "resident-2", "sorted_wrongly",
        units=2, reason="厨余桶里两袋混投的垃圾",
        photo_ids=[await send_photo(committee)], repair_task="在桶边值守一小时", repair_points=8,
    )  # fmt: skip


async def she_is_told_and_answers(estate: Village, posting_id: str) -> None:
    title, body = await estate.newest("resident-2")
    assert (title, await estate.points("resident-2")) == ("拟扣分告知", 20)
    assert body == (
        "“垃圾分类错误”：厨余桶里两袋混投的垃圾，拟扣 10 分，目前尚未扣分。附照片依据 1 张，"
        "可在小程序查看。您可在 2026 年 11 月 19 日（含当日）前申辩，申辩期内不会扣分。"
    )
    checker = await estate.caller("committee-2")
    unheard = await checker.post(f"{POSTINGS}/{posting_id}/approval")
    assert problem_code(unheard) == "not_heard_yet"
    she = await estate.caller("resident-2")
    path = f"/v1/me/deductions/{posting_id}"
    shown = await estate.read("resident-2", path)
    assert (shown["state"], len(shown["photos"]), shown["repair_points"]) == ("proposed", 1, 8)

    answered = await she.post_once(f"{path}/answer", {"text": HER_WORDS})

    assert (answered.status_code, answered.json()["answer"]) == (200, HER_WORDS)


async def somebody_else_posts_it(estate: Village, posting_id: str) -> None:
    path = f"{POSTINGS}/{posting_id}"
    assert (await estate.read("committee-2", path))["answer"] == HER_WORDS
    own = await (await estate.caller("committee-1")).post(f"{path}/approval")
    assert problem_code(own) == "checker_is_maker"

    posted = await estate.here.approve(posting_id)

    result: dict[str, Any] = posted.json()["result"]
    assert (posted.status_code, result["moved_points"]) == (200, -10)
    title, body = await estate.newest("resident-2")
    assert (title, await estate.points("resident-2")) == ("扣分通知", 10)
    assert body == (
        "“垃圾分类错误”：厨余桶里两袋混投的垃圾，经审核扣 10 分。在 2026 年 12 月 16 日（含当日）"
        "前完成“在桶边值守一小时”并提交，可返还 8 分。如有异议，可在 15 天内提出申诉。"
    )


async def an_hour_beside_the_bins_gives_them_back(estate: Village) -> None:
    await estate.until(at(21, 10))
    she = await estate.resident("resident-2")
    (task,) = (await estate.read("resident-2", "/v1/me/repairs"))["items"]
    assert (task["task"], task["points"], task["state"]) == ("在桶边值守一小时", 8, "offered")
    done = {"report": "周六早上八点到九点在 2 号楼桶边值守", "photo_ids": [await send_photo(she)]}
    reported = await she.post_once(f"/v1/me/repairs/{task['repair_task_id']}/report", done)
    assert (reported.status_code, reported.json()["state"]) == (200, "reported")
    checker = await estate.caller("committee-1")
    path = f"/v1/staff/repairs/{task['repair_task_id']}/acceptance"

    accepted = [await checker.post(path) for _ in range(2)]

    assert [answer.json()["state"] for answer in accepted] == ["done", "done"]
    assert await estate.points("resident-2") == 18
    lines = (await estate.read("resident-2", "/v1/me/statement"))["items"]
    assert [line["points"] for line in lines] == [8, -10, 20]
