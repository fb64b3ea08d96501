"""平安社区: a newcomer is welcomed, helps to keep the peace, and a month counts double.

Patrols count one an hour, clues two, mediation five to ten by how hard it was. In the peace month
all of that doubles as long as the committee's budget lasts. Who reports cheating is rewarded, and
a reviewer is told when a photo has been shown before.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.story.village import FoundVillage, Village
from tests.support.caller import problem_code
from tests.support.photos import send_photo

# Three in the afternoon in Shanghai.
FRIDAY = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHE = "meifang"
CLUE = "东门停车场连续三晚有人拉车门，已记下车牌"
AGREED = "两户就空调外机噪音达成书面协议"


async def test_a_newcomer_helps_and_the_peace_month_counts_double_within_its_budget(
    found_village: FoundVillage,
) -> None:
    town: Village = await found_village("pingan", FRIDAY)
    await a_newcomer_is_welcomed_once(town)
    await an_hour_of_patrol_counts_one(town)
    await a_clue_counts_two_and_mediation_by_its_effort(town)
    await success_doubles_it_and_rewards_both_parties(town)
    campaign_id = await the_committee_opens_the_peace_month(town)
    await in_it_everything_of_safety_and_harmony_doubles(town)
    await its_budget_is_never_passed(town, campaign_id)
    await town.audit()


async def test_who_reports_cheating_is_rewarded_and_a_photo_shown_twice_is_seen(
    found_village: FoundVillage,
) -> None:
    town: Village = await found_village("pingan", FRIDAY)
    claim_id = await a_neighbour_claims_with_a_photo_of_before(town)
    await the_reviewer_is_told_of_it_and_refuses(town, claim_id)
    await another_neighbour_reports_it(town)
    await town.audit()


async def a_newcomer_is_welcomed_once(town: Village) -> None:
    resident_id = await town.moves_in(SHE, "周美芳", building=2, room="2-302")
    assert await town.points(SHE) == 0

    for _ in range(2):
        await town.runs("welcome_newcomers")

    assert await town.points(SHE) == 5
    (pack,) = (await town.read(SHE, "/v1/me/contributions"))["items"]
    assert (pack["name"], pack["source_kind"]) == ("新居民礼包", "newcomer")
    assert (await town.says(SHE, pack["contribution_id"]))[2] == "由系统自动登记。"
    assert (await town.read(SHE, "/v1/me"))["resident_id"] == resident_id


async def an_hour_of_patrol_counts_one(town: Village) -> None:
    await town.until(FRIDAY + 4 * HOUR)
    filed = await town.claims(SHE, "patrol_hour", has_photo=True, **patrol(3, FRIDAY))
    assert (filed["state"], filed["worth_points"]) == ("in_review", 3)
    assert await town.approve(filed["claim_id"], "worker-1") == "awarded"
    assert await town.points(SHE) == 8


def patrol(hours: int, began: datetime) -> dict[str, Any]:
    """Return what a claim says of a patrol."""
    until = began + hours * HOUR
    times = {"acted_at": began.isoformat(), "acted_until": until.isoformat()}
    return times | {"units": hours, "mode": "offline"}


async def a_clue_counts_two_and_mediation_by_its_effort(town: Village) -> None:
    clue = await town.claims(SHE, "clue", note=CLUE)
    assert await town.approve(clue["claim_id"], "reviewer-1") == "awarded"
    assert await town.points(SHE) == 10
    unsaid = await town.tries_to_claim(SHE, "mediation", note=AGREED)
    assert problem_code(unsaid) == "effort_missing"
    gained = [await mediates(town, effort) for effort in ("low", "medium", "high")]
    assert gained == [5, 8, 10]
    assert await town.points(SHE) == 33


async def success_doubles_it_and_rewards_both_parties(town: Village) -> None:
    """The committee lists whom an agreement that holds has brought together."""
    names = (SHE, "resident-3", "resident-4")
    before = [await town.points(name) for name in names]
    rows = [
        ("居民编号", "规则", "强度", "日期", "事由"),
        (town.here.resident_id(SHE), "调解成功", "高", "2026-11-20", AGREED),
        *(
            (town.here.resident_id(name), "达成和解（当事人）", "", "2026-11-20", AGREED)
            for name in names[1:]
        ),
    ]
    posted = await town.award_list(rows, title="调解成功名单")
    assert (posted["granted_rows"], posted["granted_points"]) == (3, 20)
    after = [await town.points(name) for name in names]
    assert [now - then for then, now in zip(before, after, strict=True)] == [10, 5, 5]


async def mediates(town: Village, effort: str) -> int:
    """Let her claim mediation and two others approve it; return the points."""
    filed = await town.claims(SHE, "mediation", note=AGREED, effort=effort)
    assert await town.approve(filed["claim_id"], "worker-1") == "in_review"
    assert await town.approve(filed["claim_id"], "committee-1") == "awarded"
    points: int = (await town.claim(SHE, filed["claim_id"]))["granted_points"]
    return points


async def the_committee_opens_the_peace_month(town: Village) -> str:
    running = (await town.read(SHE, "/v1/campaigns"))["items"]
    assert running == []  # the preset proposes it without days
    body = {
        "code": "peace_month",
        "name": "平安月双倍积分",
        "categories": ["safety", "patrol", "harmony"],
        "percent": 200,
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-31",
        "budget_points": 20,
    }
    committee = await town.caller("committee-1")
    too_late = await committee.post_once("/v1/staff/campaigns", body | {"starts_on": "2026-11-01"})
    assert problem_code(too_late) == "campaign_in_the_past"

    opened = await committee.post_once("/v1/staff/campaigns", body)

    assert opened.status_code == 201, opened.text
    (coming,) = (await town.read(SHE, "/v1/campaigns"))["items"]
    assert (coming["name"], coming["is_running"], coming["starts_at"]) == (
        "平安月双倍积分", False, "2026-11-30T16:00:00Z",
    )  # fmt: skip
    campaign_id: str = opened.json()["campaign_id"]
    return campaign_id


async def in_it_everything_of_safety_and_harmony_doubles(town: Village) -> None:
    december = datetime(2026, 12, 1, 1, tzinfo=UTC)
    await town.until(december + 12 * HOUR)
    before = await town.points(SHE)
    late_in_november = december - 12 * HOUR
    for began, worth in ((late_in_november, 2), (december, 4)):
        filed = await town.claims(SHE, "patrol_hour", has_photo=True, **patrol(2, began))
        assert filed["worth_points"] == worth
        assert await town.approve(filed["claim_id"], "worker-1") == "awarded"
    clue = await town.claims(SHE, "clue", note=CLUE)
    assert await town.approve(clue["claim_id"], "worker-1") == "awarded"
    assert await mediates(town, "high") == 20
    assert await town.points(SHE) == before + 2 + 4 + 4 + 20


async def its_budget_is_never_passed(town: Village, campaign_id: str) -> None:
    """Two, two and ten are gone of twenty: of the next ten six are left."""
    path = f"/v1/staff/campaigns/{campaign_id}/usage"
    usage = await town.read("committee-1", path)
    assert (usage["given_points"], usage["left_points"], usage["residents"]) == (14, 6, 1)

    assert [await mediates(town, "high") for _ in range(2)] == [16, 10]

    usage = await town.read("committee-1", path)
    assert (usage["given_points"], usage["left_points"]) == (20, 0)
    last, limited = (await town.read(SHE, "/v1/me/contributions"))["items"][:2]
    words = (await town.says(SHE, limited["contribution_id"]))[0]
    assert words == (
        "矛盾调解（强度高）：每次 10 分 × 1 次 = 10 分；"
        "“平安月双倍积分”加 6 分（本应 10 分，活动额度已满）；本次计入 16 分。"
    )
    counted = re.findall(r"计入 (\d+) 分", (await town.says(SHE, last["contribution_id"]))[0])
    assert counted == ["10"]


# Cheating.


async def a_neighbour_claims_with_a_photo_of_before(town: Village) -> str:
    """Return his second claim: two days, and one photo."""
    photo_ids = [await send_photo(await town.resident("resident-1"))]
    await town.until(FRIDAY + 3 * HOUR)
    first = await town.claims("resident-1", "patrol_hour", photo_ids=photo_ids, **patrol(2, FRIDAY))
    seen = await town.read("worker-1", f"/v1/staff/claims/{first['claim_id']}")
    assert seen["signals"] == []
    assert await town.approve(first["claim_id"], "worker-1") == "awarded"
    await town.until(FRIDAY + 27 * HOUR)
    second = await town.claims(
        "resident-1", "patrol_hour", photo_ids=photo_ids, **patrol(2, FRIDAY + 24 * HOUR)
    )
    claim_id: str = second["claim_id"]
    return claim_id


async def the_reviewer_is_told_of_it_and_refuses(town: Village, claim_id: str) -> None:
    seen = await town.read("reviewer-1", f"/v1/staff/claims/{claim_id}")
    (signal,) = seen["signals"]
    assert (signal["kind"], signal["used_for"]) == ("photo_used_twice", "claim")
    assert signal["explanation_zh"].startswith("同一张照片还用于本人的积分申报")
    verdict = {"verdict": "refuse", "reason": "照片与昨天的相同，请补充当天照片"}

    refused = await town.reviews("reviewer-1", claim_id, verdict)

    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    assert await town.points("resident-1") == 2


async def another_neighbour_reports_it(town: Village) -> None:
    words = "我周六在东门值守，没有见到他来巡逻"
    filed = await town.claims("resident-2", "cheating_report", note=words)
    assert filed["review_level"] == 2
    assert await town.approve(filed["claim_id"], "reviewer-1") == "in_review"
    assert await town.approve(filed["claim_id"], "committee-1") == "awarded"
    assert await town.points("resident-2") == 5
    nobody_elses = await (await town.caller("resident-1")).get("/v1/staff/claims")
    assert nobody_elses.status_code == 403
