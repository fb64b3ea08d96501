"""Content checks: WeChat is asked, and what it says decides who sees a photo or a text."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.media import service
from app.media.moderation import apply_verdict
from app.wechat.client import WeChatClient
from app.wechat.content import Suggest
from app.wechat.events import MediaVerdict
from tests.conftest import NOW
from tests.doubles.wechat import WeChatDouble
from tests.media.sending import APP_ID, SECRET, Studio
from tests.media.work import Work
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

Sessions = async_sessionmaker[AsyncSession]
Sent = dict[str, Any]


@pytest.fixture
async def open_id(studio: Studio, wechat: WeChatDouble, app: FastAPI) -> str:
    """resident-1 has just been in the mini-program."""
    return await studio.open_mini_program("resident-1", wechat, app.state.wechat[APP_ID])


@pytest.fixture
async def asked(open_id: str, studio: Studio, work: Work) -> Sent:
    """A photo that WeChat has been asked about."""
    assert open_id
    photo = await studio.send()
    await work.run()
    return photo


async def send_text(
    studio: Studio, sessionmaker: Sessions, content: str, *, name: str = "resident-1"
) -> int:
    """Let a room above have a text checked; return the number of the check."""
    number = new_id(NOW)
    async with sessionmaker.begin() as session:
        await service.attach_check_text(
            session, studio.community_id, subject_id=number, text=content, now=NOW,
            person_id=await studio.person_id(name),
        )  # fmt: skip
    return number


async def give_verdict(
    sessionmaker: Sessions, trace_id: str, suggest: str, label: int | None, *, errcode: int = 0
) -> None:
    event = MediaVerdict(trace_id, Suggest(suggest), label, errcode)
    async with sessionmaker.begin() as session:
        await apply_verdict(session, event, now=NOW)


# Photos.


async def test_a_photo_is_asked_about_and_passed_by_the_verdict(
    asked: Sent, open_id: str, studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    assert await studio.state(asked) == "asked"
    question = wechat.bodies[-1]
    assert question["openid"] == open_id
    assert question["scene"] == 3
    assert question["media_url"].startswith("http://test/v1/photos/file/")
    row = await studio.row("content_checks", asked["photo_id"])
    assert (row.attempts, row.asked_at) == (1, NOW)
    assert row.trace_id == wechat.content.waiting[0].trace_id

    answers = await wechat.push_verdicts("pass")
    assert [answer.text for answer in answers] == ["success"]
    await work.run()
    assert await studio.state(asked) == "passed"
    assert work.refused == []


@pytest.mark.parametrize(("suggest", "state"), [("risky", "refused"), ("review", "review")])
async def test_a_photo_is_hidden_by_any_other_verdict(
    asked: Sent, studio: Studio, work: Work, wechat: WeChatDouble, suggest: str, state: str
) -> None:
    await wechat.push_verdicts(suggest)
    await work.run()
    assert await studio.state(asked) == state


async def test_a_refused_photo_says_why(
    asked: Sent, studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    await wechat.push_verdicts("risky")
    await work.run()
    caller = await studio.caller("resident-1")
    seen = (await caller.get(f"/v1/photos/{asked['photo_id']}")).json()
    assert seen["reason"] == "内容疑似涉及违法犯罪，如需报警请拨打 110"


async def test_a_verdict_before_our_own_commit_is_not_lost(
    open_id: str, studio: Studio, work: Work, wechat: WeChatDouble, app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """WeChat pushes, and the push is acted on, before its own answer has come back."""
    assert open_id
    photo = await studio.send()
    client = app.state.wechat[APP_ID]
    ask = client.ask_about_photo

    async def ask_and_be_pushed_to(*args: Any, **named: Any) -> str:
        trace_id: str = await ask(*args, **named)
        await wechat.push_verdicts("risky")
        await work.run()
        assert await studio.state(photo) == "waiting"
        return trace_id

    monkeypatch.setattr(client, "ask_about_photo", ask_and_be_pushed_to)
    await work.run()
    assert await studio.state(photo) == "refused"
    assert [number for number, _ in work.refused] == [int(photo["photo_id"])]


async def test_a_check_runs_once_however_often_its_job_does(
    asked: Sent, studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    payload = f"{studio.community_id}:{asked['photo_id']}".encode()
    await work.check_job().check_content(payload, now=NOW)
    assert len(wechat.content.waiting) == 1
    await work.check_job().check_content(b"999999:1", now=NOW)
    assert await studio.state(asked) == "asked"


async def test_a_verdict_on_something_unknown_is_left_alone(
    asked: Sent, studio: Studio, sessionmaker: Sessions
) -> None:
    await give_verdict(sessionmaker, "nobody-knows", "pass", 100)
    assert await studio.state(asked) == "asked"


async def test_a_picture_that_wechat_could_not_fetch_is_asked_about_once_more(
    asked: Sent, studio: Studio, work: Work, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    first = wechat.content.waiting.pop()
    for _ in range(2):
        await give_verdict(sessionmaker, first.trace_id, "review", None, errcode=-1008)
    assert await studio.state(asked) == "waiting"
    await work.run()
    assert await studio.state(asked) == "asked"
    (second,) = wechat.content.waiting
    assert second.media_url != first.media_url

    # What failed before is no news now.
    await give_verdict(sessionmaker, first.trace_id, "review", None, errcode=-1008)
    assert await studio.state(asked) == "asked"
    await give_verdict(sessionmaker, second.trace_id, "review", None, errcode=-1008)
    assert await studio.state(asked) == "review"


async def test_a_photo_passed_and_then_found_risky_is_hidden_again(
    asked: Sent, studio: Studio, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    trace_id = wechat.content.waiting[0].trace_id
    await give_verdict(sessionmaker, trace_id, "pass", 100)
    assert await studio.state(asked) == "passed"
    for suggest, label in (("review", 21000), ("pass", 100)):
        await give_verdict(sessionmaker, trace_id, suggest, label)
        assert await studio.state(asked) == "passed"
    await give_verdict(sessionmaker, trace_id, "risky", 20002)
    assert await studio.state(asked) == "review"
    row = await studio.row("content_checks", asked["photo_id"])
    assert (row.decided_at, row.label) == (None, 20002)

    # A person looked, knowing this; the same verdict again changes nothing.
    worker = await studio.caller("worker-1")
    await worker.post(f"/v1/staff/content-checks/{asked['photo_id']}/pass")
    await give_verdict(sessionmaker, trace_id, "risky", 20002)
    assert await studio.state(asked) == "passed"


async def test_a_risk_that_wechat_does_not_name_hides_a_photo_for_good(
    asked: Sent, studio: Studio, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    trace_id = wechat.content.waiting[0].trace_id
    for suggest, label in (("pass", 100), ("risky", None), ("pass", 100)):
        await give_verdict(sessionmaker, trace_id, suggest, label)
    assert await studio.state(asked) == "review"


async def test_a_refused_photo_stays_refused(
    asked: Sent, studio: Studio, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    trace_id = wechat.content.waiting[0].trace_id
    await give_verdict(sessionmaker, trace_id, "risky", 20002)
    for suggest, label in (("pass", 100), ("review", 21000), ("risky", 20006)):
        await give_verdict(sessionmaker, trace_id, suggest, label)
        assert await studio.state(asked) == "refused"


async def test_what_wechat_wants_a_person_to_see_stays_with_the_person(
    asked: Sent, studio: Studio, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    trace_id = wechat.content.waiting[0].trace_id
    await give_verdict(sessionmaker, trace_id, "review", 21000)
    for suggest, label in (("pass", 100), ("risky", 20002)):
        await give_verdict(sessionmaker, trace_id, suggest, label)
        assert await studio.state(asked) == "review"
    assert (await studio.row("content_checks", asked["photo_id"])).label == 20002


async def test_a_late_verdict_spares_a_person_the_look(
    asked: Sent, here: Neighbourhood, studio: Studio, work: Work, wechat: WeChatDouble,
    clock: Clock, sessionmaker: Sessions,
) -> None:  # fmt: skip
    trace_id = wechat.content.waiting[0].trace_id
    clock.advance(hours=3)
    await work.sweep()
    let_pass(here, clock)
    await work.run()
    assert await studio.state(asked) == "review"
    await give_verdict(sessionmaker, trace_id, "pass", 100)
    assert await studio.state(asked) == "passed"


async def test_without_wechat_a_person_looks(studio: Studio, work: Work) -> None:
    photo = await studio.send()
    await work.run()
    assert await studio.state(photo) == "review"


async def test_for_somebody_without_wechat_a_person_looks(
    studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    photo = await studio.send("resident-2")
    await work.run()
    assert await studio.state(photo, "resident-2") == "review"
    assert wechat.content.waiting == []


async def test_for_somebody_who_left_the_mini_program_a_person_looks(
    open_id: str, studio: Studio, here: Neighbourhood, work: Work, clock: Clock
) -> None:
    assert open_id
    let_pass(here, clock, hours=3)
    photo = await studio.send()
    await work.run()
    assert await studio.state(photo) == "review"


async def test_a_photo_that_wechat_was_asked_about_before_is_for_a_person(
    open_id: str, studio: Studio, work: Work, app: FastAPI, wechat: WeChatDouble
) -> None:
    """As when a worker dies between WeChat's answer and its own commit."""
    photo = await studio.send()
    row = await studio.row("photos", photo["photo_id"])
    url = await app.state.photo_links.url_for_check(
        studio.community_id, row.photo_id, row.served_key, attempt=1, now=NOW
    )
    await app.state.wechat[APP_ID].ask_about_photo(url, open_id=open_id, scene=3)
    await work.run()
    assert await studio.state(photo) == "review"
    assert len(wechat.content.waiting) == 1


async def test_a_deleted_photo_is_not_asked_about(
    open_id: str, studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    assert open_id
    photo = await studio.send()
    caller = await studio.caller("resident-1")
    await caller.http.delete(f"/v1/photos/{photo['photo_id']}", headers=caller.headers())
    await work.run()
    assert wechat.content.waiting == []


async def test_a_verdict_on_a_deleted_photo_changes_nothing(
    asked: Sent, studio: Studio, work: Work, wechat: WeChatDouble
) -> None:
    caller = await studio.caller("resident-1")
    await caller.http.delete(f"/v1/photos/{asked['photo_id']}", headers=caller.headers())
    await wechat.push_verdicts("pass")
    await work.run()
    assert await studio.count("content_checks") == 0


# The sweep.


async def test_a_check_without_an_answer_is_asked_about_again_and_then_given_up(
    asked: Sent, studio: Studio, here: Neighbourhood, work: Work, wechat: WeChatDouble,
    clock: Clock,
) -> None:  # fmt: skip
    clock.advance(minutes=40)
    assert await work.sweep() == 0
    clock.advance(minutes=1)
    assert await work.sweep() == 1
    await work.run()
    row = await studio.row("content_checks", asked["photo_id"])
    assert (row.state, row.attempts) == ("asked", 2)
    assert len(wechat.content.waiting) == 2

    clock.advance(minutes=41)
    assert await work.sweep() == 0
    let_pass(here, clock)
    assert await studio.state(asked) == "review"


async def test_while_wechat_is_away_a_check_waits_and_is_asked_about_later(
    open_id: str, studio: Studio, work: Work, app: FastAPI, clock: Clock
) -> None:
    assert open_id
    photo = await studio.send()
    transport = httpx.MockTransport(lambda _: httpx.Response(502))
    async with httpx.AsyncClient(transport=transport) as nowhere:
        app.state.wechat = {APP_ID: WeChatClient(nowhere, APP_ID, SECRET, "http://wechat")}
        await work.run()
    assert await studio.state(photo) == "waiting"
    assert await work.sweep() == 0
    clock.advance(minutes=3)
    assert await work.sweep() == 1
    assert await work.sweep() == 1
    assert len(await work.waiting("check_content")) == 1

    clock.advance(hours=2)
    await work.sweep()
    row = await studio.row("content_checks", photo["photo_id"])
    assert row.state == "review"


async def test_a_fault_of_ours_with_wechat_leaves_content_to_people(
    open_id: str, studio: Studio, work: Work, wechat: WeChatDouble, sessionmaker: Sessions
) -> None:
    assert open_id
    wechat.apps[APP_ID] = "another secret"
    wechat.invalidate_token()
    photo = await studio.send()
    number = await send_text(studio, sessionmaker, "路灯坏了")
    await work.run()
    assert await studio.state(photo) == "review"
    assert (await studio.row("content_checks", number)).state == "review"


# Texts.


@pytest.mark.parametrize(
    ("content", "state", "kept"),
    [
        ("3 号楼的路灯坏了", "passed", None),
        ("违规内容", "refused", None),
        ("疑似内容", "review", "疑似内容"),
    ],
)
async def test_a_text_is_judged_at_once_and_kept_only_while_it_is_open(
    open_id: str, studio: Studio, work: Work, sessionmaker: Sessions,
    content: str, state: str, kept: str | None,
) -> None:  # fmt: skip
    assert open_id
    number = await send_text(studio, sessionmaker, content)
    row = await studio.row("content_checks", number)
    assert (row.state, row.text) == ("waiting", content)
    await work.run()
    row = await studio.row("content_checks", number)
    assert (row.state, row.text) == (state, kept)
    assert [refused for refused, _ in work.refused] == ([number] if state == "refused" else [])


async def test_a_text_of_somebody_who_left_the_mini_program_is_for_a_person(
    open_id: str, studio: Studio, work: Work, sessionmaker: Sessions, clock: Clock
) -> None:
    assert open_id
    clock.advance(hours=3)
    number = await send_text(studio, sessionmaker, "3 号楼的路灯坏了")
    await work.run()
    row = await studio.row("content_checks", number)
    assert (row.state, row.text) == ("review", "3 号楼的路灯坏了")
