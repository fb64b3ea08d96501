"""WeChat's double with two mini-programs, and a neighbourhood whose people have phones."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.config import Settings
from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.notifications.phones import APP_ID, MESSAGES, OTHER_APP_ID, SECRET, Phones, Sessions
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
def double(clock: Clock) -> WeChatDouble:
    return WeChatDouble({APP_ID: SECRET, OTHER_APP_ID: SECRET}, clock=clock)


@pytest.fixture
async def clients(double: WeChatDouble) -> AsyncIterator[dict[str, WeChatClient]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as to_wechat:
        yield {
            app_id: WeChatClient(to_wechat, app_id, SECRET, "http://wechat")
            for app_id in (APP_ID, OTHER_APP_ID)
        }


@pytest.fixture
def phones(
    here: Neighbourhood,
    sessionmaker: Sessions,
    double: WeChatDouble,
    clients: dict[str, WeChatClient],
    clock: Clock,
) -> Phones:
    return Phones(sessionmaker, double, clients, clock, here.community_id)


@pytest.fixture
def configured(app: FastAPI) -> Iterator[Settings]:
    """The application with two mini-programs and their templates, without any push."""
    before: Settings = app.state.settings
    app.state.settings = before.model_copy(
        update={
            "wechat_apps": {app_id: SecretStr(SECRET) for app_id in MESSAGES},
            "wechat_messages": MESSAGES,
        }
    )
    yield app.state.settings
    app.state.settings = before
