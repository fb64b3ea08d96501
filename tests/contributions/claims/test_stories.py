"""Claims from the act to the points, with nobody, one and two people reviewing."""

from datetime import timedelta

from tests.conftest import NOW
from tests.contributions.claims.desk import CLAIMS, QUEUE, REFUSE, ClaimDesk
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock


async def test_what_nobody_reviews_is_awarded_in_the_same_request(desk: ClaimDesk) -> None:
    resident, key = await desk.resident("resident-1"), fresh_key()

    first = await resident.post(CLAIMS, {"rule_code": "read_tips"}, key=key)
    again = await resident.post(CLAIMS, {"rule_code": "read_tips"}, key=key)

    assert first.status_code == 201
    filed = first.json()
    assert (filed["state"], filed["worth_points"], filed["granted_points"]) == ("awarded", 5, 5)
    assert (filed["caps_hit"], filed["balance_points"]) == ([], 5)
    assert again.json() == filed
    claim = await desk.own("resident-1", filed["claim_id"])
    assert (claim["state"], claim["granted_points"]) == ("awarded", 5)
    assert claim["is_entered_by_staff"] is False
    assert await desk.points("resident-1") == 5
    # Whoever has just been told is not told again.
    assert await desk.told("resident-1") == []
    assert await desk.queue("committee-1") == []
    await desk.audit()


async def test_one_review_awards_with_photo_and_note_before_the_reviewer(
    desk: ClaimDesk, clock: Clock
) -> None:
    began = NOW - timedelta(hours=20)
    photo_id = await desk.photo("resident-1")
    filed = await desk.claim(
        "resident-1", "night_watch",
        units=3, mode="offline", note="冬至夜在东门值守，劝离两名可疑人员",
        acted_at=began.isoformat(), acted_until=(began + timedelta(hours=2.5)).isoformat(),
        photo_ids=[photo_id],
    )  # fmt: skip
    claim_id = filed["claim_id"]
    assert (filed["state"], filed["worth_points"]) == ("in_review", 18)
    assert (filed["granted_points"], filed["balance_points"]) == (None, None)

    (waiting,) = await desk.queue("reviewer-1")
    seen = await desk.read("reviewer-1", f"{QUEUE}/{claim_id}")
    clock.advance(minutes=5)
    reviewed = await desk.approve(claim_id, "reviewer-1")

    assert (waiting["claim_id"], waiting["masked_name"]) == (claim_id, "王*四")
    assert (waiting["may_review"], waiting["my_verdict"]) == (True, None)
    assert [photo["photo_id"] for photo in seen["photos"]] == [photo_id]
    assert (seen["reviews"], seen["note"][:3], seen["units"]) == ([], "冬至夜", 3)
    assert (reviewed["state"], reviewed["approvals"]) == ("awarded", 1)
    claim = await desk.own("resident-1", claim_id)
    assert (claim["granted_points"], claim["decided_at"]) == (18, "2026-11-18T07:05:00Z")
    assert [photo["photo_id"] for photo in claim["photos"]] == [photo_id]
    assert await desk.told("resident-1") == ["您申报的“夜间值守”已通过，获得 18 分。"]
    # Who claimed stands as maker, who reviewed as checker; the points are of the day of the act.
    both = await desk.ask("SELECT maker_id || ' ' || checker_id FROM transfers")
    assert both == f"{await desk.person('resident-1')} {await desk.person('reviewer-1')}"
    (line,) = (await desk.read("resident-1", "/v1/me/statement"))["items"]
    assert (line["occurred_at"], line["memo"]) == ("2026-11-17T11:00:00Z", "夜间值守")
    await desk.audit()


async def test_a_photo_that_stands_behind_a_claim_is_not_deleted(desk: ClaimDesk) -> None:
    photo_id = await desk.photo("resident-1")
    await desk.claim("resident-1", "swept_stairs", photo_ids=[photo_id])
    answer = await (await desk.resident("resident-1")).delete(f"/v1/photos/{photo_id}")
    assert problem_code(answer) == "photo_still_used"


async def test_two_people_must_agree_where_the_rule_says_so(desk: ClaimDesk, clock: Clock) -> None:
    claim_id = await desk.claimed("resident-1", "settled_quarrel")

    first = await desk.approve(claim_id, "reviewer-1")
    (marked,) = await desk.queue("reviewer-1")
    (open_to_others,) = await desk.queue("committee-1")
    pressed_again = await desk.approve(claim_id, "reviewer-1")
    changed = await desk.review(claim_id, "reviewer-1", REFUSE)
    clock.advance(seconds=1)
    second = await desk.approve(claim_id, "committee-1")

    assert (first["state"], first["approvals"], first["review_level"]) == ("in_review", 1, 2)
    assert (marked["my_verdict"], marked["may_review"]) == ("approve", False)
    assert (open_to_others["my_verdict"], open_to_others["may_review"]) == (None, True)
    assert pressed_again == first
    assert problem_code(changed) == "already_reviewed"
    assert (second["state"], second["approvals"]) == ("awarded", 2)
    seen = await desk.read("committee-2", f"{QUEUE}/{claim_id}")
    assert [review["role"] for review in seen["reviews"]] == ["reviewer", "committee"]
    assert await desk.ask("SELECT checked_by FROM contributions") == await desk.person(
        "committee-1"
    )
    assert await desk.points("resident-1") == 30
    late = await desk.review(claim_id, "committee-2")
    assert (problem_code(late), late.json()["state"]) == ("claim_decided", "awarded")
    await desk.audit()


async def test_one_refusal_refuses_and_says_why_and_how_to_appeal(desk: ClaimDesk) -> None:
    claim_id = await desk.claimed("resident-1", "settled_quarrel")
    await desk.approve(claim_id, "reviewer-1")

    no_reason = await desk.review(claim_id, "committee-1", {"verdict": "refuse"})
    refused = await desk.review(claim_id, "committee-1", REFUSE)
    again = await desk.review(claim_id, "committee-1", REFUSE)

    assert no_reason.status_code == 422
    assert refused.json()["state"] == "refused"
    assert again.json() == refused.json()
    claim = await desk.own("resident-1", claim_id)
    assert (claim["state"], claim["reason"]) == ("refused", "照片与申报不符")
    (told,) = await desk.told("resident-1")
    assert "原因：照片与申报不符。" in told
    assert "15 天内在“我的申报”中提出申诉" in told
    assert problem_code(await desk.review(claim_id, "committee-2")) == "claim_decided"
    assert [row["claim_id"] for row in await desk.queue("committee-2", state="refused")] == [
        claim_id
    ]
    assert await desk.points("resident-1") == 0


async def test_a_claim_can_be_taken_back_until_it_is_decided(desk: ClaimDesk, clock: Clock) -> None:
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    done = await desk.claimed("resident-1", "read_tips")
    resident, other = await desk.resident("resident-1"), await desk.resident("resident-2")

    taken = await resident.post(f"{CLAIMS}/{claim_id}/withdrawal")
    clock.advance(minutes=1)
    again = await resident.post(f"{CLAIMS}/{claim_id}/withdrawal")

    assert taken.json()["state"] == "withdrawn"
    assert again.json() == taken.json()
    assert problem_code(await resident.post(f"{CLAIMS}/{done}/withdrawal")) == "claim_decided"
    assert problem_code(await other.post(f"{CLAIMS}/{claim_id}/withdrawal")) == "claim_not_found"
    assert problem_code(await other.get(f"{CLAIMS}/{claim_id}")) == "claim_not_found"
    assert problem_code(await desk.review(claim_id, "reviewer-1")) == "claim_decided"
    assert await desk.queue("reviewer-1") == []


async def test_own_claims_are_listed_newest_first_by_page(desk: ClaimDesk) -> None:
    numbers = [await desk.claimed("resident-1", "swept_stairs") for _ in range(3)]
    await desk.claimed("resident-2", "swept_stairs")

    first = await desk.read("resident-1", CLAIMS, size=2)
    rest = await desk.read("resident-1", CLAIMS, size=2, cursor=first["next_cursor"])

    listed = [row["claim_id"] for page in (first, rest) for row in page["items"]]
    assert listed == numbers[::-1]
    assert rest["next_cursor"] is None
    # Who reviews sees the one first that waits longest.
    assert [row["claim_id"] for row in await desk.queue("committee-1")][:3] == numbers
