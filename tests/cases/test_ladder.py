"""The jobs: the ladder tells the right people at the right moment, and silence confirms."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.cases.jobs import BATCH, close_unanswered, escalate_cases
from tests.cases.filing import RATING, WHY, Watch
from tests.conftest import MakeRace
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[list[str]]:
    """Gather the statements that are sent while the block runs."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def told(watch: Watch, name: str) -> int:
    """Return how often somebody was told of a deadline."""
    return [message["kind"] for message in await watch.inbox(name)].count("case_overdue")


async def climb(watch: Watch, sessionmaker: Sessions, **by: float) -> int:
    if by:
        watch.let_pass(**by)
    return await escalate_cases(sessionmaker, now=watch.clock())


async def test_the_worker_is_warned_and_the_committee_told_each_at_their_hour(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file()
    assert await climb(watch, sessionmaker, hours=19, minutes=59) == 0
    assert await climb(watch, sessionmaker, minutes=1) == 1
    assert (await told(watch, "worker-1"), await told(watch, "committee-1")) == (1, 0)
    assert await climb(watch, sessionmaker) == 0
    assert await climb(watch, sessionmaker, hours=4) == 1
    assert await climb(watch, sessionmaker, hours=23, minutes=59) == 0
    assert await climb(watch, sessionmaker, minutes=1) == 1
    assert await climb(watch, sessionmaker, days=30) == 0
    assert (await told(watch, "worker-1"), await told(watch, "committee-1")) == (1, 2)
    assert await told(watch, "worker-2") == await told(watch, "resident-1") == 0
    found = await watch.look(case_id)
    assert found["escalations"] == 3
    assert [line["action"] for line in found["history"]] == ["report", *["escalate"] * 3]


async def test_what_it_says_tells_before_from_after(watch: Watch, sessionmaker: Sessions) -> None:
    await watch.file()
    await climb(watch, sessionmaker, hours=20)
    assert "即将到" in (await watch.inbox("worker-1"))[0]["body"]
    await climb(watch, sessionmaker, hours=5)
    assert "已超过" in (await watch.inbox("committee-1"))[0]["body"]


async def test_days_off_do_not_climb(watch: Watch, sessionmaker: Sessions) -> None:
    watch.let_pass(days=2)
    await watch.file()
    # Friday 15:00; four hours before the end are on Monday at 11:00.
    assert await climb(watch, sessionmaker, days=2, hours=19) == 0
    assert await climb(watch, sessionmaker, hours=1) == 1


async def test_accepting_starts_the_ladder_anew_and_an_end_takes_it_away(
    watch: Watch, sessionmaker: Sessions
) -> None:
    accepted, refused, paused = [await watch.file() for _ in range(3)]
    await watch.do(accepted, "accept")
    await watch.do(refused, "refuse", WHY)
    await watch.do(paused, "accept")
    await watch.do(paused, "pause", WHY)
    assert await climb(watch, sessionmaker, days=1) == 0
    # 72 working hours end on Monday at 15:00.
    assert await climb(watch, sessionmaker, days=3, hours=19) == 0
    assert await climb(watch, sessionmaker, hours=1) == 1
    assert (await watch.look(accepted))["escalations"] == 1
    assert (await watch.look(paused))["escalations"] == 0


async def test_a_ladder_made_shorter_stops_nobody(watch: Watch, sessionmaker: Sessions) -> None:
    case_id = await watch.file()
    async with sessionmaker.begin() as session:
        await session.execute(text("UPDATE case_settings SET ladder = '[]'"))
    assert await climb(watch, sessionmaker, hours=20) == 1
    assert await climb(watch, sessionmaker, days=9) == 0
    assert await told(watch, "worker-1") == 0
    assert [line["action"] for line in (await watch.look(case_id))["history"]] == ["report"]


async def test_everybody_of_the_grid_is_told_where_nobody_has_it(
    watch: Watch, sessionmaker: Sessions
) -> None:
    await watch.file()
    async with sessionmaker.begin() as session:
        await session.execute(text("UPDATE cases SET assigned_to = NULL"))
    await climb(watch, sessionmaker, hours=20)
    assert (await told(watch, "worker-1"), await told(watch, "worker-2")) == (1, 0)


async def test_silence_confirms_after_fourteen_days_and_earns_the_same(
    watch: Watch, sessionmaker: Sessions
) -> None:
    silent, rated, opened = [await watch.file(category_code="quiet") for _ in range(3)]
    await watch.join(silent, "resident-2")
    for case_id in (silent, rated, opened):
        await watch.do(case_id, "accept")
        await watch.resolve(case_id)
    await watch.say(rated, "confirm", RATING)
    await watch.say(opened, "not-fixed", WHY)
    watch.let_pass(days=13, hours=23)
    assert await close_unanswered(sessionmaker, now=watch.clock()) == 0
    watch.let_pass(hours=1)
    assert await close_unanswered(sessionmaker, now=watch.clock()) == 1
    assert await close_unanswered(sessionmaker, now=watch.clock()) == 0
    found = await watch.read(silent)
    assert (found["state"], found["rating"]) == ("confirmed", None)
    assert found["history"][-1]["action"] == "close"
    assert (await watch.read(opened))["state"] == "reopened"
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [8, 1]
    async with sessionmaker() as session:
        await assert_books_balance(session, watch.here.community_id)


MANY_CASES = """
    INSERT INTO cases (community_id, case_id, kind, category_id, state, status_code, grid_id,
        reporter_id, reported_by, assigned_to, description, address, reported_at, due_at,
        escalates_at, resolved_at, closed_at)
    SELECT cases.community_id, cases.case_id + n, kind, category_id, state, status_code, grid_id,
        reporter_id, reported_by, assigned_to, description, address, reported_at, due_at,
        escalates_at, resolved_at, closed_at
    FROM cases, generate_series(1, :more) AS n
    WHERE cases.case_id = :case_id
"""


async def multiply(sessionmaker: Sessions, case_id: str, more: int) -> None:
    async with sessionmaker.begin() as session:
        await session.execute(text(MANY_CASES), {"case_id": int(case_id), "more": more})


async def test_1200_due_cases_take_three_batches_of_a_few_statements(
    watch: Watch, sessionmaker: Sessions, engine: AsyncEngine
) -> None:
    await multiply(sessionmaker, await watch.file(), 1_199)
    watch.let_pass(hours=20)
    with counted(engine) as sent:
        assert await escalate_cases(sessionmaker, now=watch.clock()) == 1_200
    work = [one for one in sent if not one.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]
    # One to list communities, and six for each batch of 500, 500 and 200.
    assert BATCH == 500
    assert len(work) <= 1 + 3 * 6, "\n".join(work)
    async with sessionmaker() as session:
        sums = text("SELECT count(*), sum(escalations), min(escalates_at) FROM cases")
        (row,) = (await session.execute(sums)).all()
        messages = await session.scalar(
            text("SELECT count(*) FROM inbox_messages WHERE kind = 'case_overdue'")
        )
    assert (row[0], row[1], messages) == (1_200, 1_200, 1_200)
    assert row[2] == datetime.fromisoformat("2026-11-19T07:00:00+00:00")


async def test_1200_silent_cases_are_confirmed_in_batches(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file(category_code="unpaid")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    await multiply(sessionmaker, case_id, 1_199)
    watch.let_pass(days=14)
    assert await close_unanswered(sessionmaker, now=watch.clock()) == 1_200


@pytest.fixture
async def crowded(race: MakeRace, race_sessionmaker: Sessions, clock: Clock) -> Neighbourhood:
    """A committing neighbourhood with 1,200 cases whose warning is due."""
    here = await race(1)
    watch = Watch(here, clock)
    await multiply(race_sessionmaker, await watch.file(), 1_199)
    watch.let_pass(hours=20)
    return here


async def test_three_workers_at_once_take_each_step_once(
    crowded: Neighbourhood, race_sessionmaker: Sessions, clock: Clock
) -> None:
    taken = await asyncio.gather(
        *(escalate_cases(race_sessionmaker, now=clock()) for _ in range(3))
    )
    # Somebody may find all rows locked and go home; what they left is taken in the next minute.
    taken.append(await escalate_cases(race_sessionmaker, now=clock()))
    assert sum(taken) == 1_200
    async with race_sessionmaker() as session:
        steps = await session.scalar(text("SELECT json_agg(DISTINCT escalations) FROM cases"))
        messages = await session.scalar(
            text(
                "SELECT count(DISTINCT subject_id) = count(*) AND count(*) = 1200"
                " FROM inbox_messages WHERE kind = 'case_overdue'"
            )
        )
    assert (steps if isinstance(steps, list) else json.loads(steps), messages) == ([1], True)
    assert crowded.community_id > 0
