"""A sealed book made in memory, by the code that seals real ones, and receipts out of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.database import Record
from app.ledger.seals.entries import canonical, entry_of, field_salt, hidden_values
from app.ledger.seals.merkle import inclusion_path, leaf_hash, root_of
from app.ledger.seals.notes import Checkpoint, KeyKind, cosign, sign_checkpoint, verifier_key
from app.ledger.seals.receipts import FORMAT, write_proof

COMMUNITY = 3
ORIGIN = f"points.example.cn/communities/{COMMUNITY}"
WITNESS = "street-office.example.cn"
POSTED_AT = datetime(2026, 11, 22, 7, 10, tzinfo=UTC)
MEMOS = ("", "志愿服务 2 小时", '“引号”"\\/\t\n', "𠮷\u2028é\x7f", "\x01\x1f")


@dataclass(frozen=True)
class Transfer:
    """What an entry is made of, as the book's row has it."""

    transfer_id: int
    memo: str
    points: int
    salt: bytes
    checker_id: int | None
    reverses_transfer_id: int | None
    community_id: int = COMMUNITY
    posting_id: int = 7_000_000_000_000_000_001
    kind: str = "earn"
    leg: int = 0
    occurred_at: datetime = POSTED_AT - timedelta(hours=1)
    posted_at: datetime = POSTED_AT
    rule_version_id: int | None = 12
    source_kind: str = "activity"
    credit_account_id: int = 41
    debit_account_id: int = 42
    maker_id: int = 43
    source_id: int = 44


def private_key(of: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(of.encode()).digest())


LOG = private_key("log")
LOG_KEY = str(verifier_key(ORIGIN, KeyKind.LOG, LOG))
OTHER_LOG_KEY = str(verifier_key(ORIGIN, KeyKind.LOG, private_key("other log")))
WITNESS_KEY = str(verifier_key(WITNESS, KeyKind.WITNESS, private_key("witness")))


def transfer(number: int) -> Record:
    row = Transfer(
        transfer_id=1000 + number,
        memo=MEMOS[number % len(MEMOS)],
        points=5 * number - 20,
        salt=sha256(f"salt {number}".encode()).digest()[:16],
        checker_id=None if number % 3 else 45,
        reverses_transfer_id=None if number % 4 else 900 + number,
    )
    return cast("Record", row)


@cache
def leaves(count: int) -> list[bytes]:
    return [leaf_hash(canonical(entry_of(transfer(number)))) for number in range(count)]


@cache
def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(leaves(size)))


def signed(head: Checkpoint) -> str:
    """Return the note, signed by two keys of the log as in a rotation."""
    return sign_checkpoint(head, [private_key("retired log"), LOG])


def countersigned(head: Checkpoint) -> str:
    return signed(head) + cosign(head, WITNESS, private_key("witness"), now=POSTED_AT)


def proof(index: int, size: int, note: str) -> str:
    path = [root_of(leaves(size)[start:end]) for start, end in inclusion_path(index, size)]
    return write_proof(index, path, note)


def receipt(index: int, size: int, *, opened: tuple[str, ...] = ("memo",)) -> dict[str, Any]:
    """Return the receipt of a leaf, as JSON, with these fields opened."""
    sealed = transfer(index)
    values = hidden_values(sealed)
    return {
        "format": FORMAT,
        "entry": entry_of(sealed),
        "opened": {
            name: {"salt": field_salt(sealed.salt, name), "value": values[name]} for name in opened
        },
        "proof": proof(index, size, countersigned(checkpoint(size))),
    }


def write(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1)
