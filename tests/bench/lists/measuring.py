"""Lists of several sizes and a duty of everybody, through the rooms' own services and jobs."""

import io
import time
import tracemalloc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.contributions.duties import service as duties
from app.contributions.duties.jobs import award_duties
from app.contributions.duties.schemas import DutyAssign
from app.contributions.lists import service as lists
from app.contributions.lists.jobs import post_award_lists
from app.contributions.lists.models import ListState
from app.contributions.lists.tables import open_table
from app.contributions.lists.taking import SentList, check_list, store_list
from app.contributions.models import Contribution, SourceKind
from app.core.transactions import system_clock
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.lists.stage import DECIDER, PROPOSER, Stage, Town

HEADINGS = ("手机号", "姓名", "规则", "日期", "事由")
RULE, DUTY = "周末大扫除", "building_head"
MEGABYTE = 1_000_000
# From the first of a month into the one after the next.
UNTIL_AWARDED = timedelta(days=62)

Maker = async_sessionmaker[AsyncSession]


@dataclass(slots=True)
class Measured:
    """Seconds on the clock, and the statements that were sent meanwhile."""

    seconds: float = 0.0
    statements: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def end(self) -> None:
        self.seconds = time.perf_counter() - self._began


@contextmanager
def measured(engine: AsyncEngine) -> Iterator[Measured]:
    """Yield what the block will have taken when it ends."""
    figures = Measured()

    def count(*_sent: Any) -> None:
        figures.statements += 1

    event.listen(engine.sync_engine, "before_cursor_execute", count)
    try:
        yield figures
    finally:
        figures.end()
        event.remove(engine.sync_engine, "before_cursor_execute", count)


def workbook_of(town: Town, rows: int, day: date) -> bytes:
    """Return a list of as many residents, by phone and name."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADINGS)
    for person in town.people[:rows]:
        sheet.append((person.phone, person.name, RULE, day, "参加周末大扫除"))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


async def measure_list(
    stage: Stage, engine: AsyncEngine, maker: Maker, rows: int, *, days_ago: int
) -> Figures:
    """Read, check, store and post a list; raises BenchFailed unless each row was awarded.

    Every list needs a day of its own: the same acts are not taken twice.
    """
    now = system_clock()
    content = workbook_of(stage.town, rows, (now - timedelta(days=days_ago)).date())
    actor = stage.town.actor(PROPOSER)
    began = time.perf_counter()
    deque(open_table(content).rows, maxlen=0)
    reading = time.perf_counter() - began
    with measured(engine) as checking:
        await check_list(actor, content, aside=maker, vault=stage.vault, now=now)
    memory = await _peak_memory(stage, maker, content, now=now)
    sent = SentList("列表", content)
    with measured(engine) as storing:
        number = await store_list(
            actor, sent, aside=maker, vault=stage.vault, language="zh", now=now
        )
    async with maker.begin() as session:
        await lists.approve_list(session, stage.town.actor(DECIDER), number, now=now)
    with measured(engine) as posting:
        await post_award_lists(maker, now=now)
    async with maker() as session:
        posted = await lists.get_list(session, actor, number)
    if (posted.state, posted.granted_rows) != (ListState.POSTED, rows):
        raise BenchFailed(f"{posted.granted_rows} of {rows} rows were awarded.")
    return {
        "rows": rows, "file_kb": len(content) / 1000, "read_seconds": reading,
        "check_seconds": checking.seconds, "check_statements": checking.statements,
        "store_seconds": storing.seconds, "store_statements": storing.statements,
        "post_seconds": posting.seconds, "post_statements": posting.statements,
        "memory_mb": memory,
    }  # fmt: skip


async def _peak_memory(stage: Stage, maker: Maker, content: bytes, *, now: datetime) -> float:
    """Return how much the check holds at most; it takes several times as long meanwhile."""
    tracemalloc.start()
    try:
        await check_list(
            stage.town.actor(PROPOSER), content, aside=maker, vault=stage.vault, now=now
        )
        return tracemalloc.get_traced_memory()[1] / MEGABYTE
    finally:
        tracemalloc.stop()


async def measure_duties(stage: Stage, engine: AsyncEngine, maker: Maker, holders: int) -> Figures:
    """Assign a duty and award its first month; raises BenchFailed unless everybody got it."""
    now = system_clock()
    first = now.date().replace(day=1)
    numbers = [str(person.resident_id) for person in stage.town.people[:holders]]
    with measured(engine) as assigning:
        for start in range(0, holders, 1000):
            body = DutyAssign.model_validate(
                {"rule_code": DUTY, "starts_on": first + timedelta(days=31),
                    "resident_ids": numbers[start : start + 1000]}
            )  # fmt: skip
            async with maker.begin() as session:
                await duties.assign_duties(session, stage.town.actor(PROPOSER), body, now=now)
    later = datetime.combine(first, now.timetz()) + UNTIL_AWARDED
    with measured(engine) as awarding:
        await award_duties(maker, now=later)
    awarded = await _count_awards(maker, stage.town.community_id)
    with measured(engine) as idle:
        await award_duties(maker, now=later)
    if awarded < holders or awarded != await _count_awards(maker, stage.town.community_id):
        raise BenchFailed(f"{awarded} months of {holders} holders were awarded.")
    return {
        "rows": holders, "months": awarded / holders, "assign_seconds": assigning.seconds,
        "assign_statements": assigning.statements, "post_seconds": awarding.seconds,
        "post_statements": awarding.statements, "idle_seconds": idle.seconds,
        "idle_statements": idle.statements,
    }  # fmt: skip


async def _count_awards(maker: Maker, community_id: int) -> int:
    statement = select(func.count()).where(
        Contribution.community_id == community_id, Contribution.source_kind == SourceKind.DUTY
    )
    async with maker() as session:
        return await session.scalar(statement) or 0
