"""Appeals against claims that were refused: awarded after all, as claimed or as corrected."""

from tests.governance.appeals.desk import AppealDesk, make_phoneless, net
from tests.support.caller import problem_code


async def test_a_refused_claim_is_awarded_after_all(desk: AppealDesk) -> None:
    claim_id = await desk.refused_claim("resident-1", note="打扫了整个单元的楼道")
    appeal_id = await desk.file("resident-1", "refusal", claim_id)
    seen = await desk.read("auditor-1", f"/v1/staff/appeals/{appeal_id}")
    assert seen["contribution"] is None
    assert seen["claim"]["note"] == "打扫了整个单元的楼道"
    assert seen["claim"]["claimed_by"]["is_the_resident"]
    assert [review["by"]["role"] for review in seen["claim"]["reviews"]] == ["grid_worker"]

    effects = await desk.decide(appeal_id)

    assert net(effects) == {"points": 10, "granted_points": 10}
    assert (await desk.own("resident-1", claim_id))["state"] == "awarded_on_appeal"
    window = await desk.read(
        "resident-1", "/v1/me/appeals/window", kind="refusal", subject_id=claim_id
    )
    assert (window["is_possible"], window["state"]) == (False, "upheld")
    again = await desk.try_file("resident-1", "refusal", claim_id)
    assert problem_code(again) == "appeal_already_filed"
    assert await desk.place("resident-1") == (1, 10)
    told = await desk.read("resident-1", f"/v1/me/contributions/{effects['contribution_id']}")
    assert [hand["role"] for hand in told["reviewed_by"]] == ["auditor"]
    await desk.check_books()


async def test_part_of_a_claim_is_awarded_as_corrected(desk: AppealDesk) -> None:
    claim_id = await desk.refused_claim("resident-1", "planted", effort="high")
    appeal_id = await desk.file("resident-1", "refusal", claim_id)
    wrong = await desk.try_decide(appeal_id, "partly_upheld", correction={"points": 4})
    assert problem_code(wrong) == "correction_unfit"
    missing = await desk.try_decide(appeal_id, "partly_upheld")
    assert problem_code(missing) == "correction_missing"

    effects = await desk.decide(appeal_id, "partly_upheld", correction={"effort": "low"})

    assert net(effects) == {"points": 3, "granted_points": 3}
    await desk.check_books()


async def test_reviewers_do_not_decide_on_what_they_refused(desk: AppealDesk) -> None:
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    refusal = {"verdict": "refuse", "reason": "看不清照片"}
    assert (await desk.review(claim_id, "committee-1", refusal)).status_code == 200
    appeal_id = await desk.file("resident-1", "refusal", claim_id)

    mine = await desk.try_decide(appeal_id, by="committee-1")
    assert (mine.status_code, problem_code(mine)) == (403, "you_were_involved")
    assert (await desk.try_decide(appeal_id, by="committee-2")).status_code == 200


async def test_a_claim_that_was_not_refused_is_no_refusal(desk: AppealDesk) -> None:
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    answer = await desk.try_file("resident-1", "refusal", claim_id)
    assert (answer.status_code, problem_code(answer)) == (404, "appeal_subject_not_found")


async def test_a_worker_files_for_a_resident_without_a_phone(desk: AppealDesk) -> None:
    fine = (await desk.here.fine("resident-1"))["contribution_id"]
    worker = await desk.here.caller("worker-1")
    body = desk.appealing("deduction", fine)
    theirs = await worker.post_once("/v1/staff/appeals", body)
    assert (theirs.status_code, problem_code(theirs)) == (409, "files_themselves")
    await make_phoneless(desk, "resident-1")
    far = await (await desk.here.caller("worker-2")).post_once("/v1/staff/appeals", body)
    assert (far.status_code, problem_code(far)) == (404, "appeal_subject_not_found")

    filed = await worker.post_once("/v1/staff/appeals", body)

    assert filed.status_code == 201
    appeal_id = filed.json()["appeal_id"]
    seen = await desk.read("auditor-1", f"/v1/staff/appeals/{appeal_id}")
    assert seen["is_filed_by_staff"]
    assert seen["resident_id"] == desk.here.resident_id("resident-1")
    assert (await desk.try_decide(appeal_id, "dismissed")).status_code == 200
    assert (await desk.told("worker-1"))[0].startswith(
        "请转告没有手机的居民王*四：您对“垃圾分类错误”的申诉不成立。裁定理由："
    )
