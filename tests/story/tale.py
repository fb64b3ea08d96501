"""What the story is told with: the neighbourhood, its clock, and WeChat's double."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.doubles.wechat import WeChatDouble
from tests.support.caller import Caller, fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.scanner import read_qr_codes

APP_ID = "wx5f2c6d9b1a3e7048"
APP_SECRET = "secret-of-the-story"
HER_WECHAT_NAME = "xiaoman"


@dataclass
class Tale:
    """Sunshine community with 60 residents, and 赵小满, who has just moved in."""

    here: Neighbourhood
    clock: Clock
    sessionmaker: async_sessionmaker[AsyncSession]
    wechat: WeChatDouble
    she: Caller

    async def she_opens_wechat(self) -> dict[str, Any]:
        """Sign her in with what wx.login gives."""
        body = {"app_id": APP_ID, "code": self.wechat.issue_code(HER_WECHAT_NAME)}
        answer = await self.she.http.post("/v1/auth/wechat", json=body)
        assert answer.status_code == 200, answer.text
        self.she.tokens = answer.json()
        return self.she.tokens

    async def she_comes_back(self) -> dict[str, Any]:
        """Refresh her session, as the mini-program does when it is opened again."""
        body = {"refresh_token": self.she.tokens["refresh_token"]}
        answer = await self.she.http.post("/v1/auth/refresh", json=body)
        assert answer.status_code == 200, answer.text
        self.she.tokens = answer.json()
        return self.she.tokens

    async def let_pass(self, **by: float) -> None:
        """Let time pass; everybody opens the mini-program anew."""
        let_pass(self.here, self.clock, **by)
        await self.she_comes_back()

    async def neighbours(self, *numbers: int) -> list[Caller]:
        return [await self.here.caller(f"resident-{number}") for number in numbers]

    async def post_points(
        self, kind: str, resident_id: str, rule_code: str, **more: Any
    ) -> dict[str, Any]:
        """Let the committee post an award or a deduction; return what it came to."""
        body = {"kind": kind, "resident_id": resident_id, "rule_code": rule_code, **more}
        posting = await self.here.post_by_hand(body | {"reason": "居委会记录"})
        result: dict[str, Any] = posting["result"]
        return result

    async def till(self, shop: str, operation: str, **more: Any) -> httpx.Response:
        """Let a shop's clerk ask for `prepare`, `consume` or `cancel`."""
        clerk = await self.here.caller({"corner_shop": "clerk-1", "canteen": "clerk-2"}[shop])
        body = {"shop_id": self.here.shop_id(shop), **more}
        if operation != "prepare":
            body |= {"out_request_no": fresh_key()}
        return await clerk.post(f"/v1/merchant/vouchers/{operation}", body)


async def get(caller: Caller, path: str, **params: Any) -> Any:
    """Return what a page shows."""
    answer = await caller.get(path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def balance_of(caller: Caller) -> tuple[int, int, int]:
    """Return all points, those held and those free."""
    read = await get(caller, "/v1/me/balance")
    return read["posted_points"], read["held_points"], read["available_points"]


async def place_of(caller: Caller, period: str) -> tuple[int, int]:
    """Return points and rank in a period."""
    read = await get(caller, "/v1/me/rank", period=period)
    return read["points"], read["rank"]


async def scan(caller: Caller, path: str, **params: Any) -> str:
    """Return what a camera reads off the code in a picture."""
    answer = await caller.get(path, **params)
    assert answer.status_code == 200, answer.text
    with Image.open(BytesIO(answer.content)) as picture:
        (found,) = read_qr_codes(picture)
    return str(found.text)
