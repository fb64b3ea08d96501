"""WeChat's double, behind the application's own client for it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock

RESIDENT_APP = "wx1111111111111111"
CLERK_APP = "wx2222222222222222"
SECRET = "not-to-be-seen"


@pytest.fixture
def signed_in() -> bool:
    """Nobody is: signing in is what these tests are about."""
    return False


@pytest.fixture
def double(clock: Clock) -> WeChatDouble:
    return WeChatDouble({RESIDENT_APP: SECRET, CLERK_APP: SECRET}, clock=clock)


@pytest.fixture
async def wechat(app: FastAPI, double: WeChatDouble) -> AsyncIterator[WeChatDouble]:
    """Let the application know two mini-programs, both at the double."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as outside:
        app.state.wechat = {
            app_id: WeChatClient(outside, app_id, SECRET, "http://wechat")
            for app_id in (RESIDENT_APP, CLERK_APP)
        }
        yield double
