"""Going through a community's seals, and through what waits for one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.queries import page_by
from app.audit.seals import queries
from app.audit.seals.rebuilding import Page, RebuiltTree, differences_at_end
from app.audit.walks import PAGE, AuditedBook, Check, KeyWalk, Position, Step, Walk
from app.core.database import Record
from app.ledger.seals.merkle import LEVELS_APART
from app.ledger.seals.queries import get_nodes


@dataclass(frozen=True, slots=True)
class SealsWalk:
    """Rebuilds the tree from the transfers, leaf by leaf, and compares all that is stored of it.

    Sealing may go on meanwhile: leaves that were added before the end is looked at are gone
    through as well, and the end is looked at in one statement.
    """

    name: str = "seals"
    size: int = PAGE

    async def step(self, session: AsyncSession, book: AuditedBook, position: Position) -> Step:
        tree = RebuiltTree.at(position)
        leaves = await queries.list_leaves(
            session, book.community_id, first=tree.edge.size, size=self.size
        )
        page = await _read_page(session, book, tree.edge.size, leaves)
        difference = await asyncio.to_thread(tree.add, page)
        if difference is None and len(leaves) < self.size:
            end = await queries.get_end(session, book.community_id, size=tree.edge.size)
            if end.leaves <= tree.edge.size:
                difference = next(differences_at_end(tree, end), None)
                return Step(None if difference is None else position, len(leaves), difference)
        return Step(tree.position if difference is None else position, len(leaves), difference)


async def _read_page(
    session: AsyncSession, book: AuditedBook, first: int, leaves: Sequence[Record]
) -> Page:
    """Read what is stored above these leaves; what has been sealed since is left out."""
    end = first + len(leaves)
    levels = range(LEVELS_APART, end.bit_length(), LEVELS_APART)
    ranges = [(level, first >> level, end >> level) for level in levels]
    return Page(
        leaves=leaves,
        nodes=await get_nodes(session, book.community_id, ranges),
        checkpoints=await queries.list_checkpoints(
            session, book.community_id, after=first, until=end
        ),
        totalled=await queries.list_totalled(session, book.community_id),
        keys=book.keys,
    )


walks: Sequence[Walk] = (
    SealsWalk(),
    KeyWalk(
        "transfers are sealed",
        page_by("transfer_id", "transfers"),
        (Check("every transfer waits to be sealed or is sealed, once", queries.SEALED_ONCE),),
    ),
    KeyWalk(
        "seal queue",
        page_by("transfer_id", "seal_queue"),
        (Check("what waits to be sealed was posted", queries.QUEUED_WAS_POSTED),),
    ),
    KeyWalk(
        "unlinked transfers",
        page_by("transfer_id", "unlinked_transfers"),
        (Check("only what was sealed was unlinked", queries.UNLINKED_WAS_SEALED),),
    ),
)
