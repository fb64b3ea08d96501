"""Races that other ledgers lost, as their users reported them: each is run here at once."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.problems import Problem
from app.ledger.errors import MoreThanOriginal
from app.ledger.holds import service as holds
from app.ledger.holds.service import HoldRef
from app.ledger.models import HoldState, TransferKind
from tests.concurrency.crowd import together
from tests.conftest import MakeRace
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import (
    capture,
    give,
    give_back,
    move,
    move_one,
    spend,
)
from tests.support.awards import NEVER
from tests.support.book_rows import count, figures
from tests.support.books import assert_ledger_balances
from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

AT_ONCE = 16
Deed = Callable[[Crowd], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Race:
    """Wallets on a database that commits, and sessions that meet there."""

    here: Neighbourhood
    sessionmaker: async_sessionmaker[AsyncSession]
    now: datetime

    @property
    def wallets(self) -> list[int]:
        return sorted(self.here.residents.values())

    async def do(self, deed: Deed) -> object:
        """Run a deed in a transaction of its own; return what it does, or the problem's name."""
        try:
            async with self.sessionmaker.begin() as session:
                return await deed(Crowd(session, self.here, self.wallets, self.now))
        except Problem as problem:
            return type(problem).__name__

    async def do_at_once(self, *deeds: Deed) -> list[object]:
        return await together(self.do(deed) for deed in deeds)

    async def figures(self, wallet: int) -> dict[str, int]:
        """Return a wallet's figures, over books that balance."""
        async with self.sessionmaker() as session:
            await assert_ledger_balances(session, self.here.community_id)
            return await figures(session, self.here.community_id, wallet)


@pytest.fixture
async def meeting(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> Race:
    """Twenty wallets of 50 points each."""
    meeting = Race(await race(20), race_sessionmaker, clock.now)

    async def give_all(crowd: Crowd) -> None:
        for wallet in crowd.wallets:
            await give(crowd, wallet, 50, NEVER)

    await meeting.do(give_all)
    return meeting


async def test_one_key_used_many_times_at_once_is_one_redemption(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    """formancehq/ledger#364: requests side by side with one key failed on a duplicate."""
    here = await race(1)
    await here.give("resident-1", "legal_advice", units=1)
    await here.give("resident-1", "legal_advice", units=1)
    resident, key = await here.caller("resident-1"), fresh_key()
    path = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"

    answers = await together(resident.post(path, key=key) for _ in range(AT_ONCE))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["voucher_id"] for answer in answers}) == 1
    async with race_sessionmaker() as session:
        assert await count(session, "holds", community_id=here.community_id) == 1


async def test_gifts_of_many_to_one_all_arrive(meeting: Race) -> None:
    """blnkfinance/blnk#238: the receiver was not locked, so of two additions one was lost."""
    receiver, *givers = meeting.wallets

    async def send(crowd: Crowd, giver: int) -> object:
        return await move_one(crowd, TransferKind.GIFT, (giver, receiver, 7))

    deeds = [lambda crowd, giver=giver: send(crowd, giver) for giver in givers]
    await meeting.do_at_once(*deeds)

    assert (await meeting.figures(receiver))["posted"] == 50 + 7 * len(givers)


async def test_a_refund_is_given_once_however_often_it_is_asked_for(meeting: Race) -> None:
    """blnkfinance/blnk#152: a refund asked for twice was paid twice."""
    wallet = meeting.wallets[0]
    spent = await meeting.do(lambda crowd: spend(crowd, wallet, 40))
    assert isinstance(spent, int)

    answers = await meeting.do_at_once(
        *[lambda crowd: give_back(crowd, spent, wallet, 40)] * AT_ONCE
    )

    assert Counter(answers)[MoreThanOriginal.__name__] == AT_ONCE - 1
    assert (await meeting.figures(wallet))["posted"] == 50


async def test_a_hold_ends_in_one_way(meeting: Race) -> None:
    """blnkfinance/blnk#171: a commit and a void side by side both went through."""
    wallet = meeting.wallets[0]
    await meeting.do(lambda crowd: crowd.place_holds([(1, wallet, 40)]))

    async def release(crowd: Crowd) -> object:
        hold = HoldRef(1, wallet)
        return await holds.release_holds(
            crowd.session, crowd.community_id, [hold], state=HoldState.RELEASED, now=crowd.now
        )

    answers = await meeting.do_at_once(
        *[lambda crowd: capture(crowd, 1, wallet), release] * (AT_ONCE // 2)
    )

    captured = [answer for answer in answers if isinstance(answer, int)]
    released = [answer for answer in answers if answer == {1}]
    assert len(captured) + len(released) == 1
    row = await meeting.figures(wallet)
    assert (row["posted"], row["held"]) == (50 - 40 * len(captured), 0)


async def test_many_who_spend_from_one_wallet_leave_nothing_below_zero(meeting: Race) -> None:
    """envato/double_entry#114: balances fell below zero when many wrote at once."""
    wallet = meeting.wallets[0]

    answers = await meeting.do_at_once(*[lambda crowd: move(
        crowd, TransferKind.SPEND, [(wallet, crowd.shop_id, 10)])] * AT_ONCE)  # fmt: skip

    assert sum(answer != [None] for answer in answers) == 5
    assert (await meeting.figures(wallet))["posted"] == 0


async def test_a_wallet_is_given_away_once(meeting: Race) -> None:
    """fushengqian/fuint#71: twenty gifts checked one balance of 100 and gave 2,000."""
    giver, *receivers = meeting.wallets

    async def send(crowd: Crowd, receiver: int) -> object:
        (sent,) = await move(crowd, TransferKind.GIFT, [(giver, receiver, 50)])
        return sent is not None

    deeds = [lambda crowd, receiver=receiver: send(crowd, receiver) for receiver in receivers]

    assert Counter(await meeting.do_at_once(*deeds)) == {True: 1, False: len(receivers) - 1}
    assert (await meeting.figures(giver))["posted"] == 0


async def test_awards_at_once_to_one_wallet_all_count(meeting: Race) -> None:
    """macrozheng/mall#299: two additions read the same balance, and one was lost."""
    wallet = meeting.wallets[0]

    await meeting.do_at_once(*[lambda crowd: give(crowd, wallet, 3, NEVER)] * AT_ONCE)

    assert (await meeting.figures(wallet))["posted"] == 50 + 3 * AT_ONCE


async def test_one_balance_is_promised_once(meeting: Race) -> None:
    """slimkit/plus#448: two purchases at once paid with the same money."""
    wallet = meeting.wallets[0]

    def place(number: int) -> Deed:
        return lambda crowd: crowd.place_holds([(number, wallet, 50)])

    answers = await meeting.do_at_once(*map(place, range(1, AT_ONCE + 1)))

    assert sum(bool(answer) for answer in answers) == 1
    assert (await meeting.figures(wallet))["held"] == 50
