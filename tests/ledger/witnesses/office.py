"""A second organisation that watches the book of a neighbourhood."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.cli.log_client import LogClient
from app.cli.note_keys import WitnessKey, new_witness_key
from app.cli.watching import Seen, Witness
from app.cli.witness_memory import Memory
from app.ledger.seals.notes import (
    Checkpoint,
    KeyKind,
    VerifierKey,
    cosign,
    parse_note,
    verifier_key,
)
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all


@dataclass(frozen=True, slots=True)
class Office:
    """Its key, its folder, and the log it watches."""

    app: FastAPI
    here: Neighbourhood
    clock: Clock
    key: WitnessKey
    folder: Path

    def named(self, name: str) -> "Office":
        """Return another office, with a key of its own."""
        return replace(self, key=new_witness_key(name))

    @property
    def http(self) -> httpx.AsyncClient:
        return self.here.http

    @property
    def public(self) -> str:
        return f"/v1/public/communities/{self.here.community_id}"

    async def seal(self, lines: int = 1) -> Checkpoint:
        """Post so many awards, seal them, and return the checkpoint."""
        for _ in range(lines):
            await self.here.give("resident-1", "volunteer_hour")
        await seal_all(self.app, now=self.clock.now)
        return await self.latest()

    async def latest(self) -> Checkpoint:
        checkpoint, _ = parse_note(await self.note())
        return checkpoint

    async def note(self) -> str:
        answer = await self.http.get(f"{self.public}/checkpoints/latest")
        assert answer.status_code == 200, answer.text
        note: str = answer.json()["note"]
        return note

    def sign(self, checkpoint: Checkpoint, *, at: datetime | None = None) -> str:
        return cosign(checkpoint, self.key.name, self.key.private_key, now=at or self.clock.now)

    async def hand_in(self, line: Any, *, size: int) -> httpx.Response:
        address = f"{self.public}/checkpoints/{size}/cosignatures"
        return await self.http.post(address, json={"line": line}, headers={"Accept-Language": "en"})

    async def look(self) -> Seen:
        """Do what `gridpoints witness watch` does every minute."""
        origin = f"points.example.cn/communities/{self.here.community_id}"
        log_keys: list[VerifierKey] = [
            verifier_key(origin, KeyKind.LOG, private_key)
            for private_key in self.app.state.keys.seal_signers(self.clock.now)
        ]
        memory = Memory(self.folder / self.key.name)
        log = LogClient(self.http, "http://test", self.here.community_id)
        return await Witness(self.key, log_keys, memory).look(log, now=self.clock.now)
