"""Messages through WeChat: sent as accepted, given up in good order, never lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.notifications import queries, sending
from app.notifications.sending import LEASE, MAX_ATTEMPTS, PAUSES, Batch
from app.wechat.client import WeChatClient
from app.wechat.messages import SendOutcome, SendState
from tests.notifications.phones import (
    APP_ID,
    OTHER_APP_ID,
    PROGRESS,
    SECRET,
    TEMPLATES,
    Phones,
    notice,
)


def answering(send: Callable[[], dict[str, Any]]) -> dict[str, WeChatClient]:
    """Return the clients of a WeChat that answers every message so."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/stable_token":
            return httpx.Response(200, json={"access_token": "token", "expires_in": 7200})
        return httpx.Response(200, json=send())

    to_wechat = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return {APP_ID: WeChatClient(to_wechat, APP_ID, SECRET, "http://wechat")}


async def take(phones: Phones) -> Batch:
    """Take what is due, as a worker does that then goes no further."""
    async with phones.sessions.begin() as session:
        return await sending.take_batch(
            session, TEMPLATES, app_ids=phones.clients.keys(), now=phones.now
        )


async def record(phones: Phones, batch: Batch, outcome: SendOutcome) -> None:
    outcomes = [(message, outcome) for message in batch.outgoing]
    async with phones.sessions.begin() as session:
        await sending.record_outcomes(session, outcomes, now=phones.now)


async def subscribed(phones: Phones, *, times: int = 1) -> int:
    """Return a person who accepts so many messages."""
    person_id = await phones.sign_in("resident-1")
    await phones.accept("resident-1", times=times)
    return person_id


async def test_a_message_says_what_the_notice_says_in_the_templates_form(phones: Phones) -> None:
    person_id = await subscribed(phones)
    long = notice(person_id)
    long = notice(
        person_id, fields={**long.fields, "title": "三号楼一单元楼道里的声控灯已经坏了一个星期"}
    )
    await phones.tell(long)

    assert await phones.send() == 1

    (sent,) = phones.double.sent
    assert sent.open_id == phones.double.open_id(APP_ID, "resident-1")
    assert sent.template_id == PROGRESS
    assert sent.page == "pages/case?id=77"
    assert sent.fields == {
        "thing1": "三号楼一单元楼道里的声控灯已经坏了一个…",
        "phrase2": "处理中",
        "time3": "2026年11月18日 15:00",
    }
    (message,) = await phones.messages()
    assert message["state"] == "sent"
    assert message["sent_at"] == phones.now
    assert (message["app_id"], message["template_id"]) == (APP_ID, PROGRESS)
    assert await phones.left(person_id) == 0


async def test_each_acceptance_pays_for_one_message(phones: Phones) -> None:
    person_id = await subscribed(phones, times=2)
    await phones.tell(*[notice(person_id)] * 3)

    assert await phones.send() == 2

    assert await phones.states() == [("sent", None), ("sent", None), ("not_subscribed", None)]
    assert len(phones.double.sent) == 2


async def test_two_kinds_with_one_template_share_what_was_accepted(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id), notice(person_id, kind="case_solved"))

    assert await phones.send() == 1
    assert await phones.states() == [("sent", None), ("not_subscribed", None)]


async def test_who_is_not_subscribed_at_wechat_is_believed_to_be_no_longer(
    phones: Phones,
) -> None:
    person_id = await subscribed(phones)
    for _ in range(4):
        await phones.believe(person_id)
    await phones.tell(notice(person_id), notice(person_id))

    assert await phones.send() == 1

    assert await phones.states() == [("sent", None), ("not_subscribed", 43101)]
    assert await phones.left(person_id) == 0


async def test_what_is_accepted_while_wechat_says_no_is_not_forgotten(phones: Phones) -> None:
    person_id = await phones.sign_in("resident-1")
    for _ in range(2):
        await phones.believe(person_id)
    await phones.tell(notice(person_id))
    taken = await take(phones)

    await phones.accept("resident-1")
    await record(phones, taken, SendOutcome(SendState.NOT_SUBSCRIBED, errcode=43101))

    assert await phones.left(person_id) == 1


async def test_a_kind_without_a_template_ends_without_asking_wechat(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id, kind="case_assigned"), notice(person_id, kind="unheard_of"))

    assert await phones.send() == 0

    assert await phones.states() == [("not_subscribed", None)] * 2
    assert phones.double.bodies == []
    assert await phones.left(person_id) == 1


async def test_who_left_wechat_gets_nothing(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    async with phones.sessions.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM identities WHERE provider = 'wechat'")

    assert await phones.send() == 0
    assert await phones.states() == [("refused", None)]
    assert phones.double.bodies == []


async def test_a_person_is_written_to_in_the_app_that_has_the_template(phones: Phones) -> None:
    person_id = await phones.sign_in("worker-1", OTHER_APP_ID)
    phones.double.accept("worker-1", "for-workers", app_id=OTHER_APP_ID)
    async with phones.sessions.begin() as session:
        await queries.add_to_quotas(
            session, person_id, OTHER_APP_ID, ["for-workers"], now=phones.now
        )
    await phones.tell(notice(person_id, kind="case_assigned"))

    assert await phones.send() == 1
    assert phones.double.sent[0].app_id == OTHER_APP_ID


async def test_what_wechat_refuses_for_good_is_not_tried_again(phones: Phones) -> None:
    person_id = await phones.sign_in("resident-1")
    await phones.accept("resident-1", "banned-one")
    await phones.tell(notice(person_id, kind="forbidden"))

    assert await phones.send() == 0
    phones.clock.advance(days=1)
    assert await phones.send() == 0

    assert await phones.states() == [("refused", 43107)]
    assert (await phones.messages())[0]["attempts"] == 1
    assert await phones.left(person_id, "banned-one") == 1


async def test_a_notice_that_does_not_fit_the_template_stops_nobody_else(phones: Phones) -> None:
    person_id = await subscribed(phones, times=2)
    await phones.tell(notice(person_id, fields={"title": "没有时间"}), notice(person_id))

    assert await phones.send() == 1
    assert await phones.states() == [("refused", None), ("sent", None)]


async def test_a_busy_wechat_is_asked_five_times_with_growing_pauses(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    busy = answering(lambda: {"errcode": -1, "errmsg": "system error"})

    for attempt, pause in enumerate(PAUSES, start=1):
        assert await phones.send(busy) == 0
        (message,) = await phones.messages()
        assert (message["state"], message["attempts"]) == ("waiting", attempt)
        assert message["leased_until"] == phones.now + pause
        phones.clock.now = phones.now + pause - timedelta(seconds=1)
        await phones.send(busy)
        assert (await phones.messages())[0]["attempts"] == attempt
        phones.clock.advance(seconds=1)
    await phones.send(busy)

    (message,) = await phones.messages()
    assert (message["state"], message["attempts"]) == ("refused", MAX_ATTEMPTS)
    assert message["errcode"] == -1
    assert sorted(set(PAUSES)) == list(PAUSES)
    assert await phones.left(person_id) == 1


async def test_a_wechat_that_recovers_gets_the_message(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    await phones.send(answering(lambda: {"errcode": 45009, "errmsg": "quota"}))
    phones.clock.now += PAUSES[0]

    assert await phones.send() == 1
    assert await phones.states() == [("sent", None)]


@pytest.mark.parametrize("errcode", [40125, 99999])
async def test_a_fault_of_ours_is_tried_again_and_its_errcode_kept(
    phones: Phones, errcode: int
) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))

    await phones.send(answering(lambda: {"errcode": errcode, "errmsg": "no"}))

    assert await phones.states() == [("waiting", errcode)]


async def test_what_nobody_foresaw_stops_nobody_else(phones: Phones) -> None:
    first, second = await phones.sign_in("resident-1"), await phones.sign_in("resident-2")
    for name in ("resident-1", "resident-2"):
        await phones.accept(name)
    await phones.tell(notice(first), notice(second))
    answers = iter([{"errcode": 0, "errmsg": "ok"}])

    await phones.send(answering(lambda: next(answers)))

    assert sorted(state for state, _ in await phones.states()) == ["sent", "waiting"]


# A worker that dies. Each message goes out at least once while it is accepted.


async def test_a_worker_killed_before_it_sends_costs_a_minute_and_nothing_else(
    phones: Phones,
) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    assert (await take(phones)).size == 1

    phones.clock.now += LEASE - timedelta(seconds=1)
    assert await phones.send() == 0
    phones.clock.advance(seconds=1)
    assert await phones.send() == 1

    assert await phones.states() == [("sent", None)]
    assert len(phones.double.sent) == 1


async def test_a_worker_killed_after_it_sent_has_the_message_sent_twice_at_most(
    phones: Phones,
) -> None:
    person_id = await subscribed(phones, times=3)
    await phones.tell(notice(person_id))
    (message,) = (await take(phones)).outgoing
    await phones.clients[APP_ID].send_subscribe_message(
        message.open_id, message.template_id, message.fields, page=message.page
    )

    phones.clock.now += LEASE
    assert await phones.send() == 1
    phones.clock.now += LEASE
    assert await phones.send() == 0

    assert await phones.states() == [("sent", None)]
    assert len(phones.double.sent) == 2


async def test_a_worker_that_comes_back_too_late_changes_nothing(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    late = await take(phones)
    phones.clock.now += LEASE
    assert await phones.send() == 1

    await record(phones, late, SendOutcome(SendState.REFUSED, errcode=40037))

    assert await phones.states() == [("sent", None)]


async def test_a_message_that_kills_every_worker_is_given_up(phones: Phones) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    for _ in range(MAX_ATTEMPTS):
        assert len((await take(phones)).outgoing) == 1
        phones.clock.now += LEASE

    assert await phones.send() == 0
    assert await phones.states() == [("refused", None)]
    assert phones.double.sent == []


async def test_a_message_that_waits_for_its_turn_does_not_hold_up_the_next(
    phones: Phones,
) -> None:
    person_id = await subscribed(phones)
    await phones.tell(notice(person_id))
    await phones.send(answering(lambda: {"errcode": -1, "errmsg": "system error"}))
    await phones.tell(notice(person_id, title="另一件事"))

    assert await phones.send() == 1
    assert [state for state, _ in await phones.states()] == ["waiting", "sent"]
