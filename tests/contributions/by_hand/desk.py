"""The committee's desk: proposing, checking, and looking at what came of it."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.support.book_rows import list_lots
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key
from tests.support.neighbourhood import POSTINGS, Neighbourhood
from tests.support.shopping import consume, redeem

RULE = {"award": "mediation", "deduction": "sorted_wrongly"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A neighbourhood as its committee sees it."""

    here: Neighbourhood
    sessionmaker: async_sessionmaker[AsyncSession]

    def under_rule(self, kind: str, name: str = "resident-1", **changes: Any) -> dict[str, Any]:
        """Return the body of an award or a deduction, under the usual rule unless changed."""
        body = self.here.posting(kind, name, rule_code=RULE[kind], reason="街坊反映")
        return body | changes

    async def propose(
        self, body: dict[str, Any], *, by: str = "committee-1", key: str | None = None
    ) -> httpx.Response:
        caller = await self.here.caller(by)
        return await caller.post(POSTINGS, body, key=key or fresh_key())

    async def proposed(self, body: dict[str, Any]) -> str:
        """Propose and return the number of the posting."""
        answer = await self.propose(body)
        assert answer.status_code == 201, answer.text
        posting_id: str = answer.json()["posting_id"]
        return posting_id

    async def decide(
        self, posting_id: str, way: str, *, by: str = "committee-2", reason: str = "与事实不符"
    ) -> httpx.Response:
        """Send an approval, a refusal or a withdrawal."""
        caller = await self.here.caller(by)
        body = {"reason": reason} if way == "refusal" else None
        return await caller.post(f"{POSTINGS}/{posting_id}/{way}", body)

    async def read(self, posting_id: str) -> dict[str, Any]:
        checker = await self.here.caller("committee-2")
        posting: dict[str, Any] = (await checker.get(f"{POSTINGS}/{posting_id}")).json()
        return posting

    async def undo(self, kind: str, transfer_id: str, **changes: Any) -> dict[str, int]:
        """Post a repair or a reversal; return what it asked and moved."""
        posting = await self.here.post_by_hand(undoing(kind, transfer_id, **changes))
        result: dict[str, int] = posting["result"]
        return {name: result[name] for name in ("asked_points", "moved_points")}

    async def spend(self, name: str = "resident-1") -> str:
        """Redeem a meal of 50 points and eat it; return the transfer."""
        voucher = await redeem(self.here, name, self.here.reward_id("canteen_meal"))
        eaten = await consume(self.here, voucher["typed_code"])
        assert eaten.status_code == 200, eaten.text
        return await self.newest(name, "spend")

    async def lines(self, name: str) -> list[dict[str, Any]]:
        """Return a resident's statement, newest first."""
        resident = await self.here.caller(name)
        lines: list[dict[str, Any]] = (await resident.get("/v1/me/statement")).json()["items"]
        return lines

    async def newest(self, name: str, kind: str) -> str:
        """Return a resident's newest transfer of a kind."""
        numbers = [line["transfer_id"] for line in await self.lines(name) if line["kind"] == kind]
        return str(numbers[0])

    async def balance(self, name: str = "resident-1") -> dict[str, int]:
        resident = await self.here.caller(name)
        balance: dict[str, int] = (await resident.get("/v1/me/balance")).json()
        return balance

    async def lots(self, name: str = "resident-1") -> dict[int, int]:
        """Return lot → what remains of it, in spending order."""
        account_id = int(self.here.resident_id(name))
        async with self.sessionmaker() as session:
            lots = await list_lots(session, self.here.community_id, account_id)
        return {lot_id: remaining for lot_id, (remaining, _) in lots.items()}

    async def score(self, name: str = "resident-1", *, period: str = "all") -> int:
        resident = await self.here.caller(name)
        points: int = (await resident.get("/v1/me/rank", period=period)).json()["points"]
        return points

    async def hear_for(self, days: int) -> None:
        """Let residents answer a deduction for so many days, as in every preset."""
        await self.execute(
            "UPDATE procedures SET hearing_days = :days WHERE community_id = :community_id",
            days=days,
        )

    async def lose_phone(self, name: str) -> None:
        """Let a resident have no phone any more."""
        await self.execute(
            "UPDATE residents SET person_id = NULL"
            " WHERE community_id = :community_id AND resident_id = :resident_id",
            resident_id=int(self.here.resident_id(name)),
        )

    async def share_a_flat(self, name: str, other: str) -> None:
        """Let two residents be one household."""
        await self.execute(
            "UPDATE residents SET household_id = (SELECT household_id FROM residents"
            " WHERE community_id = :community_id AND resident_id = :resident_id)"
            " WHERE community_id = :community_id AND resident_id = :other_id",
            resident_id=int(self.here.resident_id(name)),
            other_id=int(self.here.resident_id(other)),
        )

    async def execute(self, statement: str, **values: Any) -> None:
        values = {"community_id": self.here.community_id} | values
        async with self.sessionmaker.begin() as session:
            await session.execute(text(statement), values)

    async def inbox(self, name: str) -> list[dict[str, Any]]:
        """Return somebody's messages, newest first."""
        caller = await self.here.caller(name)
        messages: list[dict[str, Any]] = (await caller.get("/v1/me/messages")).json()["items"]
        return messages

    async def scalar(self, statement: str, **values: Any) -> Any:
        async with self.sessionmaker() as session:
            return await session.scalar(text(statement), values)

    async def audit(self) -> None:
        async with self.sessionmaker() as session:
            await assert_books_balance(session, self.here.community_id)


def undoing(kind: str, transfer_id: str | int, **changes: Any) -> dict[str, Any]:
    """Return the body of a repair or a reversal."""
    body: dict[str, Any] = {"kind": kind, "transfer_id": str(transfer_id), "reason": "核实后更正"}
    if kind == "reversal":
        body["is_our_fault"] = False
    return body | changes
