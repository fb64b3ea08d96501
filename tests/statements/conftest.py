"""A neighbourhood whose rules pay at every step, so that no request gets off lightly."""

import pytest

from tests.cases.filing import preset_with_every_step
from tests.support import neighbourhood


@pytest.fixture(autouse=True)
def _rules_of_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood, "read_preset", preset_with_every_step)
