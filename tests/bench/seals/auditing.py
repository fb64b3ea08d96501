"""The audit of the whole book, and whether it needs more memory the larger that is."""

import psutil
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit.models import AuditState
from app.audit.service import run_audit
from app.core.transactions import system_clock
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.ledger.measured import measuring
from tests.bench.seals.stage import Stage

MEGABYTE = 1_000_000


async def audit_book(stage: Stage, maker: async_sessionmaker[AsyncSession]) -> Figures:
    """Audit; raises BenchFailed if a difference is found.

    Memory is what the process holds, looked at after every page: before, and at most.
    """
    process = psutil.Process()
    before = process.memory_info().rss
    held = [before]
    with measuring(stage.server_pid) as used:
        audit = await run_audit(
            maker,
            stage.community_id,
            clock=system_clock,
            on_progress=lambda _: held.append(process.memory_info().rss),
        )
    if audit.state != AuditState.CLEAN:
        raise BenchFailed(f"The audit found a difference: {audit.difference}")
    memory = {"before_mb": before / MEGABYTE, "most_mb": max(held) / MEGABYTE}
    return used.each(stage.transfers) | memory | {
        "seconds": used.seconds, "rows": audit.checked, "pages": len(held) - 1,
    }  # fmt: skip
