"""Residents without a phone: registered by a worker, known by name to nobody else."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Field, Vault
from tests.community.cards.holders import NAME, form, register
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

ROW = "SELECT * FROM residents WHERE community_id = :community_id AND resident_id = :resident_id"
STORED = "SELECT CAST(answer AS text) FROM idempotency_keys WHERE operation LIKE '%/residents'"
ROOMS = "SELECT count(*) FROM households WHERE community_id = :community_id AND room = '5-501'"


async def test_a_worker_registers_somebody_without_repeating_their_name(
    here: Neighbourhood, clock: Clock
) -> None:
    worker = await here.caller("worker-1")
    body = form(here, phone="13800001234")
    answer = await worker.post_once("/v1/staff/residents", body)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "resident_id": answer.json()["resident_id"],
        "masked_name": "周*兰",
        "masked_phone": "138****1234",
        "building_id": body["building_id"],
        "room": "5-501",
        "joined_at": clock.now.isoformat().replace("+00:00", "Z"),
    }


async def test_the_name_and_phone_are_sealed_and_the_worker_is_named(
    here: Neighbourhood, vault: Vault, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    resident_id = int(await register(here, by="worker-1", phone="+8613800001234"))
    async with sessionmaker() as session:
        values = {"community_id": here.community_id, "resident_id": resident_id}
        row = (await session.execute(text(ROW), values)).one()
        worker = await session.scalar(
            text("SELECT person_id FROM identities WHERE subject = 'worker-1'")
        )
        stored = await session.scalar(text(STORED))
    name_field = Field("residents.name", here.community_id, resident_id)
    phone_field = Field("residents.phone", here.community_id, resident_id)
    assert vault.open(row.sealed_name, name_field) == NAME
    assert vault.open(row.sealed_phone, phone_field) == "+8613800001234"
    assert (row.person_id, row.registered_by, row.state) == (None, worker, "active")
    assert stored is not None
    assert NAME not in stored
    assert "13800001234" not in stored


@pytest.mark.parametrize("search", [{"name": "周"}, {"name": NAME}, {"phone": "13800001234"}])
async def test_staff_find_them_by_name_and_phone(
    here: Neighbourhood, search: dict[str, str]
) -> None:
    resident_id = await register(here, phone="13800001234")
    worker = await here.caller("worker-1")
    found = await worker.get("/v1/staff/residents", **search)
    assert [row["resident_id"] for row in found.json()["items"]] == [resident_id]


async def test_they_have_a_wallet_and_earn_like_anybody(here: Neighbourhood) -> None:
    resident_id = await register(here)
    here.residents["no-phone"] = int(resident_id)
    posted = await here.give("no-phone", "survey")
    assert posted["resident_id"] == resident_id


async def test_two_of_one_flat_share_it(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    await register(here)
    await register(here, name="周小弟")
    async with sessionmaker() as session:
        rooms = await session.scalar(text(ROOMS), {"community_id": here.community_id})
    assert rooms == 1


async def test_a_retry_registers_nobody_twice(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    key = fresh_key()
    first = await worker.post("/v1/staff/residents", form(here), key=key)
    again = await worker.post("/v1/staff/residents", form(here), key=key)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    found = await worker.get("/v1/staff/residents", name=NAME)
    assert len(found.json()["items"]) == 1
    without = await worker.post("/v1/staff/residents", form(here))
    assert problem_code(without) == "idempotency_key_missing"


async def test_only_at_a_building_one_works_in(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    worker = await here.caller("worker-1")
    foreign = form(here, building_id=str(elsewhere.places.buildings[0]))
    for body in (form(here, building=3), foreign, form(here, building_id="1")):
        answer = await worker.post_once("/v1/staff/residents", body)
        assert (answer.status_code, problem_code(answer)) == (404, "building_not_found")
    assert await register(here, building=3, by="worker-2")
    assert await register(here, building=3, by="committee-1")


@pytest.mark.parametrize("name", ["resident-1", "clerk-1"])
async def test_neighbours_and_clerks_register_nobody(here: Neighbourhood, name: str) -> None:
    caller = await here.caller(name)
    answer = await caller.post_once("/v1/staff/residents", form(here))
    assert answer.status_code == 403


@pytest.mark.parametrize("phone", ["12345", "+0123456789", "138-0000-1234", "座机没有", "+86" * 9])
async def test_a_phone_is_a_number_that_can_be_called(here: Neighbourhood, phone: str) -> None:
    worker = await here.caller("worker-1")
    answer = await worker.post_once("/v1/staff/residents", form(here, phone=phone))
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
