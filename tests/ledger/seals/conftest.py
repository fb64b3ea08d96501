"""Somebody who checks from outside, and residents who have done with points all one can."""

import pytest
from fastapi import FastAPI

from tests.funds.giving import donate
from tests.ledger.gifts.giving import LIMIT, Givers
from tests.ledger.savings.bank import NOT_EXEMPT, ONE_MONTH
from tests.ledger.seals.checker import Checker
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, redeem, withdraw


@pytest.fixture
def checker(app: FastAPI, here: Neighbourhood, clock: Clock) -> Checker:
    return Checker(app, here, clock)


@pytest.fixture
async def lively(checker: Checker) -> Checker:
    """A book with eight kinds of lines of resident-1, who has given to resident-2; all sealed."""
    here = checker.here
    givers = Givers(here, checker.app.state.sessionmaker, checker.clock)
    await givers.set_policy(gifts=LIMIT, savings=NOT_EXEMPT)
    await givers.give("resident-1", 100)
    await givers.give("resident-1", 7, ONE_MONTH)
    await givers.let_pass(days=40)
    await here.give("resident-1", "legal_advice")
    await here.fine("resident-1")
    await givers.save("resident-1", 20)
    await givers.withdraw("resident-1", 5)
    await givers.give_to("resident-1", "resident-2", 10)
    assert (await donate(here, 3)).status_code == 201
    await buy_and_return(here)
    await checker.seal()
    return checker


async def buy_and_return(here: Neighbourhood) -> None:
    """Let resident-1 have a meal in the canteen, and the clerk take it back."""
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    used = await consume(here, voucher["token"])
    assert used.status_code == 200, used.text
    undone = await withdraw(here, used.json()["verification_id"])
    assert undone.status_code == 200, undone.text
