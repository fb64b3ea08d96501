"""A resident's statement as a file, through HTTP."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.pool import QueuePool

from app.core import drawn
from app.statements import endpoints, service
from app.statements.contents import Contents
from tests.conftest import MakeRace
from tests.resident_statements.rendering import read_pages, read_rows
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passbook import Passbook

FILES = ("/v1/me/statement.csv", "/v1/me/statement.pdf")


@pytest.fixture
async def book(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood, clock: Clock
) -> Passbook:
    """Award 100 and spend 30 today, in November; lose 7 in December, and 60 go to savings."""
    book = Passbook(sessionmaker, here, clock)
    await book.award(100)
    clock.advance(seconds=1)
    await book.spend(30)
    clock.advance(days=20)
    await book.fine(7, memo="=混投")
    await book.save(60)
    return book


async def test_a_table_has_the_lines_of_the_year_so_far(book: Passbook) -> None:
    resident = await book.here.caller("resident-1")

    answer = await resident.get("/v1/me/statement.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = [[row[0], *row[2:6]] for row in read_rows(answer.content)[1:]]
    assert rows == [
        ["2026-11-18 15:00:00", "参加问卷", "100", "", "100"],
        ["2026-11-18 15:00:01", "鸡蛋一盒", "", "30", "70"],
        ["2026-12-08 15:00:01", "'=混投", "", "7", "63"],
        ["2026-12-08 15:00:01", "saving", "", "60", "3"],
    ]


async def test_paper_has_the_callers_own_name(book: Passbook) -> None:
    resident = await book.here.caller("resident-1")

    answer = await resident.get("/v1/me/statement.pdf")

    assert answer.headers["content-type"] == "application/pdf"
    [page] = read_pages(answer.content)
    assert "姓名王小四期初余额0" in page
    assert "期间2026年1月1日至2026年12月8日" in page
    assert "2026年11月小计1003070" in page
    assert "2026年12月小计0673期末余额3" in page


async def test_a_later_period_begins_with_what_was_there(book: Passbook) -> None:
    resident = await book.here.caller("resident-1")
    days = {"from": "2026-12-01", "to": "2026-12-31"}

    rows = read_rows((await resident.get("/v1/me/statement.csv", **days)).content)
    [page] = read_pages((await resident.get("/v1/me/statement.pdf", **days)).content)

    assert [row[5] for row in rows[1:]] == ["63", "3"]
    assert "期初余额70账户积分钱包收入合计0" in page
    assert "期间2026年12月1日至2026年12月8日支出合计67笔数2笔期末余额3" in page


async def test_an_earlier_period_ends_with_what_was_there_then(book: Passbook) -> None:
    resident = await book.here.caller("resident-1")
    for days, balance in (
        ({"from": "2026-11-18", "to": "2026-11-30"}, 70),
        ({"from": "2026-11-01", "to": "2026-11-17"}, 0),
        ({"from": "2026-11-19", "to": "2026-11-30"}, 70),
    ):
        [page] = read_pages((await resident.get("/v1/me/statement.pdf", **days)).content)
        assert f"期末余额{balance}日期时间" in page


async def test_a_line_at_midnight_itself_belongs_to_the_day_that_begins(
    book: Passbook, clock: Clock
) -> None:
    clock.now = datetime(2026, 12, 31, 16, tzinfo=UTC)
    book.here.callers.clear()
    await book.award(500)
    resident = await book.here.caller("resident-1")
    for days, ends in (
        (
            {"to": "2026-12-31"},
            "期初余额0账户积分钱包收入合计100期间2026年1月1日至2026年12月31日支出合计97",
        ),
        (
            {"from": "2027-01-01"},
            "期初余额3账户积分钱包收入合计500期间2027年1月1日至2027年1月1日支出合计0",
        ),
    ):
        [page] = read_pages((await resident.get("/v1/me/statement.pdf", **days)).content)
        assert ends in page


async def test_savings_are_a_file_of_their_own(book: Passbook) -> None:
    resident = await book.here.caller("resident-1")

    rows = read_rows((await resident.get("/v1/me/statement.csv", account="savings")).content)
    [page] = read_pages((await resident.get("/v1/me/statement.pdf", account="savings")).content)

    assert [row[3:6] for row in rows[1:]] == [["60", "", "60"]]
    assert page.startswith("阳光社区积分银行明细")


async def test_nothing_of_others_is_in_a_file(book: Passbook, elsewhere: Neighbourhood) -> None:
    for other in (await book.here.caller("resident-2"), await elsewhere.caller("resident-1")):
        for account in ("wallet", "savings"):
            table = await other.get("/v1/me/statement.csv", account=account)
            assert len(read_rows(table.content)) == 1
            [page] = read_pages((await other.get("/v1/me/statement.pdf", account=account)).content)
            assert "本期没有积分变动" in page


@pytest.mark.parametrize("ending", ["csv", "pdf"])
async def test_a_file_has_a_chinese_name_that_does_not_tell_whose_it_is(
    here: Neighbourhood, ending: str
) -> None:
    resident = await here.caller("resident-1")

    answer = await resident.get(f"/v1/me/statement.{ending}")

    disposition = answer.headers["content-disposition"]
    assert disposition.startswith(f"attachment; filename=\"file.{ending}\"; filename*=UTF-8''")
    assert unquote(disposition.partition("''")[2]) == f"积分明细_20260101-20261118.{ending}"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", FILES)
async def test_a_file_covers_at_most_366_days(here: Neighbourhood, path: str) -> None:
    resident = await here.caller("resident-1")

    longest = await resident.get(path, **{"from": "2025-01-01", "to": "2026-01-01"})
    refused = await resident.get(path, **{"from": "2024-12-31", "to": "2026-01-01"})

    assert longest.status_code == 200
    assert (refused.status_code, problem_code(refused)) == (422, "period_too_long")
    assert refused.json()["detail"] == "You asked for 367 days; choose a shorter period."


@pytest.mark.parametrize("path", FILES)
async def test_too_many_lines_are_refused(
    book: Passbook, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    resident = await book.here.caller("resident-1")
    monkeypatch.setattr(service, "MOST_LINES", 4)
    assert (await resident.get(path)).status_code == 200

    monkeypatch.setattr(service, "MOST_LINES", 3)
    answer = await resident.get(path)

    assert (answer.status_code, problem_code(answer)) == (422, "statement_too_long")


@pytest.mark.parametrize("path", FILES)
async def test_a_period_that_has_not_begun_is_refused(
    here: Neighbourhood, clock: Clock, path: str
) -> None:
    resident = await here.caller("resident-1")
    tomorrow = (clock.now + timedelta(days=1)).date().isoformat()

    answer = await resident.get(path, **{"from": tomorrow})

    assert (answer.status_code, problem_code(answer)) == (422, "period_backwards")


async def test_who_is_not_a_resident_has_no_statement(here: Neighbourhood) -> None:
    clerk = await here.caller("clerk-1")
    for path in FILES:
        answer: httpx.Response = await clerk.get(path)
        assert answer.status_code == 403


async def test_no_connection_is_held_while_a_file_is_drawn(
    race: MakeRace, race_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = await (await race(1)).caller("resident-1")
    pool = race_engine.pool
    assert isinstance(pool, QueuePool)
    held: list[int] = []

    def draw(_contents: Contents) -> bytes:
        held.append(pool.checkedout())
        return b"drawn"

    monkeypatch.setattr(endpoints, "statement_csv", draw)

    assert (await resident.get("/v1/me/statement.csv")).content == b"drawn"
    assert held == [0]


async def test_who_asks_for_file_after_file_is_asked_to_wait(
    here: Neighbourhood, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "statement_pdf", lambda _contents: b"drawn")
    resident, neighbour = [await here.caller(f"resident-{number}") for number in (1, 2)]
    for _ in range(10):
        assert (await resident.get("/v1/me/statement.pdf")).status_code == 200

    for path in FILES:
        answer = await resident.get(path)
        assert (answer.status_code, problem_code(answer)) == (429, "too_many_attempts")
        assert answer.headers["retry-after"] == "30"
    assert (await neighbour.get("/v1/me/statement.pdf")).status_code == 200
    clock.advance(seconds=30)
    assert (await resident.get("/v1/me/statement.pdf")).status_code == 200


@dataclass
class SlowDrawing:
    """A drawing that begins when asked for, and ends when it may."""

    loop: asyncio.AbstractEventLoop
    has_begun: asyncio.Event
    may_end: threading.Event

    def draw(self, _contents: Contents) -> bytes:
        self.loop.call_soon_threadsafe(self.has_begun.set)
        assert self.may_end.wait(timeout=30)
        return b"drawn"


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> SlowDrawing:
    """PDFs take as long as the test likes."""
    slow = SlowDrawing(asyncio.get_running_loop(), asyncio.Event(), threading.Event())
    monkeypatch.setattr(endpoints, "statement_pdf", slow.draw)
    return slow


async def test_a_file_too_many_is_refused_while_others_wait_to_be_drawn(
    here: Neighbourhood, slow: SlowDrawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = await here.caller("resident-1")
    monkeypatch.setattr(drawn, "MOST_WAITING", 1)
    first = asyncio.create_task(resident.get("/v1/me/statement.pdf"))
    await slow.has_begun.wait()

    refused = await resident.get("/v1/me/statement.csv")
    slow.may_end.set()

    assert (refused.status_code, problem_code(refused)) == (503, "drawing_busy")
    assert refused.headers["retry-after"] == "10"
    assert (await first).content == b"drawn"
    assert (await resident.get("/v1/me/statement.csv")).status_code == 200


async def test_who_hangs_up_leaves_the_queue(here: Neighbourhood, slow: SlowDrawing) -> None:
    resident = await here.caller("resident-1")
    asking = asyncio.create_task(resident.get("/v1/me/statement.pdf"))
    await slow.has_begun.wait()
    assert drawn.files_waiting() == 1

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    slow.may_end.set()

    assert drawn.files_waiting() == 0
