"""One look of a witness at a log: has it grown out of what was seen before? Then countersign.

The witness asks; C2SP tlog-witness has the log push to an address of the witness instead. A
second organisation's PC in an office has no address that a server could reach, and needs none
this way. What is signed is the standard's own (tlog-cosignature v1), so any C2SP verifier reads
it, and as that standard demands, a checkpoint is on disk before its signature leaves.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.cli.log_client import LogClient, ProofRefused, Unanswered
from app.cli.note_keys import WitnessKey
from app.cli.witness_memory import Memory, MemoryUnusable, Remembered
from app.ledger.seals.merkle import is_consistent
from app.ledger.seals.notes import (
    Checkpoint,
    NoteInvalid,
    VerifierKey,
    cosign,
    cosignatures,
    open_checkpoint,
)

LONGEST_LOOK_SECONDS = 60


class Alarm(Exception):
    """The log shows what it must not; nothing was signed. `notes` are the evidence."""

    def __init__(self, reason: str, *notes: str) -> None:
        super().__init__(reason)
        self.notes = notes


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look has found: the checkpoint, and what was new about it."""

    checkpoint: Checkpoint
    is_first: bool
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Witness:
    """Who looks, which keys of the log they trust, and what they remember of it."""

    key: WitnessKey
    log_keys: Sequence[VerifierKey]
    memory: Memory

    async def look(self, log: LogClient, *, now: datetime) -> Seen:
        """Countersign the latest checkpoint unless it is; raises Alarm, Unanswered."""
        try:
            async with asyncio.timeout(LONGEST_LOOK_SECONDS):
                return await self._look(log, now=now)
        except TimeoutError as late:
            raise Unanswered("the log takes too long to answer") from late

    async def _look(self, log: LogClient, *, now: datetime) -> Seen:
        note = await log.get_latest()
        remembered = self._recall()
        latest = self._open(note, remembered)
        if remembered is not None:
            await _check_growth(log, remembered, latest, note)
        is_signed = self._has_signed(note)
        # Before the signature leaves: whoever has signed must never forget it.
        if remembered is None or remembered.checkpoint != latest:
            self.memory.remember(note)
        if not is_signed:
            line = cosign(latest, self.key.name, self.key.private_key, now=now)
            await log.post_cosignature(latest.size, line)
        return Seen(latest, is_first=remembered is None, is_signed=not is_signed)

    def _recall(self) -> Remembered | None:
        remembered = self.memory.recall()
        if remembered and remembered.checkpoint.origin not in {key.name for key in self.log_keys}:
            raise MemoryUnusable(f"the file remembers another log: {remembered.checkpoint.origin}")
        return remembered

    def _open(self, note: str, remembered: Remembered | None) -> Checkpoint:
        try:
            return open_checkpoint(note, self.log_keys)
        except NoteInvalid as wrong:
            notes = (note,) if remembered is None else (remembered.note, note)
            raise Alarm(f"the checkpoint it shows is not to be trusted: {wrong}", *notes) from wrong

    def _has_signed(self, note: str) -> bool:
        try:
            return bool(cosignatures(note, [self.key.public]))
        except NoteInvalid as wrong:
            raise Alarm(f"it shows in our name what we never signed: {wrong}", note) from wrong


async def _check_growth(
    log: LogClient, remembered: Remembered, latest: Checkpoint, note: str
) -> None:
    """Raise Alarm unless the latest tree begins with the one that is remembered."""
    before = remembered.checkpoint
    if latest.size < before.size:
        reason = f"the tree shrank from {before.size} lines to {latest.size}: the log went back"
        raise Alarm(reason, remembered.note, note)
    if latest.size == before.size:
        if latest.root != before.root:
            reason = f"two different trees of {before.size} lines: the book was rewritten"
            raise Alarm(reason, remembered.note, note)
        return
    try:
        path = await log.get_consistency(before.size, latest.size)
    except ProofRefused as refused:
        raise Alarm(str(refused), remembered.note, note) from refused
    if not is_consistent(before.size, latest.size, before.root, latest.root, path):
        reason = (
            f"there is no proof that the tree of {latest.size} lines begins with the one of "
            f"{before.size} seen before: the book was rewritten, or the answer changed on its way"
        )
        raise Alarm(reason, remembered.note, note)
