"""What is measured on: a durable PostgreSQL in a temporary folder, communities, the API."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import DATABASE, in_transaction, migrate, urls_of
from app.core.database import make_engine
from app.core.embedded import EmbeddedPostgres, ServerAddress
from app.core.embedded.configuration import SUPERUSER
from app.core.personal import Vault
from app.core.sealing import MasterKey, new_master_key, parse_master_key
from app.core.signing import KeyRing, ensure_keys
from app.core.transactions import system_clock
from app.identity.service import SessionIssuer
from app.rewards.service import voucher_token
from tests.bench.errors import BenchFailed
from tests.bench.hazards import write_photo
from tests.bench.pgbench import Pgbench
from tests.bench.processes import Api, Driver, running_api, running_driver
from tests.bench.size import Size
from tests.bench.town import A_DAY, Town, found_town, issue_vouchers, poster, set_stock
from tests.bench.wrk import Wrk
from tests.support.books import assert_books_balance

SPARE_CONNECTIONS = 30
FOLDING_SECONDS, FOLDING_PAUSE = 120.0, 0.2
# A minute of writing at this rate is no time for a checkpoint.
SETTINGS = {"max_wal_size": "4GB", "checkpoint_timeout": "15min"}
LOGGED = ("LOG:  statement: ", "LOG:  execute ")
RELOAD = "SELECT pg_reload_conf()"
HEARD = 0.5  # seconds in which every process of the server has read a setting


@dataclass(frozen=True, slots=True)
class Cast:
    """A community, and what to call the API with in its name."""

    town: Town
    tokens: list[str]
    clerk_token: str
    posters: list[str]


@dataclass(frozen=True, slots=True)
class Scene:
    """The communities: one for the API, perhaps a smaller one, and one for pgbench."""

    cast: Cast
    smaller: Cast | None
    floor: Town
    keys: KeyRing


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs; `log` is the server's. Without wrk our own driver sends everything."""

    scene: Scene
    address: ServerAddress
    server_pid: int
    log: Path
    api: Api
    driver: Driver
    wrk: Wrk | None
    pgbench: Pgbench
    folder: Path

    @property
    def url(self) -> str:
        return urls_of(self.address).service

    def photo(self) -> Path:
        """Return a photo to send, as large as a phone's."""
        file = self.folder / "photo.jpg"
        return file if file.exists() else write_photo(file)

    def new_vouchers(self, count: int) -> list[tuple[int, str]]:
        """Issue vouchers; return their numbers and codes."""
        now, town = system_clock(), self.scene.cast.town
        vouchers = in_transaction(
            self.url, lambda session: issue_vouchers(session, town, count, now=now)
        )
        keys = self.scene.keys
        return [(row.voucher_id, voucher_token(row, keys, now=now)) for row in vouchers]

    def let_fold(self) -> None:
        """Wait until the API has counted the scores that were changed, by either side."""

        async def ask(session: AsyncSession) -> int:
            return int(await session.scalar(text("SELECT count(*) FROM score_changes")) or 0)

        deadline = time.monotonic() + FOLDING_SECONDS
        while in_transaction(self.url, ask):
            if time.monotonic() > deadline:
                raise BenchFailed("The API does not fold what was changed.")
            time.sleep(FOLDING_PAUSE)

    def put_on_sale(self, pieces: int) -> None:
        """Say how many pieces the flash sale has left."""
        town = self.scene.cast.town
        in_transaction(
            self.url,
            lambda session: set_stock(session, town.community_id, town.sale_id, pieces),
        )

    def sold(self) -> tuple[int, int]:
        """Return how many vouchers of the sale's reward there are, and the stock that is left."""
        town = self.scene.cast.town
        statement = """
            SELECT stock_left, (SELECT count(*) FROM vouchers
                WHERE vouchers.community_id = :community AND vouchers.reward_id = :reward) AS issued
            FROM rewards WHERE community_id = :community AND reward_id = :reward
        """

        async def ask(session: AsyncSession) -> tuple[int, int]:
            values = {"community": town.community_id, "reward": town.sale_id}
            row = (await session.execute(text(statement), values)).one()
            return row.issued, row.stock_left

        return in_transaction(self.url, ask)

    @contextmanager
    def logging_statements(self) -> Iterator[None]:
        """Let the server log every statement until the block ends."""
        asyncio.run(as_superuser(self.address, "ALTER SYSTEM SET log_statement = 'all'", RELOAD))
        time.sleep(HEARD)
        try:
            yield
        finally:
            asyncio.run(as_superuser(self.address, "ALTER SYSTEM RESET log_statement", RELOAD))
            time.sleep(HEARD)

    def statements_so_far(self) -> int:
        """Return how many statements stand in the log, BEGIN and COMMIT included."""
        with self.log.open(errors="replace") as lines:
            return sum(any(mark in line for mark in LOGGED) for line in lines)

    def audit(self) -> None:
        """Recompute the books; raises BenchFailed with the first difference."""
        scene = self.scene
        towns = [scene.cast.town, scene.floor]
        if scene.smaller is not None:
            towns.append(scene.smaller.town)

        async def look(session: AsyncSession) -> None:
            # Python thinks about a large book for longer than a transaction may idle.
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            for town in towns:
                await assert_books_balance(session, town.community_id)

        try:
            in_transaction(self.url, look)
        except AssertionError as difference:
            raise BenchFailed(f"The books are wrong: {difference}") from difference

    def server_version(self) -> str:
        async def ask(session: AsyncSession) -> str:
            return str(await session.scalar(text("SHOW server_version")))

        return in_transaction(self.url, ask)


@contextmanager
def running_stage(size: Size, wrk: str | None) -> Iterator[Stage]:
    """Set everything up, and take it away when the block ends."""
    settings = SETTINGS | {"max_connections": str(max(size.clients) + SPARE_CONNECTIONS)}
    master_key = new_master_key()
    with (
        temporary_folder() as folder,
        EmbeddedPostgres(folder / "data", settings=settings) as address,
    ):
        urls = urls_of(address)
        migrate(urls.owner)
        scene = build_scene(urls.service, parse_master_key(master_key), size, now=system_clock())
        asyncio.run(settle_down(address))
        pid_file = folder / "data" / "cluster" / "postmaster.pid"
        server_pid = int(pid_file.read_text().split()[0])
        with (
            running_api(urls.service, master_key, folder / "api") as api,
            running_driver() as driver,
        ):
            yield Stage(
                scene=scene,
                address=address,
                server_pid=server_pid,
                log=folder / "data" / "server.log",
                api=api,
                driver=driver,
                wrk=None if wrk is None else Wrk(wrk, folder),
                pgbench=Pgbench(address, server_pid, scene.floor, folder),
                folder=folder,
            )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="gridpoints-bench-"))
    path.chmod(0o711)  # under root another account runs PostgreSQL and must get through
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def build_scene(url: str, master_key: MasterKey, size: Size, *, now: datetime) -> Scene:
    """Make the communities, and sign what the API is to be called with."""
    keys, vault = KeyRing(master_key), Vault(master_key)

    async def make_keys(session: AsyncSession) -> None:
        await ensure_keys(session, master_key, now=now)
        await keys.load(session, now=now)

    def make_town(code: str, of_size: Size) -> Town:
        return in_transaction(
            url,
            lambda session: found_town(session, code=code, size=of_size, vault=vault, now=now),
        )

    in_transaction(url, make_keys)
    smaller = size.smaller()
    return Scene(
        cast=cast_of(make_town("measured", size), keys, now=now),
        smaller=None if smaller is None else cast_of(make_town("smaller", smaller), keys, now=now),
        floor=make_town("floor", size),
        keys=keys,
    )


def cast_of(town: Town, keys: KeyRing, *, now: datetime) -> Cast:
    issuer = SessionIssuer(keys, b"", access_lifetime=A_DAY, refresh_lifetime=A_DAY)
    return Cast(
        town=town,
        tokens=[issuer.access_token(login, now) for login in town.logins(now)],
        clerk_token=issuer.access_token(town.clerk, now),
        posters=[keys.sign_code(poster(activity), now=now) for activity in town.activities],
    )


async def settle_down(address: ServerAddress) -> None:
    """Write out and count what was just filled in, so that it does not disturb later."""
    await as_superuser(address, "VACUUM (ANALYZE)", "CHECKPOINT")


async def as_superuser(address: ServerAddress, *statements: str) -> None:
    """Run statements outside any transaction."""
    url = address.url(SUPERUSER, DATABASE)
    engine = make_engine(url, pool_size=1, role=None)
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.execute(text("SET statement_timeout = 0"))
        for statement in statements:
            await outside.execute(text(statement))
    await engine.dispose()
