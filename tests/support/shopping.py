"""What residents and shops do with rewards, through HTTP, and rewards that no preset has."""

from datetime import datetime
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.rewards.models import Reward
from tests.support.caller import fresh_key
from tests.support.neighbourhood import Neighbourhood

CLERKS = {"corner_shop": "clerk-1", "canteen": "clerk-2"}


async def make_reward(
    session: AsyncSession, here: Neighbourhood, *, now: datetime, **changes: Any
) -> str:
    """Put a reward into the catalogue: 10 points, no limits, any shop, unless changed."""
    reward_id = new_id(now)
    row: dict[str, Any] = {
        "community_id": here.community_id,
        "reward_id": reward_id,
        "code": f"reward_{reward_id}",
        "kind": "goods",
        "name": "鸡蛋一盒",
        "description": "",
        "price_points": 10,
        "stock_left": None,
        "per_resident_limit": None,
        "voucher_days": 30,
        "shop_id": None,
        "state": "on_sale",
        "created_at": now,
    }
    session.add(Reward(**(row | changes)))
    await session.flush()
    return str(reward_id)


async def redeem(here: Neighbourhood, name: str, reward_id: str) -> dict[str, Any]:
    """Exchange points for a voucher."""
    resident = await here.caller(name)
    answer = await resident.post_once(f"/v1/rewards/{reward_id}/redeem")
    assert answer.status_code == 201, answer.text
    voucher: dict[str, Any] = answer.json()
    return voucher


async def give_back(here: Neighbourhood, name: str, voucher: dict[str, Any]) -> httpx.Response:
    """Let a resident cancel a voucher."""
    resident = await here.caller(name)
    return await resident.post_once(f"/v1/me/vouchers/{voucher['voucher_id']}/cancel")


async def prepare(here: Neighbourhood, code: str, *, shop: str = "canteen") -> httpx.Response:
    """Let a shop's own clerk look at a voucher."""
    clerk = await here.caller(CLERKS[shop])
    body = {"shop_id": here.shop_id(shop), "code": code}
    return await clerk.post("/v1/merchant/vouchers/prepare", body)


async def consume(
    here: Neighbourhood, code: str, *, shop: str = "canteen", number: str | None = None
) -> httpx.Response:
    """Let a shop's own clerk confirm a voucher."""
    clerk = await here.caller(CLERKS[shop])
    body = {
        "shop_id": here.shop_id(shop),
        "out_request_no": number or fresh_key(),
        "code": code,
    }
    return await clerk.post("/v1/merchant/vouchers/consume", body)


async def withdraw(
    here: Neighbourhood,
    verification_id: str,
    *,
    shop: str = "canteen",
    number: str | None = None,
) -> httpx.Response:
    """Let a shop's own clerk take a confirmation back."""
    clerk = await here.caller(CLERKS[shop])
    body = {
        "shop_id": here.shop_id(shop),
        "out_request_no": number or fresh_key(),
        "verification_id": verification_id,
        "reason": "扫错了券",
    }
    return await clerk.post("/v1/merchant/vouchers/cancel", body)
