"""Short ways to publish notices and to speak to them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.notices import service
from app.notices.models import NoticeKind
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

Sessions = async_sessionmaker[AsyncSession]


@dataclass(slots=True)
class Board:
    """A neighbourhood's notice board."""

    here: Neighbourhood
    sessionmaker: Sessions
    clock: Clock

    async def publish(
        self,
        title: str = "志愿服务名单",
        *,
        days: int = 3,
        kind: NoticeKind = NoticeKind.AWARD_LIST,
    ) -> str:
        """Open something to objections for so many days; return its number."""
        async with self.sessionmaker.begin() as session:
            number = await service.publish(
                session, self.here.community_id, kind=kind, title=title,
                closes_at=self.clock.now + timedelta(days=days), published_by=1,
                now=self.clock.now,
            )  # fmt: skip
        return str(number)

    async def withdraw(self, notice_id: str) -> None:
        async with self.sessionmaker.begin() as session:
            await service.withdraw(
                session, self.here.community_id, int(notice_id), now=self.clock.now
            )

    async def outcome(self, notice_id: str) -> service.NoticeOutcome:
        async with self.sessionmaker() as session:
            outcomes = await service.read_outcomes(
                session, self.here.community_id, [int(notice_id)], now=self.clock.now
            )
        return outcomes[int(notice_id)]

    async def try_remark(
        self, notice_id: str, kind: str = "objection", by: str = "resident-1", **fields: Any
    ) -> httpx.Response:
        body = {"kind": kind, "text": "名单里没有这个人"} | fields
        path = f"/v1/notices/{notice_id}/remarks"
        return await (await self.here.caller(by)).post_once(path, body)

    async def remark(
        self, notice_id: str, kind: str = "objection", by: str = "resident-1", **fields: Any
    ) -> dict[str, Any]:
        """Let somebody say something that is taken."""
        answer = await self.try_remark(notice_id, kind, by, **fields)
        assert answer.status_code == 201, answer.text
        remark: dict[str, Any] = answer.json()
        return remark

    async def answer(
        self, remark: dict[str, Any], by: str = "committee-1", **body: Any
    ) -> httpx.Response:
        notice, number = remark["notice_id"], remark["remark_id"]
        path = f"/v1/staff/notices/{notice}/remarks/{number}/answer"
        return await (await self.here.caller(by)).post(path, {"answer": "已核实"} | body)

    async def read(self, path: str, by: str = "resident-1", **params: Any) -> dict[str, Any]:
        answer = await (await self.here.caller(by)).get(path, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def remarks(self, notice_id: str, by: str = "resident-2") -> list[dict[str, Any]]:
        page = await self.read(f"/v1/notices/{notice_id}/remarks", by)
        items: list[dict[str, Any]] = page["items"]
        return items

    def let_pass(self, **by: float) -> None:
        let_pass(self.here, self.clock, **by)
