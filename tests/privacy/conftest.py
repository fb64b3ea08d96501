"""A neighbourhood that has something to hide, and the worker's part of privacy."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.media.addresses import PhotoLinks
from app.media.keeper import PhotoKeeper
from app.media.storage import open_store
from tests.privacy.office import Office
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
def keeper(app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PhotoKeeper:
    """Photos in a folder of the test's own."""
    store = open_store("fs", {}, folder=tmp_path / "photos")
    keeper = PhotoKeeper(store, app.state.master_key)
    links = PhotoLinks(store, app.state.master_key.derive("photo links"), "http://test")
    monkeypatch.setitem(app.state._state, "photo_keeper", keeper)  # noqa: SLF001
    monkeypatch.setitem(app.state._state, "photo_links", links)  # noqa: SLF001
    return keeper


@pytest.fixture
def office(
    app: FastAPI,
    here: Neighbourhood,
    sessionmaker: Sessions,
    keeper: PhotoKeeper,
    tmp_path: Path,
    clock: Clock,
) -> Office:
    """Whoever does what residents have a right to."""
    return Office(app, here, sessionmaker, keeper, tmp_path / "photos", clock)
