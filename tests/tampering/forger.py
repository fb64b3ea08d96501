"""Somebody with the database's owner rights who changes the past and makes everything fit."""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.ledger.seals.service import seal_batch
from tests.support.clock import Clock

# What follows from an award, its seal excepted.
_SHIFT = """
    UPDATE balances SET posted = posted + :points, lots_total = lots_total + :points
        WHERE community_id = :id AND account_id = :wallet;
    UPDATE standings SET score = score + :points
        WHERE community_id = :id AND resident_id = :wallet;
    DELETE FROM score_counts WHERE community_id = :id;
    DELETE FROM score_changes WHERE community_id = :id;
    INSERT INTO score_counts SELECT community_id, period, starts_on, level, score >> 6 * level,
        count(*) FROM standings CROSS JOIN generate_series(0, 2) AS level
        WHERE community_id = :id AND score > 0 GROUP BY 1, 2, 3, 4, 5;
    UPDATE cap_usage SET used_points = used_points + :points, used_times = used_times + :times
        WHERE community_id = :id AND resident_id = :wallet
"""
_RAISE = """
    UPDATE transfers SET points = points + :points
        WHERE community_id = :id AND transfer_id = :award;
    UPDATE contributions SET asked_points = asked_points + :points,
        granted_points = granted_points + :points
        WHERE community_id = :id AND contribution_id = :award;
    UPDATE lots SET granted = granted + :points, remaining = remaining + :points
        WHERE community_id = :id AND lot_id = :award;
    UPDATE account_rollups SET posted = posted - :points
        WHERE community_id = :id AND account_id = 1
"""
_HAND_OVER = """
    UPDATE transfers SET credit_account_id = :wallet
        WHERE community_id = :id AND transfer_id = :award;
    UPDATE contributions SET resident_id = :wallet
        WHERE community_id = :id AND contribution_id = :award;
    UPDATE lots SET account_id = :wallet WHERE community_id = :id AND lot_id = :award
"""
_DELETE = """
    DELETE FROM transfers WHERE community_id = :id AND transfer_id = :award;
    DELETE FROM contributions WHERE community_id = :id AND contribution_id = :award;
    DELETE FROM manual_postings
        WHERE community_id = :id
            AND CAST(result ->> 'contribution_id' AS bigint) = CAST(:award AS bigint);
    DELETE FROM lots WHERE community_id = :id AND lot_id = :award;
    UPDATE account_rollups SET posted = posted + :points, transfers = transfers - 1
        WHERE community_id = :id AND account_id = 1
"""
_CUT_TREE = """
    DELETE FROM seals WHERE community_id = :id AND leaf_index >= :size;
    DELETE FROM tree_nodes WHERE community_id = :id AND (number + 1) << level > :size;
    DELETE FROM checkpoints WHERE community_id = :id AND size > :size;
    UPDATE trees SET size = :size WHERE community_id = :id
"""
_SEAL_AGAIN = """
    DELETE FROM account_rollups WHERE community_id = :id;
    INSERT INTO seal_queue SELECT community_id, transfer_id FROM transfers
        WHERE community_id = :id
"""


@dataclass(frozen=True, slots=True)
class Forger:
    """Changes a community's book, whole."""

    owner: AsyncEngine
    community_id: int
    clock: Clock

    async def raise_award(self, award: int, wallet: int, *, points: int) -> None:
        """Let an award be of more points than it was."""
        of = {"award": award, "wallet": wallet, "points": points, "times": 0}
        await self.run(_RAISE, _SHIFT, **of)

    async def hand_over(self, award: int, *, points: int, loser: int, winner: int) -> None:
        """Let an award be somebody else's."""
        await self.run(_SHIFT, wallet=loser, points=-points, times=-1)
        await self.run(_HAND_OVER, _SHIFT, award=award, wallet=winner, points=points, times=1)

    async def delete(self, award: int, wallet: int, *, points: int) -> None:
        """Let an award never have been."""
        await self.run(_DELETE, award=award, points=points)
        await self.run(_SHIFT, wallet=wallet, points=-points, times=-1)

    async def cut_tree(self, size: int) -> None:
        """Let nothing have been sealed since a tree of some size."""
        await self.run(_CUT_TREE, size=size)

    async def rebuild_tree(self, private_key: Ed25519PrivateKey) -> None:
        """Seal the whole book again, as it stands now, signed with a key."""
        await self.cut_tree(0)
        await self.run(_SEAL_AGAIN)
        sessions = async_sessionmaker(self.owner, class_=AsyncSession)
        async with sessions.begin() as session:
            await seal_batch(session, self.community_id, [private_key], now=self.clock.now)

    async def run(self, *scripts: str, **values: Any) -> None:
        """Run statements, parted by semicolons, each with those of the values it asks for."""
        asked = {**values, "id": self.community_id}
        async with self.owner.begin() as connection:
            for written in ";".join(scripts).split(";"):
                statement = text(written)
                wanted = {name: asked[name] for name in statement.compile().params}
                await connection.execute(statement, wanted)
