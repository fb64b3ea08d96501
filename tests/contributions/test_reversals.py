"""Awards of a source taken back, below HTTP: once, in full on the boards, as far as it is there."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.reversals import Revocation, TakenBack, take_back
from tests.conftest import MakeRace
from tests.support.awards import NEVER, award, get_terms, give_lots, make_item
from tests.support.book_rows import figures, set_floor
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
CASE = 4711


async def give(
    session: AsyncSession,
    here: Neighbourhood,
    awards: list[tuple[str, str]],
    *,
    now: datetime,
    source_id: int = CASE,
) -> None:
    """Award by a source, as (resident, rule)."""
    items = [
        make_item(
            await get_terms(session, here, rule, at=now),
            int(here.resident_id(name)),
            now=now, source_kind="case", source_id=source_id, occasion=rule,
        )
        for name, rule in awards
    ]  # fmt: skip
    await award(session, here, items, now=now)


async def revoke(
    session: AsyncSession, here: Neighbourhood, *, now: datetime, source_id: int = CASE
) -> list[TakenBack]:
    revocation = Revocation("case", source_id, "照片为旧照", reversed_by=1)
    return await take_back(
        session, here.community_id, revocation, timezone="Asia/Shanghai", now=now
    )


def resident(here: Neighbourhood, number: int) -> int:
    return int(here.resident_id(f"resident-{number}"))


async def scores(session: AsyncSession, here: Neighbourhood, number: int) -> dict[str, int]:
    """Return a resident's score by period and its first day."""
    rows = await session.execute(
        text(
            "SELECT period || ' ' || starts_on AS board, score FROM standings"
            " WHERE community_id = :community AND resident_id = :resident"
        ),
        {"community": here.community_id, "resident": resident(here, number)},
    )
    return {row.board: row.score for row in rows}


async def test_every_award_of_a_source_goes_back_and_others_stay(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        given = [("resident-1", "survey"), ("resident-1", "clean_up"), ("resident-2", "survey")]
        await give(session, here, given, now=clock.now)
        await give(session, here, [("resident-1", "story_evening")], now=clock.now, source_id=1)

        taken = await revoke(session, here, now=clock.now)

        one, two = resident(here, 1), resident(here, 2)
        assert sorted(taken, key=lambda loss: (loss.resident_id, loss.asked_points)) == [
            TakenBack(one, 5, 5), TakenBack(one, 10, 10), TakenBack(two, 5, 5),
        ]  # fmt: skip
        assert (await figures(session, here.community_id, one))["posted"] == 15
        assert (await figures(session, here.community_id, two))["posted"] == 0
        await assert_books_balance(session, here.community_id)


async def test_asked_again_it_takes_nothing_more(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        await give(session, here, [("resident-1", "survey")], now=clock.now)
        assert len(await revoke(session, here, now=clock.now)) == 1
        assert await revoke(session, here, now=clock.advance(days=1)) == []
        await assert_books_balance(session, here.community_id)


async def test_what_came_after_a_taking_back_can_be_taken_back_too(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        await give(session, here, [("resident-1", "survey")], now=clock.now)
        await revoke(session, here, now=clock.now)
        await give(session, here, [("resident-1", "clean_up")], now=clock.now)
        (loss,) = await revoke(session, here, now=clock.now)
        assert loss.taken_points == 10
        await assert_books_balance(session, here.community_id)


async def test_a_source_that_gave_nothing_has_nothing_to_take(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        assert await revoke(session, here, now=clock.now) == []


async def test_the_boards_lose_it_in_the_periods_of_the_act(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        await give(session, here, [("resident-1", "clean_up")], now=clock.now)
        later = clock.advance(days=40)
        await give(session, here, [("resident-1", "survey")], now=later, source_id=1)
        await revoke(session, here, now=later)
        assert await scores(session, here, 1) == {
            "week 2026-11-16": 0, "month 2026-11-01": 0,
            "week 2026-12-28": 5, "month 2026-12-01": 5, "all 1970-01-01": 5,
        }  # fmt: skip
        await assert_books_balance(session, here.community_id)


async def test_what_is_not_there_is_noted_and_owed_down_to_the_floor(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        one = resident(here, 1)
        await set_floor(session, here.community_id, one, -3)
        one_month = {"kind": "months", "months": 1}
        await give_lots(session, here, [(one, 4, NEVER)], now=clock.now)
        terms = await get_terms(session, here, "clean_up", at=clock.now, expiry=one_month)
        item = make_item(terms, one, now=clock.now, source_kind="case", source_id=CASE)
        await award(session, here, [item], now=clock.now)

        # Its own ten have lapsed, four others are there, three may be owed.
        later = clock.now + timedelta(days=60)
        (loss,) = await revoke(session, here, now=later)

        assert (loss.asked_points, loss.taken_points) == (10, 7)
        row = (
            await session.execute(
                text("SELECT asked_points, taken_points, reason FROM contribution_reversals")
            )
        ).one()
        assert tuple(row) == (10, 7, "照片为旧照")
        assert (await figures(session, here.community_id, one))["debt"] == 3
        await assert_books_balance(session, here.community_id)


async def test_a_capped_award_gave_nothing_and_loses_nothing(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        for source_id in (1, CASE):
            await give(
                session, here, [("resident-1", "daily_check_in")], now=clock.now,
                source_id=source_id,
            )  # fmt: skip
        assert await revoke(session, here, now=clock.now) == []
        assert (await figures(session, here.community_id, resident(here, 1)))["posted"] == 1


async def test_another_community_s_source_of_the_same_number_is_not_touched(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    async with sessionmaker() as session:
        await give(session, here, [("resident-1", "survey")], now=clock.now)
        await give(session, elsewhere, [("resident-1", "survey")], now=clock.now)
        await revoke(session, here, now=clock.now)
        left = await figures(
            session, elsewhere.community_id, elsewhere.residents["other-resident-1"]
        )
        assert left["posted"] == 5


async def test_taken_back_by_several_at_once_it_goes_once(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(10)
    async with race_sessionmaker.begin() as session:
        awards = [(f"resident-{number}", "survey") for number in range(1, 11)]
        await give(session, here, awards, now=clock.now)

    async def revoke_alone() -> int:
        async with race_sessionmaker.begin() as session:
            return len(await revoke(session, here, now=clock.now))

    taken = await asyncio.gather(*(revoke_alone() for _ in range(6)))

    assert sorted(taken) == [0] * 5 + [10]
    async with race_sessionmaker() as session:
        for number in range(1, 11):
            row = await figures(session, here.community_id, resident(here, number))
            assert row["posted"] == 0
        await assert_books_balance(session, here.community_id)
