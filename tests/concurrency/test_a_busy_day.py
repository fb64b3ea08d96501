"""Everything at once, in random order: nobody is told "server error", and the book balances.

pytest-randomly seeds `random`; `-p "randomly_seed=…"` of a failed run plays it again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.concurrency.conftest import Audit
from tests.concurrency.crowd import award_batch, give_all, sign_in_crowd, tally
from tests.conftest import MakeRace
from tests.support.auditing import assert_audit_clean
from tests.support.caller import Caller, fresh_key
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood

RESIDENTS = 30
AT_ONCE = 24
SHARE_OF_DAY = {
    "praise": 60, "fine": 20, "praise_many": 15, "scan": 40, "check_in": 25,
    "redeem": 70, "cancel": 20, "confirm": 40, "take_back": 10,
}  # fmt: skip
MAY_ANSWER = {
    "200", "201", "insufficient_points", "limit_reached", "out_of_stock",
    "voucher_used", "voucher_cancelled", "verification_cancelled",
}  # fmt: skip


@dataclass
class Town:
    """Thirty residents and the staff, each ready to do something."""

    here: Neighbourhood
    sessionmaker: async_sessionmaker[AsyncSession]
    clock: Clock
    residents: list[Caller]
    poster: str

    def somebody(self) -> tuple[str, Caller]:
        number = random.randrange(RESIDENTS)  # noqa: S311 - not a secret
        return f"resident-{number + 1}", self.residents[number]

    async def praise(self) -> list[httpx.Response]:
        return await self._post_by_hand("award", "volunteer_hour", 3)

    async def fine(self) -> list[httpx.Response]:
        return await self._post_by_hand("deduction", "sorted_wrongly", 4)

    async def _post_by_hand(self, kind: str, rule_code: str, units: int) -> list[httpx.Response]:
        name, _ = self.somebody()
        body = self.here.posting(kind, name, rule_code=rule_code, units=units, reason="忙碌的一天")
        proposer = await self.here.caller("committee-1")
        proposed = await proposer.post_once(POSTINGS, body)
        return [proposed, await self.here.approve(proposed.json()["posting_id"])]

    async def praise_many(self) -> list[httpx.Response]:
        names = [self.somebody()[0] for _ in range(10)]
        outcomes = await award_batch(
            self.sessionmaker, self.here, "clean_up", names, now=self.clock.now
        )
        assert all(outcome.decision.is_new for outcome in outcomes)
        return []

    async def scan(self) -> list[httpx.Response]:
        return [await self.somebody()[1].post("/v1/me/check-ins", {"code": self.poster})]

    async def check_in(self) -> list[httpx.Response]:
        return [await self.somebody()[1].post("/v1/me/daily-check-in")]

    async def redeem(self) -> list[httpx.Response]:
        code = random.choice(("canteen_meal", "coupon_10", "parking_10_hours"))  # noqa: S311
        path = f"/v1/rewards/{self.here.reward_id(code)}/redeem"
        return [await self.somebody()[1].post_once(path)]

    async def cancel(self) -> list[httpx.Response]:
        _, resident = self.somebody()
        listed = await resident.get("/v1/me/vouchers")
        paths = [f"/v1/me/vouchers/{one['voucher_id']}/cancel" for one in listed.json()["items"]]
        return [listed, *[await resident.post_once(path) for path in paths[:1]]]

    async def confirm(self) -> list[httpx.Response]:
        _, resident = self.somebody()
        listed = await resident.get("/v1/me/vouchers")
        return [listed, *[await self._consume(one) for one in listed.json()["items"][:2]]]

    async def _consume(self, voucher: dict[str, Any]) -> httpx.Response:
        at_canteen = voucher["reward_name"] == "社区食堂午餐一份"
        name, shop = ("clerk-2", "canteen") if at_canteen else ("clerk-1", "corner_shop")
        clerk = await self.here.caller(name)
        body = {
            "shop_id": self.here.shop_id(shop),
            "out_request_no": fresh_key(),
            "code": voucher["typed_code"],
        }
        return await clerk.post("/v1/merchant/vouchers/consume", body)

    async def take_back(self) -> list[httpx.Response]:
        clerk = await self.here.caller("clerk-1")
        shop_id = self.here.shop_id("corner_shop")
        record = await clerk.get("/v1/merchant/verifications", shop_id=shop_id)
        confirmed = [one for one in record.json()["items"] if one["operation"] == "consume"]
        body = {"shop_id": shop_id, "out_request_no": fresh_key(), "reason": "顾客改了主意"}
        return [
            record,
            *[
                await clerk.post(
                    "/v1/merchant/vouchers/cancel",
                    body | {"verification_id": one["verification_id"]},
                )
                for one in confirmed[:1]
            ],
        ]


Deed = Callable[[], Awaitable[list[httpx.Response]]]


async def live_through(day: Iterable[tuple[str, Deed]]) -> dict[str, list[httpx.Response]]:
    """Do everything, so many at a time; return the answers by what was done."""
    answers: dict[str, list[httpx.Response]] = {name: [] for name in SHARE_OF_DAY}
    waiting = iter(day)

    async def go_on() -> None:
        for name, deed in waiting:
            answers[name] += await deed()

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return answers


def has_written(answer: httpx.Response) -> bool:
    return answer.request.method == "POST" and answer.is_success


async def test_a_busy_day_in_random_order_leaves_the_book_balanced(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(RESIDENTS)
    for _ in range(3):
        await give_all(here, RESIDENTS, "legal_advice")
    poster = await here.poster(await here.announce(clock.now))
    residents = await sign_in_crowd(here, clock, RESIDENTS)
    for name in ("clerk-1", "clerk-2", "committee-2"):
        await here.caller(name)
    town = Town(here, race_sessionmaker, clock, residents, poster)
    day = [
        (name, getattr(town, name)) for name, times in SHARE_OF_DAY.items() for _ in range(times)
    ]
    random.shuffle(day)

    answers = await live_through(day)

    told = Counter(tally(answer for some in answers.values() for answer in some))
    assert set(told) <= MAY_ANSWER
    written = {name for name, some in answers.items() if any(map(has_written, some))}
    assert written == set(SHARE_OF_DAY) - {"praise_many"}
    await audit(here)
    async with race_sessionmaker() as session:
        await assert_audit_clean(session, here.community_id)
