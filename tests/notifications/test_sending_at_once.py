"""Several workers at once: WeChat never sees two messages to one person overlap."""

import asyncio

from app.notifications import sending
from app.wechat.client import WeChatClient
from tests.conftest import MakeRace
from tests.doubles.wechat import WeChatDouble
from tests.notifications.phones import TEMPLATES, Phones, Sessions, notice
from tests.support.clock import Clock

WORKERS = 3
MESSAGES_EACH = 4
PATIENCE = 20
ROUND_TRIPS = 50


async def neighbourhood(
    race: MakeRace,
    sessions: Sessions,
    double: WeChatDouble,
    clients: dict[str, WeChatClient],
    clock: Clock,
    *,
    people: int,
) -> Phones:
    """Make people who accept all of the messages that two communities have for them."""
    here = await race(people)
    phones = Phones(sessions, double, clients, clock, here.community_id)
    for number in range(1, people + 1):
        name = f"resident-{number}"
        person_id = await phones.sign_in(name)
        await phones.accept(name, times=MESSAGES_EACH)
        for community_id in (here.community_id, here.community_id + 1):
            told = [notice(person_id)] * (MESSAGES_EACH // 2)
            await phones.tell(*told, community_id=community_id)
    return phones


async def test_three_workers_send_everything_once_and_never_two_to_one_person(
    race: MakeRace,
    race_sessionmaker: Sessions,
    double: WeChatDouble,
    clients: dict[str, WeChatClient],
    clock: Clock,
) -> None:
    phones = await neighbourhood(race, race_sessionmaker, double, clients, clock, people=12)
    # Hold up the first messages while the other workers look for something to send.
    double.messages.gate.clear()
    workers = [asyncio.create_task(phones.send()) for _ in range(WORKERS)]
    async with asyncio.timeout(PATIENCE):
        await double.messages.is_sending.wait()
    for _ in range(ROUND_TRIPS):
        await phones.ask("SELECT 1")
    double.messages.gate.set()
    sent = await asyncio.gather(*workers)
    # Who finds everybody taken goes home; the sweep of the next minute finds what they left.
    rest = await phones.send()

    assert sum(sent) + rest == 12 * MESSAGES_EACH == len(double.sent)
    messages = await phones.messages()
    # An overlap would have been answered with 43108 and tried again.
    assert {(message["state"], message["attempts"]) for message in messages} == {("sent", 1)}
    assert await phones.ask("SELECT sum(left_count) FROM message_quotas") == 0


async def test_while_a_message_is_in_flight_no_other_to_its_person_is_taken(
    race: MakeRace,
    race_sessionmaker: Sessions,
    double: WeChatDouble,
    clients: dict[str, WeChatClient],
    clock: Clock,
) -> None:
    phones = await neighbourhood(race, race_sessionmaker, double, clients, clock, people=1)
    double.messages.gate.clear()
    first = asyncio.create_task(phones.send())
    async with asyncio.timeout(PATIENCE):
        await double.messages.is_sending.wait()

    assert [await phones.send() for _ in range(WORKERS)] == [0] * WORKERS
    states = [state for state, _ in await phones.states()]
    assert sorted(states) == ["sending", *["waiting"] * (MESSAGES_EACH - 1)]

    double.messages.gate.set()
    assert await first == MESSAGES_EACH
    assert {message["attempts"] for message in await phones.messages()} == {1}


async def test_a_worker_passes_over_people_whom_another_is_just_taking(
    race: MakeRace,
    race_sessionmaker: Sessions,
    double: WeChatDouble,
    clients: dict[str, WeChatClient],
    clock: Clock,
) -> None:
    phones = await neighbourhood(race, race_sessionmaker, double, clients, clock, people=10)

    async with race_sessionmaker.begin() as session:
        taken = await sending.take_batch(session, TEMPLATES, app_ids=clients, now=clock.now)
        assert await phones.send() == 2 * MESSAGES_EACH

    assert taken.size == sending.AT_ONCE
    by_others = {message.open_id for message in double.sent}
    assert by_others.isdisjoint(message.open_id for message in taken.outgoing)
