"""Receipts and proofs of consistency in the sealed book: how long, how large, how fast checked."""

import random
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Actor
from app.core.database import Record
from app.ledger.seals.merkle import is_consistent
from app.ledger.seals.notes import decode, parse_note
from app.ledger.seals.proofs import make_receipt
from app.ledger.seals.reading import prove_consistency
from app.ledger.seals.receipts import read_receipt, verify_receipt
from tests.bench.driver import quantile
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.seals.stage import Stage
from tests.support.sealing import verifier_keys

MOST_TRIES, WARM = 500, 20
SEED = 1
_LIST_LINES = """
    SELECT transfer_id,
        CASE kind WHEN 'award' THEN credit_account_id ELSE debit_account_id END AS resident_id
    FROM seals JOIN transfers USING (community_id, transfer_id)
    WHERE community_id = :community_id AND leaf_index = ANY(CAST(:places AS bigint[]))
"""
_LIST_NOTES = "SELECT size, note FROM checkpoints WHERE community_id = :community_id ORDER BY size"

Maker = async_sessionmaker[AsyncSession]


class Proofs:
    """Proves lines and checkpoints drawn at random, the same in every run."""

    def __init__(self, stage: Stage, maker: Maker) -> None:
        self._stage, self._maker = stage, maker
        self._tries = min(MOST_TRIES, stage.transfers // WARM)
        self._dice = random.Random(SEED)  # noqa: S311 - not a secret

    async def measure_receipts(self) -> Figures:
        """Make receipts as the service does, and check each as whoever is given it would."""
        keys = verifier_keys(self._stage.keys, self._stage.origin)
        places = [self._dice.randrange(self._stage.transfers) for _ in range(self._tries)]
        made, checked, sizes = [], [], []
        for line in await self._read(_LIST_LINES, places=places):
            actor = Actor(0, 0, self._stage.community_id, line.resident_id, ())
            began = time.perf_counter()
            async with self._maker() as session:
                receipt = await make_receipt(session, actor, line.transfer_id, size=None)
            content = receipt.model_dump_json().encode()
            made.append(time.perf_counter() - began)
            began = time.perf_counter()
            verify_receipt(read_receipt(content), keys)
            checked.append(time.perf_counter() - began)
            sizes.append(len(content))
        return timings("make", made) | timings("check", checked) | {"most_bytes": max(sizes)}

    async def measure_consistency(self) -> Figures:
        """Prove that the last checkpoint continues earlier ones, and check it."""
        *earlier, last = await self._read(_LIST_NOTES)
        if not earlier:
            raise BenchFailed("There is only one checkpoint: fewer transfers go into a batch.")
        newest, _ = parse_note(last.note)
        made, checked, hashes = [], [], []
        for row in self._dice.choices(earlier, k=self._tries):
            began = time.perf_counter()
            async with self._maker() as session:
                proof = await prove_consistency(
                    session, self._stage.community_id, row.size, newest.size
                )
            made.append(time.perf_counter() - began)
            old, _ = parse_note(row.note)
            began = time.perf_counter()
            path = [decode(line) for line in proof.path]
            if not is_consistent(old.size, newest.size, old.root, newest.root, path):
                raise BenchFailed(f"{newest.size} leaves do not continue {old.size}.")
            checked.append(time.perf_counter() - began)
            hashes.append(len(path))
        return timings("make", made) | timings("check", checked) | {"most_hashes": max(hashes)}

    async def _read(self, statement: str, **values: Any) -> Sequence[Record]:
        values["community_id"] = self._stage.community_id
        async with self._maker() as session:
            return (await session.execute(text(statement), values)).all()


def timings(name: str, seconds: Sequence[float]) -> Figures:
    """Return percentiles in milliseconds; the first ones only warmed up."""
    ordered = sorted(1000 * took for took in seconds[WARM:] or seconds)
    return {f"{name}_p50_ms": quantile(ordered, 0.5), f"{name}_p99_ms": quantile(ordered, 0.99)}
