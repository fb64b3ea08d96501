"""What somebody might try for points or for harm."""

from typing import Any

import pytest

from tests.cases.filing import WHY, Watch, read
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import send_photo


async def for_resident(watch: Watch, by: str = "worker-1", **who: str) -> dict[str, Any]:
    """Return the body of a report that a worker types."""
    return await watch.case_of(by, **who)


async def card_of(watch: Watch, name: str) -> dict[str, Any]:
    """Issue a paper card to a resident without a phone; return it with the resident's number."""
    worker = await watch.caller("worker-1")
    body = {
        "name": "赵奶奶",
        "building_id": str(watch.here.places.buildings[0]),
        "room": name,
    }
    answer = await worker.post_once("/v1/staff/residents", body)
    assert answer.status_code == 201, answer.text
    resident_id = answer.json()["resident_id"]
    issued = await worker.post_once(f"/v1/staff/residents/{resident_id}/card")
    assert issued.status_code == 201, issued.text
    card: dict[str, Any] = issued.json() | {"resident_id": resident_id}
    return card


async def test_a_neighbours_photo_cannot_be_reported_with(watch: Watch) -> None:
    photo_id = await send_photo(await watch.agreed("resident-2"))
    answer = await watch.try_report(photo_ids=[photo_id])
    assert problem_code(answer) == "case_photo_not_found"
    own = await send_photo(await watch.agreed("resident-1"))
    mixed = await watch.try_report(photo_ids=[own, photo_id])
    assert problem_code(mixed) == "case_photo_not_found"


async def test_a_photo_of_another_community_cannot_be_reported_with(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    stranger = Watch(elsewhere, watch.clock)
    photo_id = await send_photo(await stranger.agreed("resident-1"))
    answer = await watch.try_report(photo_ids=[photo_id])
    assert problem_code(answer) == "case_photo_not_found"


async def test_joining_again_and_again_earns_once(watch: Watch) -> None:
    case_id = await watch.file()
    gained = [(await watch.join(case_id, "resident-2")).json()["points_gained"] for _ in range(10)]
    assert gained == [1] + [0] * 9
    assert await watch.points("resident-2") == 1


async def test_joining_everything_earns_no_more_than_the_cap(watch: Watch) -> None:
    cases = [await watch.file() for _ in range(5)]
    for case_id in cases:
        assert (await watch.join(case_id, "resident-2")).json()["is_new"] is True
    assert await watch.points("resident-2") == 3


async def test_reporting_and_withdrawing_earns_nothing(watch: Watch) -> None:
    for _ in range(7):
        case_id = await watch.file()
        assert (await watch.say(case_id, "withdraw")).status_code == 200
        assert await watch.points("resident-1") == 0
    # What was withdrawn has used up the day's cap of five.
    assert (await watch.report())["points_gained"] == 0
    board = await read(await watch.caller("resident-1"), "/v1/boards/residents", period="all")
    assert [row["points"] for row in board["items"] if row["points"]] == []


async def test_what_is_withdrawn_cannot_be_withdrawn_again(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.say(case_id, "withdraw")
    assert problem_code(await watch.say(case_id, "withdraw")) == "case_moved_on"


async def test_a_worker_reports_by_card_and_by_number_for_who_has_no_phone(watch: Watch) -> None:
    card = await card_of(watch, "1-201")
    for who in ({"resident_code": card["token"]}, {"resident_id": card["resident_id"]}):
        body = await for_resident(watch, **who)
        answer = await (await watch.caller("worker-1")).post_once("/v1/staff/cases", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["points_gained"] == 3
        found = await watch.look(answer.json()["case_id"])
        assert (found["reporter_id"], found["is_reported_by_staff"]) == (
            card["resident_id"], True,
        )  # fmt: skip


async def test_the_worker_is_told_how_it_went_in_place_of_who_has_no_phone(watch: Watch) -> None:
    card = await card_of(watch, "1-201")
    body = await for_resident(watch, resident_id=card["resident_id"])
    worker = await watch.caller("worker-1")
    case_id = (await worker.post_once("/v1/staff/cases", body)).json()["case_id"]
    await watch.do(case_id, "accept", by="committee-1")
    messages = await watch.inbox("worker-1")
    assert messages[0]["title"] == "安全隐患：处理中"


async def test_forged_revoked_and_foreign_codes_report_for_nobody(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    card = await card_of(watch, "1-201")
    stranger = await (await elsewhere.caller("resident-1")).get("/v1/me/code")
    worker = await watch.caller("worker-1")
    token: str = card["token"]
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    revoked = await worker.post(f"/v1/staff/cards/{card['card_id']}/revoke", WHY)
    assert revoked.status_code == 200, revoked.text
    for code, refusal in (
        (forged, {"code_forged", "code_unreadable"}),
        ("nonsense", {"code_unreadable"}),
        (token, {"code_revoked"}),
        (stranger.json()["token"], {"code_of_other_community"}),
    ):
        body = await for_resident(watch, resident_code=code)
        answer = await worker.post_once("/v1/staff/cases", body)
        assert problem_code(answer) in refusal


async def test_a_worker_reports_for_one_resident_of_their_own_grid(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    worker = await watch.caller("worker-1")
    for who, refusal in (
        ({}, "resident_unnamed"),
        ({"resident_id": "1", "resident_code": "x"}, "resident_unnamed"),
        ({"resident_id": watch.here.resident_id("resident-3")}, "resident_not_found"),
        ({"resident_id": elsewhere.resident_id("resident-1")}, "resident_not_found"),
        ({"resident_id": "1"}, "resident_not_found"),
    ):
        answer = await worker.post_once("/v1/staff/cases", await for_resident(watch, **who))
        assert problem_code(answer) == refusal


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('你好')</script>",
        "{note} {category} {0} %s ${x}",
        "'; DROP TABLE cases; --",
        "\u202e反过来的字\u202c 🚧🚧🚧",
    ],
)
async def test_what_is_typed_comes_back_as_typed_and_does_nothing(watch: Watch, text: str) -> None:
    case_id = await watch.file(description=text, address=text)
    resident = await watch.caller("resident-1")
    answer = await resident.get(f"/v1/me/cases/{case_id}")
    assert answer.headers["content-type"] == "application/json"
    assert (answer.json()["description"], answer.json()["address"]) == (text, text)
    await watch.do(case_id, "refuse", {"reason": text})
    assert (await watch.inbox("resident-1"))[0]["body"] == f"您上报的“安全隐患”未予受理：{text}"


async def test_another_residents_key_answers_nobody_else(watch: Watch) -> None:
    body = await watch.case_of("resident-1")
    resident, other = await watch.agreed("resident-1"), await watch.agreed("resident-2")
    assert (await resident.post("/v1/cases", body, key="shared")).status_code == 201
    answer = await other.post("/v1/cases", body, key="shared")
    assert problem_code(answer) == "case_photo_not_found"
