"""Signing in by name, and what the answer says."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings
from app.main import create_app
from tests.support.caller import problem_code, sign_in
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood


async def test_a_resident_gets_tokens_bound_to_their_community(here: Neighbourhood) -> None:
    answer = await here.http.post("/v1/auth/local", json={"ticket": "resident-1"})

    assert answer.status_code == 200
    tokens = answer.json()
    membership = {
        "community_id": str(here.community_id),
        "community_name": "阳光社区",
        "resident_id": here.resident_id("resident-1"),
        "roles": ["resident"],
    }
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 15 * 60
    assert tokens["refresh_expires_in"] == 30 * 24 * 3600
    assert tokens["membership"] == membership
    assert tokens["memberships"] == [membership]


async def test_the_tokens_tell_who_signed_in(here: Neighbourhood) -> None:
    resident = await sign_in(here.http, "resident-1")
    answer = await resident.get("/v1/me")
    assert answer.json()["resident_id"] == here.resident_id("resident-1")
    assert answer.json()["display_name"] == "王小四"


@pytest.mark.parametrize(
    ("name", "role"),
    [("worker-1", "grid_worker"), ("clerk-1", "clerk"), ("committee-1", "committee")],
)
async def test_staff_are_told_their_role_and_no_resident_number(
    here: Neighbourhood, name: str, role: str
) -> None:
    staff = await sign_in(here.http, name)
    assert staff.tokens["membership"]["roles"] == [role]
    assert staff.tokens["membership"]["resident_id"] is None


async def test_a_newcomer_becomes_a_person_without_a_community(here: Neighbourhood) -> None:
    newcomer = await sign_in(here.http, "newcomer")
    assert newcomer.tokens["membership"] is None
    assert newcomer.tokens["memberships"] == []
    assert (await newcomer.get("/v1/join-requests")).json() == {"items": [], "next_cursor": None}
    assert problem_code(await newcomer.get("/v1/me")) == "forbidden"


async def test_the_same_name_is_the_same_person_in_another_session(here: Neighbourhood) -> None:
    phone = await sign_in(here.http, "newcomer")
    tablet = await sign_in(here.http, "newcomer")
    body = {
        "community_id": str(here.community_id),
        "display_name": "赵新",
        "building_id": str(here.places.buildings[0]),
        "room": "9-101",
    }
    await agree(phone, here.community_id)
    asked = await phone.post("/v1/join-requests", body)
    seen = await tablet.get("/v1/join-requests")
    assert seen.json()["items"] == [asked.json()]
    assert phone.tokens["access_token"] != tablet.tokens["access_token"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ticket": ""},
        {"ticket": "a b"},
        {"ticket": "x" * 65},
        {"ticket": "x\u0000"},
        {"ticket": 5},
        {"ticket": "resident-1", "role": "committee"},
    ],
)
async def test_what_is_no_name_is_refused(http: httpx.AsyncClient, body: dict[str, object]) -> None:
    answer = await http.post("/v1/auth/local", json=body)
    assert answer.status_code == 422
    assert problem_code(answer) == "request_invalid"


async def test_an_operator_can_switch_local_sign_in_off(
    settings: Settings, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    off = create_app(settings.model_copy(update={"local_sign_in": False}))
    off.state.sessionmaker = sessionmaker
    transport = httpx.ASGITransport(app=off)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/v1/auth/local", json={"ticket": "resident-1"})
    assert answer.status_code == 403
    assert problem_code(answer) == "local_sign_in_off"


def test_local_sign_in_is_off_with_a_database_of_ones_own(settings: Settings) -> None:
    outside = settings.model_copy(update={"database_url": "postgresql://x/y"})
    assert not outside.model_copy(update={"local_sign_in": None}).allows_local_sign_in
    assert settings.model_copy(update={"local_sign_in": None}).allows_local_sign_in
