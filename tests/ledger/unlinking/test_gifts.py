"""A gift has two sides: each proves its own as long as it is there."""

import json

import pytest

from app.core.access import Actor
from app.core.signing import KeyRing
from app.ledger.seals.notes import KeyKind, VerifierKey, parse_note, verifier_key
from app.ledger.seals.proofs import make_receipt
from app.ledger.seals.receipts import Receipt, Verified, read_receipt, verify_receipt
from app.ledger.unlinking.service import Leaver, unlink_batch
from tests.ledger.unlinking.leaving import Leavers

GIVER, RECEIVER = "resident-1", "resident-2"


@pytest.fixture
async def gift_id(leavers: Leavers) -> int:
    """A gift, sealed together with the award it came from."""
    await leavers.give(GIVER, 30)
    gift = await leavers.give_to(GIVER, RECEIVER, 20)
    await leavers.seal()
    return int(gift["transfer_id"])


async def receipt_of(leavers: Leavers, name: str, transfer_id: int) -> Receipt:
    """Issue a receipt, and read it from the file that it would be."""
    actor = Actor(
        person_id=await leavers.person_id(name), session_id=0,
        community_id=leavers.here.community_id, resident_id=leavers.number(name), grants=(),
    )  # fmt: skip
    async with leavers.sessionmaker() as session:
        receipt = await make_receipt(session, actor, transfer_id, size=None)
    return read_receipt(json.dumps(receipt.model_dump()).encode())


def verify(leavers: Leavers, receipt: Receipt) -> Verified:
    ring: KeyRing = leavers.app.state.keys
    note = receipt.proof.partition("\n\n")[2]
    origin = parse_note(note)[0].origin
    keys: list[VerifierKey] = [
        verifier_key(origin, KeyKind.LOG, signer) for signer in ring.seal_signers(leavers.clock.now)
    ]
    return verify_receipt(receipt, keys)


@pytest.mark.parametrize(
    ("first", "own_of_second"),
    [(GIVER, {"credit_account", "checker"}), (RECEIVER, {"debit_account", "maker", "checker"})],
)
async def test_who_stays_proves_their_own_side_and_no_more_once_they_leave_as_well(
    leavers: Leavers, gift_id: int, first: str, own_of_second: set[str]
) -> None:
    second = RECEIVER if first == GIVER else GIVER
    gift = (await leavers.all_lines())[-1]
    assert gift.row.transfer_id == gift_id

    await leavers.leave(first)
    await leavers.erase()
    once = (await leavers.all_lines())[-1]
    assert once.opens() == own_of_second
    assert once.is_as_sealed
    verified = verify(leavers, await receipt_of(leavers, second, gift_id))
    assert set(verified.opened) == own_of_second
    assert verified.entry["points"] == 20

    await leavers.leave(second)
    await leavers.erase()
    twice = (await leavers.all_lines())[-1]
    assert twice.opens() == {"checker"}
    assert twice.is_as_sealed
    assert twice.entry == gift.entry
    assert (await leavers.erasure(second))["done_at"] is not None


async def test_two_who_leave_together_are_both_unlinked_in_one_run(
    leavers: Leavers, gift_id: int
) -> None:
    await leavers.leave(GIVER)
    await leavers.leave(RECEIVER)
    await leavers.erase()
    gift = (await leavers.all_lines())[-1]
    assert (gift.row.transfer_id, gift.opens()) == (gift_id, {"checker"})
    assert gift.is_as_sealed
    assert await leavers.erase() == 0


async def test_a_late_line_between_two_who_are_done_is_unlinked_on_both_sides(
    leavers: Leavers, gift_id: int
) -> None:
    await leavers.leave(GIVER)
    await leavers.leave(RECEIVER)
    await leavers.erase()
    leavers.clock.advance(days=3)
    await leavers.move_late(RECEIVER, GIVER, 20)
    await leavers.seal()
    # Stopped after one of them, the next run finds what is left of the other.
    leaver = Leaver(
        leavers.here.community_id, leavers.number(GIVER), await leavers.person_id(GIVER)
    )
    async with leavers.sessionmaker.begin() as session:
        await unlink_batch(session, leaver, after=0, now=leavers.clock.now)
    half_way = (await leavers.all_lines())[-1]
    assert half_way.opens() == {"checker", "debit_account", "maker"}
    assert await leavers.erase() == 1
    late = (await leavers.all_lines())[-1]
    assert late.row.transfer_id > gift_id
    # Its maker is one of the staff, who has not left.
    assert late.opens() == {"checker", "maker"}
    assert late.is_as_sealed


async def test_a_receipt_of_before_still_proves_what_a_new_one_no_longer_opens(
    leavers: Leavers, gift_id: int
) -> None:
    before = {name: await receipt_of(leavers, name, gift_id) for name in (GIVER, RECEIVER)}
    await leavers.leave(GIVER)
    await leavers.erase()
    leavers.clock.advance(minutes=5)
    await leavers.give(RECEIVER, 1)
    await leavers.seal()

    opened = {name: verify(leavers, receipt).opened for name, receipt in before.items()}
    assert opened[GIVER]["debit_account"] == leavers.here.resident_id(GIVER)
    assert opened[RECEIVER]["credit_account"] == leavers.here.resident_id(RECEIVER)
    anew = {name: await receipt_of(leavers, name, gift_id) for name in before}
    assert all(verify(leavers, receipt).entry == before[GIVER].entry for receipt in anew.values())
    assert set(anew[GIVER].opened) == {"checker"}
    assert set(anew[RECEIVER].opened) == {"checker", "credit_account"}
