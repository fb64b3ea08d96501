"""A committee that hands in lists, and the files it hands in."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import openpyxl
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.jobs import JOBS
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.working import worker_of

LISTS = "/v1/staff/award-lists"
HEADINGS = ("居民编号", "规则", "日期", "事由")
DAY = "2026-11-17"
LONG_AGO = timedelta(days=90)
RULES: tuple[dict[str, Any], ...] = (
    {"code": "planted", "name": "绿化", "points": 3,
     "points_by_effort": {"low": 3, "medium": 6, "high": 9}},
    {"code": "taught_youth", "name": "青少年辅导", "points": 8, "audience": ["elder"]},
    {"code": "saved_someone", "name": "见义勇为", "points": 50, "award_notice_days": 3},
    {"code": "capped_help", "name": "结对帮扶", "points": 10,
     "caps": [{"period": "day", "points": 15}]},
)  # fmt: skip

Rows = Iterable[Sequence[Any]]


def csv_of(rows: Rows, *, encoding: str = "utf-8", separator: str = ",") -> bytes:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows(rows)
    return written.getvalue().encode(encoding)


def xlsx_of(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@dataclass(slots=True)
class Office:
    """A neighbourhood whose committee hands in lists."""

    here: Neighbourhood
    app: FastAPI
    clock: Clock

    @property
    def sessions(self) -> async_sessionmaker[AsyncSession]:
        sessions: async_sessionmaker[AsyncSession] = self.app.state.sessionmaker
        return sessions

    def row(self, name: str, rule: str = "mediation", **changes: str) -> list[str]:
        """Return a row under HEADINGS."""
        fields = {"day": DAY, "note": "调解 3 号楼漏水纠纷"} | changes
        return [self.here.resident_id(name), rule, fields["day"], fields["note"]]

    def file(self, *rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> bytes:
        return csv_of([headings, *rows])

    async def send(
        self,
        content: bytes,
        *,
        dry_run: bool = False,
        by: str = "committee-1",
        title: str = "十一月志愿服务",
        language: str = "en",
    ) -> httpx.Response:
        caller = await self.here.caller(by)
        return await self.here.http.post(
            LISTS,
            params={"dry_run": str(dry_run).lower()},
            files={"file": ("list.csv", content, "application/octet-stream")},
            data={"title": title},
            headers=caller.headers() | {"Accept-Language": language},
        )

    async def check(self, content: bytes, **how: Any) -> dict[str, Any]:
        """Let a file be looked at only; return what is in it."""
        answer = await self.send(content, dry_run=True, **how)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    async def faults(self, *rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> list[Any]:
        """Return (row, column, code) of all that is wrong in a file of these rows."""
        report = await self.check(self.file(*rows, headings=headings))
        return [(fault["row"], fault["column"], fault["code"]) for fault in report["errors"]]

    async def propose(self, *rows: Sequence[Any]) -> str:
        """Hand in a list; return its number."""
        answer = await self.send(self.file(*rows))
        assert answer.status_code == 201, answer.text
        award_list_id: str = answer.json()["award_list_id"]
        return award_list_id

    async def decide(
        self, award_list_id: str, way: str = "approval", *, by: str = "committee-2"
    ) -> httpx.Response:
        caller = await self.here.caller(by)
        body = {"reason": "事由不清"} if way == "refusal" else None
        return await caller.post(f"{LISTS}/{award_list_id}/{way}", body)

    async def post(self) -> None:
        """Let the worker post what is approved."""
        await JOBS["post_award_lists"](worker_of(self.app), b"")

    async def read(self, path: str, *, by: str = "committee-2", **params: Any) -> Any:
        caller = await self.here.caller(by)
        answer = await caller.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, award_list_id: str) -> list[dict[str, Any]]:
        page = await self.read(f"{LISTS}/{award_list_id}/rows")
        items: list[dict[str, Any]] = page["items"]
        return items

    async def points(self, name: str) -> int:
        """Return a resident's points."""
        balance = await self.read("/v1/me/balance", by=name)
        points: int = balance["posted_points"]
        return points

    async def do(self, statement: str, **values: Any) -> Any:
        """Change the neighbourhood itself; return the first value, if there is one."""
        values = {"community_id": self.here.community_id} | values
        async with self.sessions.begin() as session:
            done: Any = await session.execute(text(statement), values)
            return done.scalar() if done.returns_rows else None

    async def audit(self) -> None:
        async with self.sessions() as session:
            await assert_books_balance(session, self.here.community_id)
