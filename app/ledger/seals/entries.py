"""What is sealed of a transfer: one JSON object in its canonical form (RFC 8785).

Who was concerned, and in which words, stands in it only as salted hashes. Each has a salt of its
own, derived from the transfer's: whoever is given a value and its salt can check that one and
none of the others, and once the transfer's salt is erased nobody can say any more whose it was.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from app.core.database import Record

VERSION = 1
HIDDEN = ("checker", "credit_account", "debit_account", "maker", "memo", "source")
PLAIN = (
    "community", "kind", "leg", "occurred_at", "points", "posted_at", "posting", "reverses",
    "rule_version", "source_kind", "transfer",
)  # fmt: skip

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)

Kept = Mapping[str, Mapping[str, str]]


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the one way to write an entry: of whole numbers, texts, nulls and objects only.

    Names are ASCII, which Python and RFC 8785 put in the same order.
    """
    return _encoder.encode(entry).encode()


def entry_of(transfer: Record, *, kept: Kept | None = None) -> dict[str, Any]:
    """Return what is sealed of a transfer; of one whose salt was erased, from what was `kept`."""
    salt, values = transfer.salt, hidden_values(transfer)
    hidden = {
        name: _hash(_salt(salt, name), value) if kept is None else _kept_hash(kept[name], value)
        for name, value in values.items()
    }
    return {
        "community": str(transfer.community_id),
        "hidden": hidden,
        "kind": transfer.kind,
        "leg": transfer.leg,
        "occurred_at": moment(transfer.occurred_at),
        "points": transfer.points,
        "posted_at": moment(transfer.posted_at),
        "posting": str(transfer.posting_id),
        "reverses": _number(transfer.reverses_transfer_id),
        "rule_version": _number(transfer.rule_version_id),
        "source_kind": transfer.source_kind,
        "transfer": str(transfer.transfer_id),
        "version": VERSION,
    }


def hidden_values(transfer: Record) -> dict[str, str]:
    return {
        "checker": _number(transfer.checker_id) or "",
        "credit_account": str(transfer.credit_account_id),
        "debit_account": str(transfer.debit_account_id),
        "maker": str(transfer.maker_id),
        "memo": transfer.memo,
        "source": str(transfer.source_id),
    }


def field_salt(salt: bytes, name: str) -> str:
    """Return the salt of one field, in hex."""
    return _salt(salt, name).hex()


def hidden_hash(salt: str, value: str) -> str:
    """Return what stands in the entry for a value, in hex."""
    return _hash(bytes.fromhex(salt), value)


def moment(value: datetime) -> str:
    """Return a time as entries write it: UTC, microseconds always."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _salt(salt: bytes, name: str) -> bytes:
    return sha256(salt + name.encode()).digest()


def _hash(salt: bytes, value: str) -> str:
    return sha256(salt + value.encode()).hexdigest()


def _kept_hash(kept: Mapping[str, str], value: str) -> str:
    return kept["hash"] if "hash" in kept else hidden_hash(kept["salt"], value)


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)
