"""Where WeChat pushes to: believed only when signed, stored once, answered at once."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import Settings, WeChatPushSecrets
from app.wechat.endpoints import MAX_BODY_BYTES
from app.wechat.events import MediaVerdict, Revocation, SubscriptionAnswer
from app.wechat.receiving import Handlers, handle_push
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_push import PushTarget, signed_request
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.wechat.asking import APP_ID, OTHER_APP_ID

Sessions = async_sessionmaker[AsyncSession]

PATH = "/wechat/push"
TOKEN = "token-of-the-first"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OTHER_TOKEN = "token-of-the-other"
TARGET = PushTarget(f"http://test{PATH}", TOKEN, AES_KEY)
OTHER_TARGET = PushTarget(f"http://test{PATH}", OTHER_TOKEN)
VERDICT = {
    "Event": "wxa_media_check",
    "trace_id": "trace-1",
    "errcode": 0,
    "result": {"suggest": "pass", "label": 100},
}


@pytest.fixture(autouse=True)
def _secrets(app: FastAPI) -> Iterator[None]:
    """Configure one app's push in the safe mode and the other's in the plain one."""
    before: Settings = app.state.settings
    push = {
        APP_ID: WeChatPushSecrets(token=SecretStr(TOKEN), aes_key=SecretStr(AES_KEY)),
        OTHER_APP_ID: WeChatPushSecrets(token=SecretStr(OTHER_TOKEN)),
    }
    app.state.settings = before.model_copy(update={"wechat_push": push})
    yield
    app.state.settings = before


@pytest.fixture
def pushing(double: WeChatDouble, http: httpx.AsyncClient) -> WeChatDouble:
    double.outside = http
    double.push_target = TARGET
    return double


async def ask(sessions: Sessions, statement: str) -> Any:
    async with sessions() as session:
        return await session.scalar(text(statement))


async def job_keys(sessions: Sessions) -> list[bytes]:
    async with sessions() as session:
        found = await session.scalars(
            text("SELECT payload FROM pgqueuer WHERE entrypoint = 'handle_wechat_push'")
        )
        return list(found)


async def handle_all(app: FastAPI, sessions: Sessions, handlers: Handlers, now: datetime) -> None:
    for key in await job_keys(sessions):
        async with sessions.begin() as session:
            await handle_push(session, app.state.vault, key, handlers=handlers, now=now)


class Listener:
    """A handler that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    async def __call__(self, session: AsyncSession, event: object, /, *, now: datetime) -> None:
        assert session.in_transaction()
        assert now.tzinfo is not None
        self.heard.append(event)


async def test_the_handshake_is_answered_with_its_own_words(pushing: WeChatDouble) -> None:
    answer = await pushing.shake_hands()
    assert answer.status_code == 200
    assert answer.text == answer.request.url.params["echostr"]
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_handshake_that_wechat_did_not_sign_is_refused(
    http: httpx.AsyncClient, pushing: WeChatDouble
) -> None:
    pushing.push_target = PushTarget(TARGET.url, "another token", AES_KEY)
    assert problem_code(await pushing.shake_hands()) == "push_forged"
    assert (await http.get(PATH)).status_code == 403


async def test_a_push_is_stored_sealed_and_answered_with_success(
    pushing: WeChatDouble, sessionmaker: Sessions
) -> None:
    answer = await pushing.push_event(VERDICT)

    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.headers["content-type"].startswith("text/plain")
    stored = "SELECT concat_ws(' ', app_id, event, trace_id, handled_at) FROM wechat_pushes"
    assert await ask(sessionmaker, stored) == f"{APP_ID} wxa_media_check trace-1"
    sealed = await ask(sessionmaker, "SELECT sealed_payload FROM wechat_pushes")
    assert b"trace-1" not in sealed
    assert len(await job_keys(sessionmaker)) == 1


async def test_a_push_in_the_plain_mode_is_known_by_its_apps_token(
    pushing: WeChatDouble, sessionmaker: Sessions
) -> None:
    pushing.push_target = OTHER_TARGET
    answer = await pushing.push_event(VERDICT, app_id=OTHER_APP_ID)
    assert answer.text == "success"
    assert await ask(sessionmaker, "SELECT app_id FROM wechat_pushes") == OTHER_APP_ID


async def test_a_push_that_comes_again_is_a_success_and_no_second_row(
    pushing: WeChatDouble, sessionmaker: Sessions
) -> None:
    # Each time it is encrypted anew, as WeChat does.
    answers = [await pushing.push_event(VERDICT) for _ in range(3)]
    assert {answer.text for answer in answers} == {"success"}
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 1
    assert len(await job_keys(sessionmaker)) == 1


async def test_two_people_who_take_consent_back_in_one_second_are_two_pushes(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    for open_id in ("o-anna", "o-boris"):
        revocation = {
            "Event": "user_authorization_revoke",
            "OpenID": open_id,
            "AppID": APP_ID,
            "RevokeInfo": "8",
        }
        assert (await pushing.push_event(revocation)).text == "success"

    listener = Listener()
    await handle_all(app, sessionmaker, {Revocation: listener}, clock.now)

    who = {event.open_id for event in listener.heard if isinstance(event, Revocation)}
    assert who == {"o-anna", "o-boris"}


@pytest.mark.parametrize(
    "target",
    [
        PushTarget(TARGET.url, "another token", AES_KEY),
        PushTarget(TARGET.url, TOKEN, AES_KEY[::-1]),
        PushTarget(TARGET.url, TOKEN),
        PushTarget(TARGET.url, OTHER_TOKEN, AES_KEY),
    ],
    ids=["another token", "another key", "not encrypted", "the token of the other app"],
)
async def test_what_wechat_did_not_make_is_refused_and_not_stored(
    pushing: WeChatDouble, sessionmaker: Sessions, target: PushTarget
) -> None:
    pushing.push_target = target
    answer = await pushing.push_event(VERDICT)
    assert answer.status_code == 403
    assert problem_code(answer) == "push_forged"
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 0


async def test_a_body_changed_on_the_way_is_refused(
    http: httpx.AsyncClient, sessionmaker: Sessions, clock: Clock
) -> None:
    timestamp = str(int(clock.now.timestamp()))
    query, body = signed_request(
        VERDICT, target=TARGET, app_id=APP_ID, timestamp=timestamp, nonce="1"
    )
    for changed in (body[:-8] + b'AAAA"}', b"", b"[]", b"\xff", b"{" * 9000):
        answer = await http.post(PATH, params=query, content=changed)
        assert problem_code(answer) == "push_forged"
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 0
    assert (await http.post(PATH, params=query, content=body)).text == "success"


async def test_a_body_too_large_is_refused_before_it_is_read(http: httpx.AsyncClient) -> None:
    fits = await http.post(PATH, content=b"x" * MAX_BODY_BYTES)
    assert problem_code(fits) == "push_forged"
    answer = await http.post(PATH, content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert problem_code(answer) == "body_too_large"


async def test_a_letter_to_the_staff_is_answered_and_not_kept(
    pushing: WeChatDouble, sessionmaker: Sessions
) -> None:
    answer = await pushing.push_event({"MsgType": "text", "Content": "我叫王小四", "MsgId": 1})
    assert answer.text == "success"
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 0


@pytest.mark.parametrize("name", ["\ud800 and \u0000", "x" * 10_000, "一个事件"])
async def test_a_strange_name_is_stored_as_far_as_it_can_be(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock, name: str
) -> None:
    # Escaped by hand, for the double sends UTF-8.
    escaped = name if name.isprintable() else "and \u0000"
    answer = await pushing.push_event({"Event": escaped, "FromUserName": "o-anna"})
    assert answer.text == "success"
    await handle_all(app, sessionmaker, {}, clock.now)
    assert await ask(sessionmaker, "SELECT count(handled_at) FROM wechat_pushes") == 1


async def test_a_push_goes_to_the_handler_of_its_kind_once(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    await pushing.push_event(VERDICT)
    verdicts, answers = Listener(), Listener()
    handlers: Handlers = {MediaVerdict: verdicts, SubscriptionAnswer: answers}

    await handle_all(app, sessionmaker, handlers, clock.now)
    await handle_all(app, sessionmaker, handlers, clock.now)

    (verdict,) = verdicts.heard
    assert isinstance(verdict, MediaVerdict)
    assert verdict.trace_id == "trace-1"
    assert answers.heard == []
    assert await ask(sessionmaker, "SELECT handled_at FROM wechat_pushes") == clock.now


async def test_each_entry_of_a_list_is_an_event(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    entry = {"TemplateId": "t1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    popup = {"Event": "subscribe_msg_popup_event", "List": [entry, entry | {"TemplateId": "t2"}]}
    await pushing.push_event(popup)
    listener = Listener()

    await handle_all(app, sessionmaker, {SubscriptionAnswer: listener}, clock.now)

    heard = [event for event in listener.heard if isinstance(event, SubscriptionAnswer)]
    assert [event.template_id for event in heard] == ["t1", "t2"]


async def test_a_handler_that_fails_leaves_the_push_to_be_handled(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    await pushing.push_event(VERDICT)

    async def failing(session: AsyncSession, event: object, /, *, now: datetime) -> None:
        await session.execute(text("DELETE FROM wechat_pushes"))
        raise RuntimeError(f"{event} at {now}")

    with pytest.raises(RuntimeError, match="trace-1"):
        await handle_all(app, sessionmaker, {MediaVerdict: failing}, clock.now)
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 1

    listener = Listener()
    await handle_all(app, sessionmaker, {MediaVerdict: listener}, clock.now)
    assert len(listener.heard) == 1


async def test_an_event_that_we_do_nothing_about_is_done_with(
    pushing: WeChatDouble, app: FastAPI, sessionmaker: Sessions, clock: Clock
) -> None:
    await pushing.push_event({"Event": "user_enter_tempsession", "SessionFrom": "x"})
    await handle_all(app, sessionmaker, {}, clock.now)
    assert await ask(sessionmaker, "SELECT handled_at FROM wechat_pushes") == clock.now


async def test_nothing_of_a_push_is_logged(
    pushing: WeChatDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await pushing.push_event({**VERDICT, "FromUserName": "o-of-anna"})
    ours = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert "o-of-anna" not in " ".join(ours)


async def test_a_push_recorded_long_ago_is_not_believed_once_we_have_forgotten_it(
    http: httpx.AsyncClient, clock: Clock, sessionmaker: Sessions
) -> None:
    """Or else a consent taken back in spring would delete in autumn what was given since."""
    created = int(clock.now.timestamp())
    query, body = signed_request(
        {**VERDICT, "CreateTime": created}, target=TARGET, app_id=APP_ID,
        timestamp=str(created), nonce="1",
    )  # fmt: skip
    clock.advance(days=91)

    answer = await http.post(PATH, params=query, content=body)

    assert (answer.status_code, answer.text) == (200, "success")
    assert await ask(sessionmaker, "SELECT count(*) FROM wechat_pushes") == 0
    assert await job_keys(sessionmaker) == []
