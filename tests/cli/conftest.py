"""A double of a community's log, and an office that watches it."""

from pathlib import Path

import httpx
import pytest

from tests.cli.office import Office
from tests.doubles.log import DoubleLog


@pytest.fixture
def log() -> DoubleLog:
    return DoubleLog()


@pytest.fixture
def office(tmp_path: Path, log: DoubleLog, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose every request reaches the double."""
    monkeypatch.setattr(httpx, "AsyncClient", log.client)
    return Office(tmp_path, log)
