"""Whoever leaves can no longer be told from what is sealed, and nothing that is sealed changes."""

import re
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.ids import EPOCH, RANDOM_BITS
from app.ledger.seals.entries import HIDDEN, field_salt, hidden_hash, hidden_values
from app.ledger.unlinking import queries, service
from tests.ledger.unlinking.leaving import Leavers, read_lines
from tests.privacy.dumping import read_all
from tests.support.neighbourhood import Neighbourhood

SAVINGS = {"is_exempt": True, "withdrawal_days": 30}
EVERYTHING = set(HIDDEN)


async def test_every_line_stays_as_sealed_and_opens_nothing_of_the_leaver(
    leavers: Leavers,
) -> None:
    await leavers.set_policy(savings=SAVINGS)
    await leavers.give("resident-1", 50)
    await leavers.save("resident-1", 20)
    await leavers.seal()
    before = await leavers.all_lines()
    assert [line.opens() for line in before] == [EVERYTHING] * 2

    await leavers.leave("resident-1")
    assert await leavers.erase() == 2

    after = await leavers.all_lines()
    assert [line.row.salt for line in after] == [None] * 2
    assert [line.entry for line in after] == [line.entry for line in before]
    assert all(line.is_as_sealed for line in after)
    # The system's account and the committee of the award; nobody checks what one saves.
    assert [line.opens() for line in after] == [{"checker", "debit_account", "maker"}, {"checker"}]
    assert (await leavers.erasure("resident-1"))["done_at"] == leavers.clock.now


async def test_a_line_keeps_its_salt_until_it_is_sealed(leavers: Leavers) -> None:
    await leavers.give("resident-1", 5)
    await leavers.leave("resident-1")
    assert await leavers.erase() == 0
    assert (await leavers.erasure("resident-1"))["done_at"] is None
    await leavers.seal()
    assert await leavers.erase() == 1
    assert (await leavers.erasure("resident-1"))["done_at"] is not None


async def test_asked_and_done_again_it_changes_nothing(leavers: Leavers) -> None:
    await leavers.give("resident-1", 5)
    await leavers.seal()
    await leavers.leave("resident-1")
    await leavers.erase()
    before = await read_all(leavers.sessionmaker)
    leavers.clock.advance(hours=1)
    await leavers.leave("resident-1")
    assert await leavers.erase() == 0
    assert await read_all(leavers.sessionmaker) == before


async def test_who_has_no_line_is_done_at_once(leavers: Leavers) -> None:
    await leavers.leave("resident-1")
    assert await leavers.erase() == 0
    assert (await leavers.erasure("resident-1"))["done_at"] == leavers.clock.now


async def test_killed_between_batches_the_next_run_goes_on(
    leavers: Leavers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for points in (1, 2, 3, 4, 5):
        await leavers.give("resident-1", points)
    await leavers.seal()
    await leavers.leave("resident-1")
    monkeypatch.setattr(service, "BATCH", 2)
    erase = queries.erase
    erased = 0

    async def die_after_the_first(*of: Any, now: Any) -> None:
        nonlocal erased
        await erase(*of, now=now)
        erased += 1
        if erased == 2:
            raise RuntimeError("the machine stopped")

    with monkeypatch.context() as broken:
        broken.setattr(queries, "erase", die_after_the_first)
        with pytest.raises(RuntimeError, match="stopped"):
            await leavers.erase()
    lines = await leavers.all_lines()
    assert [line.row.salt is None for line in lines] == [True] * 2 + [False] * 3
    assert [line.row.kept is None for line in lines] == [False] * 2 + [True] * 3
    assert (await leavers.erasure("resident-1"))["done_at"] is None

    assert await leavers.erase() == 3
    lines = await leavers.all_lines()
    assert all(line.row.salt is None and line.is_as_sealed for line in lines)
    assert (await leavers.erasure("resident-1"))["done_at"] is not None


async def test_one_leaver_that_fails_does_not_hold_up_the_others(
    leavers: Leavers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("resident-1", "resident-2"):
        await leavers.give(name, 5)
        await leavers.leave(name)
    await leavers.seal()
    unlink = service.unlink_batch
    unlucky = leavers.number("resident-1")

    async def stumble(session: AsyncSession, leaver: service.Leaver, **values: Any) -> Any:
        if leaver.resident_id == unlucky:
            raise RuntimeError("something is wrong with this one")
        return await unlink(session, leaver, **values)

    monkeypatch.setattr(service, "unlink_batch", stumble)
    with pytest.raises(RuntimeError, match="this one"):
        await leavers.erase()
    assert [line.row.salt is None for line in await leavers.all_lines()] == [False, True]


async def test_the_lines_of_others_and_of_another_community_keep_their_salts(
    leavers: Leavers, elsewhere: Neighbourhood
) -> None:
    await leavers.give("resident-1", 5)
    await leavers.give("resident-2", 6)
    await elsewhere.give("resident-1", "survey")
    await leavers.seal()
    await leavers.leave("resident-1")
    assert await leavers.erase() == 1
    assert [line.opens() == EVERYTHING for line in await leavers.all_lines()] == [False, True]
    (there,) = await read_lines(leavers.sessionmaker, elsewhere.community_id)
    assert there.opens() == EVERYTHING


async def test_what_comes_after_a_leaver_is_done_is_unlinked_too(leavers: Leavers) -> None:
    await leavers.give("resident-1", 5)
    await leavers.seal()
    await leavers.leave("resident-1")
    await leavers.erase()
    leavers.clock.advance(days=40)
    await leavers.give("resident-1", 7)
    assert await leavers.erase() == 0
    await leavers.seal()
    assert await leavers.erase() == 1
    late = (await leavers.all_lines())[-1]
    assert late.opens() == {"checker", "debit_account", "maker"}
    assert late.is_as_sealed
    assert (await leavers.erasure("resident-1"))["done_at"] == leavers.clock.now


async def test_what_was_begun_before_a_leaver_was_done_and_ended_after_is_unlinked_too(
    leavers: Leavers,
) -> None:
    await leavers.give("resident-2", 10)
    begun_at = leavers.clock.now
    leavers.clock.advance(hours=2)
    await leavers.leave("resident-1")
    await leavers.erase()
    number = int((begun_at - EPOCH).total_seconds() * 1000) << RANDOM_BITS
    await leavers.move_late("resident-2", "resident-1", 5, number=number)
    await leavers.seal()
    assert await leavers.erase() == 1


async def test_nothing_that_is_stored_lets_anybody_compute_a_hidden_hash_again(
    leavers: Leavers,
) -> None:
    await leavers.give("resident-1", 50)
    await leavers.give_to("resident-1", "resident-2", 20)
    await leavers.seal()
    sealed = [line.row for line in await leavers.all_lines()]
    await leavers.leave("resident-1")
    await leavers.leave("resident-2")
    await leavers.erase()
    stored, _ = await read_all(leavers.sessionmaker)
    # What is left says who checked it, and which account of the system's it came from.
    assert guessed(sealed[:1], stored) == {"checker", "debit_account", "maker"}
    assert guessed(sealed[1:], stored) == {"checker"}
    # The guesses are good ones: with a transfer's salt they open it all.
    assert guessed(sealed, f"{stored}\n{sealed[0].salt.hex()}") == EVERYTHING


def guessed(lines: list[Record], stored: str) -> set[str]:
    """Return the fields that anything stored opens, be it a transfer's salt or a field's own."""
    opened: set[str] = set()
    salts = {bytes.fromhex(found) for found in re.findall("(?=([0-9a-f]{32}))", stored)}
    own = set(re.findall("(?=([0-9a-f]{64}))", stored))
    for row in lines:
        for name, value in hidden_values(row).items():
            known = {hidden_hash(found, value) for found in own}
            known |= {hidden_hash(field_salt(found, name), value) for found in salts}
            opened |= {name} if hidden_hash(field_salt(row.salt, name), value) in known else set()
    return opened
