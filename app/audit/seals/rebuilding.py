"""A tree rebuilt from transfers, and what of the stored one does not follow; pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.audit.walks import Difference, Position
from app.core.database import Record
from app.ledger.seals.entries import canonical, entry_of
from app.ledger.seals.merkle import Edge, Node, leaf_hash
from app.ledger.seals.notes import Checkpoint, NoteInvalid, VerifierKey, open_checkpoint


class Claim(StrEnum):
    """What holds of a sealed book."""

    LEAVES_COUNTED = "leaves are counted without a gap"
    SEALED_IS_THERE = "what is sealed is still there"
    SALT_OR_KEPT = "a salt is gone only where something was kept of it"
    SEALED_WAITS_NO_MORE = "what is sealed does not wait any more"
    AS_SEALED = "transfers say what was sealed"
    NODES_FOLLOW = "tree nodes follow from their leaves"
    CHECKPOINTS_SIGNED = "checkpoints are signed by the log"
    CHECKPOINTS_RIGHT = "checkpoints say what the tree says"
    SIZE_RIGHT = "a tree is as large as its leaves are many"
    HEAD_SIGNED = "the last checkpoint is that of the whole tree"
    NO_STRAY_NODE = "no tree node stands outside the tree"
    COUNTERSIGNED_IS_THERE = "what was countersigned is a checkpoint"
    TOTALS_ADD_UP = "system and shop accounts add up by the sealed transfers"


@dataclass(frozen=True, slots=True)
class Page:
    """What is stored of some leaves that follow each other.

    `nodes` are those that they complete, `checkpoints` those of sizes reached by them.
    """

    leaves: Sequence[Record]
    nodes: Mapping[Node, bytes]
    checkpoints: Sequence[Record]
    totalled: Collection[int]
    keys: Sequence[VerifierKey]


@dataclass(slots=True)
class RebuiltTree:
    """The tree as it follows from the transfers gone through, and what accounts add up to.

    `totals` has points and number of transfers for the system's accounts and the shops'.
    """

    edge: Edge
    totals: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def at(cls, position: Position) -> "RebuiltTree":
        groups = {
            int(level): [bytes.fromhex(found) for found in group]
            for level, group in position.get("edge", {}).items()
        }
        totals = {
            int(account_id): (points, transfers)
            for account_id, (points, transfers) in position.get("totals", {}).items()
        }
        return cls(Edge(position.get("size", 0), groups), totals)

    @property
    def position(self) -> Position:
        """Where to go on: some hashes for each level and two numbers for each account."""
        return {
            "size": self.edge.size,
            "edge": {
                str(level): [found.hex() for found in group]
                for level, group in self.edge.groups.items()
            },
            "totals": {str(account_id): total for account_id, total in self.totals.items()},
        }

    def add(self, page: Page) -> Difference | None:
        """Go on by a page; return the first difference. A thousand leaves take 40 ms."""
        return next(self._differences(page), None)

    def _differences(self, page: Page) -> Iterator[Difference]:
        first = self.edge.size
        for index, row in enumerate(page.leaves, start=first):
            yield from _of_leaf(index, row)
        hashes = [row.leaf_hash for row in page.leaves]
        for checkpoint in page.checkpoints:
            yield from self._grow(hashes[self.edge.size - first : checkpoint.size - first], page)
            yield from self._of_checkpoint(checkpoint, page.keys)
        yield from self._grow(hashes[self.edge.size - first :], page)
        for row in page.leaves:
            self._total(row.debit_account_id, -row.points, page.totalled)
            self._total(row.credit_account_id, row.points, page.totalled)

    def _grow(self, hashes: Sequence[bytes], page: Page) -> Iterator[Difference]:
        for level, number, expected in self.edge.append(hashes):
            stored = page.nodes.get((level, number))
            if stored != expected:
                yield Difference(
                    Claim.NODES_FOLLOW,
                    f"node {number} of level {level}",
                    "none" if stored is None else stored.hex(),
                    expected.hex(),
                )

    def _of_checkpoint(self, row: Record, keys: Sequence[VerifierKey]) -> Iterator[Difference]:
        subject = f"checkpoint {row.size}"
        try:
            checkpoint = open_checkpoint(row.note, keys)
        except NoteInvalid as invalid:
            yield Difference(
                Claim.CHECKPOINTS_SIGNED, subject, str(invalid), "signed by a known key"
            )
            return
        expected = Checkpoint(row.origin or "", self.edge.size, self.edge.root())
        if checkpoint != expected:
            yield Difference(
                Claim.CHECKPOINTS_RIGHT,
                subject,
                _on_one_line(checkpoint),
                _on_one_line(expected),
            )

    def _total(self, account_id: int, points: int, totalled: Collection[int]) -> None:
        if account_id in totalled:
            sum_before, transfers = self.totals.get(account_id, (0, 0))
            self.totals[account_id] = (sum_before + points, transfers + 1)


def differences_at_end(tree: RebuiltTree, end: Record) -> Iterator[Difference]:
    """Yield what does not fit once the last leaf has been gone through (queries.get_end)."""
    size = tree.edge.size
    if end.size != size:
        yield Difference(Claim.SIZE_RIGHT, "tree", str(end.size), str(size))
    if end.signed_size != size:
        yield Difference(
            Claim.HEAD_SIGNED,
            "checkpoints",
            str(end.signed_size),
            str(size),
        )
    if end.stray_node is not None:
        yield Difference(Claim.NO_STRAY_NODE, f"node {end.stray_node}", "stored", "none")
    if end.stray_cosignature is not None:
        yield Difference(
            Claim.COUNTERSIGNED_IS_THERE,
            f"countersignature {end.stray_cosignature}",
            "stored",
            "none without its checkpoint",
        )
    yield from _of_totals(tree.totals, end.totals)


def _of_totals(
    totals: Mapping[int, tuple[int, int]], stored: Mapping[str, Sequence[int]]
) -> Iterator[Difference]:
    rolled_up = {int(account_id): tuple(found) for account_id, found in stored.items()}
    for account_id in sorted(totals.keys() | rolled_up.keys()):
        found, expected = rolled_up.get(account_id), totals.get(account_id)
        if found != expected:
            yield Difference(
                Claim.TOTALS_ADD_UP,
                f"account {account_id}",
                _as_total(found),
                _as_total(expected),
            )


def _of_leaf(index: int, row: Record) -> Iterator[Difference]:
    subject = f"transfer {row.sealed_id}, leaf {index}"
    if row.leaf_index != index:
        yield Difference(Claim.LEAVES_COUNTED, f"leaf {index}", f"leaf {row.leaf_index}", "a leaf")
    if row.transfer_id is None:
        yield Difference(Claim.SEALED_IS_THERE, subject, "none", "a transfer")
    if (row.salt is None) != (row.kept is not None):
        yield Difference(
            Claim.SALT_OR_KEPT,
            subject,
            "no salt" if row.salt is None else "a salt",
            "something kept" if row.salt is None else "nothing kept",
        )
    if row.waits:
        yield Difference(Claim.SEALED_WAITS_NO_MORE, subject, "waits", "sealed")
    expected = _leaf_of(row)
    if row.leaf_hash != expected:
        yield Difference(
            Claim.AS_SEALED,
            subject,
            row.leaf_hash.hex(),
            "unreadable" if expected is None else expected.hex(),
        )


def _leaf_of(row: Record) -> bytes | None:
    """Return the leaf of a transfer as it stands; None where what was kept makes no sense."""
    try:
        return leaf_hash(canonical(entry_of(row, kept=row.kept)))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _as_total(total: Sequence[int] | None) -> str:
    return "none" if total is None else f"{total[0]} points by {total[1]} transfers"


def _on_one_line(checkpoint: Checkpoint) -> str:
    return checkpoint.text.strip().replace("\n", " ")
