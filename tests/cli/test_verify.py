"""`gridpoints verify`: what a receipt proves, offline."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from app.cli.commands import app
from app.core.database import Record
from app.ledger.seals.entries import canonical, entry_of, field_salt, hidden_values
from app.ledger.seals.merkle import inclusion_path, leaf_hash, root_of
from app.ledger.seals.notes import (
    Checkpoint,
    KeyKind,
    cosign,
    print_root,
    sign_checkpoint,
    verifier_key,
)
from app.ledger.seals.receipts import FORMAT, write_proof

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
ORIGIN = "points.example.cn/communities/7"
WITNESSES = ("one.example.cn", "two.example.cn")


def transfer_of(number: int) -> Record:
    """Return a transfer of 30 points, as the database has it."""
    row = SimpleNamespace(
        community_id=7, kind="award", leg=0, occurred_at=NOW, points=30, posted_at=NOW,
        posting_id=number, reverses_transfer_id=None, rule_version_id=5, source_kind="by_hand",
        transfer_id=number, checker_id=None, credit_account_id=41, debit_account_id=42,
        maker_id=43, memo="修好了路灯", source_id=44, salt=bytes(16),
    )  # fmt: skip
    return cast("Record", row)


class Book:
    """Five sealed lines, receipts for them, and the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.private_key = Ed25519PrivateKey.generate()
        self.witness_keys = {name: Ed25519PrivateKey.generate() for name in WITNESSES}
        self.transfers = [transfer_of(number) for number in range(5)]
        self.key = str(verifier_key(ORIGIN, KeyKind.LOG, self.private_key))

    def vkey(self, witness: str) -> str:
        return str(verifier_key(witness, KeyKind.WITNESS, self.witness_keys[witness]))

    def leaves(self, size: int) -> list[bytes]:
        return [leaf_hash(canonical(entry_of(row))) for row in self.transfers[:size]]

    def note(self, size: int = 5, *witnesses: str) -> str:
        checkpoint = Checkpoint(ORIGIN, size, root_of(self.leaves(size)))
        lines = [cosign(checkpoint, name, self.witness_keys[name], now=NOW) for name in witnesses]
        return sign_checkpoint(checkpoint, [self.private_key]) + "".join(lines)

    def receipt(self, index: int = 2, size: int = 5, note: str | None = None) -> dict[str, Any]:
        leaves = self.leaves(size)
        path = [root_of(leaves[start:end]) for start, end in inclusion_path(index, size)]
        row = self.transfers[index]
        opened = {
            name: {"salt": field_salt(row.salt, name), "value": value}
            for name, value in hidden_values(row).items()
        }
        return {
            "format": FORMAT,
            "entry": entry_of(row),
            "opened": opened,
            "proof": write_proof(index, path, note or self.note(size)),
        }

    def file(self, name: str, content: str | dict[str, Any]) -> str:
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_bytes(text.encode())
        return str(path)

    def verify(self, receipt: dict[str, Any], *words: str) -> Result:
        """Run the command on a receipt, trusting the book's key."""
        return run(self.file("receipt.json", receipt), "--key", self.key, *words)


def run(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["verify", *words], input=stdin)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_a_receipt_proves_its_line_to_whoever_has_the_key(book: Book) -> None:
    done = book.verify(book.receipt())

    assert done.exit_code == 0, done.stderr
    for line in (
        "kind 类别: award 获得积分",
        "points 积分: 30",
        "happened 发生时间: 2026-11-18T07:00:00.000000Z",
        "memo 摘要: 修好了路灯",
        "from account 转出账户: 42",
        "to account 转入账户: 41",
        "line number 序号: 3 (of 共 5)",
        f"book 账本: {ORIGIN}",
        "witness 见证: none checked",
    ):
        assert line in done.stdout
    assert f"root 根哈希: {print_root(root_of(book.leaves(5)))}\n" in done.stdout
    assert "not opened" not in done.stdout


def test_standard_input_and_a_file_of_keys_will_do(book: Book) -> None:
    strangers = str(verifier_key(ORIGIN, KeyKind.LOG, Ed25519PrivateKey.generate()))
    keys = book.file("keys.txt", f"\ufeff{strangers}\n# the notice board\n\n{book.key}\n")

    done = run("-", "--key", f"@{keys}", stdin=json.dumps(book.receipt()).encode())

    assert done.exit_code == 0, done.stderr


def test_neither_settings_nor_a_database_are_needed(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDPOINTS_DATABASE_URL", "nonsense")
    monkeypatch.setenv("GRIDPOINTS_ACCESS_TOKEN_MINUTES", "nonsense")
    monkeypatch.setenv("GRIDPOINTS_DATA_DIR", str(book.folder / "untouched"))

    assert book.verify(book.receipt()).exit_code == 0
    assert not (book.folder / "untouched").exists()


def test_what_is_not_opened_is_said_to_be_hidden(book: Book) -> None:
    receipt = book.receipt()
    receipt["opened"] = {"memo": receipt["opened"]["memo"]}

    done = book.verify(receipt)

    assert done.exit_code == 0
    assert "memo 摘要: 修好了路灯" in done.stdout
    assert "42" not in done.stdout.split("root")[0]
    assert "not opened 未公开: from account 转出账户, to account 转入账户" in done.stdout


def test_more_points_than_were_sealed_prove_nothing(book: Book) -> None:
    receipt = book.receipt()
    receipt["entry"]["points"] = 300

    done = book.verify(receipt)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Not proved 未能证明: the entry is not in the sealed book")
    assert done.stderr.count("\n") == 1


def test_another_memo_than_was_sealed_proves_nothing(book: Book) -> None:
    receipt = book.receipt()
    receipt["opened"]["memo"]["value"] = "什么也没做"

    done = book.verify(receipt)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "the value of memo is not the one that was sealed" in done.stderr


def test_another_books_key_proves_nothing(book: Book) -> None:
    key = str(verifier_key(ORIGIN, KeyKind.LOG, Ed25519PrivateKey.generate()))

    done = run(book.file("receipt.json", book.receipt()), "--key", key)

    assert done.exit_code == 1
    assert "no key that is trusted" in done.stderr


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, "{" + " " * 70_000 + "}", "\x00"])
def test_a_file_that_is_no_receipt_is_refused_in_one_line(book: Book, content: str) -> None:
    done = run(book.file("receipt.json", content), "--key", book.key)

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "Not proved" in done.stderr


def test_a_strangers_file_does_not_steer_the_terminal(book: Book) -> None:
    receipt = book.receipt()
    receipt["opened"]["\x1b[2J"] = receipt["opened"]["memo"]
    book.transfers[2].memo = "\x1b]0;all is well\x07"

    refused, proved = book.verify(receipt), book.verify(book.receipt())

    assert refused.exit_code == 1
    assert proved.exit_code == 0
    assert "\\u001b]0;all is well\\u0007" in proved.stdout
    assert "\x1b" not in refused.stderr + proved.stdout


def test_witnesses_that_countersigned_are_named(book: Book) -> None:
    receipt = book.receipt(note=book.note(5, *WITNESSES))
    trusted = ("--witness", book.vkey(WITNESSES[0]))

    done = book.verify(receipt, *trusted, "--need", "1")

    assert done.exit_code == 0, done.stderr
    assert "witness 见证: one.example.cn 2026-11-18T07:00:00Z" in done.stdout
    assert "two.example.cn" not in done.stdout


def test_fewer_witnesses_than_needed_prove_nothing(book: Book) -> None:
    trusted = [word for name in WITNESSES for word in ("--witness", book.vkey(name))]
    once = book.note(5, WITNESSES[0])
    twice_by_one = once + once.splitlines(keepends=True)[-1]

    for note in (once, twice_by_one):
        done = book.verify(book.receipt(note=note), *trusted, "--need", "2")
        assert done.exit_code == 1
        assert "1 of 2 witnesses" in done.stderr


def test_a_copied_checkpoint_of_the_same_tree_agrees_and_brings_its_witnesses(book: Book) -> None:
    note = book.note(5, WITNESSES[0])
    copied = book.file("notice.txt", "\ufeff" + note.replace("\n", "\r\n").rstrip())

    done = book.verify(
        book.receipt(), "--checkpoint", copied, "--witness", book.vkey(WITNESSES[0]), "--need", "1"
    )

    assert done.exit_code == 0, done.stderr
    assert "compared 已比对" in done.stdout
    assert "witness 见证: one.example.cn" in done.stdout


def test_a_copied_checkpoint_of_another_size_says_what_to_ask_for(book: Book) -> None:
    copied = book.file("notice.txt", book.note(4))

    other_size = book.verify(book.receipt(index=2), "--checkpoint", copied)
    same_size = book.verify(book.receipt(index=2, size=4), "--checkpoint", copied)
    too_old = book.verify(book.receipt(index=4), "--checkpoint", copied)

    assert (other_size.exit_code, "?size=4" in other_size.stderr) == (1, True)
    assert same_size.exit_code == 0
    assert (too_old.exit_code, "copy a newer one" in too_old.stderr) == (1, True)
    assert "sealed as number 5, after the copied checkpoint of 4 lines" in too_old.stderr


def test_a_rewritten_book_is_told_by_the_copied_checkpoint(book: Book) -> None:
    copied = book.file("notice.txt", book.note())
    book.transfers[0].points = 3000

    alone = book.verify(book.receipt())
    compared = book.verify(book.receipt(), "--checkpoint", copied)

    assert alone.exit_code == 0
    assert (compared.exit_code, compared.stdout) == (1, "")
    assert "TWO DIFFERENT BOOKS of 5 lines" in compared.stderr


def test_a_copied_checkpoint_that_nobody_signed_proves_nothing(book: Book) -> None:
    for content in ("", "5", book.note().replace(ORIGIN, "elsewhere/communities/7")):
        done = book.verify(book.receipt(), "--checkpoint", book.file("notice.txt", content))
        assert done.exit_code == 1
        assert "the copied checkpoint" in done.stderr


def test_wrong_use_is_told_apart_from_a_wrong_receipt(book: Book) -> None:
    receipt = book.file("receipt.json", book.receipt())
    witness = book.vkey(WITNESSES[0])

    for words, reason in (
        ((receipt,), "--key"),
        (("nowhere.json", "--key", book.key), "nowhere.json"),
        ((receipt, "--key", "nonsense"), "Invalid value"),
        ((receipt, "--key", witness), "not the public key of a log"),
        ((receipt, "--key", "@nowhere.txt"), "cannot be read"),
        ((receipt, "--key", f"@{book.file('empty', '# none')}"), "no key in the file"),
        ((receipt, "--key", book.key, "--witness", book.key), "not the public key of a witness"),
        ((receipt, "--key", book.key, "--witness", witness, "--need", "2"), "at least as many"),
        ((receipt, "--key", book.key, "--checkpoint", "nowhere.txt"), "nowhere.txt"),
    ):
        done = run(*words)
        assert done.exit_code == 2, words
        assert reason in done.stderr


def test_the_help_says_what_is_proved_and_what_is_not() -> None:
    text = run("--help").stdout

    for words in ("name+id+key", "--checkpoint", "1 not proved", "never rewritten", "离线核验"):
        assert words in text
