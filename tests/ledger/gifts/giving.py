"""Giving points through HTTP."""

from typing import Any

import httpx

from tests.ledger.savings.bank import Bank
from tests.support.caller import fresh_key

GIFTS = "/v1/me/gifts"
LIMIT = {"max_points_per_month": 40}


class Givers(Bank):
    """A neighbourhood whose residents scan each other's codes."""

    async def code_of(self, name: str, form: str = "token") -> str:
        """Return a resident's personal code, as a token or a link."""
        code: str = (await self.get(name, "/v1/me/code"))[form]
        return code

    async def give_code(
        self, name: str, code: str, points: Any, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        caller = await self.here.caller(name)
        body = {"code": code, "points": points, **more}
        return await caller.post(GIFTS, body, key=key or fresh_key())

    async def give_to(self, name: str, receiver: str, points: int, **more: Any) -> dict[str, Any]:
        answer = await self.give_code(name, await self.code_of(receiver), points, **more)
        assert answer.status_code == 201, answer.text
        gift: dict[str, Any] = answer.json()
        return gift
