"""What is measured on: a durable PostgreSQL in a temporary folder, two communities, the API."""

import asyncio
import shutil
import tempfile
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
from tests.bench.town import A_DAY, Town, found_town, issue_vouchers
from tests.support.books import assert_books_balance

SPARE_CONNECTIONS = 30


@dataclass(frozen=True, slots=True)
class Scene:
    """Two communities, one for the API and one for pgbench, and what to call the API with."""

    town: Town
    other_town: Town
    keys: KeyRing
    tokens: list[str]
    clerk_token: str
    posters: list[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    scene: Scene
    url: str
    server_pid: int
    api: Api
    driver: Driver
    pgbench: Pgbench
    photo: Path

    def new_vouchers(self, count: int) -> list[tuple[int, str]]:
        """Issue vouchers; return their numbers and codes."""
        now = system_clock()
        vouchers = in_transaction(
            self.url, lambda session: issue_vouchers(session, self.scene.town, count, now=now)
        )
        keys = self.scene.keys
        return [(row.voucher_id, voucher_token(row, keys, now=now)) for row in vouchers]

    def audit(self) -> None:
        """Recompute both books; raises BenchFailed with the first difference."""

        async def look(session: AsyncSession) -> None:
            # Python thinks about a large book for longer than a transaction may idle.
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            for town in (self.scene.town, self.scene.other_town):
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
def running_stage(size: Size) -> Iterator[Stage]:
    """Set everything up, and take it away when the block ends."""
    settings = {"max_connections": str(max(size.clients) + SPARE_CONNECTIONS)}
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
            pgbench = Pgbench(address, server_pid, scene.other_town, size.stride, folder)
            photo = write_photo(folder / "photo.jpg")
            yield Stage(scene, urls.service, server_pid, api, driver, pgbench, photo)


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

    async def make_town(session: AsyncSession, code: str) -> Town:
        return await found_town(session, code=code, size=size, vault=vault, now=now)

    in_transaction(url, make_keys)
    town = in_transaction(url, lambda session: make_town(session, "measured"))
    other_town = in_transaction(url, lambda session: make_town(session, "floor"))
    issuer = SessionIssuer(keys, b"", access_lifetime=A_DAY, refresh_lifetime=A_DAY)
    callers = town.logins[:: size.stride][: size.callers]
    return Scene(
        town=town,
        other_town=other_town,
        keys=keys,
        tokens=[issuer.access_token(login, now) for login in callers],
        clerk_token=issuer.access_token(town.clerk, now),
        posters=[keys.sign_code(poster, now=now) for poster in town.posters],
    )


async def settle_down(address: ServerAddress) -> None:
    """Write out and count what was just filled in, so that it does not disturb later."""
    engine = make_engine(address.url(SUPERUSER, DATABASE), pool_size=1, role=None)
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
            await outside.execute(text(statement))
    await engine.dispose()
