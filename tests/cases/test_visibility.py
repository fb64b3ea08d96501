"""Who sees and touches which case: neighbours the checked and blurred part, strangers nothing."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.coordinates import Position, to_gcj02
from tests.cases.filing import IN_FIRST, RATING, WHY, Watch, draw_grids, read
from tests.support.caller import Caller, problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import let_check_pass, send_photo

Sessions = async_sessionmaker[AsyncSession]

STAFF_ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accept", {}),
    ("progress", {"note": "已查看"}),
    ("pause", WHY),
    ("resume", {}),
    ("resolve", {"result": "已处理"}),
    ("refuse", WHY),
    ("judge-fake", WHY),
    ("mark-duplicate", {"of_case_id": "1"}),
    ("pass-on", WHY | {"grid_id": "1"}),
)
OWN_ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("withdraw", {}), ("confirm", RATING), ("not-fixed", WHY),
)  # fmt: skip


async def refusals_for_staff(caller: Caller, case_id: str) -> set[str]:
    """Return how somebody is answered who tries everything that staff do with a case."""
    answers = [await caller.get(f"/v1/staff/cases/{case_id}")]
    answers += [
        await caller.post_once(f"/v1/staff/cases/{case_id}/{action}", body)
        for action, body in STAFF_ACTIONS
    ]
    return {problem_code(answer) for answer in answers}


async def refusals_for_residents(caller: Caller, case_id: str) -> set[str]:
    answers = [
        await caller.get(f"/v1/me/cases/{case_id}"),
        *[
            await caller.post_once(f"/v1/me/cases/{case_id}/{action}", body)
            for action, body in OWN_ACTIONS
        ],
    ]
    return {problem_code(answer) for answer in answers}


async def test_another_community_s_numbers_lead_nowhere(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    case_id = await watch.file()
    resident = await elsewhere.caller("resident-1")
    assert await refusals_for_residents(resident, case_id) == {"case_not_found"}
    assert problem_code(await resident.get(f"/v1/cases/{case_id}")) == "case_not_found"
    assert problem_code(await resident.post(f"/v1/cases/{case_id}/join")) == "case_not_found"
    assert (await read(resident, "/v1/cases"))["items"] == []
    for name in ("worker-1", "committee-1"):
        staff = await elsewhere.caller(name)
        assert await refusals_for_staff(staff, case_id) == {"case_not_found"}
        assert (await read(staff, "/v1/staff/cases"))["items"] == []
    route = f"/v1/staff/cases/{case_id}/route"
    answer = await (await elsewhere.caller("committee-1")).post_once(route, WHY | {"grid_id": "1"})
    assert problem_code(answer) == "case_not_found"


async def test_a_worker_of_another_grid_finds_nothing(watch: Watch) -> None:
    case_id = await watch.file()
    worker = await watch.caller("worker-2")
    assert await refusals_for_staff(worker, case_id) == {"case_not_found"}
    assert (await read(worker, "/v1/staff/cases"))["items"] == []


async def test_shop_clerks_have_no_part_in_cases(watch: Watch) -> None:
    case_id = await watch.file()
    clerk = await watch.caller("clerk-1")
    assert await refusals_for_staff(clerk, case_id) == {"forbidden"}
    assert await refusals_for_residents(clerk, case_id) == {"forbidden"}
    for path in ("/v1/cases", f"/v1/cases/{case_id}", "/v1/staff/cases", "/v1/case-categories"):
        assert problem_code(await clerk.get(path)) == "forbidden"


async def test_residents_do_no_staff_work_and_staff_no_residents(watch: Watch) -> None:
    case_id = await watch.file()
    resident = await watch.caller("resident-1")
    assert await refusals_for_staff(resident, case_id) == {"forbidden"}
    body = await watch.case_of("resident-1")
    answer = await resident.post_once("/v1/staff/cases", body)
    assert problem_code(answer) == "forbidden"
    for name in ("worker-1", "committee-1"):
        staff = await watch.caller(name)
        assert await refusals_for_residents(staff, case_id) == {"forbidden"}
        assert problem_code(await staff.post(f"/v1/cases/{case_id}/join")) == "forbidden"
        assert problem_code(await staff.post_once("/v1/cases", body)) == "forbidden"


async def test_only_the_committee_routes(watch: Watch) -> None:
    case_id = await watch.file()
    body = WHY | {"grid_id": await watch.grid_id(1)}
    assert problem_code(await watch.act(case_id, "route", body, "worker-1")) == "forbidden"


async def test_neighbours_do_not_touch_a_residents_case(watch: Watch) -> None:
    case_id = await watch.file()
    neighbour = await watch.caller("resident-2")
    assert await refusals_for_residents(neighbour, case_id) == {"case_not_found"}
    assert (await read(neighbour, "/v1/me/cases"))["items"] == []


async def test_without_a_token_there_is_the_public_list_only(watch: Watch) -> None:
    case_id = await watch.file()
    nobody = Caller(watch.here.http)
    for path in ("/v1/cases", f"/v1/cases/{case_id}", "/v1/me/cases", "/v1/staff/cases"):
        assert (await nobody.get(path)).status_code == 401
    path = f"/v1/public/communities/{watch.here.community_id}/cases"
    assert [item["case_id"] for item in (await read(nobody, path))["items"]] == [case_id]


async def test_neighbours_see_text_and_photos_only_once_they_passed(watch: Watch) -> None:
    await draw_grids(watch.here)
    resident = await watch.agreed("resident-1")
    seen, unseen = [await send_photo(resident) for _ in range(2)]
    case_id = await watch.file(position=IN_FIRST, photo_ids=[seen, unseen], address="3 号楼 302")
    neighbour = await watch.caller("resident-2")
    path = f"/v1/cases/{case_id}"
    before = await read(neighbour, path)
    assert (before["description"], before["photos"]) == (None, [])
    worker = await watch.caller("worker-1")
    for number in (case_id, seen):
        await let_check_pass(worker, number)
    after = await read(neighbour, path)
    assert after["description"] == "楼道里堆满了纸箱"
    assert [photo["photo_id"] for photo in after["photos"]] == [seen]
    centre = to_gcj02(Position(31.2105, 121.4105))
    assert after["place"]["latitude"] == round(centre.latitude, 6)
    assert after["place"]["longitude"] == round(centre.longitude, 6)
    secrets = ("3 号楼 302", "王", unseen, watch.here.resident_id("resident-1"))
    listed = (await neighbour.get("/v1/cases")).text
    nobody = Caller(watch.here.http)
    public = await nobody.get(f"/v1/public/communities/{watch.here.community_id}/cases")
    for shown in (str(after), listed, public.text):
        assert all(secret not in shown for secret in secrets)


async def test_a_refused_text_or_photo_never_appears(watch: Watch) -> None:
    case_id = await watch.file()
    (photo,) = (await watch.read(case_id))["photos"]
    worker = await watch.caller("worker-1")
    for number in (case_id, photo["photo_id"]):
        answer = await worker.post(f"/v1/staff/content-checks/{number}/refuse", WHY)
        assert answer.status_code == 200, answer.text
    found = await read(await watch.caller("resident-2"), f"/v1/cases/{case_id}")
    assert (found["description"], found["photos"]) == (None, [])
    own = await watch.read(case_id)
    assert (own["description"], own["photos"][0]["state"]) == ("楼道里堆满了纸箱", "refused")


async def test_the_result_is_public_once_its_text_passed(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    photo_id = await send_photo(await watch.agreed("worker-1"))
    await watch.resolve(case_id, photo_ids=[photo_id])
    neighbour, path = await watch.caller("resident-2"), f"/v1/cases/{case_id}"
    found = await read(neighbour, path)
    assert (found["result"], found["status_name"], found["kind"]) == (None, "已解决", "closed")
    assert (await watch.read(case_id))["result"] == "已清理楼道"
    committee = await watch.caller("committee-1")
    checks = await read(committee, "/v1/staff/content-checks", state="waiting")
    (text_check,) = [item for item in checks["items"] if item["text"] == "已清理楼道"]
    for number in (text_check["content_check_id"], photo_id):
        await let_check_pass(committee, number)
    found = await read(neighbour, path)
    assert found["result"] == "已清理楼道"
    assert [(photo["photo_id"], photo["purpose"]) for photo in found["photos"]] == [
        (photo_id, "result")
    ]


async def test_an_objection_takes_the_result_out_of_sight(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    photo_id = await send_photo(await watch.agreed("worker-1"))
    await watch.resolve(case_id, photo_ids=[photo_id])
    await let_check_pass(await watch.caller("committee-1"), photo_id)
    await watch.say(case_id, "not-fixed", WHY)
    found = await read(await watch.caller("resident-2"), f"/v1/cases/{case_id}")
    assert (found["result"], found["resolved_at"], found["kind"]) == (None, None, "open")
    assert found["photos"] == []


@pytest.mark.parametrize(
    ("action", "body"), [("refuse", WHY), ("judge-fake", WHY), ("withdraw", None)]
)
async def test_what_came_to_nothing_leaves_the_public_list(
    watch: Watch, action: str, body: dict[str, Any] | None
) -> None:
    case_id = await watch.file()
    other = await watch.file()
    do = watch.say if action == "withdraw" else watch.act
    assert (await do(case_id, action, body)).status_code == 200
    neighbour = await watch.caller("resident-2")
    assert problem_code(await neighbour.get(f"/v1/cases/{case_id}")) == "case_not_found"
    assert [item["case_id"] for item in (await read(neighbour, "/v1/cases"))["items"]] == [other]
    public = f"/v1/public/communities/{watch.here.community_id}/cases"
    listed = await read(Caller(watch.here.http), public)
    assert [item["case_id"] for item in listed["items"]] == [other]


async def test_the_list_of_a_community_goes_on_where_its_page_ended(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    cases = [await watch.file() for _ in range(3)]
    path = f"/v1/public/communities/{watch.here.community_id}/cases"
    nobody = Caller(watch.here.http)
    first = await read(nobody, path, size=2)
    rest = await read(nobody, path, size=2, cursor=first["next_cursor"])
    found = [item["case_id"] for item in [*first["items"], *rest["items"]]]
    assert found == list(reversed(cases))
    other = f"/v1/public/communities/{elsewhere.community_id}/cases"
    assert (await read(nobody, other))["items"] == []


async def test_staff_see_the_reporters_name_masked(watch: Watch) -> None:
    found = await watch.look(await watch.file())
    assert found["reporter_masked_name"] == "王*四"
    assert "王小四" not in str(found)
