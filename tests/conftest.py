"""PostgreSQL, the application, clients: nothing else. See README, "Tests"."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from app.cli.database import migrate_async
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.core.personal import Vault
from app.core.signing import ensure_keys
from app.main import create_app, open_desks
from app.wiring import Outside, outside_of
from tests.support.clock import Clock
from tests.support.database import (
    RACES,
    UNTOUCHED,
    DatabaseServer,
    empty,
    remembering,
    running_server,
)
from tests.support.neighbourhood import Neighbourhood, make_neighbourhood
from tests.support.settled import Settled, Settlements

# A Wednesday afternoon in Shanghai.
NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
# Who asks for which neighbourhood.
PREFIXES = {"here": "", "elsewhere": "other-"}
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - a folder of our own is made inside

# How long an example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# Plain lines: a traceback in colours takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

# Begun first, so that no process waits for the other's long test at the end.
LONGEST = ("tests/crash/", "tests/ledger_model/", "tests/cli/", "tests/bench/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for the test server, on the memory disk if there is one."""
    parent = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="gridpoints-tests-", dir=parent))
    # Under root another account runs PostgreSQL and must get through to its data.
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[DatabaseServer]:
    with running_server(folder / "data") as server:
        yield server


@pytest.fixture(scope="session")
def settings(folder: Path) -> Settings:
    return Settings(data_dir=folder / "keys", local_sign_in=True)


@pytest.fixture(scope="session")
async def migrated(server: DatabaseServer, settings: Settings) -> DatabaseServer:
    """The server with both databases migrated and holding the same signing keys."""
    await migrate_async(server.owner_url, "head")
    engine = make_engine(server.url(), pool_size=1)
    app = create_app(settings)
    async with make_sessionmaker(engine).begin() as session:
        await ensure_keys(session, app.state.master_key, now=datetime(2026, 1, 1, tzinfo=UTC))
    await engine.dispose()
    await server.copy(RACES)
    await server.copy(UNTOUCHED)
    return server


@pytest.fixture(scope="session")
async def empty_engine(migrated: DatabaseServer) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(remembering(migrated.url()), pool_size=2)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def app_of_session(settings: Settings, empty_engine: AsyncEngine) -> FastAPI:
    """One application for the whole run: building it costs more than a test."""
    app = create_app(settings)
    app.state.sessionmaker = make_sessionmaker(empty_engine)
    async with app.state.sessionmaker() as session:
        await app.state.keys.load(session, now=NOW)
    return app


@pytest.fixture(scope="session")
def vault(app_of_session: FastAPI) -> Vault:
    """What the application opens names with."""
    vault: Vault = app_of_session.state.vault
    return vault


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(scope="session")
async def settlements(
    migrated: DatabaseServer, app_of_session: FastAPI
) -> AsyncIterator[Settlements]:
    """The databases of tests that begin with a neighbourhood."""
    settlements = Settlements(migrated, app_of_session, NOW)
    yield settlements
    await settlements.dispose()


@pytest.fixture
def signed_in() -> bool:
    """Whether people of a neighbourhood are signed in before the test."""
    return True


@pytest.fixture
async def settled(
    request: pytest.FixtureRequest, settlements: Settlements, clock: Clock, *, signed_in: bool
) -> Settled | None:
    """What stands before the test: nothing, unless it asks for it and begins now."""
    prefixes = tuple(PREFIXES[name] for name in PREFIXES if name in request.fixturenames)
    if not prefixes or clock.now != NOW:
        return None
    return await settlements.find(prefixes, signed_in=signed_in)


@pytest.fixture
def engine(settled: Settled | None, empty_engine: AsyncEngine) -> AsyncEngine:
    """The way into the database that the test begins in."""
    return empty_engine if settled is None else settled.engine


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """The one connection of a test; what it does is undone at the end."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()


@pytest.fixture
def sessionmaker(connection: AsyncConnection) -> async_sessionmaker[AsyncSession]:
    """Every session of the test joins one outer transaction, as savepoints."""
    return async_sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )


@pytest.fixture
def app(
    app_of_session: FastAPI, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> FastAPI:
    app_of_session.state.sessionmaker = sessionmaker
    app_of_session.state.clock = clock
    app_of_session.state.wechat = {}
    open_desks(app_of_session.state)
    return app_of_session


@pytest.fixture
def outside(app_of_session: FastAPI) -> Outside:
    """What the worker reaches outside of the process: a photo folder, and no WeChat."""
    return outside_of(app_of_session.state)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


FindNeighbourhood = Callable[[str], Awaitable[Neighbourhood]]


@pytest.fixture
def find_neighbourhood(
    settled: Settled | None,
    sessionmaker: async_sessionmaker[AsyncSession],
    http: httpx.AsyncClient,
    vault: Vault,
    clock: Clock,
) -> FindNeighbourhood:
    """Find the neighbourhood of a prefix where the test began, or make it."""

    async def find(prefix: str) -> Neighbourhood:
        bind = sessionmaker.kw["bind"]
        if settled is not None and bind.engine is settled.engine:
            return settled.neighbourhood(prefix, http, clock)
        return await make_neighbourhood(
            sessionmaker, http, vault=vault, now=clock.now, prefix=prefix
        )

    return find


@pytest.fixture
async def here(find_neighbourhood: FindNeighbourhood) -> Neighbourhood:
    """A small neighbourhood: six residents and the staff."""
    return await find_neighbourhood(PREFIXES["here"])


@pytest.fixture
async def elsewhere(find_neighbourhood: FindNeighbourhood) -> Neighbourhood:
    """Another community, to try its ids on."""
    return await find_neighbourhood(PREFIXES["elsewhere"])


# Races: a database that commits, many connections, emptied afterwards.


@pytest.fixture(scope="session")
async def race_engine(migrated: DatabaseServer) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(remembering(migrated.url(RACES)), pool_size=8)
    yield engine
    await engine.dispose()


@pytest.fixture
async def race_sessionmaker(
    migrated: DatabaseServer, race_engine: AsyncEngine
) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    yield make_sessionmaker(race_engine)
    owner = make_engine(migrated.url(RACES, "gridpoints_owner"), pool_size=1, role=None)
    await empty(owner)
    await owner.dispose()


@pytest.fixture
async def race_http(
    app_of_session: FastAPI, race_sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> AsyncIterator[httpx.AsyncClient]:
    app_of_session.state.sessionmaker = race_sessionmaker
    app_of_session.state.clock = clock
    open_desks(app_of_session.state)
    transport = httpx.ASGITransport(app=app_of_session, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


MakeRace = Callable[[int], Awaitable[Neighbourhood]]


@pytest.fixture
def race(
    race_sessionmaker: async_sessionmaker[AsyncSession],
    race_http: httpx.AsyncClient,
    vault: Vault,
    clock: Clock,
) -> MakeRace:
    """Make a neighbourhood of so many residents on the committing database."""

    async def make(residents: int) -> Neighbourhood:
        return await make_neighbourhood(
            race_sessionmaker, race_http, vault=vault, now=clock.now, residents=residents
        )

    return make
