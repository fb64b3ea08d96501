"""People and workers who press at the same time: a list is taken, decided and posted once."""

import asyncio
from collections import Counter

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.lists import giving
from tests.conftest import MakeRace
from tests.contributions.lists.office import LISTS, Office
from tests.support.caller import problem_code
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def busy(
    race: MakeRace, race_sessionmaker: Sessions, app_of_session: FastAPI, clock: Clock
) -> Office:
    assert app_of_session.state.sessionmaker is race_sessionmaker
    office = Office(await race(6), app_of_session, clock)
    for name in ("committee-1", "committee-2"):
        await office.here.caller(name)
    return office


def told(answers: list[httpx.Response]) -> Counter[str]:
    """Count answers by state, or by the problem's code."""
    return Counter(
        answer.json()["state"] if answer.is_success else problem_code(answer) for answer in answers
    )


async def test_a_file_that_comes_in_many_times_at_once_is_taken_once(busy: Office) -> None:
    content = busy.file(busy.row("resident-1"))

    answers = await asyncio.gather(*(busy.send(content) for _ in range(6)))

    assert told(list(answers)) == {"proposed": 1, "award_list_known": 5}
    assert len((await busy.read(LISTS))["items"]) == 1


async def test_approvals_and_withdrawals_at_once_leave_one_of_them(busy: Office) -> None:
    award_list_id = await busy.propose(busy.row("resident-1"))

    answers = await asyncio.gather(
        *(busy.decide(award_list_id) for _ in range(3)),
        *(busy.decide(award_list_id, "withdrawal", by="committee-1") for _ in range(3)),
    )

    counts = told(list(answers))
    assert sorted(counts.values()) == [3, 3]
    assert counts["award_list_decided"] == 3


async def test_workers_that_post_a_list_at_once_give_each_row_once(
    busy: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "BATCH", 2)
    names = [f"resident-{number}" for number in range(1, 7)]
    lists = [
        await busy.propose(*(busy.row(name, day=f"2026-11-1{number}") for name in names))
        for number in range(2)
    ]
    for award_list_id in lists:
        await busy.decide(award_list_id)

    await asyncio.gather(*(busy.post() for _ in range(4)))
    await busy.post()

    for award_list_id in lists:
        rows = await busy.rows(award_list_id)
        assert [row["granted_points"] for row in rows] == [20] * 6
    assert [await busy.points(name) for name in names] == [40] * 6
    await busy.audit()
