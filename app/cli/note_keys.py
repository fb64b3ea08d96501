"""Keys of signed notes, as they are typed and as a witness keeps its own."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.ledger.seals.notes import (
    KEY_BYTES,
    KeyKind,
    NoteInvalid,
    VerifierKey,
    decode,
    parse_verifier_key,
    verifier_key,
)

PRIVATE = "PRIVATE+KEY+"
WANTED = {KeyKind.LOG: "the public key of a log", KeyKind.WITNESS: "the public key of a witness"}


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and private key."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def public(self) -> VerifierKey:
        return verifier_key(self.name, KeyKind.WITNESS, self.private_key)

    def written(self) -> str:
        """Return it as Go's note package writes private keys, `PRIVATE+KEY+name+id+key`.

        Of the kind that a log has: tools that countersign read that one, and sign as a witness.
        """
        as_log = verifier_key(self.name, KeyKind.LOG, self.private_key)
        content = bytes([KeyKind.LOG]) + self.private_key.private_bytes_raw()
        key = base64.b64encode(content).decode()
        return f"{PRIVATE}{self.name}+{as_log.key_id.hex()}+{key}"


def new_witness_key(name: str) -> WitnessKey:
    """Make a key pair; raises NoteInvalid for a name that cannot stand under a note."""
    key = WitnessKey(name, Ed25519PrivateKey.generate())
    parse_verifier_key(str(key.public))
    return key


def parse_witness_key(text: str) -> WitnessKey:
    """Read `PRIVATE+KEY+name+id+key`; raises NoteInvalid."""
    text = text.strip()
    name, _, rest = text.removeprefix(PRIVATE).partition("+")
    key_id, _, encoded = rest.partition("+")
    content = decode(encoded) if text.startswith(PRIVATE) else b""
    kinds = {kind.value: kind for kind in KeyKind}
    if len(content) != 1 + KEY_BYTES or content[0] not in kinds:
        raise NoteInvalid("this is not a private Ed25519 key")
    private_key = Ed25519PrivateKey.from_private_bytes(content[1:])
    if verifier_key(name, kinds[content[0]], private_key).key_id.hex() != key_id:
        raise NoteInvalid("the key's id does not fit its name")
    return WitnessKey(name, private_key)


def trusted_keys(words: Sequence[str], kind: KeyKind, option: str) -> list[VerifierKey]:
    """Return the keys that an option names, each itself or as `@FILE` with one a line."""
    texts = [text for word in words for text in _texts_of(word, option)]
    if words and not texts:
        raise typer.BadParameter("there is no key in the file.", param_hint=option)
    return [_trusted_key(text, kind, option) for text in texts]


def _texts_of(word: str, option: str) -> list[str]:
    if not word.startswith("@"):
        return [word]
    try:
        lines = Path(word[1:]).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise typer.BadParameter(f"{word[1:]} cannot be read.", param_hint=option) from unreadable
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _trusted_key(text: str, kind: KeyKind, option: str) -> VerifierKey:
    if text.startswith(PRIVATE):
        raise typer.BadParameter("this is a private key; keep it to yourself.", param_hint=option)
    try:
        key = parse_verifier_key(text)
    except NoteInvalid as wrong:
        raise typer.BadParameter(f"{wrong}.", param_hint=option) from wrong
    if key.kind is not kind:
        raise typer.BadParameter(f"{key.name} is not {WANTED[kind]}.", param_hint=option)
    return key
