"""Staff enter claims for residents without a phone."""

from tests.community.cards.holders import issue, register
from tests.contributions.claims.desk import REFUSE, ClaimDesk
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood


async def test_a_worker_enters_for_who_shows_their_paper_card(desk: ClaimDesk) -> None:
    resident_id = await register(desk.here)
    card = await issue(desk.here, resident_id)

    entered = await desk.enter("worker-1", "swept_stairs", resident_code=card["token"])
    assert entered.status_code == 201, entered.text
    claim_id = entered.json()["claim_id"]
    done = await desk.approve(claim_id, "committee-1")

    assert done["state"] == "awarded"
    both = await desk.ask("SELECT recorded_by || ' ' || checked_by FROM contributions")
    assert both == f"{await desk.person('worker-1')} {await desk.person('committee-1')}"
    assert (
        await desk.ask(
            "SELECT posted FROM balances WHERE account_id = :resident", resident=int(resident_id)
        )
        == 10
    )
    # Who has no phone has no inbox, and the worker did it on their behalf.
    assert await desk.told("worker-1") == []
    await desk.audit()


async def test_that_a_claim_was_refused_is_told_whoever_calls_on_them(desk: ClaimDesk) -> None:
    resident_id = await register(desk.here)
    entered = await desk.enter("worker-1", "swept_stairs", resident_id=resident_id)
    assert entered.status_code == 201, entered.text

    await desk.review(entered.json()["claim_id"], "reviewer-1", REFUSE)

    (told,) = await desk.told("worker-1")
    assert told.startswith("请转告没有手机的居民")
    for part in ("“打扫楼道”未通过", "照片与申报不符", "15 天内", "代为提出"):
        assert part in told


async def test_whom_a_worker_enters_for_is_told_what_they_got(desk: ClaimDesk) -> None:
    entered = await desk.enter(
        "worker-1", "read_tips", resident_id=desk.here.resident_id("resident-2")
    )
    assert entered.json()["granted_points"] == 5
    assert await desk.told("resident-2") == ["您申报的“阅读贴士”已通过，获得 5 分。"]
    (listed,) = (await desk.read("resident-2", "/v1/me/claims"))["items"]
    assert listed["is_entered_by_staff"] is True


async def test_for_whom_nobody_can_enter(desk: ClaimDesk, elsewhere: Neighbourhood) -> None:
    here, resident_id = desk.here, desk.here.resident_id("resident-1")
    card = await issue(here, await register(here))
    wrong = [
        ({}, "claimant_unnamed"),
        ({"resident_id": resident_id, "resident_code": card["token"]}, "claimant_unnamed"),
        ({"resident_id": here.resident_id("resident-3")}, "resident_not_found"),
        ({"resident_id": elsewhere.resident_id("resident-1")}, "resident_not_found"),
        ({"resident_id": here.shop_id("corner_shop")}, "resident_not_found"),
        ({"resident_code": "no code"}, "code_unreadable"),
    ]
    for fields, code in wrong:
        assert problem_code(await desk.enter("worker-1", "swept_stairs", **fields)) == code
    await desk.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(resident_id),
    )
    left = await desk.enter("worker-1", "swept_stairs", resident_id=resident_id)
    assert problem_code(left) == "resident_not_found"


async def test_nobody_enters_for_themselves(desk: ClaimDesk) -> None:
    await desk.do(
        "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
        " VALUES (:community, 1, :person, 'committee', now())",
        person=await desk.person("resident-1"),
    )
    answer = await desk.enter(
        "resident-1", "read_tips", resident_id=desk.here.resident_id("resident-1")
    )
    assert (answer.status_code, problem_code(answer)) == (403, "own_entry")
    for name in ("resident-1", "resident-2"):
        photo_of_another = await desk.photo(name)
    refused = await desk.enter(
        "resident-1", "read_tips",
        resident_id=desk.here.resident_id("resident-2"), photo_ids=[photo_of_another],
    )  # fmt: skip
    assert problem_code(refused) == "evidence_photo_not_found"
