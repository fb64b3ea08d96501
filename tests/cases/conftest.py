"""A neighbourhood whose grids have outlines and whose rules pay at every step."""

import pytest

from tests.cases.filing import Watch, preset_with_every_step
from tests.support import neighbourhood
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture(autouse=True)
def _rules_of_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "read_preset", preset_with_every_step)


@pytest.fixture
def watch(here: Neighbourhood, clock: Clock) -> Watch:
    """The neighbourhood, with short ways to report and handle."""
    return Watch(here, clock)
