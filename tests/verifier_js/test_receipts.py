"""Receipts in JavaScript: what Python accepts, and nothing that Python refuses."""

import json
from random import Random
from typing import Any

import pytest

from app.ledger.seals.entries import HIDDEN
from app.ledger.seals.notes import Checkpoint, parse_verifier_key, print_root
from app.ledger.seals.receipts import ReceiptInvalid, read_receipt, verify_receipt
from tests.verifier_js.mutations import FORGERIES, mutated
from tests.verifier_js.node import ask, ask_all, codes
from tests.verifier_js.sealed import (
    LOG_KEY,
    OTHER_LOG_KEY,
    WITNESS,
    WITNESS_KEY,
    checkpoint,
    countersigned,
    proof,
    receipt,
    signed,
    write,
)

TRUSTED = {"keys": [OTHER_LOG_KEY, LOG_KEY], "witnesses": [WITNESS_KEY]}
SIZE = 21


def in_python(text: str) -> dict[str, Any] | None:
    """Return what a receipt proves, in the words of the JavaScript; None if nothing."""
    try:
        verified = verify_receipt(
            read_receipt(text.encode()),
            [parse_verifier_key(key) for key in TRUSTED["keys"]],
            [parse_verifier_key(key) for key in TRUSTED["witnesses"]],
        )
    except ReceiptInvalid:
        return None
    root = verified.checkpoint.text.split("\n")[2]
    return {
        "entry": verified.entry,
        "opened": verified.opened,
        "index": verified.index,
        "checkpoint": {
            "origin": verified.checkpoint.origin,
            "size": verified.checkpoint.size,
            "root": root,
            "printedRoot": print_root(verified.checkpoint.root),
        },
        "witnesses": [
            {"witness": found.witness, "signedAt": f"{found.signed_at:%Y-%m-%dT%H:%M:%S.000Z}"}
            for found in verified.witnesses
        ],
    }


def verify(*receipts: str) -> list[dict[str, Any]]:
    return ask("verifyReceipt", [(text, TRUSTED) for text in receipts])


def same_in_python(receipts: list[str]) -> list[dict[str, Any] | None]:
    """Check that both say the same of each receipt, and return what they say."""
    found = [answer.get("answer") for answer in verify(*receipts)]
    expected = [in_python(text) for text in receipts]
    differing = [
        text for text, one, other in zip(receipts, found, expected, strict=True) if one != other
    ]
    assert differing == []
    return found


def test_every_receipt_of_a_book_verifies_with_the_facts_that_python_reads() -> None:
    receipts = [
        write(receipt(index, size, opened=HIDDEN[: index % (len(HIDDEN) + 1)]))
        for size in (1, 2, 3, 7, 8, 9, SIZE)
        for index in range(size)
    ]
    found = same_in_python(receipts)
    assert len(found) == 51
    assert None not in found
    first = found[0] or {}
    assert first["witnesses"] == [{"witness": WITNESS, "signedAt": "2026-11-22T07:10:00.000Z"}]


def test_a_witness_is_told_of_only_if_it_is_known() -> None:
    text = write(receipt(4, SIZE))
    [answer] = ask_all("verifyReceipt", [(text, {"keys": [LOG_KEY]})])
    assert answer["witnesses"] == []


@pytest.mark.parametrize("seed", range(8))
def test_changed_receipts_are_taken_and_refused_as_in_python(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - to repeat
    found = same_in_python([mutated(random, receipt(seed, SIZE)) for _ in range(120)])
    accepted = [answer for answer in found if answer is not None]
    assert 5 < len(accepted) < 60


@pytest.mark.parametrize("reason", FORGERIES)
def test_a_forgery_is_refused_for_what_is_wrong_with_it(reason: str) -> None:
    texts = [forge(receipt(5, SIZE)) for forge in FORGERIES[reason]]
    assert [in_python(text) for text in texts] == [None] * len(texts)
    assert codes(verify(*texts)) == [reason] * len(texts)


def test_a_resident_is_told_why_in_chinese_and_a_developer_in_english() -> None:
    changed = receipt(5, SIZE)
    changed["entry"]["points"] += 1
    [answer] = verify(write(changed))
    assert answer["refused"] == {
        "error": "ReceiptInvalid",
        "code": "not_included",
        "message": "这笔记账不在存证的账本里：被改动过，或从未入账",
        "messageEn": "the entry is not in the book",
    }


def test_a_receipt_up_to_the_limit_is_read_and_none_beyond() -> None:
    text = write(receipt(3, SIZE))
    room = 65_536 - len(text.encode())
    found = same_in_python([text + " " * room, text + " " * (room + 1)])
    assert [answer is None for answer in found] == [False, True]


def test_numbers_that_are_not_exact_in_javascript_are_refused() -> None:
    # Python would read them; no book has so many lines.
    head = Checkpoint(checkpoint(1).origin, 2**53, checkpoint(1).root)
    in_size, in_index = receipt(0, 1), receipt(0, 1)
    in_size["proof"] = proof(0, 1, signed(head))
    in_index["proof"] = in_index["proof"].replace("index 0", f"index {2**53}")
    assert codes(verify(write(in_size), write(in_index))) == ["number_too_large"] * 2


@pytest.mark.parametrize(
    "key",
    [
        "",
        "+",
        "name",
        LOG_KEY[:-1],
        LOG_KEY.replace("points", "point"),
        LOG_KEY.replace("+", " +", 1),
        LOG_KEY.upper(),
        "a+00000000+AQ==",
    ],
)
def test_a_key_that_is_none_is_refused(key: str) -> None:
    text = write(receipt(5, SIZE))
    calls = [(text, {"keys": [key]}), (text, {"keys": [LOG_KEY], "witnesses": [key]})]
    assert codes(ask("verifyReceipt", calls)) == ["key_malformed"] * 2


def test_space_around_a_key_does_no_harm() -> None:
    trusted = {"keys": [f" \u3000\n{LOG_KEY}\n"], "witnesses": []}
    [answer] = ask_all("verifyReceipt", [(json.dumps(receipt(5, SIZE)), trusted)])
    assert answer["index"] == 5


def test_a_key_of_the_log_is_no_witness() -> None:
    text = write(receipt(5, SIZE))
    trusted = {"keys": [LOG_KEY], "witnesses": [LOG_KEY]}
    assert codes(ask("verifyReceipt", [(text, trusted)])) == ["cosignature_wrong"]
    assert countersigned(checkpoint(SIZE)) in json.loads(text)["proof"]
