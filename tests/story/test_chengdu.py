"""积分银行: two neighbours earn the same; one saves, and has it when the other's points are gone.

Points of the year last until the end of January. What lies in the points bank does not lapse; in
March it is withdrawn and becomes a haircut and a repaired rice cooker.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Vault
from tests.story.tale import balance_of, get
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood
from tests.support.passing import let_pass
from tests.support.shopping import consume, redeem
from tests.support.working import come_round

Sessions = async_sessionmaker[AsyncSession]
SHE, HE = "resident-1", "resident-2"
MARCH = datetime(2027, 3, 1, 2, tzinfo=UTC)


@pytest.fixture
async def estate(
    app: FastAPI, http: Any, sessionmaker: Sessions, vault: Vault, clock: Clock
) -> Neighbourhood:
    """The old estates of the preset, with people in them."""
    assert app.state.clock is clock
    return await make_neighbourhood(
        sessionmaker, http, vault=vault, now=clock.now, preset="chengdu"
    )


async def test_what_is_saved_outlives_the_year_and_becomes_services(
    app: FastAPI, estate: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await both_sort_and_volunteer(estate, clock)
    await she_saves_and_he_does_not(estate)
    await the_last_of_january_passes(app, estate, clock)
    await she_withdraws_when_spring_comes(estate)
    await her_points_become_services(estate)
    await what_is_left_lapses_thirty_days_after_it_was_withdrawn(app, estate, clock)

    async with sessionmaker() as session:
        await assert_books_balance(session, estate.community_id)
        await assert_audit_clean(session, estate.community_id)


async def both_sort_and_volunteer(estate: Neighbourhood, clock: Clock) -> None:
    """Sorting, an hour beside the bins and eight of volunteering: 5 + 10 + 80 each."""
    for rule_code, title, units in (
        ("waste_sorting", "早间垃圾分类投放", 1),
        ("sorting_guide", "桶边督导", 1),
        ("volunteer_hour", "院落大扫除", 8),
    ):
        activity = await estate.announce(clock.now, rule_code=rule_code, title=title, units=units)
        code = await estate.poster(activity)
        for name in (SHE, HE):
            neighbour = await estate.caller(name)
            answer = await neighbour.post("/v1/me/check-ins", {"code": code})
            assert answer.status_code == 201, answer.text
    for name in (SHE, HE):
        read = await balance(estate, name)
        assert read["available_points"] == 95
        assert read["next_lapse"] == {"points": 95, "lapses_at": "2027-01-31T16:00:00Z"}


async def she_saves_and_he_does_not(estate: Neighbourhood) -> None:
    she = await estate.caller(SHE)
    too_much = await she.post_once("/v1/me/savings/deposits", {"points": 96})
    assert problem_code(too_much) == "insufficient_points"

    saved = await she.post_once("/v1/me/savings/deposits", {"points": 95})

    assert saved.status_code == 201, saved.text
    assert saved.json()["balance"]["savings_points"] == 95
    assert await balance_of(she) == (0, 0, 0)
    haircut = await she.post_once(f"/v1/rewards/{estate.reward_id('haircut')}/redeem")
    assert problem_code(haircut) == "insufficient_points"  # saved points are not spent by chance
    bank = await get(she, "/v1/me/savings")
    assert (bank["points"], bank["is_exempt"], bank["withdrawal_days"]) == (95, True, 30)


async def the_last_of_january_passes(app: FastAPI, estate: Neighbourhood, clock: Clock) -> None:
    let_pass(estate, clock, seconds=(MARCH - clock.now).total_seconds())
    await come_round(app, "every_hour")

    she, he = await estate.caller(SHE), await estate.caller(HE)
    lines = [
        (line["kind"], line["points"]) for line in (await get(he, "/v1/me/statement"))["items"]
    ]
    assert lines[0] == ("expiry", -95)
    assert await balance_of(he) == (0, 0, 0)
    assert (await get(she, "/v1/me/savings"))["points"] == 95
    kinds = {line["kind"] for line in (await get(she, "/v1/me/statement"))["items"]}
    assert kinds == {"award", "saving"}


async def she_withdraws_when_spring_comes(estate: Neighbourhood) -> None:
    he = await estate.caller(HE)
    nothing = await he.post_once("/v1/me/savings/withdrawals", {"points": 1})
    assert problem_code(nothing) == "insufficient_points"
    she = await estate.caller(SHE)

    withdrawn = await she.post_once("/v1/me/savings/withdrawals", {"points": 92})

    assert withdrawn.status_code == 201, withdrawn.text
    # Their own date is past: thirty days, to the end of the last of March.
    assert withdrawn.json()["balance"]["next_lapse"] == {
        "points": 92, "lapses_at": "2027-03-31T16:00:00Z",
    }  # fmt: skip
    assert withdrawn.json()["balance"]["savings_points"] == 3


async def her_points_become_services(estate: Neighbourhood) -> None:
    for code, points_left in (("haircut", 62), ("appliance_repair", 2)):
        voucher = await redeem(estate, SHE, estate.reward_id(code))
        answer = await consume(estate, voucher["token"], shop="corner_shop")
        assert answer.status_code in (200, 201), answer.text
        assert (await balance(estate, SHE))["available_points"] == points_left


async def what_is_left_lapses_thirty_days_after_it_was_withdrawn(
    app: FastAPI, estate: Neighbourhood, clock: Clock
) -> None:
    let_pass(estate, clock, days=31)
    await come_round(app, "every_hour")

    read = await balance(estate, SHE)

    assert (read["posted_points"], read["savings_points"]) == (0, 3)


async def balance(estate: Neighbourhood, name: str) -> dict[str, Any]:
    """Return what somebody reads of their points."""
    read: dict[str, Any] = await get(await estate.caller(name), "/v1/me/balance")
    return read
