"""Checkers who press at the same time: a repair gives points back once."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.contributions.by_hand.desk import Desk
from tests.contributions.repairs.mending import decide, report, task_for
from tests.support.caller import problem_code


async def test_a_repair_accepted_and_refused_by_many_at_once_is_decided_once(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    desk = Desk(await race(1), race_sessionmaker)
    number = (await task_for(desk))["repair_task_id"]
    await report(desk, number)
    for name in ("committee-1", "committee-2"):
        await desk.here.caller(name)

    answers = await asyncio.gather(
        *(decide(desk, number, by=f"committee-{who}") for who in (1, 2, 1, 2, 1, 2)),
        decide(desk, number, "refusal", by="committee-1"),
    )

    states = {answer.json()["state"] for answer in answers if answer.is_success}
    refused = {problem_code(answer) for answer in answers if not answer.is_success}
    assert len(states) == 1
    assert refused == {"repair_not_reported"}
    assert (await desk.balance())["posted_points"] == (5 if states == {"done"} else 0)
    await desk.audit()
