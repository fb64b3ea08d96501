"""A committee with rules that lists may be awarded under."""

import pytest
from fastapi import FastAPI

from tests.conftest import NOW
from tests.contributions.lists.office import LONG_AGO, RULES, Office
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.rules import add_rules


@pytest.fixture
async def office(here: Neighbourhood, app: FastAPI, clock: Clock) -> Office:
    office = Office(here, app, clock)
    await add_rules(office.sessions, here.community_id, RULES, since=NOW - LONG_AGO)
    return office
