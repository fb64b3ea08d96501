"""Consents given and withdrawn at the same moment, on a database that commits."""

import asyncio
from collections import Counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.identity.consents.policies import FIRST, TEXT, agree, publish, withdraw
from tests.support.caller import sign_in

STANDING = """
    SELECT purpose, version, count(*) FILTER (WHERE withdrawn_at IS NULL), count(*)
    FROM consents GROUP BY purpose, version ORDER BY purpose, version
"""


async def standing(sessionmaker: async_sessionmaker[AsyncSession]) -> list[tuple[object, ...]]:
    async with sessionmaker() as session:
        return [tuple(row) for row in await session.execute(text(STANDING))]


async def test_twenty_consents_at_once_leave_one_standing(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await publish(here)

    orders = (("service", "location"), ("location", "service"))
    answers = await asyncio.gather(
        *(agree(newcomer, here, *orders[number % 2]) for number in range(20))
    )

    assert Counter(answer.status_code for answer in answers) == {200: 20}
    assert await standing(race_sessionmaker) == [
        ("location", FIRST, 1, 1),
        ("service", FIRST, 1, 1),
    ]


async def test_twenty_renewals_at_once_leave_one_standing_and_one_withdrawn(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await publish(here)
    await agree(newcomer, here, "location")
    await publish(here, text=TEXT + "第二版")

    answers = await asyncio.gather(
        *(agree(newcomer, here, "location", version=FIRST + 1) for _ in range(20))
    )

    assert Counter(answer.status_code for answer in answers) == {200: 20}
    assert await standing(race_sessionmaker) == [
        ("location", FIRST, 0, 1),
        ("location", FIRST + 1, 1, 1),
    ]


async def test_a_consent_is_withdrawn_once_however_many_ask(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await publish(here)
    await agree(newcomer, here, "location")

    answers = await asyncio.gather(*(withdraw(newcomer, here, "location") for _ in range(10)))

    assert Counter(answer.json()["was_standing"] for answer in answers) == {True: 1, False: 9}
    assert await standing(race_sessionmaker) == [("location", FIRST, 0, 1)]
