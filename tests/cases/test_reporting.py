"""Reporting: whose it becomes, what is refused, and what it earns at once."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.coordinates import Position, to_gcj02
from tests.cases.filing import IN_FIRST, IN_SECOND, OUTSIDE, Watch, draw_grids, make_worker, read
from tests.support.caller import fresh_key, problem_code
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import send_photo

Sessions = async_sessionmaker[AsyncSession]


async def test_a_position_within_a_grids_outline_finds_the_grid(watch: Watch) -> None:
    await draw_grids(watch.here)
    first = await watch.report(position=IN_FIRST, building_id=None)
    second = await watch.report(position=IN_SECOND, building_id=None)
    assert (first["grid_name"], second["grid_name"]) == ("第一网格", "第二网格")


async def test_a_phones_coordinates_are_those_of_its_map(watch: Watch) -> None:
    await draw_grids(watch.here)
    # 400 m east of the line between the grids on the map, hence west of it on the ground.
    shown = to_gcj02(Position(31.210, 121.4195))
    assert shown.longitude > 121.420
    place = {"latitude": shown.latitude, "longitude": shown.longitude}
    said_so = await watch.report(position=place | {"coordinate_system": "gcj02"}, building_id=None)
    left_out = await watch.report(position=place, building_id=None)
    taken_as_wgs = await watch.report(
        position=place | {"coordinate_system": "wgs84"}, building_id=None
    )
    assert [one["grid_name"] for one in (said_so, left_out, taken_as_wgs)] == [
        "第一网格", "第一网格", "第二网格",
    ]  # fmt: skip
    shown_again = (await watch.read(left_out["case_id"]))["place"]
    assert shown_again["coordinate_system"] == "gcj02"
    assert shown_again["latitude"] == pytest.approx(shown.latitude, abs=1e-6)
    assert shown_again["longitude"] == pytest.approx(shown.longitude, abs=1e-6)


async def test_a_building_finds_the_grid_without_a_position(watch: Watch) -> None:
    other = await watch.report(building_id=str(watch.here.places.buildings[2]))
    assert other["grid_name"] == "第二网格"
    read_again = await watch.read(other["case_id"])
    assert (read_again["building_name"], read_again["place"]) == ("3 号楼", None)


async def test_the_building_decides_where_the_position_lies_outside_every_grid(
    watch: Watch,
) -> None:
    await draw_grids(watch.here)
    filed = await watch.report(position=OUTSIDE, building_id=str(watch.here.places.buildings[2]))
    assert filed["grid_name"] == "第二网格"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"building_id": None}, "place_missing"),
        ({"building_id": None, "position": OUTSIDE}, "no_grid_here"),
        ({"building_id": "1"}, "no_grid_here"),
        ({"category_code": "dragons"}, "category_not_found"),
        ({"photo_ids": ["1"]}, "case_photo_not_found"),
        ({"photo_ids": []}, "request_invalid"),
        ({"photo_ids": [str(number) for number in range(10)]}, "request_invalid"),
        ({"description": "坏了"}, "request_invalid"),
        ({"description": "路灯坏了\x00"}, "request_invalid"),
        ({"position": {"latitude": 91, "longitude": 0}}, "request_invalid"),
    ],
)
async def test_a_report_that_cannot_be_handled_is_refused_and_leaves_nothing(
    watch: Watch, changes: dict[str, Any], code: str
) -> None:
    await draw_grids(watch.here)
    assert problem_code(await watch.try_report(**changes)) == code
    mine = await read(await watch.caller("resident-1"), "/v1/me/cases")
    assert mine["items"] == []
    assert await watch.points("resident-1") == 0


async def test_a_building_of_another_community_is_none_of_ours(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    foreign = str(elsewhere.places.buildings[0])
    assert problem_code(await watch.try_report(building_id=foreign)) == "no_grid_here"
    await draw_grids(watch.here)
    for building_id in (foreign, "1"):
        answer = await watch.try_report(position=IN_FIRST, building_id=building_id)
        assert problem_code(answer) == "no_grid_here"


async def test_a_place_that_is_no_number_is_refused(watch: Watch) -> None:
    resident = await watch.agreed("resident-1")
    body = json.dumps(
        await watch.case_of("resident-1", position={"latitude": float("nan"), "longitude": 1})
    )
    headers = resident.headers(fresh_key()) | {"Content-Type": "application/json"}
    answer = await resident.http.post("/v1/cases", content=body, headers=headers)
    assert problem_code(answer) == "request_invalid"
    near = await resident.get(
        "/v1/cases/nearby", category_code="safety", latitude="nan", longitude="inf"
    )
    assert problem_code(near) == "request_invalid"


async def test_several_photos_are_shown_to_the_reporter_with_their_state(watch: Watch) -> None:
    resident = await watch.agreed("resident-1")
    photo_ids = [await send_photo(resident) for _ in range(3)]
    case_id = await watch.file(photo_ids=[*photo_ids, photo_ids[0]])
    photos = (await watch.read(case_id))["photos"]
    assert [photo["photo_id"] for photo in photos] == sorted(photo_ids)
    assert {(photo["purpose"], photo["state"]) for photo in photos} == {("report", "waiting")}


async def test_a_photo_belongs_to_one_report(watch: Watch) -> None:
    photo_id = await send_photo(await watch.agreed("resident-1"))
    await watch.report(photo_ids=[photo_id])
    assert problem_code(await watch.try_report(photo_ids=[photo_id])) == "photo_in_use"
    assert await watch.points("resident-1") == 3


async def test_a_deleted_photo_cannot_be_reported_with(watch: Watch) -> None:
    resident = await watch.agreed("resident-1")
    photo_id = await send_photo(resident)
    assert (await resident.delete(f"/v1/photos/{photo_id}")).status_code == 200
    assert problem_code(await watch.try_report(photo_ids=[photo_id])) == "case_photo_not_found"


async def test_a_photo_of_a_report_cannot_be_deleted(watch: Watch) -> None:
    resident = await watch.agreed("resident-1")
    photo_id = await send_photo(resident)
    await watch.report(photo_ids=[photo_id])
    assert problem_code(await resident.delete(f"/v1/photos/{photo_id}")) == "photo_still_used"


async def test_a_repeated_request_is_answered_alike_and_files_one_case(watch: Watch) -> None:
    resident, body = await watch.agreed("resident-1"), await watch.case_of("resident-1")
    key = fresh_key()
    first = await resident.post("/v1/cases", body, key=key)
    again = await resident.post("/v1/cases", body, key=key)
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await read(resident, "/v1/me/cases"))["items"]) == 1
    assert await watch.points("resident-1") == 3
    changed = await resident.post("/v1/cases", body | {"address": "门口"}, key=key)
    assert problem_code(changed) == "idempotency_key_reused"


async def test_without_a_key_nothing_is_filed(watch: Watch) -> None:
    resident = await watch.agreed("resident-1")
    answer = await resident.post("/v1/cases", await watch.case_of("resident-1"))
    assert problem_code(answer) == "idempotency_key_missing"


async def test_who_has_not_consented_cannot_report(watch: Watch) -> None:
    body = await watch.case_of("resident-1")
    other = await watch.caller("resident-2")
    answer = await other.post_once("/v1/cases", body)
    assert problem_code(answer) == "consent_required"
    assert answer.json()["purpose"] == "service"


async def test_a_position_needs_a_consent_of_its_own_and_a_building_does_not(
    watch: Watch,
) -> None:
    await draw_grids(watch.here)
    resident = await consent(watch.here, "resident-1", "service")
    watch.consented.add("resident-1")
    answer = await watch.try_report(position=IN_FIRST)
    assert problem_code(answer) == "consent_required"
    assert answer.json()["purpose"] == "location"
    body = await watch.case_of("resident-1")
    assert (await resident.post_once("/v1/cases", body)).status_code == 201


async def test_the_worker_with_the_fewest_open_cases_gets_it(
    watch: Watch, sessionmaker: Sessions
) -> None:
    second = await make_worker(sessionmaker, watch.here, "resident-6")
    cases = [await watch.file() for _ in range(4)]
    first = {(await watch.look(case_id))["assigned_to"] for case_id in cases} - {second}
    assert len(first) == 1
    owners = [(await watch.look(case_id))["assigned_to"] for case_id in cases]
    assert owners.count(second) == 2
    closed = next(case for case, owner in zip(cases, owners, strict=True) if owner == second)
    await watch.do(closed, "refuse", {"reason": "不在受理范围"})
    assert (await watch.look(await watch.file()))["assigned_to"] == second


async def test_a_worker_who_reports_is_never_given_their_own_case(
    watch: Watch, sessionmaker: Sessions
) -> None:
    own = await make_worker(sessionmaker, watch.here, "resident-6")
    for _ in range(3):
        case_id = await watch.file("resident-6")
        assert (await watch.look(case_id))["assigned_to"] != own


async def test_the_worker_is_told_and_the_text_waits_for_its_check(
    watch: Watch, sessionmaker: Sessions
) -> None:
    filed = await watch.report(address="东门台阶")
    (message,) = await watch.inbox("worker-1")
    assert (message["kind"], message["subject_id"]) == ("case_assigned", filed["case_id"])
    assert message["body"] == "第一网格有新上报：安全隐患 东门台阶"
    assert await watch.inbox("worker-2") == []
    async with sessionmaker() as session:
        row = (
            await session.execute(
                text("SELECT kind, state, text FROM content_checks WHERE content_check_id = :n"),
                {"n": int(filed["case_id"])},
            )
        ).one()
        payload = f"{watch.here.community_id}:{filed['case_id']}".encode()
        jobs = await session.scalars(
            text("SELECT entrypoint FROM pgqueuer WHERE payload = :payload ORDER BY 1"),
            {"payload": payload},
        )
        assert list(jobs) == ["check_content", "compare_photos"]
    assert tuple(row) == ("text", "waiting", "楼道里堆满了纸箱\n东门台阶")


async def test_the_committee_is_told_where_a_grid_has_no_worker(
    watch: Watch, sessionmaker: Sessions
) -> None:
    async with sessionmaker.begin() as session:
        await session.execute(
            text("DELETE FROM role_grants WHERE grid_id = :grid_id"),
            {"grid_id": watch.here.places.grids[1]},
        )
    case_id = await watch.file(building_id=str(watch.here.places.buildings[2]))
    (message,) = await watch.inbox("committee-1")
    assert message["subject_id"] == case_id
    assert (await watch.look(case_id, "committee-1"))["assigned_to"] is None


async def test_points_on_upload_are_in_the_answer_and_in_the_wallet(watch: Watch) -> None:
    filed = await watch.report()
    assert (filed["points_gained"], filed["is_capped"], filed["balance_points"]) == (3, False, 3)
    assert await watch.points("resident-1") == 3
    (line,) = (await read(await watch.caller("resident-1"), "/v1/me/statement"))["items"]
    assert (line["points"], line["memo"]) == (3, "隐患上报：安全隐患")


async def test_a_rule_that_pays_later_pays_nothing_on_upload(watch: Watch) -> None:
    filed = await watch.report(category_code="street_lamp")
    assert (filed["points_gained"], filed["balance_points"]) == (0, None)


async def test_a_daily_cap_ends_the_points_and_not_the_reports(watch: Watch) -> None:
    answers = [await watch.report() for _ in range(6)]
    assert [one["points_gained"] for one in answers] == [3, 3, 3, 3, 3, 0]
    assert [one["is_capped"] for one in answers] == [False] * 5 + [True]
    assert await watch.points("resident-1") == 15
    watch.let_pass(days=1)
    assert (await watch.report())["points_gained"] == 3


async def test_an_answer_is_due_within_24_hours_of_working_days(watch: Watch) -> None:
    assert (await watch.report())["due_at"] == "2026-11-19T07:00:00Z"
    watch.let_pass(days=2)
    assert (await watch.report())["due_at"] == "2026-11-23T07:00:00Z"


async def test_the_category_tree_names_what_to_do_instead(watch: Watch) -> None:
    tree = await read(await watch.caller("resident-1"), "/v1/case-categories")
    by_code = {item["code"]: item for item in tree["items"]}
    assert by_code["traffic_safety"]["parent_id"] == by_code["safety"]["category_id"]
    assert "119" in by_code["fire_safety"]["advice"]
    numbers = [item["category_id"] for item in tree["items"]]
    parents = [item["parent_id"] for item in tree["items"]]
    assert all(
        parent is None or numbers.index(parent) < place for place, parent in enumerate(parents)
    )
