"""What is kept of people is sealed; who opens it says why, and the resident reads it."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Field, SealBroken, Vault
from tests.conftest import MakeRace
from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.database import RACES, DatabaseServer, everything_in
from tests.support.neighbourhood import NAMES, Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
PURPOSE = "通知停水，电话联系"


async def reveal(
    caller: Caller, here: Neighbourhood, name: str = "resident-1", **changes: Any
) -> httpx.Response:
    body = {"fields": ["name"], "purpose": PURPOSE} | changes
    return await caller.post(f"/v1/staff/residents/{here.resident_id(name)}/reveal", body)


async def reads_of(here: Neighbourhood, name: str = "resident-1") -> list[dict[str, Any]]:
    answer = await (await here.caller(name)).get("/v1/me/personal-data-reads")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_worker_who_says_why_sees_the_name_and_the_resident_reads_who_did(
    here: Neighbourhood, clock: Clock
) -> None:
    worker = await here.caller("worker-1")

    answer = await reveal(worker, here)

    assert answer.status_code == 200
    assert answer.json() == {
        "resident_id": here.resident_id("resident-1"), "name": "王小四", "phone": None,
    }  # fmt: skip
    (read,) = await reads_of(here)
    assert read == {
        "personal_data_read_id": read["personal_data_read_id"],
        "reader_role": "grid_worker",
        "reader_masked_name": "w***",
        "fields": ["name"],
        "purpose": PURPOSE,
        "read_at": clock.now.isoformat().replace("+00:00", "Z"),
    }


async def test_only_what_was_asked_for_is_opened_and_noted(here: Neighbourhood) -> None:
    committee = await here.caller("committee-1")
    first = await reveal(committee, here, fields=["phone"])
    second = await reveal(committee, here, fields=["phone", "name", "phone"][:2])
    assert (first.json()["name"], second.json()["name"]) == (None, "王小四")
    assert [read["fields"] for read in await reads_of(here)] == [["phone", "name"], ["phone"]]
    assert [read["reader_role"] for read in await reads_of(here)] == ["committee", "committee"]


@pytest.mark.parametrize("who", ["worker-2", "other-worker-1", "other-committee-1"])
async def test_a_resident_of_another_grid_or_community_is_not_there(
    here: Neighbourhood, elsewhere: Neighbourhood, who: str
) -> None:
    place = elsewhere if who.startswith("other-") else here
    answer = await reveal(await place.caller(who.removeprefix("other-")), here)
    assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")
    assert await reads_of(here) == []


@pytest.mark.parametrize("who", ["resident-1", "resident-2", "clerk-1", "newcomer"])
async def test_nobody_but_staff_of_residents_may_open_anything(
    here: Neighbourhood, who: str
) -> None:
    caller = await (sign_in(here.http, who) if who == "newcomer" else here.caller(who))
    answer = await reveal(caller, here)
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
    assert await reads_of(here) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": []},
        {"fields": ["address"]},
        {"fields": ["name", "phone", "name"]},
        {"fields": "name"},
        {"purpose": ""},
        {"purpose": " x "},
        {"purpose": "x" * 201},
        {"purpose": None},
        {"resident_id": "1"},
    ],
)
async def test_without_a_purpose_and_a_field_nothing_is_opened(
    here: Neighbourhood, changes: dict[str, Any]
) -> None:
    answer = await reveal(await here.caller("worker-1"), here, **changes)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
    assert await reads_of(here) == []


async def test_one_who_has_left_is_not_there(here: Neighbourhood, sessionmaker: Sessions) -> None:
    leave = text("UPDATE residents SET state = 'left' WHERE resident_id = :resident_id")
    async with sessionmaker.begin() as session:
        await session.execute(leave, {"resident_id": here.residents["resident-1"]})
    answer = await reveal(await here.caller("worker-1"), here)
    assert problem_code(answer) == "resident_not_found"


async def test_everybody_reads_only_of_themselves(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    await reveal(await here.caller("worker-1"), here, "resident-1")
    assert len(await reads_of(here, "resident-1")) == 1
    assert await reads_of(here, "resident-2") == []
    assert await reads_of(elsewhere, "resident-1") == []


async def test_reads_come_in_pages_newest_first(here: Neighbourhood, clock: Clock) -> None:
    worker, resident = await here.caller("worker-1"), await here.caller("resident-1")
    for number in (1, 2, 3):
        clock.advance(minutes=1)
        await reveal(worker, here, purpose=f"第{number}次联系")
    page = (await resident.get("/v1/me/personal-data-reads", size=2)).json()
    rest = await resident.get("/v1/me/personal-data-reads", size=2, cursor=page["next_cursor"])
    assert [read["purpose"] for read in page["items"]] == ["第3次联系", "第2次联系"]
    assert [read["purpose"] for read in rest.json()["items"]] == ["第1次联系"]
    assert rest.json()["next_cursor"] is None


async def test_a_reader_who_left_the_staff_stays_on_the_list_without_a_name(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    await reveal(await here.caller("worker-1"), here)
    async with sessionmaker.begin() as session:
        await session.execute(
            text("DELETE FROM role_grants WHERE community_id = :id"), {"id": here.community_id}
        )
    (read,) = await reads_of(here)
    assert (read["reader_role"], read["reader_masked_name"]) == (None, None)
    assert read["purpose"] == PURPOSE


async def test_what_was_opened_stays_written_down(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    await reveal(await here.caller("worker-1"), here)
    for statement in (
        "DELETE FROM personal_data_reads",
        "UPDATE personal_data_reads SET purpose=''",
    ):
        async with sessionmaker() as session:
            with pytest.raises(Exception, match="permission denied"):
                await session.execute(text(statement))


async def test_a_name_moved_to_another_row_does_not_open(
    here: Neighbourhood, sessionmaker: Sessions, vault: Vault
) -> None:
    swap = """
        UPDATE residents SET sealed_name = other.sealed_name FROM residents AS other
        WHERE residents.community_id = :id AND residents.resident_id = :one
            AND other.community_id = :id AND other.resident_id = :two
        RETURNING residents.sealed_name
    """
    one, two = here.residents["resident-1"], here.residents["resident-2"]
    async with sessionmaker.begin() as session:
        values = {"id": here.community_id, "one": one, "two": two}
        moved = await session.scalar(text(swap), values)
    with pytest.raises(SealBroken):
        vault.open(moved, Field("residents.name", here.community_id, one))
    assert vault.open(moved, Field("residents.name", here.community_id, two)) == "李雷"
    resident = await here.caller("resident-1")
    assert problem_code(await resident.get("/v1/me")) == "server_fault"


async def test_no_name_lies_in_the_database_in_the_clear(
    race: MakeRace, migrated: DatabaseServer
) -> None:
    here = await race(6)
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    asked = await newcomer.post(
        "/v1/join-requests",
        {
            "community_id": str(here.community_id),
            "display_name": "诸葛孔明",
            "building_id": str(here.places.buildings[0]),
            "room": "9-901",
        },
    )
    worker = await here.caller("worker-1")
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
    assert (await worker.post(path)).status_code == 200
    await reveal(worker, here)
    stored = await everything_in(migrated.url(RACES, "gridpoints_owner"))
    assert "王*四" in stored
    for name in (*NAMES, "诸葛孔明"):
        assert name not in stored
        assert name.encode().hex() not in stored
