"""What people accept through WeChat: counted once, from one source, and worth nothing."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from app.core.config import Settings, WeChatPushSecrets
from app.notifications.subscription_events import SubscriptionEvents
from app.wechat.receiving import handle_push
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_push import PushTarget
from tests.notifications.phones import (
    APP_ID,
    OTHER_APP_ID,
    PROGRESS,
    TEMPLATES,
    VOUCHER,
    Phones,
    notice,
)
from tests.support.caller import Caller, problem_code
from tests.support.neighbourhood import Neighbourhood

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PATH = "/v1/me/subscriptions"


async def report(
    caller: Caller, results: dict[str, str], *, app_id: str = APP_ID
) -> dict[str, Any]:
    answer = await caller.post_once(PATH, {"app_id": app_id, "results": results})
    assert answer.status_code == 200, answer.text
    reported: dict[str, Any] = answer.json()
    return reported


def counts(answer: dict[str, Any]) -> dict[str, int]:
    return {item["template_id"]: item["left_count"] for item in answer["items"]}


@pytest.mark.usefixtures("configured")
async def test_a_mini_program_learns_what_to_ask_for(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")

    answer = await resident.get(PATH, app_id=APP_ID)

    assert answer.json() == {
        "items": [
            {"template_id": PROGRESS, "kinds": ["case_progress", "case_solved"], "left_count": 0},
            {"template_id": VOUCHER, "kinds": ["voucher_expires"], "left_count": 0},
            {"template_id": "banned-one", "kinds": ["forbidden"], "left_count": 0},
        ],
        "next_cursor": None,
    }


@pytest.mark.usefixtures("configured")
async def test_each_acceptance_is_one_message_more(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")

    once = await report(resident, {PROGRESS: "accept", VOUCHER: "acceptWithAudio"})
    twice = await report(resident, {PROGRESS: "accept", VOUCHER: "reject"})

    assert once["is_counted"]
    assert counts(once) == {PROGRESS: 1, VOUCHER: 1, "banned-one": 0}
    assert counts(twice) == {PROGRESS: 2, VOUCHER: 1, "banned-one": 0}
    other = await (await here.caller("resident-2")).get(PATH, app_id=APP_ID)
    assert set(counts(other.json()).values()) == {0}


@pytest.mark.usefixtures("configured")
async def test_a_report_sent_again_counts_once(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    body = {"app_id": APP_ID, "results": {PROGRESS: "accept"}}

    first = await resident.post(PATH, body, key="popup-1")
    again = await resident.post(PATH, body, key="popup-1")

    assert counts(first.json()) == counts(again.json())
    assert counts((await resident.get(PATH, app_id=APP_ID)).json())[PROGRESS] == 1


@pytest.mark.usefixtures("configured")
async def test_templates_that_are_not_the_apps_are_named_and_left_alone(
    here: Neighbourhood, phones: Phones
) -> None:
    resident = await here.caller("resident-1")

    answer = await report(resident, {"for-workers": "accept", "nobodys": "ban"})

    assert answer["unknown_template_ids"] == ["for-workers", "nobodys"]
    assert await phones.ask("SELECT count(*) FROM message_quotas") == 0


@pytest.mark.usefixtures("configured")
async def test_a_mini_program_we_do_not_know_is_refused(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    body = {"app_id": "wx9", "results": {PROGRESS: "accept"}}

    assert problem_code(await resident.get(PATH, app_id="wx9")) == "unknown_we_chat_app"
    assert problem_code(await resident.post_once(PATH, body)) == "unknown_we_chat_app"


@pytest.mark.parametrize("results", [{}, {"a b": "accept"}, {PROGRESS: "x" * 33}])
@pytest.mark.usefixtures("configured")
async def test_a_malformed_report_is_refused(here: Neighbourhood, results: dict[str, str]) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.post_once(PATH, {"app_id": APP_ID, "results": results})
    assert answer.status_code == 422


@pytest.mark.usefixtures("configured")
async def test_to_accept_messages_earns_nothing(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    before = (await resident.get("/v1/me/home")).json()
    await report(resident, {PROGRESS: "accept"})
    assert (await resident.get("/v1/me/home")).json() == before


# What WeChat tells us itself.


@pytest.fixture
def pushing(
    app: FastAPI, configured: Settings, double: WeChatDouble, http: httpx.AsyncClient
) -> WeChatDouble:
    """WeChat pushes the events of the first app to us."""
    secrets = WeChatPushSecrets(token=SecretStr("push-token"), aes_key=SecretStr(AES_KEY))
    app.state.settings = configured.model_copy(update={"wechat_push": {APP_ID: secrets}})
    double.outside = http
    double.push_target = PushTarget("http://test/wechat/push", "push-token", AES_KEY)
    return double


async def push(phones: Phones, app: FastAPI, payload: dict[str, Any]) -> None:
    """Let WeChat push an event, and act on it as the job does."""
    answer = await phones.double.push_event(payload)
    assert answer.status_code == 200, answer.text
    async with phones.sessions.begin() as session:
        keys = (
            await session.scalars(
                text("SELECT payload FROM pgqueuer WHERE entrypoint = 'handle_wechat_push'")
            )
        ).all()
        for key in keys:
            await handle_push(
                session,
                app.state.vault,
                key,
                handlers=SubscriptionEvents(TEMPLATES).handlers,
                now=phones.now,
            )


def popup(phones: Phones, name: str, *entries: tuple[str, str]) -> dict[str, Any]:
    listed = [
        {"TemplateId": template_id, "SubscribeStatusString": status, "PopupScene": "1"}
        for template_id, status in entries
    ]
    return {
        "FromUserName": phones.double.open_id(APP_ID, name),
        "Event": "subscribe_msg_popup_event",
        "List": listed[0] if len(listed) == 1 else listed,
    }


async def test_a_popup_that_wechat_tells_of_is_counted_and_its_report_is_not(
    here: Neighbourhood, phones: Phones, app: FastAPI, pushing: WeChatDouble
) -> None:
    assert pushing.push_target is not None
    person_id = await phones.sign_in("resident-1")

    await push(phones, app, popup(phones, "resident-1", (PROGRESS, "accept"), (VOUCHER, "reject")))
    answer = await report(await here.caller("resident-1"), {PROGRESS: "accept"})

    assert not answer["is_counted"]
    assert counts(answer) == {PROGRESS: 1, VOUCHER: 0, "banned-one": 0}
    assert await phones.left(person_id) == 1


@pytest.mark.usefixtures("pushing")
async def test_the_app_without_a_push_still_counts_reports(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    answer = await report(resident, {"for-workers": "accept"}, app_id=OTHER_APP_ID)
    assert answer["is_counted"]
    assert counts(answer) == {"for-workers": 1}


@pytest.mark.usefixtures("pushing")
async def test_one_entry_that_comes_twice_is_counted_once(phones: Phones, app: FastAPI) -> None:
    person_id = await phones.sign_in("resident-1")
    event = popup(phones, "resident-1", (PROGRESS, "accept"))

    await push(phones, app, event)
    await push(phones, app, event)
    assert await phones.left(person_id) == 1

    phones.clock.advance(seconds=1)
    await push(phones, app, event)
    assert await phones.left(person_id) == 2


@pytest.mark.usefixtures("pushing")
async def test_who_refuses_in_wechats_settings_gets_no_more_messages(
    phones: Phones, app: FastAPI
) -> None:
    person_id = await phones.sign_in("resident-1")
    await phones.accept("resident-1", times=3)
    change = {
        "FromUserName": phones.double.open_id(APP_ID, "resident-1"),
        "Event": "subscribe_msg_change_event",
        "List": {"TemplateId": PROGRESS, "SubscribeStatusString": "reject"},
    }

    await push(phones, app, change)

    assert await phones.left(person_id) == 0


@pytest.mark.parametrize(("code", "errcode"), [("0", 0), ("43101", 43101)])
@pytest.mark.usefixtures("pushing")
async def test_what_became_of_a_message_is_written_down(
    phones: Phones, app: FastAPI, code: str, errcode: int
) -> None:
    person_id = await phones.sign_in("resident-1")
    await phones.accept("resident-1", times=2)
    for _ in range(2):
        await phones.tell(notice(person_id))
        await phones.send()
        phones.clock.advance(minutes=1)
    arrival = {
        "FromUserName": phones.double.open_id(APP_ID, "resident-1"),
        "Event": "subscribe_msg_sent_event",
        "List": {"TemplateId": PROGRESS, "MsgID": "1", "ErrorCode": code, "ErrorStatus": "x"},
    }

    await push(phones, app, arrival)

    assert await phones.states() == [("sent", None), ("sent", errcode)]


@pytest.mark.usefixtures("pushing")
async def test_events_of_strangers_and_of_other_templates_change_nothing(
    phones: Phones, app: FastAPI
) -> None:
    await phones.sign_in("resident-1")

    await push(phones, app, popup(phones, "a-stranger", (PROGRESS, "accept")))
    await push(phones, app, popup(phones, "resident-1", ("nobodys", "accept")))

    assert await phones.ask("SELECT count(*) FROM message_quotas") == 0
    assert await phones.ask("SELECT count(*) FROM wechat_pushes WHERE handled_at IS NULL") == 0
