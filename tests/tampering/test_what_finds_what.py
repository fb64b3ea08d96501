"""What was changed in the database, and who finds it: README's table is this one.

The forger owns the database and makes every figure fit. What a copy outside says stays as it was.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.models import AuditState
from app.audit.service import run_audit
from app.cli.database import OWNER_ROLE
from app.core.database import make_engine
from app.core.signing import KeyRing
from app.ledger.seals.merkle import is_consistent
from app.ledger.seals.notes import Checkpoint, NoteInvalid, decode
from app.ledger.seals.receipts import ReceiptInvalid, Verified
from tests.conftest import MakeRace
from tests.ledger.seals.checker import Checker
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import Neighbourhood
from tests.tampering.forger import Forger

POINTS = 50  # what legal advice earns
SEALED_FIRST = 3
README = Path(__file__).parents[2] / "README.md"
FINDERS = ("the audit", "a receipt now", "a receipt of before", "a checkpoint of before")


@dataclass(frozen=True, slots=True)
class Book:
    """A sealed book, what a resident and the board kept of it, and whoever changes it."""

    app: FastAPI
    sessions: async_sessionmaker[AsyncSession]
    here: Neighbourhood
    checker: Checker
    forger: Forger
    kept_receipt: Verified
    kept_checkpoint: Checkpoint

    @property
    def award(self) -> int:
        return int(self.kept_receipt.entry["transfer"])

    @property
    def wallet(self) -> int:
        return int(self.here.resident_id("resident-1"))

    @property
    def other(self) -> int:
        return int(self.here.resident_id("resident-2"))

    async def own_key(self) -> Ed25519PrivateKey:
        """Return the key that signs checkpoints, which only its own master key opens."""
        keys = KeyRing(self.app.state.master_key)
        async with self.sessions() as session:
            await keys.load(session, now=self.checker.clock.now)
        return keys.seal_signers(self.checker.clock.now)[0]

    async def audit_differs(self) -> bool:
        ended = await run_audit(self.sessions, self.here.community_id, clock=self.checker.clock)
        return ended.state == AuditState.DIFFERENT

    async def new_receipt_fails(self) -> bool:
        """Tell whether there is no receipt for the line any more, or one that proves nothing."""
        answer = await self.checker.receipt("resident-1", str(self.award))
        if answer.status_code != 200:
            return True
        try:
            await self.checker.verified("resident-1", str(self.award))
        except ReceiptInvalid:
            return True
        return False

    async def kept_receipt_contradicts(self) -> bool:
        """Tell whether the statement says something else than the receipt of before."""
        resident = await self.here.caller("resident-1")
        lines = (await resident.get("/v1/me/statement", size=100)).json()["items"]
        points = {line["transfer_id"]: line["points"] for line in lines}
        return bool(points.get(str(self.award)) != self.kept_receipt.entry["points"])

    async def kept_checkpoint_contradicts(self) -> bool:
        """Tell whether the book of now did not grow out of the one that hung on the board."""
        old = self.kept_checkpoint
        try:
            new = await self.checker.checkpoint()
        except NoteInvalid:
            return True
        if new.size < old.size:
            return True
        asked = {"from": old.size, "to": new.size}
        proof = await self.checker.read("/consistency", **asked)
        path = [decode(found) for found in proof["path"]]
        return not is_consistent(old.size, new.size, old.root, new.root, path)

    async def found_by(self) -> list[str]:
        found = (
            await self.audit_differs(),
            await self.new_receipt_fails(),
            await self.kept_receipt_contradicts(),
            await self.kept_checkpoint_contradicts(),
        )
        return [finder for finder, has_found in zip(FINDERS, found, strict=True) if has_found]


@pytest.fixture
async def book(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    app_of_session: FastAPI,
    migrated: DatabaseServer,
    clock: Clock,
) -> AsyncIterator[Book]:
    here = await race(2)
    checker = Checker(app_of_session, here, clock)
    for name in ("resident-2", "resident-1", "resident-2"):
        await here.give(name, "legal_advice")
    await checker.seal()
    await here.give("resident-2", "legal_advice")
    await here.give("resident-1", "legal_advice")
    await checker.seal()
    award = (await checker.lines("resident-1"))["award"]
    owner = make_engine(migrated.url(RACES, OWNER_ROLE), pool_size=1, role=None)
    yield Book(
        app_of_session, race_sessionmaker, here, checker,
        Forger(owner, here.community_id, clock),
        await checker.verified("resident-1", award), await checker.checkpoint(),
    )  # fmt: skip
    await owner.dispose()


Change = Callable[[Book], Awaitable[None]]


async def nothing(_book: Book) -> None:
    """Leave everything as it is."""


async def a_balance(book: Book) -> None:
    """Let somebody have more than they were given."""
    await book.forger.run(
        "UPDATE balances SET posted = posted + 100, lots_total = lots_total + 100"
        " WHERE community_id = :id AND account_id = :wallet",
        wallet=book.wallet,
    )


async def a_score(book: Book) -> None:
    await book.forger.run(
        "UPDATE standings SET score = score + 100 WHERE community_id = :id"
        " AND resident_id = :wallet",
        wallet=book.wallet,
    )


async def what_the_issuer_gave(book: Book) -> None:
    await book.forger.run("UPDATE account_rollups SET posted = posted - 7 WHERE community_id = :id")


async def a_transfers_points(book: Book) -> None:
    await book.forger.raise_award(book.award, book.wallet, points=100)


async def whose_a_transfer_is(book: Book) -> None:
    await book.forger.hand_over(book.award, points=POINTS, loser=book.wallet, winner=book.other)


async def a_deleted_transfer(book: Book) -> None:
    await book.forger.delete(book.award, book.wallet, points=POINTS)


async def the_newest_transfers_cut_off(book: Book) -> None:
    """Undo a day: transfers, seals and checkpoints, as if a backup had been restored."""
    newest = (await book.checker.lines("resident-2"))["award"]
    await book.forger.delete(book.award, book.wallet, points=POINTS)
    await book.forger.delete(int(newest), book.other, points=POINTS)
    await book.forger.cut_tree(SEALED_FIRST)


async def a_tree_rebuilt_without_the_key(book: Book) -> None:
    await book.forger.raise_award(book.award, book.wallet, points=100)
    await book.forger.rebuild_tree(Ed25519PrivateKey.generate())


async def a_tree_rebuilt_with_the_key(book: Book) -> None:
    await book.forger.raise_award(book.award, book.wallet, points=100)
    await book.forger.rebuild_tree(await book.own_key())


AUDIT, RECEIPT_NOW, RECEIPT_BEFORE, CHECKPOINT = FINDERS
CHANGES: dict[Change, list[str]] = {
    nothing: [],
    a_balance: [AUDIT],
    a_score: [AUDIT],
    what_the_issuer_gave: [AUDIT],
    a_transfers_points: [AUDIT, RECEIPT_NOW, RECEIPT_BEFORE],
    whose_a_transfer_is: [AUDIT, RECEIPT_NOW, RECEIPT_BEFORE],
    a_deleted_transfer: [AUDIT, RECEIPT_NOW, RECEIPT_BEFORE],
    a_tree_rebuilt_without_the_key: [AUDIT, RECEIPT_NOW, RECEIPT_BEFORE, CHECKPOINT],
    the_newest_transfers_cut_off: [RECEIPT_NOW, RECEIPT_BEFORE, CHECKPOINT],
    a_tree_rebuilt_with_the_key: [RECEIPT_BEFORE, CHECKPOINT],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_who_finds_a_change(book: Book, change: Change) -> None:
    await change(book)
    assert await book.found_by() == CHANGES[change]


def test_readme_says_who_finds_what() -> None:
    rows = [
        " | ".join((
            f"| {change.__name__.replace('_', ' ')}",
            *("finds it" if finder in found else "–" for finder in FINDERS),
        )) + " |"
        for change, found in CHANGES.items() if found
    ]  # fmt: skip
    assert "\n".join(rows) in README.read_text(encoding="utf-8"), "\n".join(rows)
