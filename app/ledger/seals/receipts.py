"""A receipt: one line of the book, and the proof that it is sealed, for anyone to check offline.

A JSON file: the sealed `entry`, the values that are `opened` with their salts, and `proof` as
C2SP tlog-proof, which ends in a signed checkpoint. With the log's public key that is all it takes.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.ledger.seals.entries import HIDDEN, PLAIN, VERSION, canonical, hidden_hash
from app.ledger.seals.merkle import HASH_BYTES, MOST_HASHES, is_included, leaf_hash
from app.ledger.seals.notes import (
    Checkpoint,
    Cosignature,
    NoteInvalid,
    VerifierKey,
    cosignatures,
    decode,
    open_checkpoint,
)

FORMAT = "gridpoints-receipt@v1"
PROOF_FORMAT = "c2sp.org/tlog-proof@v1"
MOST_BYTES = 65_536
MOST_EXACT = 2**53
_index = re.compile(r"0|[1-9][0-9]{0,18}")


class ReceiptInvalid(Exception):
    """A receipt that proves nothing; the message says why."""


class Opened(BaseModel):
    """A hidden value and the salt that it was hashed with, in hex."""

    model_config = ConfigDict(extra="forbid", strict=True)

    salt: str = Field(pattern="^[0-9a-f]{64}$")
    value: str


class Receipt(BaseModel):
    """What the file holds; nothing of it is to be believed before it is verified."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str
    entry: dict[str, Any]
    opened: dict[str, Opened]
    proof: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt proves: the entry, the values opened, and in which tree it lies."""

    entry: Mapping[str, Any]
    opened: Mapping[str, str]
    index: int
    checkpoint: Checkpoint
    witnesses: Sequence[Cosignature]


def write_proof(index: int, path: Sequence[bytes], note: str) -> str:
    """Return the proof of a leaf as text."""
    lines = "".join(f"{encode(found)}\n" for found in path)
    return f"{PROOF_FORMAT}\nindex {index}\n{lines}\n{note}"


def read_receipt(content: bytes) -> Receipt:
    """Parse a receipt; raises ReceiptInvalid."""
    if len(content) > MOST_BYTES:
        raise ReceiptInvalid("the file is larger than any receipt")
    try:
        # Given bytes, json would read UTF-16 as well, and other readers would not.
        found = json.loads(content.decode(), object_pairs_hook=_once)
        canonical(found)  # raises where half a character stands alone
        receipt = Receipt.model_validate(found)
    except (ValueError, RecursionError, ValidationError) as malformed:
        raise ReceiptInvalid("the file is not a receipt") from malformed
    if receipt.format != FORMAT:
        raise ReceiptInvalid(f"the file is not of the format {FORMAT}")
    return receipt


def verify_receipt(
    receipt: Receipt, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> Verified:
    """Return what a receipt proves to whoever trusts these keys; raises ReceiptInvalid."""
    _check_entry(receipt.entry)
    for name, opened in receipt.opened.items():
        if receipt.entry["hidden"].get(name) != hidden_hash(opened.salt, opened.value):
            _refuse(f"the value of {name} is not the one that was sealed")
    index, path, note = _read_proof(receipt.proof)
    try:
        checkpoint = open_checkpoint(note, keys)
        countersigned = cosignatures(note, witnesses)
    except NoteInvalid as invalid:
        raise ReceiptInvalid(str(invalid)) from invalid
    if checkpoint.origin.rpartition("/")[2] != receipt.entry["community"]:
        _refuse("the checkpoint is another community's")
    leaf = leaf_hash(canonical(receipt.entry))
    if not is_included(leaf, index, checkpoint.size, path, checkpoint.root):
        _refuse("the entry is not in the sealed book: it was changed, or never there")
    opened_values = {name: opened.value for name, opened in receipt.opened.items()}
    return Verified(receipt.entry, opened_values, index, checkpoint, countersigned)


def encode(found: bytes) -> str:
    """Return a hash as proofs write it."""
    return base64.b64encode(found).decode()


def _check_entry(entry: Mapping[str, Any]) -> None:
    """Refuse what no entry of ours looks like, so that a reader may rely on its fields."""
    texts = {name for name in PLAIN if name not in {"leg", "points"}}
    hidden = entry.get("hidden")
    is_ours = (
        entry.get("version") == VERSION
        and set(entry) == {*PLAIN, "hidden", "version"}
        and all(_is_whole(entry[name]) for name in ("leg", "points", "version"))
        and all(isinstance(entry[name], str | None) for name in texts)
        and isinstance(hidden, dict)
        and set(hidden) == set(HIDDEN)
        and all(isinstance(value, str) for value in hidden.values())
    )
    if not is_ours:
        _refuse("the entry is not one of ours")


def _is_whole(value: object) -> bool:
    """Tell whether it is a number that every reader of JSON reads alike (RFC 8785, 3.2.2.3)."""
    return type(value) is int and abs(value) < MOST_EXACT


def _read_proof(proof: str) -> tuple[int, list[bytes], str]:
    head, divider, note = proof.partition("\n\n")
    first, *lines = head.split("\n")
    label, _, index = lines.pop(0).partition(" ") if lines else ("", "", "")
    if first != PROOF_FORMAT or label != "index" or not divider or not _index.fullmatch(index):
        _refuse(f"the proof is not of the format {PROOF_FORMAT}")
    if len(lines) > MOST_HASHES:
        _refuse(f"a proof has at most {MOST_HASHES} hashes")
    try:
        path = [decode(line) for line in lines]
    except NoteInvalid as invalid:
        raise ReceiptInvalid(str(invalid)) from invalid
    if any(len(found) != HASH_BYTES for found in path):
        _refuse("a hash of the proof is too short or too long")
    return int(index), path, note


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object; two values of one name would let two readers read two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a name stands twice in one object"
        raise ValueError(msg)
    return found


def _refuse(reason: str) -> NoReturn:
    raise ReceiptInvalid(reason)
