"""What is measured on: a durable PostgreSQL in a temporary folder, and a community of thousands."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, migrate, urls_of
from app.community import personal
from app.community.names import mask_name
from app.core.access import Actor
from app.core.embedded import EmbeddedPostgres
from app.core.personal import Vault
from app.core.sealing import new_master_key, parse_master_key
from app.core.transactions import system_clock
from app.ledger import queries as ledger
from app.setup.people import add_places
from tests.bench.ledger.stage import url_of
from tests.bench.ledger.town import block, found_town
from tests.bench.stage import settle_down, temporary_folder

BEFORE = timedelta(days=60)
PROPOSER, DECIDER = 11, 12
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄", "秀英德明晓梅建国"
_ADD_RESIDENTS = """
    INSERT INTO residents (community_id, resident_id, building_id, sealed_name, masked_name,
        state, joined_at)
    SELECT :community, resident_id, :building, decode(sealed_name, 'hex'), masked_name, 'active',
        :began
    FROM json_to_recordset(CAST(:people AS json)) AS row(
        resident_id bigint, sealed_name text, masked_name text)
"""
_ADD_TOKENS = """
    INSERT INTO resident_tokens (community_id, token, resident_id)
    SELECT :community, decode(token, 'hex'), resident_id
    FROM json_to_recordset(CAST(:people AS json)) AS row(resident_id bigint, token text)
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A resident as lists name them."""

    resident_id: int
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Town:
    """A community, and its residents in the order of their numbers."""

    community_id: int
    rule_id: int
    rule_version_id: int
    people: list[Person]

    def actor(self, person_id: int) -> Actor:
        return Actor(person_id, 1, self.community_id, None, ())


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs: a community to award, and as large a one for the floor."""

    url: str
    server_pid: int
    server_version: str
    vault: Vault
    town: Town
    floor: Town


@contextmanager
def running_stage(residents: int) -> Iterator[Stage]:
    """Set everything up, and take it away when the block ends."""
    with temporary_folder() as folder, EmbeddedPostgres(folder / "data") as address:
        migrate(urls_of(address).owner)
        vault = Vault(parse_master_key(new_master_key()))

        async def fill(session: AsyncSession) -> tuple[Town, Town, str]:
            now = system_clock()
            towns = [
                await _found(session, vault, code, residents, number, now=now)
                for number, code in enumerate(("awarded", "floor"))
            ]
            return towns[0], towns[1], str(await session.scalar(text("SHOW server_version")))

        url = url_of(address)
        town, floor, version = in_transaction(url, fill)
        asyncio.run(settle_down(address))
        pid_file = folder / "data" / "cluster" / "postmaster.pid"
        yield Stage(url, int(pid_file.read_text().split()[0]), version, vault, town, floor)


async def _found(
    session: AsyncSession, vault: Vault, code: str, residents: int, number: int, *, now: datetime
) -> Town:
    began = now - BEFORE
    town = await found_town(session, code, now=began)
    community_id = town.community_id
    places = await add_places(
        session, community_id, grids=("第一网格",), buildings=(("1 号楼", 0),), now=began
    )
    first = block(now, number)
    people = [
        Person(first + k, _SURNAMES[k % 8] + _GIVEN[k // 8 % 8], f"+86139{k:08d}")
        for k in range(residents)
    ]
    rows = json.dumps([_row(vault, community_id, person) for person in people])
    values: dict[str, Any] = {"community": community_id, "people": rows}
    where = {"building": places.buildings[0], "began": began}
    await session.execute(text(_ADD_RESIDENTS), values | where)
    await session.execute(text(_ADD_TOKENS), values)
    numbers = [person.resident_id for person in people]
    await ledger.open_wallets(session, community_id, numbers, now=began)
    return Town(community_id, town.terms.rule_id, town.terms.rule_version_id, people)


def _row(vault: Vault, community_id: int, person: Person) -> dict[str, object]:
    field = personal.resident_name(community_id, person.resident_id)
    return {
        "resident_id": person.resident_id,
        "sealed_name": vault.seal(person.name, field).hex(),
        "masked_name": mask_name(person.name),
        "token": personal.phone_token(vault, community_id, person.phone).hex(),
    }
