"""What must be true of seals at any moment, from the transfers, in plain Python."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.signing import KeyRing
from app.ledger.seals.entries import canonical, entry_of
from app.ledger.seals.merkle import leaf_hash, root_of
from app.ledger.seals.notes import Checkpoint, open_checkpoint
from tests.support.sealing import verifier_keys

_TRANSFERS = "SELECT * FROM transfers WHERE community_id = :id"
_QUEUE = "SELECT transfer_id FROM seal_queue WHERE community_id = :id"
_SEALS = "SELECT * FROM seals WHERE community_id = :id ORDER BY leaf_index"
_NODES = "SELECT * FROM tree_nodes WHERE community_id = :id"
_TREE = "SELECT origin, size FROM trees WHERE community_id = :id"
_CHECKPOINTS = "SELECT size, note FROM checkpoints WHERE community_id = :id ORDER BY size"
_KINDS = "SELECT account_id, kind FROM accounts WHERE community_id = :id"
_ROLLUPS = "SELECT account_id, posted, transfers FROM account_rollups WHERE community_id = :id"
GUARDED = ("wallet", "savings", "fund")
LEVELS_APART = 4


async def assert_sealed_once(
    session: AsyncSession, community_id: int, keys: KeyRing, *, since: int = 0
) -> int:
    """Compare the seals with a tree built anew; return how many transfers are sealed.

    Every transfer waits or is sealed, and that once. Of checkpoints those are opened that have
    more than `since` leaves, at least the last.
    """

    async def rows(statement: str) -> Sequence[Record]:
        return (await session.execute(text(statement), {"id": community_id})).all()

    transfers = {row.transfer_id: row for row in await rows(_TRANSFERS)}
    seals = await rows(_SEALS)
    queued = Counter(row.transfer_id for row in await rows(_QUEUE))
    there = queued + Counter(seal.transfer_id for seal in seals)
    assert there == Counter(transfers.keys()), "not each transfer waits or is sealed, and once"
    assert [seal.leaf_index for seal in seals] == list(range(len(seals)))

    sealed = [transfers[seal.transfer_id] for seal in seals]
    leaves = [leaf_hash(canonical(entry_of(row))) for row in sealed]
    assert [seal.leaf_hash for seal in seals] == leaves
    nodes = {(row.level, row.number): row.node_hash for row in await rows(_NODES)}
    assert nodes == kept_nodes_of(leaves)
    kinds = {row.account_id: row.kind for row in await rows(_KINDS)}
    rollups = {row.account_id: (row.posted, row.transfers) for row in await rows(_ROLLUPS)}
    assert rollups == rollups_of(sealed, kinds)

    trees = await rows(_TREE)
    checkpoints = await rows(_CHECKPOINTS)
    assert [tree.size for tree in trees] == [len(leaves)] or not (trees or leaves)
    assert [row.size for row in checkpoints[-1:]] == [len(leaves)][: len(leaves)]
    for at, row in enumerate(checkpoints, 1):
        if row.size > since or at == len(checkpoints):
            expected = Checkpoint(trees[0].origin, row.size, root_of(leaves[: row.size]))
            assert open_checkpoint(row.note, verifier_keys(keys, expected.origin)) == expected
    return len(leaves)


def kept_nodes_of(leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Return every complete subtree of every fourth level above the leaves."""
    kept: dict[tuple[int, int], bytes] = {}
    level = LEVELS_APART
    while len(leaves) >> level:
        for number in range(len(leaves) >> level):
            kept[level, number] = root_of(leaves[number << level : number + 1 << level])
        level += LEVELS_APART
    return kept


def rollups_of(sealed: Sequence[Record], kinds: dict[int, str]) -> dict[int, tuple[int, int]]:
    """Return what each unguarded account got in all, and in how many transfers."""
    posted: Counter[int] = Counter()
    times: Counter[int] = Counter()
    for row in sealed:
        for account_id, points in (
            (row.debit_account_id, -row.points),
            (row.credit_account_id, row.points),
        ):
            if kinds[account_id] not in GUARDED:
                posted[account_id] += points
                times[account_id] += 1
    return {account_id: (posted[account_id], times[account_id]) for account_id in times}
