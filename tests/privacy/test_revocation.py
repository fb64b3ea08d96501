"""Consent taken back, in the mini-program or in WeChat's settings: what was kept for it goes."""

from sqlalchemy import text

from app.core.coordinates import Position, blurred
from app.privacy.closing.forgetting import on_consent_withdrawn
from tests.privacy.office import REPORTED_AT, Office
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood

PHONE = "+8613912345678"
NICKNAME, TELEPHONE, LOCATION, IMAGES = 6, 8, 13, 14
PLACES = "SELECT latitude, longitude FROM cases ORDER BY case_id"
POSITIONS = "SELECT sealed_position IS NOT NULL AS is_kept FROM photos ORDER BY photo_id"
QUOTAS = "SELECT left_count FROM message_quotas"


async def has_phone(office: Office, name: str = "resident-1") -> bool:
    """Tell whether we keep a phone, by the row and by staff's search, which must agree."""
    worker = await office.here.caller("worker-1")
    found = (await worker.get("/v1/staff/residents", phone=PHONE)).json()["items"]
    is_kept = (await office.resident(name))["sealed_phone"] is not None
    assert bool(found) == is_kept
    return is_kept


async def withdraw(office: Office, purpose: str) -> None:
    async with office.sessionmaker.begin() as session:
        await on_consent_withdrawn(
            session, office.here.community_id, await office.person_id(), purpose,
            vault=office.app.state.vault, now=office.clock(),
        )  # fmt: skip


async def standing(office: Office) -> list[str]:
    rows = await office.rows(
        "SELECT purpose FROM consents WHERE person_id = :person_id AND withdrawn_at IS NULL"
        " ORDER BY purpose",
        person_id=await office.person_id(),
    )
    return [row["purpose"] for row in rows]


async def test_a_phone_revoked_in_wechat_is_forgotten(office: Office) -> None:
    await office.open_mini_program()
    await office.keep_phone(PHONE)
    assert await has_phone(office)
    await office.revoke(TELEPHONE)
    assert not await has_phone(office)
    assert await standing(office) == ["service"]
    name_tokens = "SELECT 1 FROM resident_tokens WHERE resident_id = :number"
    number = int(office.here.resident_id("resident-1"))
    assert len(await office.rows(name_tokens, number=number)) == 3
    await office.revoke(TELEPHONE)
    assert not await has_phone(office)


async def test_a_phone_of_somebody_else_stays(office: Office) -> None:
    await office.open_mini_program("resident-2", "another-openid")
    await office.keep_phone(PHONE)
    await office.revoke(TELEPHONE, open_id="another-openid")
    await office.revoke(TELEPHONE, open_id="nobody-we-know")
    assert await has_phone(office)


async def test_a_location_revoked_in_wechat_leaves_what_neighbours_see(office: Office) -> None:
    await office.open_mini_program()
    await office.agree()
    await office.report(await office.send_photo())
    await office.revoke(LOCATION)
    centre = blurred(Position(*REPORTED_AT))
    expected = {"latitude": centre.latitude, "longitude": centre.longitude}
    assert await office.rows(PLACES) == [expected]
    assert await office.rows(POSITIONS) == [{"is_kept": False}]
    assert await standing(office) == ["service"]
    await office.revoke(LOCATION)
    assert await office.rows(PLACES) == [expected]


async def test_images_revoked_in_wechat_go_though_they_were_published(
    office: Office, here: Neighbourhood
) -> None:
    await office.open_mini_program()
    await office.agree()
    photo_id = await office.send_photo()
    case_id = await office.report(photo_id)
    await office.publish(case_id, photo_id)
    await office.revoke(IMAGES)
    await office.work()
    assert office.files() == set()
    neighbour = await here.caller("resident-2")
    case = (await neighbour.get(f"/v1/cases/{case_id}")).json()
    assert case["photos"] == []
    assert "楼道灯不亮" in case["description"]


async def test_a_nickname_revoked_in_wechat_changes_nothing_we_keep(office: Office) -> None:
    await office.open_mini_program()
    await office.keep_phone(PHONE)
    before = await office.resident()
    await office.revoke(NICKNAME, 5, 999)
    assert await office.resident() == before


async def test_who_leaves_wechat_has_their_account_closed_at_once(
    office: Office, here: Neighbourhood
) -> None:
    await here.give("resident-1", "volunteer_hour")
    await office.open_mini_program()
    await office.revoke(is_cancellation=True)
    await office.revoke(is_cancellation=True)
    await office.work()
    assert (await office.resident())["state"] == "left"
    assert await office.rows("SELECT 1 FROM identities WHERE subject = 'resident-1'") == []
    assert await office.rows(QUOTAS) == []
    assert len(await office.rows("SELECT 1 FROM closures")) == 1
    await office.assert_books_balance()


async def test_a_closure_asked_for_is_hastened_when_its_owner_leaves_wechat(
    office: Office,
) -> None:
    await office.open_mini_program()
    await office.ask_for_closure()
    await office.revoke(is_cancellation=True)
    await office.work()
    assert (await office.resident())["state"] == "left"
    assert len(await office.rows("SELECT 1 FROM closures")) == 1


async def test_staff_who_leave_wechat_lose_this_way_in_and_no_role(
    office: Office, here: Neighbourhood
) -> None:
    worker = await here.caller("worker-1")
    person_id = await office.person_id("worker-1")
    await office.open_mini_program("worker-1")
    await office.revoke(is_cancellation=True)
    assert (await worker.get("/v1/staff/join-requests")).status_code == 401
    grants = "SELECT 1 FROM role_grants WHERE person_id = :person_id"
    assert len(await office.rows(grants, person_id=person_id)) == 1


async def test_withdrawing_consent_to_the_phone_forgets_it_here(office: Office) -> None:
    await office.keep_phone(PHONE)
    await withdraw(office, "location")
    assert await has_phone(office)
    await withdraw(office, "phone")
    assert not await has_phone(office)


async def test_consent_withdrawn_in_the_app_deletes_at_once(
    office: Office, here: Neighbourhood
) -> None:
    await office.keep_phone(PHONE)
    me = await here.caller("resident-1")
    answer = await me.delete(f"/v1/consents/{here.community_id}/phone")
    assert answer.status_code == 200, answer.text
    assert not await has_phone(office)


async def test_withdrawing_consent_to_the_location_blurs_it_here(office: Office) -> None:
    await office.agree()
    await office.report(await office.send_photo())
    await withdraw(office, "phone")
    (place,) = await office.rows(PLACES)
    assert (place["latitude"], place["longitude"]) == REPORTED_AT
    await withdraw(office, "location")
    (place,) = await office.rows(PLACES)
    centre = blurred(Position(*REPORTED_AT))
    assert (place["latitude"], place["longitude"]) == (centre.latitude, centre.longitude)
    assert await office.rows(POSITIONS) == [{"is_kept": False}]


async def test_withdrawing_consent_to_messages_sends_no_more_of_them(office: Office) -> None:
    await office.open_mini_program()
    await withdraw(office, "phone")
    assert await office.rows(QUOTAS) == [{"left_count": 2}]
    await withdraw(office, "messages")
    assert await office.rows(QUOTAS) == [{"left_count": 0}]


async def ask_to_join(office: Office, here: Neighbourhood) -> int:
    """Let somebody who belongs nowhere ask to join, known by an openid; return the person."""
    newcomer = await consent(here, "newcomer", "service", "phone")
    body = {
        "community_id": str(here.community_id),
        "building_id": str(here.places.buildings[0]),
        "room": "1-101",
        "display_name": "李四",
    }
    asked = await newcomer.post("/v1/join-requests", body)
    assert asked.status_code == 201, asked.text
    await office.open_mini_program("newcomer", "openid-of-newcomer")
    return await office.person_id("newcomer")


async def test_whoever_cancels_wechat_is_forgotten_where_they_only_asked_to_join(
    office: Office, here: Neighbourhood
) -> None:
    person_id = await ask_to_join(office, here)
    await office.revoke(open_id="openid-of-newcomer", is_cancellation=True)
    request = await office.row("SELECT sealed_name, room, state FROM join_requests")
    assert request == {"sealed_name": None, "room": "", "state": "refused"}
    consents = "SELECT withdrawn_at IS NULL AS stands FROM consents WHERE person_id = :person_id"
    assert {row["stands"] for row in await office.rows(consents, person_id=person_id)} == {False}


async def test_consent_revoked_in_wechat_ends_where_one_does_not_belong_yet(
    office: Office, here: Neighbourhood
) -> None:
    person_id = await ask_to_join(office, here)
    await office.revoke(TELEPHONE, open_id="openid-of-newcomer")
    left = "SELECT purpose FROM consents WHERE person_id = :person_id AND withdrawn_at IS NULL"
    assert await office.rows(left, person_id=person_id) == [{"purpose": "service"}]


async def test_who_leaves_the_last_community_is_forgotten_where_they_were_refused(
    office: Office, elsewhere: Neighbourhood
) -> None:
    person_id = await office.person_id()
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text(
                "INSERT INTO join_requests (community_id, join_request_id, person_id, sealed_name,"
                " building_id, room, state, asked_at, decided_at) VALUES (:community_id, 1,"
                " :person_id, 'x', :building_id, '1-101', 'refused', now(), now())"
            ),
            {
                "community_id": elsewhere.community_id,
                "building_id": elsewhere.places.buildings[0],
                "person_id": person_id,
            },
        )
    await office.close()
    request = await office.row("SELECT sealed_name, room, state FROM join_requests")
    assert request == {"sealed_name": None, "room": "", "state": "refused"}
