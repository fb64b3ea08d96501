"""Checkpoints as signed notes: C2SP signed-note, tlog-checkpoint and tlog-cosignature, Ed25519.

A checkpoint says how many leaves a log has and what its root is. The log signs it; a witness
countersigns, with the time, that it grew out of every one the witness had seen before.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from typing_extensions import override

from app.ledger.seals.merkle import HASH_BYTES

KEY_BYTES = 32
ID_BYTES = 4
SIGNATURE_BYTES = 64
TIME_BYTES = 8
MOST_BYTES = 16_384
MOST_SIGNATURES = 64
# Halves of characters are no text that could be signed or stored.
_NAME = r"[^\s+\ud800-\udfff]+"
_name = re.compile(_NAME)
_size = re.compile(r"0|[1-9][0-9]{0,18}")
_signature_line = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/]+={{0,2}})")
_unreadable = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class NoteInvalid(Exception):
    """A note, key or signature that is not what it should be; the message says what is wrong."""


class KeyKind(IntEnum):
    """What a key signs: notes as their author, or what others wrote as a witness."""

    LOG = 1
    WITNESS = 4


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under, written `name+id+key`."""

    name: str
    kind: KeyKind
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return sha256(material).digest()[:ID_BYTES]

    @override
    def __str__(self) -> str:
        key = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, the number of its leaves and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word, and when it was given."""

    witness: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note, not yet checked."""

    name: str
    key_id: bytes
    body: bytes

    @override
    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.body).decode()}\n"


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+id+key`; raises NoteInvalid."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    material = decode(encoded)
    if len(material) != 1 + KEY_BYTES or material[0] not in {kind.value for kind in KeyKind}:
        raise NoteInvalid("the key is not an Ed25519 key of a log or a witness")
    if _name.fullmatch(name) is None:
        raise NoteInvalid("the key's name is not one that a note can have")
    key = VerifierKey(name, KeyKind(material[0]), material[1:])
    if key.key_id.hex() != key_id:
        raise NoteInvalid("the key's id does not fit its name")
    return key


def verifier_key(name: str, kind: KeyKind, private_key: Ed25519PrivateKey) -> VerifierKey:
    return VerifierKey(name, kind, private_key.public_key().public_bytes_raw())


def sign_checkpoint(checkpoint: Checkpoint, private_keys: Sequence[Ed25519PrivateKey]) -> str:
    """Return the note, signed by the log with each key."""
    lines = []
    for private_key in private_keys:
        key = verifier_key(checkpoint.origin, KeyKind.LOG, private_key)
        signature = private_key.sign(checkpoint.text.encode())
        lines.append(str(Signature(key.name, key.key_id, signature)))
    return f"{checkpoint.text}\n{''.join(lines)}"


def cosign(
    checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey, *, now: datetime
) -> str:
    """Return the line by which a witness countersigns; it must have checked consistency."""
    key = verifier_key(name, KeyKind.WITNESS, private_key)
    time = int(now.timestamp())
    signature = private_key.sign(_cosigned(checkpoint, time))
    return str(Signature(name, key.key_id, time.to_bytes(TIME_BYTES, "big") + signature))


def open_checkpoint(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return what a note says that one of the log's keys signed; raises NoteInvalid.

    Signatures by other keys are passed over, but a wrong one by a known key spoils the note.
    """
    checkpoint, signatures = parse_note(note)
    is_signed = False
    for signature in signatures:
        for key in keys:
            is_own = key.kind is KeyKind.LOG and key.name == checkpoint.origin
            if is_own and (signature.name, signature.key_id) == (key.name, key.key_id):
                if not key.verifies(signature.body, checkpoint.text.encode()):
                    raise NoteInvalid(f"the signature of {key.name} is wrong")
                is_signed = True
    if not is_signed:
        raise NoteInvalid("no key that is trusted has signed the checkpoint")
    return checkpoint


def cosignatures(note: str, witnesses: Sequence[VerifierKey]) -> list[Cosignature]:
    """Return which of these witnesses have countersigned, each once and when it last did.

    Raises NoteInvalid for a wrong countersignature by one of them.
    """
    checkpoint, signatures = parse_note(note)
    found: dict[VerifierKey, Cosignature] = {}
    for signature in signatures:
        for key in witnesses:
            if (signature.name, signature.key_id) == (key.name, key.key_id):
                read = read_cosignature(signature, checkpoint, key)
                found[key] = max(found.get(key, read), read, key=lambda each: each.signed_at)
    return list(found.values())


def read_cosignature(signature: Signature, checkpoint: Checkpoint, key: VerifierKey) -> Cosignature:
    """Check a witness's line under a checkpoint; raises NoteInvalid."""
    time = int.from_bytes(signature.body[:TIME_BYTES], "big")
    is_whole = len(signature.body) == TIME_BYTES + SIGNATURE_BYTES
    is_right = (
        is_whole
        and key.kind is KeyKind.WITNESS
        and key.verifies(signature.body[TIME_BYTES:], _cosigned(checkpoint, time))
    )
    if not is_right:
        raise NoteInvalid(f"the countersignature of {key.name} is wrong")
    try:
        return Cosignature(key.name, datetime.fromtimestamp(time, UTC))
    except (OverflowError, ValueError, OSError) as impossible:
        raise NoteInvalid(f"the countersignature of {key.name} has no date") from impossible


def parse_note(note: str) -> tuple[Checkpoint, list[Signature]]:
    """Take a note apart without checking any signature; raises NoteInvalid."""
    text, divider, lines = note.rpartition("\n\n")
    is_readable = not _unreadable.search(note) and len(note.encode()) <= MOST_BYTES
    if not is_readable or not divider or not lines.endswith("\n"):
        raise NoteInvalid("this is not a signed note")
    signatures = [parse_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > MOST_SIGNATURES:
        raise NoteInvalid(f"a note has at most {MOST_SIGNATURES} signatures")
    return _parse_text(f"{text}\n"), signatures


def parse_signature(line: str) -> Signature:
    """Read a line under a note; raises NoteInvalid."""
    match = _signature_line.fullmatch(line.removesuffix("\n"))
    content = decode(match[2]) if match else b""
    if match is None or len(content) <= ID_BYTES:
        raise NoteInvalid("a signature line is malformed")
    return Signature(match[1], content[:ID_BYTES], content[ID_BYTES:])


def decode(text: str) -> bytes:
    """Decode base64 as it would be written, no other way; raises NoteInvalid."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise NoteInvalid("something is not base64") from malformed
    if base64.b64encode(content).decode() != text:
        raise NoteInvalid("something is not base64 as it should be written")
    return content


def print_root(root: bytes) -> str:
    """Return a root as people compare it: no letter of it looks like a digit."""
    digits = root.hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _parse_text(text: str) -> Checkpoint:
    origin, size, root, *_extensions = [*text.split("\n"), "", ""]
    if not origin or _size.fullmatch(size) is None:
        raise NoteInvalid("this is not a checkpoint")
    checkpoint = Checkpoint(origin, int(size), decode(root))
    # Nothing else stands in ours, and whoever signs would sign what nobody has read.
    if len(checkpoint.root) != HASH_BYTES or checkpoint.text != text:
        raise NoteInvalid("this is not a checkpoint of three lines")
    return checkpoint


def _cosigned(checkpoint: Checkpoint, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
