"""`gridpoints verify`: check a receipt offline, with nothing but public keys.

Every line is in Chinese and English: whoever checks is as likely a resident as an auditor.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.cli.note_keys import trusted_keys
from app.cli.plain import plain_app
from app.ledger.seals.notes import (
    MOST_BYTES,
    Checkpoint,
    KeyKind,
    NoteInvalid,
    VerifierKey,
    cosignatures,
    open_checkpoint,
    print_root,
)
from app.ledger.seals.receipts import MOST_BYTES as MOST_RECEIPT_BYTES
from app.ledger.seals.receipts import ReceiptInvalid, Verified, read_receipt, verify_receipt
from app.ledger.statement.wording import KIND_TITLES

app = plain_app()
HIDDEN_LABELS = {
    "memo": "memo 摘要",
    "debit_account": "from account 转出账户",
    "credit_account": "to account 转入账户",
    "maker": "made by 经办人",
    "checker": "checked by 复核人",
    "source": "source number 来源编号",
}
# Wide, and unlike other spaces harmless on a terminal.
FULL_WIDTH_SPACE = "\u3000"

ReceiptFile = Annotated[
    Path,
    typer.Argument(
        metavar="RECEIPT",
        help="The receipt's file; - reads standard input.",
    ),
]
Keys = Annotated[
    list[str],
    typer.Option(
        "--key",
        metavar="KEY",
        help="A public key of the community's book, name+id+key, or @FILE with one a line. "
        "Repeat it to trust several, as after a rotation.",
    ),
]
Witnesses = Annotated[
    list[str] | None,
    typer.Option(
        "--witness", metavar="KEY", help="The public key of a witness you trust, or @FILE; repeat."
    ),
]
Need = Annotated[
    int, typer.Option(min=0, help="How many of those witnesses must have countersigned.")
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="A checkpoint you copied earlier, as from the notice board: the receipt must be "
        "proved in exactly that tree.",
    ),
]


class NotProved(Exception):
    """The receipt does not prove what was asked; the message says why."""


@app.command()
def verify(
    receipt: ReceiptFile,
    keys: Keys,
    witnesses: Witnesses = None,
    need: Need = 0,
    checkpoint: CheckpointFile = None,
) -> None:
    """Check a receipt offline, by the file and the public key alone.

    A receipt proves that one line of the points book was sealed, where it stands in the book,
    and that nobody has changed it since. No account, database or network is needed: take the
    book's public key from where you trust it, such as the printed notice, not from the receipt.
    只凭凭证文件和公钥，离线核验一笔积分是否封存在账本中。

    A signature shows what the operator says now. That everybody is told the same, and that the
    book was never rewritten, is shown by a checkpoint copied earlier (--checkpoint) or by
    witnesses who watch the book grow (--witness with --need). A line that was taken back stays
    sealed: what a receipt shows is not what somebody holds today.

    \b
      gridpoints verify receipt.json --key @book-key.txt
      gridpoints verify receipt.json --key NAME+ID+KEY --checkpoint notice.txt
      gridpoints verify - --key @book-key.txt --witness @witnesses.txt --need 2

    Exit status: 0 proved, 1 not proved, 2 used wrongly.
    """  # noqa: D301 - typer's mark for lines to leave as they are
    log_keys = trusted_keys(keys, KeyKind.LOG, "--key")
    witness_keys = trusted_keys(witnesses or (), KeyKind.WITNESS, "--witness")
    if need > len({key.name for key in witness_keys}):
        raise typer.BadParameter("name at least as many witnesses.", param_hint="--need")
    copied = None if checkpoint is None else _read(checkpoint, MOST_BYTES)
    content = _read(receipt, MOST_RECEIPT_BYTES)
    try:
        proved = verify_receipt(read_receipt(content), log_keys, witness_keys)
        countersigned = {found.witness: found.signed_at for found in proved.witnesses}
        if copied is not None:
            countersigned |= _compare(proved, copied, log_keys, witness_keys)
        if len(countersigned) < need:
            _refuse(f"{len(countersigned)} of {need} witnesses have countersigned the checkpoint")
    except (ReceiptInvalid, NotProved) as refused:
        typer.echo(f"Not proved 未能证明: {printable(str(refused))}", err=True)
        raise typer.Exit(1) from None
    for line in _findings(proved, countersigned, is_copied=copied is not None):
        typer.echo(printable(line))


def _read(path: Path, most: int) -> bytes:
    """Return what a file or standard input holds, but a byte more than it may at most."""
    if str(path) == "-":
        return sys.stdin.buffer.read(most + 1)
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as failure:
        raise typer.BadParameter(f"{path}: {failure.strerror}.") from failure


def printable(text: str) -> str:
    """Return a text that cannot steer the terminal; it may come from a stranger's file."""
    return "".join(
        sign if sign.isprintable() or sign == FULL_WIDTH_SPACE else f"\\u{ord(sign):04x}"
        for sign in text
    )


def _compare(
    proved: Verified, content: bytes, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey]
) -> dict[str, datetime]:
    """Check that the tree is the one copied; return who countersigned that copy, and when."""
    try:
        # What was copied by hand may end in fewer or more line breaks, or be a file of Windows.
        note = content.decode("utf-8-sig").replace("\r\n", "\n").strip("\n ") + "\n"
        copied = open_checkpoint(note, keys)
        countersigned = cosignatures(note, witnesses)
    except UnicodeDecodeError:
        _refuse("the copied checkpoint is not a text")
    except NoteInvalid as wrong:
        raise NotProved(f"the copied checkpoint: {wrong}") from wrong
    if copied != proved.checkpoint:
        _refuse(_difference(proved, copied))
    return {found.witness: found.signed_at for found in countersigned}


def _difference(proved: Verified, copied: Checkpoint) -> str:
    shown = proved.checkpoint
    if copied.origin != shown.origin:
        return f"the receipt is of {shown.origin}, the copied checkpoint of {copied.origin}"
    if copied.size <= proved.index:
        return (
            f"the line was sealed as number {proved.index + 1}, after the copied checkpoint of "
            f"{copied.size} lines: copy a newer one"
        )
    if copied.size != shown.size:
        return (
            f"the receipt is proved in the tree of {shown.size} lines, the copied checkpoint is "
            f"of {copied.size}: ask for the receipt again with ?size={copied.size}"
        )
    return (
        f"TWO DIFFERENT BOOKS of {shown.size} lines are signed by the same log: the receipt's "
        "and the copied one. The book was rewritten. Keep both files and show them to others"
    )


def _findings(
    proved: Verified, countersigned: dict[str, datetime], *, is_copied: bool
) -> Iterator[str]:
    entry, checkpoint = proved.entry, proved.checkpoint
    kind = entry["kind"]
    yield "Proved: this line is sealed in the book, unchanged."
    yield "已证明：该笔记录已封存在账本中，未被改动。"
    yield f"  kind 类别: {kind} {KIND_TITLES.get(kind, '')}".rstrip()
    yield f"  points 积分: {entry['points']}"
    yield f"  happened 发生时间: {entry['occurred_at']}"
    yield f"  posted 入账时间: {entry['posted_at']}"
    yield f"  transfer 流水号: {entry['transfer']}"
    if entry["reverses"] is not None:
        yield f"  takes back 撤销流水: {entry['reverses']}"
    for name, label in HIDDEN_LABELS.items():
        if name in proved.opened:
            yield f"  {label}: {proved.opened[name] or '-'}"
    closed = [label for name, label in HIDDEN_LABELS.items() if name not in proved.opened]
    if closed:
        yield f"  not opened 未公开: {', '.join(closed)}"
    yield f"  book 账本: {checkpoint.origin}"
    yield f"  line number 序号: {proved.index + 1} (of 共 {checkpoint.size})"
    yield f"  root 根哈希: {print_root(checkpoint.root)}"
    if is_copied:
        yield "  compared 已比对: with the checkpoint you copied 与您抄录的存证点一致"
    for witness, signed_at in sorted(countersigned.items()):
        yield f"  witness 见证: {witness} {signed_at:%Y-%m-%dT%H:%M:%SZ}"
    if not countersigned:
        yield "  witness 见证: none checked 未核验"


def _refuse(reason: str) -> NoReturn:
    raise NotProved(reason)
