"""A notice board."""

import pytest

from tests.notices.noticing import Board, Sessions
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
def board(here: Neighbourhood, sessionmaker: Sessions, clock: Clock) -> Board:
    return Board(here, sessionmaker, clock)
