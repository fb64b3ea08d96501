"""Somebody who checks the book from outside: with what is public, and a resident's receipts."""

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.core.signing import LEAD_TIME, add_key
from app.ledger.seals.notes import Checkpoint, VerifierKey, open_checkpoint, parse_verifier_key
from app.ledger.seals.receipts import Verified, read_receipt, verify_receipt
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.sealing import seal_all


@dataclass(frozen=True, slots=True)
class Checker:
    """Asks without a token; `here` is whose book."""

    app: FastAPI
    here: Neighbourhood
    clock: Clock

    async def seal(self) -> int:
        return await seal_all(self.app, now=self.clock.now)

    async def ask(self, path: str, **asked: Any) -> httpx.Response:
        address = f"/v1/public/communities/{self.here.community_id}{path}"
        return await Caller(self.here.http).get(address, **asked)

    async def read(self, path: str, **asked: Any) -> dict[str, Any]:
        answer = await self.ask(path, **asked)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def rotate(self) -> None:
        """Make another key and seal a line once it signs."""
        state = self.app.state
        active_from = self.clock.now + LEAD_TIME
        async with state.sessionmaker.begin() as session:
            await add_key(session, state.master_key, "seals", active_from=active_from)
        let_pass(self.here, self.clock, seconds=LEAD_TIME.total_seconds())
        await self.here.give("resident-1", "survey")
        await self.seal()

    async def revoke(self, number: int) -> None:
        statement = """
            UPDATE signing_keys SET revoked_at = :now WHERE purpose = 'seals' AND key_id = :number
        """
        async with self.app.state.sessionmaker.begin() as session:
            await session.execute(text(statement), {"now": self.clock.now, "number": number})

    async def keys(self) -> list[VerifierKey]:
        """Return the keys that are not revoked, oldest first."""
        listed = (await self.read("/seal-keys"))["keys"]
        return [
            parse_verifier_key(key["verifier_key"]) for key in listed if key["revoked_at"] is None
        ]

    async def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Return a checkpoint whose signature is right."""
        read = await self.read(f"/checkpoints/{size or 'latest'}")
        return open_checkpoint(read["note"], await self.keys())

    async def lines(self, name: str, account: str = "wallet") -> dict[str, str]:
        """Return the transfers of a resident's statement, the newest of each kind."""
        resident = await self.here.caller(name)
        answer = await resident.get("/v1/me/statement", account=account, size=100)
        return {line["kind"]: line["transfer_id"] for line in reversed(answer.json()["items"])}

    async def receipt(self, name: str, transfer_id: str, **asked: Any) -> httpx.Response:
        resident = await self.here.caller(name)
        return await resident.get(f"/v1/me/statement/{transfer_id}/receipt", **asked)

    async def verified(self, name: str, transfer_id: str, **asked: Any) -> Verified:
        """Return what a resident's receipt proves, as it came through HTTP."""
        answer = await self.receipt(name, transfer_id, **asked)
        assert answer.status_code == 200, answer.text
        return verify_receipt(read_receipt(answer.content), await self.keys())

    async def people(self) -> dict[str, set[str]]:
        """Return by what numbers each resident is known: as a person, as owner of accounts."""
        statement = """
            SELECT resident_id, person_id, account_id FROM residents
                LEFT JOIN accounts ON accounts.community_id = residents.community_id
                    AND owner_id = resident_id
            WHERE residents.community_id = :community_id
        """
        async with self.app.state.sessionmaker() as session:
            rows = await session.execute(text(statement), {"community_id": self.here.community_id})
        numbers: dict[str, set[str]] = {}
        for row in rows:
            numbers.setdefault(str(row.resident_id), set()).update(map(str, row))
        return numbers
