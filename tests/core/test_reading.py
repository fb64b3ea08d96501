"""Reading cannot write: not in a GET, nor in a POST that says so."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.database import make_engine, make_sessionmaker
from app.core.transactions import Session, only_reads
from tests.conftest import MakeRace
from tests.support.database import RACES, DatabaseServer
from tests.support.shopping import prepare, redeem

WRITE = "DELETE FROM rate_limits"
REFUSED = "read-only transaction"


@pytest.fixture
async def read_engine(migrated: DatabaseServer) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(migrated.url(RACES), pool_size=1, only_reads=True)
    yield engine
    await engine.dispose()


@pytest.fixture
def reading_apart(app_of_session: FastAPI, read_engine: AsyncEngine) -> Iterator[list[str]]:
    """Let the application read as it does while it serves; return the statements it reads with."""
    read: list[str] = []
    event.listen(
        read_engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: read.append(statement),
    )
    app_of_session.state.read_sessionmaker = make_sessionmaker(read_engine)
    app_of_session.state.reading_turns = asyncio.Semaphore(1)
    yield read
    del app_of_session.state.read_sessionmaker


@pytest.fixture
def refusals(app_of_session: FastAPI) -> Iterator[list[str]]:
    """Open routes under /writes that write; return what PostgreSQL has said to that."""
    refused: list[str] = []

    async def write(session: Session) -> None:
        try:
            await session.execute(text(WRITE))
        except DBAPIError as error:
            refused.append(str(error.orig))
            raise

    @only_reads
    async def look(session: Session) -> None:
        await write(session)

    before = list(app_of_session.router.routes)
    app_of_session.add_api_route("/writes", write, methods=["GET", "POST"])
    app_of_session.add_api_route("/writes/never", look, methods=["POST"])
    yield refused
    app_of_session.router.routes[:] = before


async def try_to_write(http: httpx.AsyncClient, refusals: list[str]) -> None:
    for method, path in (("GET", "/writes"), ("POST", "/writes/never")):
        refusals.clear()
        assert (await http.request(method, path)).status_code == 500
        assert REFUSED in refusals[0]
    assert (await http.post("/writes")).status_code == 200


async def test_a_request_that_reads_cannot_write(
    http: httpx.AsyncClient, refusals: list[str]
) -> None:
    await try_to_write(http, refusals)


@pytest.mark.usefixtures("reading_apart")
async def test_a_request_that_reads_over_a_connection_of_its_own_cannot_write(
    race_http: httpx.AsyncClient, refusals: list[str]
) -> None:
    await try_to_write(race_http, refusals)


async def test_while_serving_each_statement_of_a_reader_is_a_transaction_of_its_own(
    read_engine: AsyncEngine,
) -> None:
    async with make_sessionmaker(read_engine)() as session:
        moments = [await session.scalar(text("SELECT now()")) for _ in range(2)]

    assert moments[0] < moments[1]


async def test_while_serving_what_was_just_written_is_read(
    race: MakeRace, reading_apart: list[str]
) -> None:
    here = await race(1)
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    resident = await here.caller("resident-1")
    await here.caller("clerk-2")
    reading_apart.clear()

    home = (await resident.get("/v1/me/home")).json()
    read_for_home = len(reading_apart)
    prepared = (await prepare(here, voucher["token"])).json()

    assert home["balance"]["held_points"] == prepared["voucher"]["points"]
    assert prepared["can_consume"]
    assert (read_for_home, len(reading_apart)) == (8, 10)


async def test_readers_are_served_in_order_of_arrival(
    race: MakeRace, app_of_session: FastAPI, reading_apart: list[str]
) -> None:
    here = await race(3)
    callers = [await here.caller(f"resident-{number}") for number in (1, 2, 3)]
    served: list[int] = []

    async def read(number: int) -> None:
        assert (await callers[number].get("/v1/me/balance")).status_code == 200
        served.append(number)

    turns: asyncio.Semaphore = app_of_session.state.reading_turns
    await turns.acquire()
    reading = [asyncio.create_task(read(number)) for number in range(3)]
    done, _ = await asyncio.wait(reading, timeout=0.2)
    assert not done
    turns.release()
    await asyncio.gather(*reading)

    assert served == [0, 1, 2]
    assert reading_apart
