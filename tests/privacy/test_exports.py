"""A copy of my data: everything that is held, for me alone, for a few days."""

import csv
import io

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.media.storage import PhotoStore
from app.models import metadata
from app.privacy.exports.contents import NOT_EXPORTED, PARTS
from tests.community.cards.holders import NAME, decide, issue, register, scan
from tests.privacy.office import REPORTED_AT, TAKEN_AT, Office
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, redeem


def test_every_table_is_part_of_a_copy_or_says_why_not() -> None:
    exported = {table for part in PARTS for table in part.tables}
    assert exported & set(NOT_EXPORTED) == set()
    assert exported | set(NOT_EXPORTED) == set(metadata.tables)
    assert all(NOT_EXPORTED.values())


def test_every_part_reads_the_tables_it_names() -> None:
    for part in PARTS:
        for table in part.tables:
            assert table in part.statement, part.code


def test_parts_have_names_of_their_own() -> None:
    assert len({part.code for part in PARTS}) == len({part.title for part in PARTS}) == len(PARTS)


async def test_a_copy_is_a_zip_that_people_and_programs_can_read(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    points = (await here.give("resident-1", "volunteer_hour"))["granted_points"]
    data_export_id = await office.ask_for_export()
    await office.work()

    with await office.fetch(data_export_id) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        readme = archive.read("README.txt").decode("utf-8-sig")
        statement = archive.read("statement.csv")
        jpeg = archive.read(f"photos/{photo_id}.jpg")

    assert names == {"README.txt", "data.json", "statement.csv", f"photos/{photo_id}.jpg"}
    assert all(part.title in readme for part in PARTS)
    assert jpeg.startswith(b"\xff\xd8")
    assert statement.startswith(b"\xef\xbb\xbf")
    heading, line = csv.reader(io.StringIO(statement.decode("utf-8-sig")))
    assert heading == ["时间", "类型", "积分", "说明", "流水号", "账户"]
    assert (line[1:3], line[5]) == (["获得积分", str(points)], "积分钱包")


async def test_a_copy_holds_the_name_the_reports_and_the_places(
    office: Office, here: Neighbourhood
) -> None:
    me = await office.agree()
    photo_id = await office.send_photo()
    case_id = await office.report(photo_id)

    copy = await office.copy()

    assert set(copy) == {part.code for part in PARTS}
    assert copy["me"][0]["name"] == "王小四"
    assert copy["me"][0]["resident_id"] == here.resident_id("resident-1")
    (case,) = copy["cases"]
    assert case["case_id"] == case_id
    assert case["photo_ids"] == [photo_id]
    assert (case["latitude"], case["longitude"]) == REPORTED_AT
    assert [event["action"] for event in case["events"]] == ["report"]
    latitude, longitude = map(float, copy["photos"][0]["taken_position"].split(","))
    assert abs(latitude - TAKEN_AT[0]) < 0.0001
    assert abs(longitude - TAKEN_AT[1]) < 0.0001
    assert {row["purpose"] for row in copy["consents"]} == {"service", "location"}
    assert copy["identities"][0]["subject"] == "resident-1"
    assert me.tokens["refresh_token"] not in str(copy)


async def test_a_copy_holds_every_point(office: Office, here: Neighbourhood) -> None:
    given = await here.give("resident-1", "volunteer_hour")
    copy = await office.copy()
    points = given["granted_points"]
    assert copy["contributions"][0]["granted_points"] == points
    assert copy["contributions"][0]["breakdown"] != {}
    assert copy["statement"][0]["points"] == points
    assert copy["balance"][0]["posted_points"] == points
    assert copy["lots"][0]["remaining_points"] == points
    assert {row["score"] for row in copy["standings"]} == {points}


async def test_a_copy_tells_who_read_my_name(office: Office, here: Neighbourhood) -> None:
    committee = await here.caller("committee-1")
    resident_id = here.resident_id("resident-1")
    body = {"fields": ["name"], "purpose": "上门核实隐患"}
    answer = await committee.post(f"/v1/staff/residents/{resident_id}/reveal", body)
    assert answer.status_code in (200, 201), answer.text

    (read,) = (await office.copy())["personal_data_reads"]

    assert read["purpose"] == "上门核实隐患"
    assert read["reader_role"] == "committee"
    assert read["reader_masked_name"] == "c***"


async def test_a_copy_holds_nothing_of_a_neighbour(office: Office, here: Neighbourhood) -> None:
    await office.agree("resident-2")
    photo_id = await office.send_photo("resident-2")
    await office.report(photo_id, "resident-2", description="这是邻居写的一段文字")
    await here.give("resident-2", "volunteer_hour")

    copy = str(await office.copy())

    assert "李雷" not in copy
    assert "这是邻居写的一段文字" not in copy
    assert photo_id not in copy
    assert here.resident_id("resident-2") not in copy


async def test_a_message_tells_that_the_copy_is_ready(office: Office, here: Neighbourhood) -> None:
    await office.ask_for_export()
    me = await here.caller("resident-1")
    assert (await me.get("/v1/me/messages")).json()["items"] == []
    await office.work()
    (message,) = (await me.get("/v1/me/messages")).json()["items"]
    assert message["title"] == "个人信息副本已生成"


async def test_one_copy_is_made_at_a_time_and_one_a_day(
    office: Office, here: Neighbourhood
) -> None:
    await office.ask_for_export()
    me = await here.caller("resident-1")
    assert problem_code(await me.post("/v1/me/data-exports")) == "data_export_waiting"
    await office.work()
    assert problem_code(await me.post("/v1/me/data-exports")) == "too_many_attempts"
    office.later(days=1)
    await office.ask_for_export()


async def test_a_copy_is_for_its_owner_alone(
    office: Office, here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    data_export_id = await office.ask_for_export()
    await office.work()
    path = f"/v1/me/data-exports/{data_export_id}/file"
    neighbour = await here.caller("resident-2")
    stranger = await elsewhere.caller("resident-1")
    assert problem_code(await neighbour.get(path)) == "data_export_not_found"
    assert problem_code(await stranger.get(path)) == "data_export_not_found"
    assert (await neighbour.get("/v1/me/data-exports")).json()["items"] == []
    for name in ("worker-1", "clerk-1", "committee-1"):
        staff = await here.caller(name)
        assert (await staff.get(path)).status_code == 403
        assert (await staff.get("/v1/me/data-exports")).status_code == 403
        assert (await staff.post("/v1/me/data-exports")).status_code == 403
    assert (await here.http.get(path)).status_code == 401


async def test_a_copy_that_is_not_there_yet_cannot_be_fetched(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    assert problem_code(await office.download(data_export_id)) == "data_export_waiting"


async def test_a_copy_lapses_after_seven_days_even_if_no_job_ran(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    await office.work()
    office.later(days=7, seconds=-1)
    assert (await office.download(data_export_id)).status_code == 200
    office.later(seconds=1)
    answer = await office.download(data_export_id)
    assert answer.status_code == 410
    assert problem_code(answer) == "data_export_destroyed"


async def test_the_file_at_rest_tells_nothing(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    await office.work()
    (path,) = [path for path in office.folder.rglob("*") if path.is_file()]
    assert data_export_id in path.name
    sealed = path.read_bytes()
    assert b"data.json" not in sealed
    assert not sealed.startswith(b"PK")


async def test_a_job_that_runs_twice_changes_nothing(office: Office, here: Neighbourhood) -> None:
    data_export_id = await office.ask_for_export()
    assert await office.make(data_export_id)
    assert not await office.make(data_export_id)
    (await office.fetch(data_export_id)).close()
    me = await here.caller("resident-1")
    assert len((await me.get("/v1/me/messages")).json()["items"]) == 1


async def test_a_job_that_died_after_storing_the_file_is_made_good(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    key = f"exports/{office.here.community_id}/{data_export_id}.sealed"
    await office.keeper.store.put(key, b"half")
    assert await office.make(data_export_id)
    with await office.fetch(data_export_id) as archive:
        assert archive.testzip() is None
    assert len(office.files()) == 1


async def test_a_copy_that_comes_too_late_leaves_no_file(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    async with office.sessionmaker.begin() as session:
        await session.execute(text("UPDATE data_exports SET state = 'destroyed'"))
    assert not await office.make(data_export_id)
    assert office.files() == set()


async def test_a_photo_that_went_meanwhile_is_left_out(office: Office) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    for key in office.files():
        await office.keeper.store.delete(key)
    data_export_id = await office.ask_for_export()
    await office.work()
    with await office.fetch(data_export_id) as archive:
        assert f"photos/{photo_id}.jpg" not in archive.namelist()


async def test_nothing_is_fetched_or_stored_while_a_transaction_is_open(
    office: Office, connection: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.agree()
    await office.send_photo()
    data_export_id = await office.ask_for_export()
    was_open: list[tuple[str, bool]] = []
    get, put = PhotoStore.get, PhotoStore.put

    async def watched_get(store: PhotoStore, key: str) -> bytes:
        was_open.append(("get", connection.in_nested_transaction()))
        return await get(store, key)

    async def watched_put(store: PhotoStore, key: str, content: bytes) -> None:
        was_open.append(("put", connection.in_nested_transaction()))
        await put(store, key, content)

    monkeypatch.setattr(PhotoStore, "get", watched_get)
    monkeypatch.setattr(PhotoStore, "put", watched_put)
    await office.make(data_export_id)
    (await office.fetch(data_export_id)).close()

    assert was_open == [("get", False), ("put", False), ("get", False)]


async def test_redeemed_points_and_vouchers_are_in_the_copy(
    office: Office, here: Neighbourhood
) -> None:
    for _ in range(6):
        await here.give("resident-1", "volunteer_hour")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    copy = await office.copy()
    assert copy["vouchers"][0]["state"] == "issued"
    assert copy["holds"][0]["points"] == copy["vouchers"][0]["points"]
    assert copy["lots"][0]["held_points"] > 0
    assert copy["lots"][0]["taken_by"] == []


async def test_a_copy_tells_which_points_a_shop_got(office: Office, here: Neighbourhood) -> None:
    for _ in range(6):
        await here.give("resident-1", "volunteer_hour")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    assert (await consume(here, voucher["token"])).is_success
    copy = await office.copy()
    (spend,) = [line for line in copy["statement"] if line["kind"] == "spend"]
    taken = [move for lot in copy["lots"] for move in lot["taken_by"]]
    assert {move["transfer_id"] for move in taken} == {spend["transfer_id"]}
    assert sum(move["points"] for move in taken) == -spend["points"]
    assert copy["voucher_uses"][0]["operation"] == "consume"
    assert copy["voucher_uses"][0]["voucher_id"] == voucher["voucher_id"]


async def test_a_copy_tells_nothing_of_whose_card_somebody_once_scanned(
    office: Office, here: Neighbourhood
) -> None:
    finder = await office.agree("newcomer")
    asked = await scan(finder, await issue(here, await register(here)))
    assert (await decide(here, asked, "refuse")).status_code == 200
    body = {
        "community_id": str(here.community_id),
        "building_id": str(here.places.buildings[0]),
        "room": "1-101",
        "display_name": "李四",
    }
    assert (await decide(here, await finder.post("/v1/join-requests", body))).status_code == 200
    here.callers.clear()
    refused, own = (await office.copy("newcomer"))["join_requests"]
    assert [refused[name] for name in ("name", "room", "building_name", "claims_resident_id")] == [
        None
    ] * 4
    assert (refused["state"], refused["reason"]) == ("refused", "不是本人")
    assert (own["name"], own["room"]) == ("李四", "1-101")


async def test_who_claimed_their_card_finds_the_request_in_the_copy(
    office: Office, here: Neighbourhood
) -> None:
    holder = await office.agree("newcomer")
    asked = await scan(holder, await issue(here, await register(here)))
    assert (await decide(here, asked)).status_code == 200
    here.callers.clear()
    (request,) = (await office.copy("newcomer"))["join_requests"]
    assert (request["name"], request["room"]) == (NAME, "5-501")
