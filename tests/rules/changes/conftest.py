"""A neighbourhood that changes its rules."""

import pytest

from tests.rules.changes.proposing import Assembly
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
def assembly(here: Neighbourhood, clock: Clock) -> Assembly:
    return Assembly(here, clock)
