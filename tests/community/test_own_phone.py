"""One's phone: given through WeChat, sealed, found by staff, taken away again."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from app.community.residents import service
from app.core.access import Actor, Grant, Role
from app.core.personal import Vault
from app.wechat.client import WeChatClient
from tests.conftest import MakeRace
from tests.doubles.wechat import WeChatDouble
from tests.support import consenting
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
APP_ID, OTHER_APP_ID = "wx1111111111111111", "wx2222222222222222"
SECRET = "not-to-be-seen"
NUMBER, OTHER_NUMBER = "13800000001", "13900000002"


@pytest.fixture
async def double(app: FastAPI, clock: Clock) -> AsyncIterator[WeChatDouble]:
    double = WeChatDouble({APP_ID: SECRET, OTHER_APP_ID: SECRET}, clock=clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as outside:
        app.state.wechat = {
            app_id: WeChatClient(outside, app_id, SECRET, "http://wechat")
            for app_id in (APP_ID, OTHER_APP_ID)
        }
        yield double


@pytest.fixture
async def anna(here: Neighbourhood, double: WeChatDouble) -> Caller:
    return await join_by_wechat(here, double, "anna")


async def join_by_wechat(here: Neighbourhood, double: WeChatDouble, name: str) -> Caller:
    """Let somebody of WeChat's become a resident who agrees to give a phone."""
    code = {"app_id": APP_ID, "code": double.issue_code(name)}
    newcomer = Caller(here.http, (await here.http.post("/v1/auth/wechat", json=code)).json())
    body = {
        "community_id": str(here.community_id),
        "display_name": "诸葛孔明",
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }
    await consenting.agree(newcomer, here.community_id)
    asked = (await newcomer.post("/v1/join-requests", body)).json()
    worker = await here.caller("worker-1")
    await worker.post(f"/v1/staff/join-requests/{asked['join_request_id']}/approve")
    refresh = {"refresh_token": newcomer.tokens["refresh_token"]}
    resident = Caller(here.http, (await here.http.post("/v1/auth/refresh", json=refresh)).json())
    await agree(resident, here)
    return resident


async def give(
    caller: Caller, double: WeChatDouble, number: str = NUMBER, *, name: str = "anna",
    app_id: str = APP_ID,
) -> httpx.Response:  # fmt: skip
    code = double.issue_phone_code(name, number)
    return await caller.put("/v1/me/phone", {"app_id": app_id, "code": code})


async def found_by(caller: Caller, phone: str) -> list[str | None]:
    answer = await caller.get("/v1/staff/residents", phone=phone)
    assert answer.status_code == 200, answer.text
    return [row["masked_phone"] for row in answer.json()["items"]]


async def agree(caller: Caller, here: Neighbourhood) -> None:
    body = {"community_id": str(here.community_id), "version": 1, "purposes": ["phone"]}
    answer = await caller.post("/v1/consents", body)
    assert answer.status_code == 200, answer.text


async def withdraw(caller: Caller, here: Neighbourhood) -> None:
    answer = await caller.delete(f"/v1/consents/{here.community_id}/phone")
    assert answer.status_code == 200, answer.text


async def test_a_given_phone_is_shown_masked_and_found_as_a_whole(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    answer = await give(anna, double)

    assert (answer.status_code, answer.json()) == (200, {"masked_phone": "138****0001"})
    assert (await anna.get("/v1/me")).json()["masked_phone"] == "138****0001"
    worker = await here.caller("worker-1")
    for written in (NUMBER, f"+86{NUMBER}", f"86{NUMBER}", f" 86{NUMBER}"):
        assert await found_by(worker, written) == ["138****0001"]
    for other in (NUMBER[:-1], "13800000002", f"+1{NUMBER}"):
        assert await found_by(worker, other) == []
    assert await found_by(await here.caller("worker-2"), NUMBER) == []


async def test_a_phone_is_found_in_its_own_community_only(
    here: Neighbourhood, elsewhere: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    await give(anna, double)
    assert await found_by(await here.caller("committee-1"), NUMBER) == ["138****0001"]
    assert await found_by(await elsewhere.caller("committee-1"), NUMBER) == []


async def test_staff_who_say_why_see_the_phone(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    await give(anna, double)
    resident_id = (await anna.get("/v1/me")).json()["resident_id"]
    worker = await here.caller("worker-1")
    body = {"fields": ["phone"], "purpose": "燃气泄漏，请回电"}
    answer = await worker.post(f"/v1/staff/residents/{resident_id}/reveal", body)
    assert answer.json() == {
        "resident_id": resident_id, "name": None, "phone": f"+86{NUMBER}",
    }  # fmt: skip
    (read,) = (await anna.get("/v1/me/personal-data-reads")).json()["items"]
    assert (read["fields"], read["purpose"]) == (["phone"], "燃气泄漏，请回电")


async def test_another_phone_takes_the_place_of_the_first(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    await give(anna, double)
    await give(anna, double, OTHER_NUMBER)
    worker = await here.caller("worker-1")
    assert await found_by(worker, NUMBER) == []
    assert await found_by(worker, OTHER_NUMBER) == ["139****0002"]


async def test_the_same_phone_given_twice_is_one_phone(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    await give(anna, double)
    assert (await give(anna, double)).status_code == 200
    assert await found_by(await here.caller("worker-1"), NUMBER) == ["138****0001"]


async def test_two_of_a_family_may_have_one_phone(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    boris = await join_by_wechat(here, double, "boris")
    await give(anna, double)
    await give(boris, double, name="boris")
    worker = await here.caller("worker-1")
    assert len(await found_by(worker, NUMBER)) == 2
    await anna.delete("/v1/me/phone")
    assert len(await found_by(worker, NUMBER)) == 1


async def test_a_phone_taken_away_is_gone_with_its_token(
    here: Neighbourhood, double: WeChatDouble, anna: Caller, sessionmaker: Sessions
) -> None:
    count = text("SELECT count(*) FROM resident_tokens WHERE community_id = :id")
    values = {"id": here.community_id}
    async with sessionmaker() as session:
        before = await session.scalar(count, values)
    await give(anna, double)

    answers = [await anna.delete("/v1/me/phone") for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"masked_phone": None}] * 2
    assert (await anna.get("/v1/me")).json()["masked_phone"] is None
    assert await found_by(await here.caller("worker-1"), NUMBER) == []
    async with sessionmaker() as session:
        assert await session.scalar(count, values) == before
        kept = text("SELECT count(*) FROM residents WHERE sealed_phone IS NOT NULL")
        assert await session.scalar(kept) == 0


async def test_without_consent_wechat_is_not_even_asked(
    here: Neighbourhood, double: WeChatDouble, anna: Caller
) -> None:
    await withdraw(anna, here)
    answer = await give(anna, double)
    assert (answer.status_code, problem_code(answer)) == (403, "consent_required")
    assert answer.json()["purpose"] == "phone"
    assert double.bodies == []


async def test_a_consent_withdrawn_while_wechat_thinks_keeps_the_phone_out(
    here: Neighbourhood,
    double: WeChatDouble,
    anna: Caller,
    app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client: WeChatClient = app.state.wechat[APP_ID]
    look_up = client.phone_number

    async def slowly(code: str, *, open_id: str) -> str:
        await withdraw(anna, here)
        return await look_up(code, open_id=open_id)

    monkeypatch.setattr(client, "phone_number", slowly)
    assert problem_code(await give(anna, double)) == "consent_required"
    assert (await anna.get("/v1/me")).json()["masked_phone"] is None


async def test_a_phone_can_be_forgotten_by_the_person_it_belongs_to(
    here: Neighbourhood,
    elsewhere: Neighbourhood,
    double: WeChatDouble,
    anna: Caller,
    sessionmaker: Sessions,
    vault: Vault,
) -> None:
    await give(anna, double)
    find = text("SELECT person_id FROM residents WHERE sealed_phone IS NOT NULL")
    async with sessionmaker.begin() as session:
        person_id = (await session.scalars(find)).one()
        await service.forget_phone(session, elsewhere.community_id, person_id, vault=vault)
        assert await session.scalar(find) == person_id
        await service.forget_phone(session, here.community_id, person_id, vault=vault)
        assert await session.scalar(find) is None
    assert await found_by(await here.caller("worker-1"), NUMBER) == []


async def test_no_transaction_is_open_while_wechat_thinks(
    double: WeChatDouble, anna: Caller, app: FastAPI, connection: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    client: WeChatClient = app.state.wechat[APP_ID]
    open_then: list[bool] = []

    look_up = client.phone_number

    async def watched(code: str, *, open_id: str) -> str:
        # In a test a request's transaction is a savepoint of the one connection.
        open_then.append(connection.in_nested_transaction())
        return await look_up(code, open_id=open_id)

    monkeypatch.setattr(client, "phone_number", watched)
    assert (await give(anna, double)).status_code == 200
    assert open_then == [False]


async def test_a_code_of_somebody_else_gives_no_phone(double: WeChatDouble, anna: Caller) -> None:
    answer = await give(anna, double, name="boris")
    assert problem_code(answer) == "we_chat_code_invalid"
    assert (await anna.get("/v1/me")).json()["masked_phone"] is None


async def test_the_code_comes_from_a_mini_program_one_has_signed_in_with(
    double: WeChatDouble, anna: Caller, here: Neighbourhood
) -> None:
    other = await give(anna, double, app_id=OTHER_APP_ID)
    unknown = await give(anna, double, app_id="wx0")
    by_name = await here.caller("resident-1")
    await agree(by_name, here)
    local = await give(by_name, double)
    assert (other.status_code, problem_code(other)) == (409, "we_chat_not_linked")
    assert (unknown.status_code, problem_code(unknown)) == (422, "unknown_we_chat_app")
    assert problem_code(local) == "we_chat_not_linked"
    assert double.bodies == []


async def test_looking_up_phones_has_a_limit(double: WeChatDouble, anna: Caller) -> None:
    answers = [await give(anna, double) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


@pytest.mark.parametrize("who", ["worker-1", "clerk-1"])
async def test_only_residents_have_a_phone_here(
    here: Neighbourhood, double: WeChatDouble, who: str
) -> None:
    caller = await here.caller(who)
    assert problem_code(await give(caller, double)) == "forbidden"
    assert problem_code(await caller.delete("/v1/me/phone")) == "forbidden"


async def test_phones_given_at_once_leave_one_phone_and_one_way_to_find_it(
    race: MakeRace, race_sessionmaker: Sessions, vault: Vault
) -> None:
    here = await race(1)
    await agree(await here.caller("resident-1"), here)
    find = text("SELECT person_id FROM residents WHERE resident_id = :resident_id")
    resident_id = here.residents["resident-1"]
    async with race_sessionmaker() as session:
        person_id = (await session.scalars(find, {"resident_id": resident_id})).one()
    actor = Actor(person_id, 1, here.community_id, resident_id, (Grant(Role.RESIDENT),))

    async def put(phone: str) -> None:
        async with race_sessionmaker.begin() as session:
            await service.put_phone(session, actor, phone, vault=vault)

    numbers = [f"1380000000{digit}" for digit in range(6)]
    await asyncio.gather(*(put(f"+86{number}") for number in numbers))

    kept = (await (await here.caller("resident-1")).get("/v1/me")).json()["masked_phone"]
    worker = await here.caller("worker-1")
    found = [await found_by(worker, number) for number in numbers]
    assert [phones for phones in found if phones] == [[kept]]
