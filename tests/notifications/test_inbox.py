"""The inbox: what people are told, and that nobody reads it but them."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from app.notifications.service import notify
from tests.notifications.phones import PROGRESS, Phones, Sessions, notice
from tests.support.caller import Caller, problem_code
from tests.support.neighbourhood import Neighbourhood


async def titles(caller: Caller, **params: object) -> list[str]:
    answer = await caller.get("/v1/me/messages", **params)
    assert answer.status_code == 200, answer.text
    return [message["title"] for message in answer.json()["items"]]


async def tell_each(phones: Phones, person_id: int, *told: str) -> None:
    for title in told:
        phones.clock.advance(minutes=1)
        await phones.tell(notice(person_id, title=title))


async def test_a_notice_is_in_its_persons_inbox_with_all_it_says(
    here: Neighbourhood, phones: Phones
) -> None:
    await phones.tell(notice(await phones.person_id("resident-1")))

    answer = (await (await here.caller("resident-1")).get("/v1/me/messages")).json()

    (message,) = answer["items"]
    number = message.pop("inbox_message_id")
    assert number.isdecimal()
    assert message == {
        "kind": "case_progress",
        "title": "楼道灯不亮",
        "body": "网格员已接单，24 小时内处理。",
        "subject_kind": "case",
        "subject_id": "77",
        "created_at": "2026-11-18T07:00:00Z",
        "read_at": None,
    }
    assert answer["unread_count"] == 1
    assert answer["next_cursor"] is None


async def test_the_newest_is_first_and_pages_go_back(here: Neighbourhood, phones: Phones) -> None:
    await tell_each(phones, await phones.person_id("resident-1"), "一", "二", "三")
    resident = await here.caller("resident-1")

    first = (await resident.get("/v1/me/messages", size=2)).json()

    assert [message["title"] for message in first["items"]] == ["三", "二"]
    assert first["unread_count"] == 3
    assert await titles(resident, size=2, cursor=first["next_cursor"]) == ["一"]


async def test_a_message_read_counts_no_more_and_keeps_when_it_was_first_read(
    here: Neighbourhood, phones: Phones
) -> None:
    await tell_each(phones, await phones.person_id("resident-1"), "一", "二")
    resident = await here.caller("resident-1")
    newest = (await resident.get("/v1/me/messages")).json()["items"][0]
    path = f"/v1/me/messages/{newest['inbox_message_id']}/read"

    once = (await resident.post(path)).json()
    phones.clock.advance(minutes=5)
    again = (await resident.post(path)).json()

    assert once["read_at"] == again["read_at"] == "2026-11-18T07:02:00Z"
    assert await titles(resident) == ["二", "一"]
    assert await titles(resident, unread=True) == ["一"]
    assert (await resident.get("/v1/me/messages")).json()["unread_count"] == 1


async def test_everything_can_be_read_at_once(here: Neighbourhood, phones: Phones) -> None:
    await tell_each(phones, await phones.person_id("resident-1"), "一", "二")
    await tell_each(phones, await phones.person_id("resident-2"), "三")
    resident = await here.caller("resident-1")

    assert (await resident.post("/v1/me/messages/read-all")).json() == {"read_count": 2}
    assert (await resident.post("/v1/me/messages/read-all")).json() == {"read_count": 0}
    assert await titles(resident, unread=True) == []
    assert await titles(await here.caller("resident-2"), unread=True) == ["三"]


async def test_nobody_else_sees_or_reads_a_message(here: Neighbourhood, phones: Phones) -> None:
    await phones.tell(notice(await phones.person_id("resident-1")))
    mine = await (await here.caller("resident-1")).get("/v1/me/messages")
    path = f"/v1/me/messages/{mine.json()['items'][0]['inbox_message_id']}/read"

    for name in ("resident-2", "worker-1", "committee-1"):
        other = await here.caller(name)
        assert await titles(other) == []
        refused = await other.post(path)
        assert refused.status_code == 404
        assert problem_code(refused) == "message_not_found"
    assert await titles(await here.caller("resident-1"), unread=True) == ["楼道灯不亮"]


async def test_a_person_reads_in_one_community_what_that_community_told(
    here: Neighbourhood, elsewhere: Neighbourhood, phones: Phones
) -> None:
    person_id = await phones.person_id("resident-1")
    await phones.tell(notice(person_id), community_id=elsewhere.community_id)
    resident = await here.caller("resident-1")
    number = await phones.ask("SELECT inbox_message_id FROM inbox_messages")

    assert await titles(resident) == []
    assert (await resident.post(f"/v1/me/messages/{number}/read")).status_code == 404


async def test_what_is_undone_was_never_told(
    here: Neighbourhood, phones: Phones, sessionmaker: Sessions
) -> None:
    person_id = await phones.sign_in("resident-1")
    await phones.accept("resident-1")
    async with sessionmaker() as session:
        await notify(session, here.community_id, [notice(person_id)], now=phones.now)
        await session.rollback()

    assert await titles(await here.caller("resident-1")) == []
    assert await phones.messages() == []
    assert await phones.ask("SELECT count(*) FROM pgqueuer") == 0


async def test_only_who_accepts_messages_in_an_app_that_knows_them_gets_one_through_wechat(
    phones: Phones,
) -> None:
    subscribed = await phones.sign_in("resident-1")
    await phones.accept("resident-1")
    asked_for_nothing = await phones.sign_in("resident-2")
    without_wechat = await phones.person_id("resident-3")
    await phones.believe(without_wechat)
    people = [subscribed, asked_for_nothing, without_wechat]

    await phones.tell(*(notice(person_id) for person_id in people))

    assert await phones.ask("SELECT count(*) FROM inbox_messages") == 3
    (message,) = await phones.messages()
    assert message["person_id"] == subscribed
    assert message["app_id"] is message["template_id"] is None
    assert await phones.ask("SELECT entrypoint FROM pgqueuer") == "send_messages"


async def test_many_are_told_with_as_many_statements_as_one(
    here: Neighbourhood, phones: Phones, sessionmaker: Sessions, connection: AsyncConnection
) -> None:
    person_id = await phones.sign_in("resident-1")
    await phones.believe(person_id, PROGRESS)

    async def statements_for(count: int) -> int:
        asked: list[str] = []

        def listen(*context: object) -> None:
            asked.append(str(context[2]))

        engine = connection.sync_connection
        assert engine is not None
        async with sessionmaker.begin() as session:
            event.listen(engine, "before_cursor_execute", listen)
            notices = [notice(person_id)] * count
            await notify(session, here.community_id, notices, now=phones.now)
            event.remove(engine, "before_cursor_execute", listen)
        return len(asked)

    assert await statements_for(1) == await statements_for(500)
    assert await phones.ask("SELECT count(*) FROM inbox_messages") == 501


async def test_nothing_to_tell_asks_the_database_nothing(phones: Phones) -> None:
    await phones.tell()
    assert await phones.ask("SELECT count(*) FROM inbox_messages") == 0
    assert await phones.ask("SELECT count(*) FROM pgqueuer") == 0
