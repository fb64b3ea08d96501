"""Signing in with WeChat, through the application and WeChat's double."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.identity.conftest import CLERK_APP, RESIDENT_APP, SECRET
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock


async def post_code(
    http: httpx.AsyncClient, code: str, app_id: str = RESIDENT_APP
) -> httpx.Response:
    return await http.post("/v1/auth/wechat", json={"app_id": app_id, "code": code})


async def person_of(http: httpx.AsyncClient, code: str, app_id: str = RESIDENT_APP) -> Caller:
    answer = await post_code(http, code, app_id)
    assert answer.status_code == 200, answer.text
    return Caller(http, answer.json())


async def persons(sessionmaker: async_sessionmaker[AsyncSession]) -> int:
    async with sessionmaker() as session:
        return await session.scalar(text("SELECT count(*) FROM persons")) or 0


async def test_a_code_signs_its_person_in(http: httpx.AsyncClient, wechat: WeChatDouble) -> None:
    newcomer = await person_of(http, wechat.issue_code("anna"))
    assert newcomer.tokens["memberships"] == []
    assert (await newcomer.get("/v1/join-requests")).status_code == 200


async def test_the_answer_shows_neither_openid_nor_session_key(
    http: httpx.AsyncClient, wechat: WeChatDouble
) -> None:
    answer = await post_code(http, wechat.issue_code("anna"))
    assert wechat.open_id(RESIDENT_APP, "anna") not in answer.text
    assert "session_key" not in answer.text


async def test_a_second_code_of_the_same_person_makes_no_second_person(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    await person_of(http, wechat.issue_code("anna"))
    await person_of(http, wechat.issue_code("anna"))
    assert await persons(sessionmaker) == 1
    await person_of(http, wechat.issue_code("boris"))
    assert await persons(sessionmaker) == 2


async def test_a_used_code_signs_nobody_in(http: httpx.AsyncClient, wechat: WeChatDouble) -> None:
    code = wechat.issue_code("anna")
    await person_of(http, code)
    again = await post_code(http, code)
    assert again.status_code == 401
    assert problem_code(again) == "we_chat_code_invalid"


async def test_a_code_too_old_signs_nobody_in(
    http: httpx.AsyncClient, wechat: WeChatDouble, clock: Clock
) -> None:
    code = wechat.issue_code("anna")
    clock.advance(minutes=5)
    assert problem_code(await post_code(http, code)) == "we_chat_code_invalid"


async def test_an_account_that_wechat_blocks_is_refused(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,  # noqa: ARG001 - it answers
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    answer = await post_code(http, "risk-anna")
    assert answer.status_code == 403
    assert problem_code(answer) == "we_chat_account_blocked"
    assert await persons(sessionmaker) == 0


async def test_a_busy_wechat_asks_for_patience(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,  # noqa: ARG001 - it answers
) -> None:
    answer = await post_code(http, "limit")
    assert answer.status_code == 503
    assert problem_code(answer) == "we_chat_unavailable"
    assert answer.headers["Retry-After"] == "60"


async def test_a_mini_program_we_do_not_know_is_refused_unasked(
    http: httpx.AsyncClient, wechat: WeChatDouble
) -> None:
    answer = await post_code(http, "ok-anna", app_id="wx9999999999999999")
    assert answer.status_code == 422
    assert problem_code(answer) == "unknown_we_chat_app"
    assert wechat.asked_codes == []


async def test_a_secret_that_wechat_refuses_is_our_fault_and_not_told(
    http: httpx.AsyncClient, app: FastAPI, wechat: WeChatDouble
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(wechat.app)) as outside:
        wrong = WeChatClient(outside, RESIDENT_APP, "wrong", "http://wechat")
        app.state.wechat = {RESIDENT_APP: wrong}
        answer = await post_code(http, "ok-anna")
    assert answer.status_code == 500
    assert problem_code(answer) == "server_fault"
    assert "40125" not in answer.text
    assert "wrong" not in answer.text
    assert SECRET not in answer.text


async def test_two_apps_of_one_owner_are_one_person(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    wechat.open_platform = "owner"
    as_resident = await person_of(http, wechat.issue_code("anna"))
    as_clerk = await person_of(http, wechat.issue_code("anna"), CLERK_APP)
    assert await persons(sessionmaker) == 1
    everywhere = await as_clerk.post("/v1/auth/sign-out-everywhere")
    assert everywhere.json() == {"ended_sessions": 2}
    assert (await as_resident.get("/v1/join-requests")).status_code == 401


async def test_an_app_bound_to_its_owner_later_still_joins_the_others(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    await person_of(http, wechat.issue_code("anna"))
    wechat.open_platform = "owner"
    await person_of(http, wechat.issue_code("anna"))
    await person_of(http, wechat.issue_code("anna"), CLERK_APP)
    assert await persons(sessionmaker) == 1


async def test_two_apps_without_a_common_owner_are_two_persons(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    await person_of(http, wechat.issue_code("anna"))
    await person_of(http, wechat.issue_code("anna"), CLERK_APP)
    assert await persons(sessionmaker) == 2


async def test_a_name_at_the_local_provider_is_nobody_at_wechat(
    http: httpx.AsyncClient,
    wechat: WeChatDouble,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    await http.post("/v1/auth/local", json={"ticket": wechat.open_id(RESIDENT_APP, "anna")})
    await person_of(http, wechat.issue_code("anna"))
    assert await persons(sessionmaker) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"app_id": RESIDENT_APP},
        {"app_id": RESIDENT_APP, "code": ""},
        {"app_id": RESIDENT_APP, "code": "x" * 513},
        {"app_id": "wx/../1", "code": "ok-anna"},
        {"app_id": RESIDENT_APP, "code": "ok-anna", "openid": "o1"},
    ],
)
async def test_a_malformed_sign_in_never_reaches_wechat(
    http: httpx.AsyncClient, wechat: WeChatDouble, body: dict[str, str]
) -> None:
    answer = await http.post("/v1/auth/wechat", json=body)
    assert answer.status_code == 422
    assert wechat.asked_codes == []
