"""A voucher ends one way only, whoever reaches for it at once."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rewards.jobs import expire_vouchers
from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import balance_of, give_all, sign_in_crowd, tally, together
from tests.conftest import MakeRace
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

CONSUME = "/v1/merchant/vouchers/consume"


async def buy(here: Neighbourhood, clock: Clock, code: str, size: int) -> list[dict[str, Any]]:
    """Give the first residents 200 points each, and let each buy one of these."""
    for _ in range(4):
        await give_all(here, size, "legal_advice")
    residents = await sign_in_crowd(here, clock, size)
    path = f"/v1/rewards/{here.reward_id(code)}/redeem"
    answers = await together(resident.post_once(path) for resident in residents)
    assert tally(answers) == {"201": size}
    return [answer.json() for answer in answers]


def request(shop_id: str, number: str, voucher: dict[str, Any]) -> dict[str, str]:
    return {"shop_id": shop_id, "out_request_no": number, "code": voucher["link"]}


async def cancel(resident: Caller, voucher: dict[str, Any]) -> httpx.Response:
    return await resident.post_once(f"/v1/me/vouchers/{voucher['voucher_id']}/cancel")


async def states_of(callers: list[Caller]) -> list[str]:
    """Return how each caller's only voucher stands."""
    pages = [(await caller.get("/v1/me/vouchers")).json()["items"] for caller in callers]
    return [voucher["state"] for (voucher,) in pages]


async def stock_of(here: Neighbourhood, code: str) -> int:
    clerk = await here.caller("clerk-1")
    stock: int = (await clerk.get(f"/v1/rewards/{here.reward_id(code)}")).json()["stock_left"]
    return stock


async def test_a_voucher_confirmed_by_two_shops_at_once_is_used_in_one(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(1)
    (voucher,) = await buy(here, clock, "parking_10_hours", 1)
    clerks = [
        (await here.caller("clerk-1"), here.shop_id("corner_shop")),
        (await here.caller("clerk-2"), here.shop_id("canteen")),
    ]

    answers = await together(
        clerk.post(CONSUME, request(shop_id, f"till-{turn:04}", voucher))
        for turn in range(10)
        for clerk, shop_id in clerks
    )

    assert tally(answers) == {"200": 1, "voucher_used": 19}
    resident = await here.caller("resident-1")
    assert (await balance_of(resident))["posted_points"] == 0
    records = [
        (await clerk.get("/v1/merchant/verifications", shop_id=shop_id)).json()["items"]
        for clerk, shop_id in clerks
    ]
    assert sum(len(record) for record in records) == 1
    await audit(here)


async def test_a_voucher_cancelled_while_the_shop_confirms_it_ends_one_way(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(20)
    vouchers = await buy(here, clock, "coupon_10", 20)
    residents = [await here.caller(f"resident-{number}") for number in range(1, 21)]
    clerk, shop_id = await here.caller("clerk-1"), here.shop_id("corner_shop")

    async def pull(turn: int) -> tuple[httpx.Response, httpx.Response]:
        resident, voucher = residents[turn], vouchers[turn]
        confirm = clerk.post(CONSUME, request(shop_id, f"till-{turn:04}", voucher))
        pair = [confirm, cancel(resident, voucher)]
        first, second = await together(pair if turn % 2 else reversed(pair))
        return (first, second) if turn % 2 else (second, first)

    pairs = await together(pull(turn) for turn in range(20))

    outcomes = Counter(tuple(sorted(tally(pair))) for pair in pairs)
    assert set(outcomes) <= {("200", "voucher_used"), ("200", "voucher_cancelled")}
    used = [confirmed.status_code == 200 for confirmed, _ in pairs]
    assert await states_of(residents) == ["used" if one else "cancelled" for one in used]
    posted = [(await balance_of(resident))["posted_points"] for resident in residents]
    assert posted == [100 if one else 200 for one in used]
    assert await stock_of(here, "coupon_10") == 100 - sum(used)
    await audit(here)


async def test_expiry_run_twice_at_once_beside_a_till_ends_each_voucher_one_way(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(20)
    vouchers = await buy(here, clock, "coupon_10", 20)
    residents = [await here.caller(f"resident-{number}") for number in range(1, 21)]
    clerk, shop_id = await here.caller("clerk-1"), here.shop_id("corner_shop")
    lapsed = datetime.fromisoformat(vouchers[-1]["valid_until"]) + timedelta(seconds=1)

    async def confirm(turn: int) -> bool:
        body = request(shop_id, f"till-{turn:04}", vouchers[turn])
        answer = await clerk.post(CONSUME, body)
        assert set(tally([answer])) <= {"200", "voucher_expired"}
        return answer.status_code == 200

    async def expire() -> int:
        return await expire_vouchers(race_sessionmaker, now=lapsed)

    calls = [confirm(turn) for turn in range(20)]
    ended = await together([*calls[:10], expire(), expire(), *calls[10:]])

    used = [*ended[:10], *ended[12:]]
    assert sum(ended[10:12]) == used.count(False)
    assert await states_of(residents) == ["used" if one else "expired" for one in used]
    assert await stock_of(here, "coupon_10") == 100 - used.count(True)
    assert await expire() == 0
    await audit(here)


async def test_a_tills_request_and_its_twin_confirm_once_with_one_answer(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(20)
    vouchers = await buy(here, clock, "coupon_10", 20)
    clerk, shop_id = await here.caller("clerk-1"), here.shop_id("corner_shop")
    bodies = [request(shop_id, f"till-{turn:04}", one) for turn, one in enumerate(vouchers)]

    answers = await together(clerk.post(CONSUME, body) for body in bodies for _ in range(2))

    assert tally(answers) == {"200": 40}
    assert all(
        one.content == twin.content for one, twin in zip(answers[::2], answers[1::2], strict=True)
    )
    record = await clerk.get("/v1/merchant/verifications", shop_id=shop_id, size=100)
    assert len(record.json()["items"]) == 20
    await audit(here)


async def test_a_confirmation_taken_back_many_times_at_once_is_taken_back_once(
    race: MakeRace, clock: Clock, audit: Audit
) -> None:
    here = await race(1)
    (voucher,) = await buy(here, clock, "coupon_10", 1)
    clerk, shop_id = await here.caller("clerk-1"), here.shop_id("corner_shop")
    confirmed = await clerk.post(CONSUME, request(shop_id, "till-0001", voucher))
    body = {
        "shop_id": shop_id,
        "verification_id": confirmed.json()["verification_id"],
        "reason": "顾客改了主意",
    }

    answers = await together(
        clerk.post("/v1/merchant/vouchers/cancel", body | {"out_request_no": f"void-{turn:04}"})
        for turn in range(20)
    )

    assert tally(answers) == {"200": 1, "verification_cancelled": 19}
    balance = await balance_of(await here.caller("resident-1"))
    assert (balance["posted_points"], balance["held_points"]) == (200, 100)
    await audit(here)
