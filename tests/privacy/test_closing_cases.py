"""What becomes of the cases and photos of somebody who closes their account."""

from app.core.coordinates import Position, blurred
from tests.privacy.office import REPORTED_AT, Office
from tests.support.neighbourhood import Neighbourhood


async def test_published_photos_stay_without_their_sender_and_the_others_go(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    shown, hidden = await office.send_photo(width=320), await office.send_photo(width=340)
    loose = await office.send_photo(width=360)
    case_id = await office.report(shown)
    other_id = await office.report(hidden)
    await office.publish(case_id, shown)
    await office.close()
    (left,) = office.files()
    assert left.startswith("served/")
    assert shown in left
    rows = {
        str(row["photo_id"]): row
        for row in await office.rows("SELECT * FROM photos ORDER BY photo_id")
    }
    assert rows[shown]["deleted_at"] is None
    assert rows[shown]["sealed_position"] is None
    assert rows[shown]["original_key"] is None
    assert rows[hidden]["deleted_at"] is not None
    assert rows[loose]["deleted_at"] is not None
    neighbour = await here.caller("resident-2")
    case = (await neighbour.get(f"/v1/cases/{case_id}")).json()
    assert [photo["photo_id"] for photo in case["photos"]] == [shown]
    assert (await neighbour.get(f"/v1/cases/{other_id}")).json()["photos"] == []


async def test_a_reported_place_becomes_what_neighbours_see_of_it(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    case_id = await office.report(await office.send_photo())
    await office.close()
    place = "SELECT latitude, longitude, reporter_id FROM cases WHERE case_id = :number"
    case = await office.row(place, number=int(case_id))
    centre = blurred(Position(*REPORTED_AT))
    assert (case["latitude"], case["longitude"]) == (centre.latitude, centre.longitude)
    assert str(case["reporter_id"]) == here.resident_id("resident-1")


async def test_what_was_written_in_a_case_that_nobody_sees_is_erased(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    open_id = await office.report(await office.send_photo(width=320))
    withdrawn_id = await office.report(await office.send_photo(width=340))
    resident = await here.caller("resident-1")
    assert (await resident.post_once(f"/v1/me/cases/{withdrawn_id}/withdraw")).status_code == 200
    await office.close()

    written = "SELECT description, address FROM cases WHERE case_id = :number"
    left = await office.row(written, number=int(withdrawn_id))
    kept = await office.row(written, number=int(open_id))
    assert (left["description"], left["address"]) == ("", "")
    assert kept["description"] == "楼道灯不亮，晚上看不清台阶"
    checks = await office.rows("SELECT content_check_id FROM content_checks WHERE kind = 'text'")
    assert [str(row["content_check_id"]) for row in checks] == [open_id]


async def test_a_case_of_somebody_who_left_goes_on_without_them(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    case_id = await office.report(photo_id)
    await office.publish(case_id, photo_id)
    await office.close()
    worker = await here.caller("worker-1")
    body = {"result": "已更换灯泡并恢复照明"}
    answer = await worker.post_once(f"/v1/staff/cases/{case_id}/resolve", body)
    assert answer.status_code == 200, answer.text
    await office.close_accounts()
    await office.assert_books_balance()
    number = int(here.resident_id("resident-1"))
    found = await office.row(
        "SELECT posted FROM balances WHERE account_id = :number", number=number
    )
    assert found["posted"] == 0
