"""Witnesses whose keys are in the settings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.cli.note_keys import new_witness_key
from tests.ledger.witnesses.office import Office
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Register = Callable[..., None]


@pytest.fixture
def register(app_of_session: FastAPI) -> Iterator[Register]:
    """Put offices into the settings, until the test ends."""
    before = app_of_session.state.witnesses

    def put(*offices: Office) -> None:
        app_of_session.state.witnesses = [office.key.public for office in offices]

    yield put
    app_of_session.state.witnesses = before


@pytest.fixture
def office(
    app: FastAPI, here: Neighbourhood, clock: Clock, tmp_path: Path, register: Register
) -> Office:
    """An office that is registered, and nobody else."""
    office = Office(app, here, clock, new_witness_key("office.example.cn"), tmp_path)
    register(office)
    return office
