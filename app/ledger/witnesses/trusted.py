"""The witnesses that the operator named in the settings."""

from app.core.config import Settings
from app.ledger.seals.notes import KeyKind, NoteInvalid, VerifierKey, parse_verifier_key


class WitnessesUnusable(Exception):
    """Of the witnesses in the settings one is no witness's public key; the message says which."""


def witness_keys(settings: Settings) -> tuple[VerifierKey, ...]:
    """Return who may countersign checkpoints; raises WitnessesUnusable."""
    keys = []
    for place, text in enumerate(settings.witnesses, start=1):
        # Not shown: somebody may have taken the private key for the public one.
        try:
            key = parse_verifier_key(text)
        except NoteInvalid as wrong:
            raise WitnessesUnusable(f"key {place} cannot be read: {wrong}") from wrong
        if key.kind is not KeyKind.WITNESS:
            raise WitnessesUnusable(f"key {place} is a log's, not a witness's")
        # One that could sign in a book's own name would spoil every note it stands under.
        if "/communities/" in key.name:
            raise WitnessesUnusable(f"key {place} has the name of a book")
        keys.append(key)
    return tuple(keys)
