"""Residents are told before points of theirs lapse, or are cut: in time, once, in plain words."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs import JOBS, SCHEDULES
from app.ledger.notices import service
from app.ledger.notices.jobs import tell_lapses
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.policies import Sessions, Town
from tests.support.shopping import consume, give_back, make_reward, redeem

# The clearing that is switched on in November 2026 comes for the first time with 2028.
THIRTY_DAYS_AHEAD = datetime(2027, 12, 1, 16, 0, tzinfo=UTC)
SEVEN_DAYS_AHEAD = datetime(2027, 12, 24, 16, 0, tzinfo=UTC)
NEW_YEAR = datetime(2027, 12, 31, 16, 0, tzinfo=UTC)
IN_TIME = "您有 35 分将于 2027 年 12 月 31 日到期，请尽快使用。"
HALVED = {"months": 12, "percent": 50}
# Unused since 18 November 2026, three in the afternoon in Shanghai.
CUT_AT = datetime(2027, 11, 18, 7, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
async def clearing(town: Town) -> Town:
    """A town whose points are cleared at the end of the year; resident-1 has 35 of them."""
    await town.sets(expiry={"kind": "year_end"})
    await town.earns("resident-1", 20)
    await town.earns("resident-1", 15)
    return town


async def rounds(town: Town, *moments: datetime) -> None:
    """Let the round be made at each of these."""
    for moment in moments:
        await town.until(moment)
        await town.runs("tell_lapses")


def test_the_round_is_made_every_morning_and_the_worker_knows_every_job() -> None:
    assert "tell_lapses" in SCHEDULES["every_morning"][1]
    wanted = {job for _, jobs in SCHEDULES.values() for job in jobs}
    assert wanted <= set(JOBS)
    assert {"expire_points", "expire_holds", "decay_points"} <= wanted


async def test_points_that_will_lapse_are_told_of_30_and_7_days_ahead(clearing: Town) -> None:
    await rounds(clearing, THIRTY_DAYS_AHEAD - MINUTE)
    assert await clearing.told("resident-1") == []

    await rounds(clearing, THIRTY_DAYS_AHEAD)
    assert await clearing.told("resident-1") == [IN_TIME]

    await rounds(clearing, THIRTY_DAYS_AHEAD, THIRTY_DAYS_AHEAD + DAY, SEVEN_DAYS_AHEAD - MINUTE)
    assert await clearing.told("resident-1") == [IN_TIME]

    await rounds(clearing, SEVEN_DAYS_AHEAD, SEVEN_DAYS_AHEAD + DAY, NEW_YEAR - MINUTE, NEW_YEAR)
    assert await clearing.told("resident-1") == [IN_TIME, IN_TIME]
    assert await clearing.told("resident-2") == []


async def test_a_message_says_what_kind_it_is_and_how_many_points_are_left_by_then(
    clearing: Town,
) -> None:
    await rounds(clearing, THIRTY_DAYS_AHEAD)
    async with clearing.sessions.begin() as session:
        reward = await make_reward(session, clearing.here, now=clearing.clock.now)
    voucher = await redeem(clearing.here, "resident-1", reward)
    assert (await consume(clearing.here, voucher["typed_code"])).status_code == 200
    await rounds(clearing, SEVEN_DAYS_AHEAD)

    newest = (await clearing.read("resident-1", "/v1/me/messages"))["items"][0]
    assert (newest["kind"], newest["title"]) == ("points_expiry", "积分即将到期")
    assert newest["body"] == "您有 25 分将于 2027 年 12 月 31 日到期，请尽快使用。"


async def test_held_points_are_told_of_when_they_are_free_again(clearing: Town) -> None:
    await clearing.until(THIRTY_DAYS_AHEAD)
    async with clearing.sessions.begin() as session:
        reward = await make_reward(session, clearing.here, now=clearing.clock.now, price_points=35)
    voucher = await redeem(clearing.here, "resident-1", reward)
    await rounds(clearing, THIRTY_DAYS_AHEAD)
    assert await clearing.told("resident-1") == []

    await give_back(clearing.here, "resident-1", voucher)
    await rounds(clearing, THIRTY_DAYS_AHEAD + DAY)
    assert await clearing.told("resident-1") == [IN_TIME]


async def test_who_is_told_late_is_told_once(clearing: Town) -> None:
    """A round that was down until five days ahead does not say the same twice."""
    await rounds(clearing, NEW_YEAR - 5 * DAY, NEW_YEAR - 4 * DAY)
    assert await clearing.told("resident-1") == [IN_TIME]


async def test_the_policy_says_how_long_ahead(town: Town) -> None:
    await town.sets(expiry={"kind": "year_end"}, notice_days=[60, 1])
    await town.earns("resident-1", 35)
    await rounds(town, NEW_YEAR - 60 * DAY - MINUTE)
    assert await town.told("resident-1") == []
    await rounds(town, NEW_YEAR - 60 * DAY, NEW_YEAR - 30 * DAY, NEW_YEAR - 7 * DAY)
    assert len(await town.told("resident-1")) == 1
    await rounds(town, NEW_YEAR - DAY)
    assert len(await town.told("resident-1")) == 2


async def test_a_policy_without_notice_tells_nobody(town: Town) -> None:
    await town.sets(expiry={"kind": "year_end"}, decay=HALVED, notice_days=[])
    await town.earns("resident-1", 35)
    await rounds(town, THIRTY_DAYS_AHEAD, SEVEN_DAYS_AHEAD)
    assert await town.told("resident-1") == []


async def test_the_first_points_of_a_month_bring_word_of_all_of_that_month(town: Town) -> None:
    own: dict[str, Any] = {"policy_version": None, "expiry_since": None}
    months = {"kind": "months", "months": 4}
    for day, points in ((5, 10), (20, 30)):
        await town.until(datetime(2026, 12, day, 7, tzinfo=UTC))
        await town.earns("resident-1", points, expiry=months, **own)
    await town.until(datetime(2027, 1, 5, 7, tzinfo=UTC))
    await town.earns("resident-1", 7, expiry=months, **own)

    spring = [datetime(2027, month, 7, 7, tzinfo=UTC) for month in (3, 4)]
    await rounds(town, *(spring[0] + days * DAY for days in range(40)))

    # Seven days ahead it says so again, for what is left of April by then.
    assert await town.told("resident-1") == [
        "您有 40 分将于 2027 年 4 月 5 日至 20 日陆续到期，请尽快使用。",
        "您有 40 分将于 2027 年 4 月 5 日至 20 日陆续到期，请尽快使用。",
        "您有 7 分将于 2027 年 5 月 5 日到期，请尽快使用。",
    ]


async def test_saved_points_that_will_lapse_are_told_of_as_such(town: Town) -> None:
    await town.sets(expiry={"kind": "year_end"}, savings={"is_exempt": False})
    await town.earns("resident-1", 35)
    saver = await town.caller("resident-1")
    answer = await saver.post_once("/v1/me/savings/deposits", {"points": 25})
    assert answer.status_code == 201, answer.text
    await rounds(town, THIRTY_DAYS_AHEAD)
    assert sorted(await town.told("resident-1")) == [
        "您存在积分银行的 25 分将于 2027 年 12 月 31 日到期，请尽快取出使用。",
        "您有 10 分将于 2027 年 12 月 31 日到期，请尽快使用。",
    ]


async def test_exempt_savings_are_nothing_to_tell_of(town: Town) -> None:
    await town.sets(expiry={"kind": "year_end"}, savings={"is_exempt": True})
    await town.earns("resident-1", 35)
    saver = await town.caller("resident-1")
    await saver.post_once("/v1/me/savings/deposits", {"points": 35})
    await rounds(town, THIRTY_DAYS_AHEAD)
    assert await town.told("resident-1") == []


async def test_somebody_without_a_phone_is_told_once_there_is_one(clearing: Town) -> None:
    wallet = {"resident": clearing.number_of("resident-1")}
    person = await clearing.ask(
        "SELECT person_id FROM residents WHERE community_id = :community"
        " AND resident_id = :resident", **wallet,
    )  # fmt: skip
    change = (
        "UPDATE residents SET person_id = :person WHERE community_id = :community"
        " AND resident_id = :resident"
    )
    await clearing.do(change, person=None, **wallet)
    await rounds(clearing, THIRTY_DAYS_AHEAD)
    await clearing.do(change, person=person, **wallet)
    assert await clearing.told("resident-1") == []
    await rounds(clearing, THIRTY_DAYS_AHEAD + DAY)
    assert await clearing.told("resident-1") == [IN_TIME]


async def test_somebody_who_has_left_is_told_nothing(clearing: Town) -> None:
    await clearing.do(
        "UPDATE residents SET state = 'left' WHERE community_id = :community"
        " AND resident_id = :resident",
        resident=clearing.number_of("resident-1"),
    )
    await rounds(clearing, THIRTY_DAYS_AHEAD)
    assert await clearing.ask("SELECT count(*) FROM inbox_messages") == 0


async def test_each_community_is_told_by_its_own_policy(
    clearing: Town, elsewhere: Neighbourhood
) -> None:
    theirs = Town(clearing.app, elsewhere, clearing.clock)
    await theirs.earns("resident-1", 35)
    await rounds(clearing, THIRTY_DAYS_AHEAD)
    elsewhere.callers.clear()
    assert await clearing.told("resident-1") == [IN_TIME]
    assert await theirs.told("resident-1") == []


async def test_unused_points_are_told_of_before_they_are_cut(town: Town) -> None:
    await town.sets(decay=HALVED)
    await town.earns("resident-1", 35)
    said = (
        "您的积分已很久没有使用。如在 2027 年 11 月 18 日前仍不使用，"
        "将减少 50%，约 17 分；兑换或捐赠任意积分即可保留。"
    )
    await rounds(town, CUT_AT - 30 * DAY - MINUTE)
    assert await town.told("resident-1") == []
    await rounds(town, CUT_AT - 30 * DAY, CUT_AT - 29 * DAY, CUT_AT - 7 * DAY - MINUTE)
    assert await town.told("resident-1") == [said]
    await rounds(town, CUT_AT - 7 * DAY, CUT_AT - DAY)
    assert await town.told("resident-1") == [said, said]

    await town.until(CUT_AT)
    await town.runs("decay_points")
    assert await town.posted("resident-1") == 18
    await rounds(town, CUT_AT + MINUTE)
    assert len(await town.told("resident-1")) == 2


async def test_who_uses_points_is_told_nothing_more_until_the_next_year_ends(town: Town) -> None:
    await town.sets(decay=HALVED)
    await town.earns("resident-1", 36)
    await rounds(town, CUT_AT - 30 * DAY)
    async with town.sessions.begin() as session:
        reward = await make_reward(session, town.here, now=town.clock.now)
    voucher = await redeem(town.here, "resident-1", reward)
    assert (await consume(town.here, voucher["typed_code"])).status_code == 200
    await rounds(town, CUT_AT - 7 * DAY, CUT_AT, CUT_AT + 300 * DAY)
    assert len(await town.told("resident-1")) == 1
    await rounds(town, CUT_AT.replace(year=2028) - 60 * DAY)
    assert "约 13 分" in (await town.told("resident-1"))[1]


async def test_a_cut_that_comes_to_nothing_is_not_worth_a_word(town: Town) -> None:
    await town.sets(decay=HALVED)
    await town.earns("resident-1", 1)
    await rounds(town, CUT_AT - 30 * DAY)
    assert await town.told("resident-1") == []


async def test_what_falls_due_before_the_nights_round_is_told_of_with_the_first(town: Town) -> None:
    """The job comes once a night: what was earned later that day is cut along with the first."""
    await town.sets(decay=HALVED)
    await town.until(datetime(2026, 11, 20, 1, tzinfo=UTC))
    await town.earns("resident-1", 1)
    await town.until(datetime(2026, 11, 20, 8, tzinfo=UTC))
    await town.earns("resident-1", 100)
    await rounds(town, datetime(2027, 11, 10, 1, 30, tzinfo=UTC))
    (said,) = await town.told("resident-1")
    assert "约 50 分" in said

    await town.until(datetime(2027, 11, 20, 19, 17, tzinfo=UTC))
    await town.runs("decay_points")
    assert await town.posted("resident-1") == 51


async def test_points_that_lapse_before_they_would_be_cut_do_not_hide_those_that_are(
    town: Town,
) -> None:
    await town.sets(decay=HALVED)
    own: dict[str, Any] = {"policy_version": None, "expiry_since": None}
    await town.until(datetime(2027, 1, 5, 7, tzinfo=UTC))
    await town.earns("resident-1", 10, expiry={"kind": "year_end"}, **own)
    await town.until(datetime(2027, 1, 12, 7, tzinfo=UTC))
    await town.earns("resident-1", 100, expiry={"kind": "never"}, **own)
    await rounds(town, datetime(2027, 12, 14, 1, 30, tzinfo=UTC))
    (said,) = [said for said in await town.told("resident-1") if "减少" in said]
    assert "2028 年 1 月 12 日前仍不使用，将减少 50%，约 50 分" in said


async def test_a_round_that_was_cut_short_is_finished_by_the_next(
    clearing: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"resident-{number}" for number in range(1, 7)]
    for name in names[1:]:
        await clearing.earns(name, 35)
    await clearing.until(THIRTY_DAYS_AHEAD)
    third = sorted(clearing.here.residents.values())[2]
    monkeypatch.setattr(service, "BATCH", 1)
    tell_batch = service.tell_next

    async def be_killed(session: AsyncSession, one: service.Round, *, after: int) -> int:
        reached = await tell_batch(session, one, after=after)
        # The third is told, were it not that the transaction comes to nothing.
        if reached == third and one.lead.days == 30:
            raise asyncio.CancelledError
        return reached

    with monkeypatch.context() as patch:
        patch.setattr(service, "tell_next", be_killed)
        with pytest.raises(asyncio.CancelledError):
            await clearing.runs("tell_lapses")
    assert sorted([len(await clearing.told(name)) for name in names]) == [0, 0, 0, 0, 1, 1]

    await clearing.runs("tell_lapses")

    assert [await clearing.told(name) for name in names] == [[IN_TIME]] * 6


async def test_rounds_made_at_once_tell_everybody_once(
    app_of_session: FastAPI, race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    town = Town(app_of_session, await race(6), clock)
    await town.sets(expiry={"kind": "year_end"})
    names = [f"resident-{number}" for number in range(1, 7)]
    for name in names:
        await town.earns(name, 35)
    await town.until(THIRTY_DAYS_AHEAD)

    await asyncio.gather(*(tell_lapses(race_sessionmaker, now=clock.now) for _ in range(4)))

    assert [await town.told(name) for name in names] == [[IN_TIME]] * 6
