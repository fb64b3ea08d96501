"""Where stories begin: the stage of those of hazards, and the villages of those of fair play.

On the stage, WeChat's double pushes to us in its safe mode.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import WeChatPushSecrets
from app.core.personal import Vault
from app.media.addresses import PhotoLinks
from app.media.keeper import PhotoKeeper
from app.media.storage import open_store
from app.rules.models import Procedure
from app.setup.presets import read_preset
from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_push import PushTarget
from tests.story.hazards import AES_KEY, APP_ID, APP_SECRET, MESSAGES, PUSH_TOKEN, Stage
from tests.story.village import FoundVillage, Village
from tests.support.clock import Clock
from tests.support.neighbourhood import make_neighbourhood
from tests.support.working import work_off

SetStage = Callable[[str, datetime], Awaitable[Stage]]


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
async def wechat(
    app: FastAPI,
    http: httpx.AsyncClient,
    clock: Clock,
    photo_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> WeChatDouble:
    """WeChat, which we know as it knows us; photos go to a folder of the story's own."""
    secrets = {"token": PUSH_TOKEN, "aes_key": AES_KEY}
    changes = {
        "wechat_apps": {APP_ID: SecretStr(APP_SECRET)},
        "wechat_push": {APP_ID: WeChatPushSecrets.model_validate(secrets)},
        "wechat_messages": MESSAGES,
    }
    state = app.state
    store = open_store("fs", {}, folder=photo_folder)
    links = PhotoLinks(store, state.master_key.derive("photo links"), "http://test")
    for name, value in {
        "settings": state.settings.model_copy(update=changes),
        "photo_keeper": PhotoKeeper(store, state.master_key),
        "photo_links": links,
    }.items():
        monkeypatch.setitem(state._state, name, value)  # noqa: SLF001 - State has no other way back
    target = PushTarget("http://test/wechat/push", PUSH_TOKEN, AES_KEY)
    return WeChatDouble({APP_ID: APP_SECRET}, clock=clock, outside=http, push=target)


@pytest.fixture
async def set_stage(
    app: FastAPI,
    http: httpx.AsyncClient,
    sessionmaker: async_sessionmaker[AsyncSession],
    vault: Vault,
    clock: Clock,
    wechat: WeChatDouble,
) -> AsyncIterator[SetStage]:
    """Open a neighbourhood of a preset at a moment; its grids are drawn."""
    stages: list[Stage] = []

    async def be_hasty(answer: httpx.Response) -> None:
        if stages[0].wechat_is_hasty and answer.url.path == "/wxa/media_check_async":
            await wechat.push_verdicts()
            await work_off(app)  # and another worker is just as quick

    async def open_stage(preset: str, at: datetime) -> Stage:
        clock.now = at
        here = await make_neighbourhood(
            sessionmaker, http, vault=vault, now=clock.now, preset=preset
        )
        stages.append(Stage(app, here, clock, sessionmaker, wechat))
        await stages[0].draw_the_grids()
        return stages[0]

    transport = httpx.ASGITransport(wechat.app)
    async with httpx.AsyncClient(
        transport=transport, event_hooks={"response": [be_hasty]}
    ) as to_wechat:
        client = WeChatClient(to_wechat, APP_ID, APP_SECRET, "https://api.weixin.qq.com")
        app.state.wechat = {APP_ID: client}
        yield open_stage


@pytest.fixture
def found_village(
    app: FastAPI,
    http: httpx.AsyncClient,
    sessionmaker: async_sessionmaker[AsyncSession],
    vault: Vault,
    clock: Clock,
) -> FoundVillage:
    """Found a neighbourhood of a preset at a moment, with the hearings that the preset wants."""

    async def found(preset: str, at: datetime, *, residents: int = 6) -> Village:
        clock.now = at
        here = await make_neighbourhood(
            sessionmaker, http, vault=vault, now=at, preset=preset, residents=residents
        )
        async with sessionmaker.begin() as session:
            procedure = await session.get_one(Procedure, here.community_id)
            procedure.hearing_days = read_preset(preset).procedure.hearing_days
        return Village(app, here, clock, sessionmaker, vault)

    return found
