"""A resident's receipt: what it proves, what it opens, and whose numbers it never tells."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.seals.entries import field_salt, hidden_hash
from app.ledger.seals.notes import KeyKind, NoteInvalid
from app.ledger.seals.receipts import ReceiptInvalid, read_receipt, verify_receipt
from tests.ledger.seals.checker import Checker
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

ALL = {"checker", "credit_account", "debit_account", "maker", "memo", "source"}
BOTH_SIDES = {"credit_account", "debit_account", "memo", "source"}
# Who made and checked it stays untold, unless it was a job or the resident.
OPENED = {
    "award": BOTH_SIDES,
    "deduction": BOTH_SIDES,
    "expiry": ALL,
    "saving": ALL,
    "withdrawal": ALL,
    "donation": ALL,
    "spend": BOTH_SIDES | {"checker"},
    "reversal": BOTH_SIDES | {"checker"},
    "gift": ALL - {"credit_account"},
}


async def test_every_kind_of_line_has_a_receipt_that_opens_what_is_the_residents_own(
    lively: Checker,
) -> None:
    lines = await lively.lines("resident-1")
    assert set(lines) == set(OPENED)
    for kind, transfer_id in lines.items():
        verified = await lively.verified("resident-1", transfer_id)
        assert (verified.entry["kind"], verified.entry["transfer"]) == (kind, transfer_id)
        assert set(verified.opened) == OPENED[kind], kind
        own = {verified.opened.get(side) for side in ("debit_account", "credit_account")}
        assert lively.here.resident_id("resident-1") in own, kind


async def test_what_a_receipt_opens_is_what_was_posted(lively: Checker) -> None:
    here = lively.here
    lines = await lively.lines("resident-1")
    opened = {
        kind: (await lively.verified("resident-1", transfer_id)).opened
        for kind, transfer_id in lines.items()
    }
    assert opened["award"]["debit_account"] == "1"
    assert opened["deduction"]["credit_account"] == "3"
    assert (opened["expiry"]["credit_account"], opened["expiry"]["maker"]) == ("2", "0")
    assert opened["spend"]["credit_account"] == here.shop_id("canteen")
    assert opened["reversal"]["debit_account"] == here.shop_id("canteen")
    assert opened["donation"]["credit_account"] == str(here.created.funds["elder_meals"])
    assert opened["saving"]["credit_account"] == opened["withdrawal"]["debit_account"]
    assert opened["donation"]["checker"] == ""


async def test_no_receipt_tells_another_persons_number(lively: Checker) -> None:
    people = await lively.people()
    staff = await staff_numbers(lively)
    assert len(people) == 6
    assert len(staff) == 8
    asked = 0
    for name, account in (("resident-1", "wallet"), ("resident-1", "savings"),
                          ("resident-2", "wallet")):  # fmt: skip
        others = staff.union(
            *(people[one] for one in people if one != lively.here.resident_id(name))
        )
        for transfer_id in (await lively.lines(name, account)).values():
            answer = await lively.receipt(name, transfer_id)
            assert answer.status_code == 200, answer.text
            assert {number for number in others if number in answer.text} == set()
            asked += 1
    assert asked == 12


async def staff_numbers(checker: Checker) -> set[str]:
    statement = "SELECT DISTINCT person_id FROM role_grants WHERE community_id = :community_id"
    async with checker.app.state.sessionmaker() as session:
        found = await session.scalars(text(statement), {"community_id": checker.here.community_id})
    return {str(number) for number in found}


async def test_a_gift_has_a_receipt_for_each_and_neither_names_the_other(lively: Checker) -> None:
    gift = (await lively.lines("resident-1"))["gift"]
    assert (await lively.lines("resident-2"))["gift"] == gift

    given = await lively.verified("resident-1", gift)
    received = await lively.verified("resident-2", gift)

    assert given.entry == received.entry
    assert given.opened["debit_account"] == lively.here.resident_id("resident-1")
    assert received.opened["credit_account"] == lively.here.resident_id("resident-2")
    assert set(received.opened) == {"checker", "credit_account", "memo", "source"}


async def test_savings_have_receipts_of_their_own_lines(lively: Checker) -> None:
    saved = await lively.lines("resident-1", "savings")
    wallet = await lively.lines("resident-1")
    assert saved == {kind: wallet[kind] for kind in ("saving", "withdrawal")}


async def test_a_receipt_is_a_file_that_is_the_same_each_time(lively: Checker) -> None:
    award = (await lively.lines("resident-1"))["award"]

    first = await lively.receipt("resident-1", award)
    again = await lively.receipt("resident-1", award)

    assert first.content == again.content
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-store"
    disposition = first.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="file.json"')
    assert disposition.endswith(f"-{award}.json")


async def test_a_line_that_was_changed_since_has_no_receipt_that_holds(lively: Checker) -> None:
    award = (await lively.lines("resident-1"))["award"]
    content = (await lively.receipt("resident-1", award)).content
    changed = json.loads(content)
    changed["entry"]["points"] += 1
    keys = await lively.keys()
    verify_receipt(read_receipt(content), keys)
    with pytest.raises(ReceiptInvalid, match="not in the sealed book"):
        verify_receipt(read_receipt(json.dumps(changed).encode()), keys)
    stranger = [replace(keys[0], public_key=bytes(32))]
    with pytest.raises(ReceiptInvalid):
        verify_receipt(read_receipt(content), stranger)


async def test_a_size_seen_on_the_board_proves_the_line_by_that_checkpoint(
    lively: Checker,
) -> None:
    before = await lively.checkpoint()
    award = (await lively.lines("resident-1"))["award"]
    await lively.here.give("resident-3", "survey")
    await lively.seal()

    newest = await lively.verified("resident-1", award)
    seen = await lively.verified("resident-1", award, size=before.size)

    assert newest.checkpoint.size == before.size + 1
    assert seen.checkpoint == before
    assert newest.index == seen.index


async def test_what_was_sealed_after_a_checkpoint_is_not_proven_by_it(lively: Checker) -> None:
    before = await lively.checkpoint()
    await lively.here.give("resident-1", "mediation")
    await lively.seal()
    award = (await lively.lines("resident-1"))["award"]

    answer = await lively.receipt("resident-1", award, size=before.size)

    assert (answer.status_code, problem_code(answer)) == (409, "sealed_later")
    assert answer.json()["line_number"] == before.size + 1


async def test_what_waits_to_be_sealed_has_no_receipt_yet(checker: Checker) -> None:
    await checker.here.give("resident-1", "survey")
    award = (await checker.lines("resident-1"))["award"]

    answer = await checker.receipt("resident-1", award)

    assert (answer.status_code, problem_code(answer)) == (409, "not_sealed_yet")
    assert answer.headers["retry-after"] == "60"
    await checker.seal()
    assert (await checker.verified("resident-1", award)).index == 0


async def test_another_ones_line_is_as_unknown_as_none(
    lively: Checker, elsewhere: Neighbourhood
) -> None:
    lines = await lively.lines("resident-1")
    for transfer_id in (lines["award"], lines["saving"], lines["spend"], "1", "0", str(2**63 - 1)):
        answer = await lively.receipt("resident-2", transfer_id)
        assert (answer.status_code, problem_code(answer)) == (404, "transfer_unknown")
    stranger = await elsewhere.caller("resident-1")
    for transfer_id in lines.values():
        answer = await stranger.get(f"/v1/me/statement/{transfer_id}/receipt")
        assert (answer.status_code, problem_code(answer)) == (404, "transfer_unknown")


@pytest.mark.parametrize("size", [1, 2**63 - 1])
async def test_a_size_without_a_checkpoint_proves_nothing(lively: Checker, size: int) -> None:
    award = (await lively.lines("resident-1"))["award"]
    answer = await lively.receipt("resident-1", award, size=size)
    assert (answer.status_code, problem_code(answer)) == (404, "checkpoint_unknown")


@pytest.mark.parametrize("size", ["0", "-1", "x", str(2**63)])
async def test_a_size_that_cannot_be_is_refused(checker: Checker, size: str) -> None:
    answer = await checker.receipt("resident-1", "1", size=size)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_once_the_other_one_is_forgotten_a_receipt_opens_what_can_still_be_opened(
    lively: Checker, session: AsyncSession
) -> None:
    gift = (await lively.lines("resident-1"))["gift"]
    before = await lively.verified("resident-1", gift)
    key = {"community_id": lively.here.community_id, "transfer_id": int(gift)}
    where = "WHERE community_id = :community_id AND transfer_id = :transfer_id"
    salt = await session.scalar(text(f"SELECT salt FROM transfers {where}"), key)  # noqa: S608
    assert salt is not None
    gone = {"credit_account", "memo", "checker"}
    kept = {
        name: {"hash": before.entry["hidden"][name]}
        if name in gone
        else {"salt": field_salt(salt, name)}
        for name in ALL
    }
    unlink = (
        "INSERT INTO unlinked_transfers VALUES"
        " (:community_id, :transfer_id, CAST(:kept AS jsonb), now())"
    )
    await session.execute(text(unlink), {**key, "kept": json.dumps(kept)})
    await session.execute(text(f"UPDATE transfers SET salt = NULL {where}"), key)  # noqa: S608
    await session.commit()

    after = await lively.verified("resident-1", gift)

    assert after.entry == before.entry
    assert set(after.opened) == {"debit_account", "maker", "source"}
    assert set(before.opened) == set(after.opened) | {"memo", "checker"}
    receipt = read_receipt((await lively.receipt("resident-1", gift)).content)
    for name, opened in receipt.opened.items():
        assert hidden_hash(opened.salt, opened.value) == before.entry["hidden"][name]


async def test_a_receipt_is_proven_by_the_key_of_its_own_community_only(lively: Checker) -> None:
    award = (await lively.lines("resident-1"))["award"]
    receipt = read_receipt((await lively.receipt("resident-1", award)).content)
    [key] = await lively.keys()
    assert key.kind is KeyKind.LOG
    other = replace(key, name=key.name + "1")
    with pytest.raises(ReceiptInvalid) as refused:
        verify_receipt(receipt, [other])
    assert isinstance(refused.value.__cause__, NoteInvalid)
