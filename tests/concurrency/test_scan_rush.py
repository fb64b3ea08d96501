"""A crowd scans one poster: few batches, everybody told the truth, nobody held up by others."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.activities.check_ins import CheckInDesk
from app.core.lane import Lane
from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import balance_of, sign_in_crowd, tally, together
from tests.conftest import MakeRace
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

CROWD = 30


@contextmanager
def sent_to(engine: AsyncEngine) -> Iterator[list[str]]:
    """Gather the statements that are sent while the block runs."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def known_crowd(here: Neighbourhood, clock: Clock, size: int) -> list[Caller]:
    """Sign residents in who have looked at their points."""
    residents = await sign_in_crowd(here, clock, size)
    for resident in residents:
        await balance_of(resident)
    return residents


async def test_thirty_who_scan_at_once_are_posted_in_a_few_statements(
    race: MakeRace, clock: Clock, race_engine: AsyncEngine, audit: Audit
) -> None:
    here = await race(CROWD + 1)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    first, *residents = await known_crowd(here, clock, CROWD + 1)
    await first.post("/v1/me/check-ins", poster)

    with sent_to(race_engine) as sent:
        answers = await together(
            resident.post("/v1/me/check-ins", poster) for resident in residents
        )

    assert tally(answers) == {"201": CROWD}
    # Five a batch; the first may begin before the last has come.
    assert len(sent) <= 3 * 5
    told = [answer.json() for answer in answers]
    assert {answer["balance_points"] for answer in told} == {20}
    assert len({answer["resident_id"] for answer in told}) == CROWD
    assert {answer["rank"]["rank"] for answer in told} <= set(range(1, CROWD + 1))
    await audit(here)


async def test_a_crowd_at_a_new_activity_looks_it_up_once(
    race: MakeRace, clock: Clock, race_engine: AsyncEngine
) -> None:
    here = await race(CROWD)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    residents = await known_crowd(here, clock, CROWD)

    with sent_to(race_engine) as sent:
        answers = await together(
            resident.post("/v1/me/check-ins", poster) for resident in residents
        )

    assert tally(answers) == {"201": CROWD}
    assert sum("FROM activities" in statement for statement in sent) == 1


async def test_the_rank_told_is_that_of_all_who_were_posted_before(
    race: MakeRace, clock: Clock
) -> None:
    here = await race(4)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    residents = await known_crowd(here, clock, 4)
    await here.give("resident-4", "legal_advice")

    answers = await together(
        resident.post("/v1/me/check-ins", poster) for resident in residents[:3]
    )

    # All three stand at 20 points once the batch is posted; nobody is between.
    ranks = [answer.json()["rank"] for answer in answers]
    places = [(await one.get("/v1/me/rank?period=all")).json()["rank"] for one in residents[:3]]
    assert ranks[-1]["rank"] == places[-1]
    assert all(rank["places_gained"] >= 0 for rank in ranks)


async def test_one_whose_row_is_held_lets_the_others_go_on(
    race: MakeRace,
    clock: Clock,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    race_http: httpx.AsyncClient,
    audit: Audit,
) -> None:
    here = await race(4)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    residents = await known_crowd(here, clock, 4)
    hold = text("SELECT FROM balances WHERE account_id = :id FOR UPDATE")

    async with race_sessionmaker() as holder:
        await holder.execute(hold, {"id": int(here.resident_id("resident-2"))})
        scans = [
            asyncio.create_task(resident.post("/v1/me/check-ins", poster)) for resident in residents
        ]
        held = scans.pop(1)
        others = await asyncio.gather(*scans)
        was_waiting = not held.done()

    assert tally(others) == {"201": 3}
    assert was_waiting
    assert (await held).status_code == 201
    metrics = (await race_http.get("/metrics")).text
    assert 'gridpoints_lane_batch_items_count{lane="check_ins"}' in metrics
    await audit(here)


async def test_who_scans_again_while_their_row_is_held_is_told_their_balance(
    race: MakeRace, clock: Clock, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    here = await race(2)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    resident, neighbour = await known_crowd(here, clock, 2)
    first = await resident.post("/v1/me/check-ins", poster)
    hold = text("SELECT FROM balances WHERE account_id = :id FOR UPDATE")

    async with race_sessionmaker() as holder:
        await holder.execute(hold, {"id": int(here.resident_id("resident-1"))})
        scan = asyncio.create_task(resident.post("/v1/me/check-ins", poster))
        # Whoever comes next is answered; so this one has been looked at.
        await neighbour.post("/v1/me/check-ins", poster)

    again = await scan
    assert again.status_code == 200
    assert again.json()["balance_points"] == first.json()["balance_points"] > 0


async def test_when_too_many_wait_the_next_is_told_to_come_back(
    race: MakeRace, clock: Clock, app_of_session: FastAPI
) -> None:
    here = await race(3)
    poster = {"code": await here.poster(await here.announce(clock.now))}
    residents = await known_crowd(here, clock, 3)
    desk: CheckInDesk = app_of_session.state.check_ins
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*batch: Any) -> Any:
        at_work.set()
        await go_on.wait()
        return await post(*batch)

    post = desk.lane._post  # noqa: SLF001
    desk.lane = Lane(desk._sessions, slow, desk.lane._figures, capacity=1)  # noqa: SLF001
    first = asyncio.create_task(residents[0].post("/v1/me/check-ins", poster))
    await at_work.wait()
    second = asyncio.create_task(residents[1].post("/v1/me/check-ins", poster))
    while not desk.lane._waiting:  # noqa: ASYNC110, SLF001 - the lane tells nobody
        await asyncio.sleep(0)

    third = await residents[2].post("/v1/me/check-ins", poster)
    go_on.set()

    assert (third.status_code, problem_code(third)) == (503, "service_busy")
    assert third.headers["Retry-After"] == "1"
    assert tally(await asyncio.gather(first, second)) == {"201": 2}
    assert (await residents[2].post("/v1/me/check-ins", poster)).status_code == 201
