"""What is measured on: a durable PostgreSQL in a temporary folder, and a book to seal in it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, migrate, urls_of
from app.core.embedded import EmbeddedPostgres, ServerAddress
from app.core.sealing import new_master_key, parse_master_key
from app.core.signing import KeyRing, ensure_keys
from app.core.transactions import system_clock
from app.ledger.seals import queries
from tests.bench.ledger.stage import url_of
from tests.bench.seals.floor import copy_queue
from tests.bench.seals.town import EACH, found_book
from tests.bench.stage import settle_down, temporary_folder

ORIGINS = "points.example.cn/communities/"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and the book."""

    address: ServerAddress
    server_pid: int
    server_version: str
    community_id: int
    transfers: int
    keys: KeyRing

    @property
    def url(self) -> str:
        return url_of(self.address)

    @property
    def owner_url(self) -> str:
        return urls_of(self.address).owner

    @property
    def origin(self) -> str:
        return f"{ORIGINS}{self.community_id}"


@contextmanager
def running_stage(transfers: int) -> Iterator[Stage]:
    """Set everything up, and take it away when the block ends."""
    with (
        temporary_folder() as folder,
        EmbeddedPostgres(folder / "data") as address,
    ):
        url, owner_url = url_of(address), urls_of(address).owner
        migrate(owner_url)
        master_key = parse_master_key(new_master_key())
        keys = KeyRing(master_key)
        residents = -(-transfers // EACH)

        async def fill(session: AsyncSession) -> int:
            now = system_clock()
            await ensure_keys(session, master_key, now=now)
            await keys.load(session, now=now)
            town = await found_book(session, residents=residents, now=now)
            await queries.open_trees(session, prefix=ORIGINS, now=now)
            return town.community_id

        async def ask_version(session: AsyncSession) -> str:
            return str(await session.scalar(text("SHOW server_version")))

        community_id = in_transaction(url, fill)
        in_transaction(owner_url, copy_queue, role=None)
        version = in_transaction(url, ask_version)
        asyncio.run(settle_down(address))
        pid_file = folder / "data" / "cluster" / "postmaster.pid"
        server_pid = int(pid_file.read_text().split()[0])
        yield Stage(address, server_pid, version, community_id, residents * EACH, keys)
