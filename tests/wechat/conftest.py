"""WeChat's double, and a client of it that lives by the same clock."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock
from tests.wechat.asking import APP_ID, OTHER_APP_ID, SECRET, client_of


@pytest.fixture
def double(clock: Clock) -> WeChatDouble:
    return WeChatDouble({APP_ID: SECRET, OTHER_APP_ID: SECRET}, clock=clock)


@pytest.fixture
async def to_wechat(double: WeChatDouble) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as to_wechat:
        yield to_wechat


@pytest.fixture
def wechat(to_wechat: httpx.AsyncClient, clock: Clock) -> WeChatClient:
    return client_of(to_wechat, seconds=lambda: clock().timestamp())


@pytest.fixture
async def anna(wechat: WeChatClient, double: WeChatDouble) -> str:
    """The openid of somebody who has just signed in."""
    session = await wechat.code_to_session(double.issue_code("anna"))
    return session.open_id
