"""The audit of seals: quiet over a sound book, and every planted change is found and named."""

import json
import re
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.seals import queries
from app.audit.seals.rebuilding import Claim
from app.audit.seals.walk import SealsWalk, walks
from app.audit.walks import KeyWalk, Position
from app.core.database import Record
from app.ledger.seals.entries import (
    HIDDEN,
    canonical,
    entry_of,
    field_salt,
    hidden_hash,
    hidden_values,
)
from app.ledger.seals.merkle import is_consistent, leaf_hash, root_of
from app.ledger.seals.notes import Checkpoint, parse_note, sign_checkpoint
from tests.audit.seals.conftest import SealedBook
from tests.audit.seals.plants import PLANTS
from tests.support.neighbourhood import Neighbourhood
from tests.support.sealing import seal_all

TRANSFERS = """
    SELECT leaf_index, leaf_hash, transfers.* FROM seals
        JOIN transfers USING (community_id, transfer_id)
    WHERE community_id = :id ORDER BY leaf_index
"""


async def read_transfers(book: SealedBook) -> Sequence[Record]:
    """Return the sealed transfers in the order of their leaves."""
    return (await book.session.execute(text(TRANSFERS), {"id": book.community_id})).all()


async def erase_salt(book: SealedBook, transfer: Record, *, open_fields: set[str]) -> None:
    """Forget a transfer's salt; keep those of some fields, and what others were sealed as."""
    kept = {}
    for name, value in hidden_values(transfer).items():
        salt = field_salt(transfer.salt, name)
        kept[name] = {"salt": salt} if name in open_fields else {"hash": hidden_hash(salt, value)}
    statement = (
        "WITH gone AS (UPDATE transfers SET salt = NULL WHERE transfer_id = :transfer_id)"
        " INSERT INTO unlinked_transfers VALUES (:id, :transfer_id, CAST(:kept AS jsonb), :now)"
    )
    values = {
        "id": book.community_id,
        "transfer_id": transfer.transfer_id,
        "kept": json.dumps(kept),
        "now": book.clock.now,
    }
    await book.session.execute(text(statement), values)


async def test_a_sealed_book_is_clean(sealed: SealedBook) -> None:
    assert len(await read_transfers(sealed)) == 23
    assert await sealed.audit() is None


@pytest.mark.parametrize("size", [1, 3, 16, 23, 24, 1000])
async def test_it_does_not_matter_where_pages_end(sealed: SealedBook, size: int) -> None:
    walk = SealsWalk(size=size)
    position: Position | None = {}
    checked = steps = 0
    while position is not None:
        step = await walk.step(sealed.session, sealed.audited, position)
        assert step.difference is None
        position, checked, steps = step.position, checked + step.checked, steps + 1
    assert (checked, steps) == (23, 23 // size + 1)


async def test_a_community_that_never_sealed_is_clean(
    sealed: SealedBook, elsewhere: Neighbourhood
) -> None:
    await elsewhere.give("resident-1", "survey")
    other = SealedBook(sealed.app, elsewhere, sealed.session, sealed.clock)
    assert await other.audit() is None


async def test_every_planted_change_is_found_and_named(sealed: SealedBook) -> None:
    for plant in PLANTS:
        planted = await sealed.session.begin_nested()
        await sealed.plant(plant.sql)
        found = await sealed.audit()
        assert found is not None, plant
        told = f"{found.subject}: {found.stored}, not {found.expected}"
        assert (found.check, bool(re.search(plant.tells, told))) == (plant.check, True), told
        await planted.rollback()
    assert await sealed.audit() is None


def test_every_claim_has_a_plant_that_makes_it_speak() -> None:
    checks = {check.name for walk in walks if isinstance(walk, KeyWalk) for check in walk.checks}
    assert {plant.check for plant in PLANTS} == checks | set(Claim)


async def test_what_differs_elsewhere_is_no_difference_here(
    sealed: SealedBook, elsewhere: Neighbourhood
) -> None:
    other = SealedBook(sealed.app, elsewhere, sealed.session, sealed.clock)
    await other.give(3)
    await sealed.plant("UPDATE transfers SET points = points + 1 WHERE community_id = :id")

    assert await other.audit() is None
    assert await sealed.audit() is not None


async def test_a_checkpoint_that_nobody_known_has_signed_is_found(sealed: SealedBook) -> None:
    book = sealed.audited
    nobody = type(book)(book.community_id, book.timezone, [], book.now)
    step = await SealsWalk().step(sealed.session, nobody, {})
    assert step.difference is not None
    assert step.difference.check == Claim.CHECKPOINTS_SIGNED
    assert (step.position, step.checked) == ({}, 23)


# Erased salts.


async def test_a_transfer_whose_salt_was_erased_still_follows(sealed: SealedBook) -> None:
    transfers = await read_transfers(sealed)
    await erase_salt(sealed, transfers[2], open_fields=set())
    await erase_salt(sealed, transfers[9], open_fields={"maker", "memo"})
    await erase_salt(sealed, transfers[22], open_fields=set(HIDDEN))
    assert await sealed.audit() is None


async def test_what_is_still_open_of_it_is_recomputed(sealed: SealedBook) -> None:
    transfer = (await read_transfers(sealed))[9]
    await erase_salt(sealed, transfer, open_fields={"memo"})
    change = "UPDATE transfers SET memo = '别的' WHERE transfer_id = "
    await sealed.plant(f"{change}{transfer.transfer_id}")
    found = await sealed.audit()
    assert found is not None
    assert found.check == Claim.AS_SEALED


# A superuser who rebuilds what is above a changed transfer.


async def rebuild(book: SealedBook) -> list[bytes]:
    """Change the points of a transfer and seal it anew, as if they had been others always."""
    where = f"transfer_id = {(await read_transfers(book))[5].transfer_id}"
    await book.plant(f"UPDATE transfers SET points = points + 1 WHERE {where}")  # noqa: S608
    await book.plant("UPDATE account_rollups SET posted = posted - 1 WHERE account_id = 1")
    leaves = [leaf_hash(canonical(entry_of(row))) for row in await read_transfers(book)]
    changed, node = leaves[5].hex(), root_of(leaves[:16]).hex()
    await book.plant(f"UPDATE seals SET leaf_hash = decode('{changed}', 'hex') WHERE {where}")  # noqa: S608
    await book.plant(f"UPDATE tree_nodes SET node_hash = decode('{node}', 'hex')")  # noqa: S608
    return leaves


async def test_a_tree_rebuilt_without_the_key_is_found_by_its_checkpoints(
    sealed: SealedBook,
) -> None:
    await rebuild(sealed)
    found = await sealed.audit()
    assert found is not None
    assert (found.check, found.subject) == (Claim.CHECKPOINTS_RIGHT, "checkpoint 7")


async def test_a_tree_rebuilt_with_the_key_is_found_by_who_has_kept_a_checkpoint(
    sealed: SealedBook,
) -> None:
    notes = "SELECT size, note FROM checkpoints WHERE community_id = :id ORDER BY size"
    before = (await sealed.session.execute(text(notes), {"id": sealed.community_id})).all()
    leaves = await rebuild(sealed)
    signers = sealed.app.state.keys.seal_signers(sealed.clock.now)
    for row in before:
        origin = parse_note(row.note)[0].origin
        checkpoint = Checkpoint(origin, row.size, root_of(leaves[: row.size]))
        note = sign_checkpoint(checkpoint, signers)
        await sealed.plant(f"UPDATE checkpoints SET note = '{note}' WHERE size = {row.size}")  # noqa: S608

    # Nothing that is stored tells any more; a copy from before does.
    assert await sealed.audit() is None
    kept, _ = parse_note(before[-1].note)
    assert not is_consistent(23, 23, kept.root, root_of(leaves), [])


# Sealing goes on.


async def test_what_is_sealed_during_a_page_is_no_difference(
    sealed: SealedBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_end, more = queries.get_end, [1, 7, 16]

    async def seal_first(session: AsyncSession, community_id: int, *, size: int) -> Record:
        if more:
            await sealed.give(more.pop())
        return await get_end(session, community_id, size=size)

    monkeypatch.setattr(queries, "get_end", seal_first)
    assert await sealed.audit() is None
    assert len(await read_transfers(sealed)) == 23 + 24 + 1
    assert await seal_all(sealed.app, now=sealed.clock.now) == 0


async def test_what_is_sealed_between_the_statements_of_a_page_is_no_difference(
    sealed: SealedBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_leaves, more = queries.list_leaves, [2, 3, 30]

    async def seal_then(
        session: AsyncSession, community_id: int, *, first: int, size: int
    ) -> Sequence[Record]:
        leaves = await list_leaves(session, community_id, first=first, size=size)
        if more:
            await sealed.give(more.pop())
        return leaves

    monkeypatch.setattr(queries, "list_leaves", seal_then)
    assert await sealed.audit() is None
    assert len(await read_transfers(sealed)) == 23 + 35 + 1
