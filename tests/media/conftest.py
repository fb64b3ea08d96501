"""A folder for photos, WeChat's double, and the worker's part, done when a test says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import WeChatPushSecrets
from app.media.addresses import PhotoLinks
from app.media.keeper import PhotoKeeper
from app.media.storage import open_store
from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_push import PushTarget
from tests.media.sending import APP_ID, PUSH_TOKEN, SECRET, Studio
from tests.media.work import Work
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def keeper(app: FastAPI, photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> PhotoKeeper:
    """Photos in a folder of the test's own."""
    store = open_store("fs", {}, folder=photo_folder)
    state = app.state
    keeper = PhotoKeeper(store, state.master_key)
    links = PhotoLinks(store, state.master_key.derive("photo links"), "http://test")
    monkeypatch.setitem(state._state, "photo_keeper", keeper)  # noqa: SLF001
    monkeypatch.setitem(state._state, "photo_links", links)  # noqa: SLF001
    return keeper


@pytest.fixture
async def studio(
    here: Neighbourhood, sessionmaker: Sessions, keeper: PhotoKeeper, photo_folder: Path
) -> Studio:
    """A neighbourhood whose people send photos."""
    return Studio(here, sessionmaker, keeper, photo_folder)


@pytest.fixture
async def wechat(
    app: FastAPI, http: httpx.AsyncClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WeChatDouble]:
    """WeChat's double: it fetches pictures from us and pushes its verdicts to us."""
    target = PushTarget("http://test/wechat/push", PUSH_TOKEN)
    double = WeChatDouble({APP_ID: SECRET}, clock=clock, outside=http, push=target)
    secrets = {APP_ID: WeChatPushSecrets.model_validate({"token": PUSH_TOKEN})}
    settings = app.state.settings.model_copy(update={"wechat_push": secrets})
    monkeypatch.setitem(app.state._state, "settings", settings)  # noqa: SLF001
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as outside:
        app.state.wechat = {APP_ID: WeChatClient(outside, APP_ID, SECRET, "http://wechat")}
        yield double


@pytest.fixture
def work(app: FastAPI, sessionmaker: Sessions, keeper: PhotoKeeper, clock: Clock) -> Work:
    """The worker."""
    return Work(app, sessionmaker, keeper, clock)
