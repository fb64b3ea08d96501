"""Leaving, and what the sealed book still tells of whoever left."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import Record
from app.core.ids import new_id
from app.ledger.models import TransferKind
from app.ledger.moves.service import Move, move_points
from app.ledger.queries import lock_balances
from app.ledger.seals.entries import (
    HIDDEN,
    canonical,
    entry_of,
    field_salt,
    hidden_hash,
    hidden_values,
)
from app.ledger.seals.merkle import leaf_hash
from app.ledger.unlinking import service
from app.ledger.unlinking.jobs import erase_salts
from tests.ledger.gifts.giving import Givers
from tests.support.sealing import seal_all

_LINES = """
    SELECT transfers.*, leaf_hash, CAST(kept AS text) AS kept
    FROM transfers LEFT JOIN seals USING (community_id, transfer_id)
        LEFT JOIN unlinked_transfers USING (community_id, transfer_id)
    WHERE community_id = :community_id ORDER BY transfer_id
"""
_ERASURE = """
    SELECT * FROM salt_erasures
    WHERE community_id = :community_id AND resident_id = :resident_id
"""
_PERSON = "SELECT person_id FROM residents WHERE resident_id = :resident_id"


@dataclass(frozen=True, slots=True)
class Line:
    """A transfer as the database has it now."""

    row: Record

    @property
    def kept(self) -> Any:
        return None if self.row.salt is not None else json.loads(self.row.kept)

    @property
    def entry(self) -> dict[str, Any]:
        return entry_of(self.row, kept=self.kept)

    @property
    def is_as_sealed(self) -> bool:
        return bool(leaf_hash(canonical(self.entry)) == self.row.leaf_hash)

    def opens(self) -> set[str]:
        """Return the hidden fields whose value can still be proved to be the sealed one."""
        values = hidden_values(self.row)
        return {
            name
            for name, salt in self._salts().items()
            if hidden_hash(salt, values[name]) == self.entry["hidden"][name]
        }

    def _salts(self) -> dict[str, str]:
        if self.row.salt is not None:
            return {name: field_salt(self.row.salt, name) for name in HIDDEN}
        return {name: left["salt"] for name, left in self.kept.items() if "salt" in left}


async def read_lines(
    sessionmaker: async_sessionmaker[AsyncSession], community_id: int
) -> list[Line]:
    """Return every transfer of a community, oldest first."""
    async with sessionmaker() as session:
        rows = (await session.execute(text(_LINES), {"community_id": community_id})).all()
    return [Line(row) for row in rows]


class Leavers(Givers):
    """A neighbourhood whose residents leave, and the worker that sees to it."""

    app: FastAPI

    def number(self, name: str) -> int:
        return int(self.here.resident_id(name))

    async def person_id(self, name: str) -> int:
        async with self.sessionmaker() as session:
            found = await session.scalar(text(_PERSON), {"resident_id": self.number(name)})
        return int(found or 0)

    async def leave(self, name: str) -> None:
        """Ask for what the end of an account asks for."""
        person_id = await self.person_id(name)
        async with self.sessionmaker.begin() as session:
            await service.ask(
                session, self.here.community_id, self.number(name),
                person_id=person_id, now=self.clock.now,
            )  # fmt: skip

    async def seal(self) -> int:
        return await seal_all(self.app, now=self.clock.now)

    async def erase(self) -> int:
        return await erase_salts(self.sessionmaker, now=self.clock.now)

    async def move_late(
        self, giver: str, receiver: str, points: int, *, number: int | None = None
    ) -> None:
        """Post a gift though both may have left."""
        async with self.sessionmaker.begin() as session:
            await lock_balances(
                session, self.here.community_id, [self.number(giver), self.number(receiver)]
            )
            number = number or new_id(self.clock.now)
            move = Move(
                transfer_id=number, kind=TransferKind.GIFT, account_id=self.number(giver),
                credit_account_id=self.number(receiver), points=points, memo="迟到的",
                maker_id=1, source_kind="gift", source_id=number,
            )  # fmt: skip
            await move_points(session, self.here.community_id, move, now=self.clock.now)

    async def all_lines(self) -> list[Line]:
        return await read_lines(self.sessionmaker, self.here.community_id)

    async def opens(self) -> list[set[str]]:
        """Return of every line, oldest first, what can be opened."""
        return [line.opens() for line in await self.all_lines()]

    async def erasure(self, name: str) -> dict[str, Any]:
        values = {"community_id": self.here.community_id, "resident_id": self.number(name)}
        async with self.sessionmaker() as session:
            return dict((await session.execute(text(_ERASURE), values)).mappings().one())
