"""However many give at once, a fund has what they gave and nobody waits for ever."""

from itertools import chain

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.concurrency.crowd import sign_in_crowd, tally, together
from tests.conftest import MakeRace
from tests.funds.giving import change, fund_path, give_points, look_at
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
DONORS = 20


async def audit(sessionmaker: Sessions, here: Neighbourhood) -> None:
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_twenty_donors_at_once_fill_one_fund(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(DONORS)
    points = {f"resident-{number}": 70 for number in range(1, DONORS + 1)}
    await give_points(race_sessionmaker, here, clock, points)
    donors = await sign_in_crowd(here, clock, DONORS)
    donate, body = f"{fund_path(here)}/donations", {"points": 20}
    meal = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"

    # Each has 70 points: for two donations, or for a voucher and one donation.
    answers = await together(
        chain.from_iterable(
            (donor.post_once(donate, body), donor.post_once(meal), donor.post_once(donate, body))
            for donor in donors
        )
    )

    codes = tally(answers)
    assert codes == {"201": 2 * DONORS, "insufficient_points": DONORS}
    donations = [told for told in (answer.json() for answer in answers) if "fund_points" in told]
    # Whoever came later saw all that was given before.
    assert sorted(told["fund_points"] for told in donations) == [
        20 * number for number in range(1, len(donations) + 1)
    ]
    page = await look_at(here)
    assert page["points"] == page["donated_points"] == 20 * len(donations)
    assert len(donations) >= DONORS
    await audit(race_sessionmaker, here)


async def test_a_fund_that_is_closed_meanwhile_has_what_was_given_before(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(DONORS)
    points = {f"resident-{number}": 50 for number in range(1, DONORS + 1)}
    await give_points(race_sessionmaker, here, clock, points)
    donors = await sign_in_crowd(here, clock, DONORS)
    await here.caller("committee-1")
    donate = f"{fund_path(here)}/donations"

    closing, *answers = await together(
        [
            change(here, fund_path(here), state="closed"),
            *(donor.post_once(donate, {"points": 10}) for donor in donors),
        ]
    )

    assert closing.status_code == 200
    codes = tally(answers)
    assert codes.keys() <= {"201", "fund_closed"}
    # The page as it was at the moment of closing holds already all that came before.
    assert closing.json()["points"] == (await look_at(here))["points"] == 10 * codes.get("201", 0)
    await audit(race_sessionmaker, here)
