"""Checkpoints in JavaScript: who signed them, and that one grew out of another."""

from base64 import b64decode
from random import Random
from typing import Any

from app.ledger.seals.merkle import consistency_path, is_consistent, root_of
from app.ledger.seals.notes import Checkpoint, KeyKind, sign_checkpoint, verifier_key
from app.ledger.seals.receipts import encode
from tests.verifier_js.node import ask, ask_all, codes
from tests.verifier_js.sealed import (
    LOG,
    LOG_KEY,
    ORIGIN,
    OTHER_LOG_KEY,
    WITNESS_KEY,
    checkpoint,
    countersigned,
    leaves,
    private_key,
    signed,
)

LARGEST = 40


def path(old: int, new: int) -> list[str]:
    spans = consistency_path(old, new)
    return [encode(root_of(leaves(new)[start:end])) for start, end in spans]


def growth(old: int, new: int, hashes: list[Any] | None = None) -> tuple[Any, ...]:
    notes = (signed(checkpoint(old)), signed(checkpoint(new)))
    return (*notes, path(old, new) if hashes is None else hashes, [LOG_KEY])


def test_a_checkpoint_opens_with_the_logs_key_alone() -> None:
    [opened] = ask_all("openCheckpoint", [(countersigned(checkpoint(9)), [LOG_KEY])])
    assert (opened["origin"], opened["size"]) == (ORIGIN, 9)
    assert opened["root"] == encode(checkpoint(9).root)
    others: list[list[str]] = [[OTHER_LOG_KEY], [WITNESS_KEY], []]
    notes = [(countersigned(checkpoint(9)), keys) for keys in others]
    assert codes(ask("openCheckpoint", notes)) == ["not_signed"] * 3


def test_no_character_of_a_checkpoint_can_be_changed() -> None:
    note = sign_checkpoint(checkpoint(9), [LOG])
    changed = [
        (f"{note[:at]}{new}{note[at + 1 :]}", [LOG_KEY])
        for at in range(len(note))
        for new in ("", "A", "\n", "\ud800")
        if note[at] != new
    ]
    assert None not in codes(ask("openCheckpoint", changed))


def test_what_is_no_text_is_no_checkpoint() -> None:
    given: list[tuple[Any, ...]] = [
        (None, [LOG_KEY]),
        (5, [LOG_KEY]),
        ({}, [LOG_KEY]),
        ("", [LOG_KEY]),
    ]
    assert codes(ask("openCheckpoint", given)) == ["checkpoint_malformed"] * 4


def test_every_book_begins_with_every_smaller_one() -> None:
    sizes = [(old, new) for new in range(LARGEST) for old in range(new + 1) if (old + new) % 3 == 0]
    found = ask_all("verifyConsistency", [growth(old, new) for old, new in sizes])
    assert [(each["old"]["size"], each["new"]["size"]) for each in found] == sizes


def test_a_path_that_is_changed_proves_what_it_proves_in_python() -> None:
    random = Random(6962)  # noqa: S311 - to repeat
    calls, expected = [], []
    for _ in range(200):
        old, new = random.randrange(LARGEST), random.randrange(LARGEST)
        hashes = path(min(old, new), max(old, new))
        at = random.randrange(len(hashes) + 1)
        replaced = random.choices([*hashes, encode(leaves(3)[0])], k=random.randrange(2))
        hashes[at : at + random.randrange(3)] = replaced
        calls.append(growth(old, new, hashes))
        roots = checkpoint(old).root, checkpoint(new).root
        expected.append(is_consistent(old, new, *roots, [b64decode(found) for found in hashes]))
    answers = ask("verifyConsistency", calls)
    assert [answer is None for answer in codes(answers)] == expected
    assert set(codes(answers)) == {None, "not_consistent"}


def test_a_book_that_was_rewritten_does_not_begin_with_the_old_one() -> None:
    rewritten = Checkpoint(ORIGIN, 9, root_of([leaves(1)[0], *leaves(9)[:-1]]))
    calls = [
        (signed(checkpoint(old)), signed(rewritten), path(old, 9), [LOG_KEY])
        for old in range(2, 10)
    ]
    assert codes(ask("verifyConsistency", calls)) == ["not_consistent"] * 8


def test_of_two_empty_books_one_with_a_root_is_refused() -> None:
    empty, strange = checkpoint(0), Checkpoint(ORIGIN, 0, checkpoint(1).root)
    pairs = [(empty, strange), (strange, strange), (strange, checkpoint(1))]
    calls = [(signed(old), signed(new), list[str](), [LOG_KEY]) for old, new in pairs]
    assert codes(ask("verifyConsistency", calls)) == ["not_consistent"] * 3


def test_books_of_two_logs_are_not_compared() -> None:
    head = Checkpoint("points.example.cn/communities/4", 9, checkpoint(9).root)
    keys = [LOG_KEY, str(verifier_key(head.origin, KeyKind.LOG, private_key("fourth")))]
    note = sign_checkpoint(head, [private_key("fourth")])
    calls = [(signed(checkpoint(8)), note, path(8, 9), keys)]
    assert codes(ask("verifyConsistency", calls)) == ["other_community"]


def test_a_path_is_made_of_hashes() -> None:
    for hashes in (["A"], [encode(b"short")], path(4, 9) * 64, [None], [5]):
        calls = [growth(4, 9, hashes)]
        assert codes(ask("verifyConsistency", calls)) == ["proof_malformed"]
