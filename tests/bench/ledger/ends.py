"""Points that lapse and halve: the worker's jobs over a whole community at once."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.ledger.lapsing import service
from app.ledger.lapsing.jobs import decay_points, expire_points
from tests.bench.errors import BenchFailed
from tests.bench.hot import Figures
from tests.bench.ledger.floors import Floors, Yardstick
from tests.bench.ledger.measured import floor_figures, measuring, per, ratios
from tests.bench.ledger.stage import DAY, DECAY_AT_ONCE, Stage

CLEAR, HALVE = JOBS = ("clear", "halve")
_BY_WALLET = Yardstick(("lapse",))
_BY_BATCH = Yardstick(("lapse_500",), each=500, is_whole=True)
_KINDS = {CLEAR: "expiry", HALVE: "decay"}
_COUNT_ENDED = """
    SELECT count(*) FILTER (WHERE kind = :kind) AS ended, count(*) AS transfers FROM transfers
    WHERE community_id = ANY(:communities)
"""

Maker = async_sessionmaker[AsyncSession]


async def rehearse(stage: Stage, maker: Maker) -> dict[str, Figures]:
    """Run the jobs over a small community through the relay; count what they send a wallet."""
    counted = {}
    for name in JOBS:
        earlier, before = await _count(stage, maker, name), stage.relay.so_far()
        await _rehearse(name, stage, maker)
        after = stage.relay.so_far()
        ended = await _count(stage, maker, name)
        counted[name] = per(before, after, ended[0] - earlier[0])
    return counted


async def _rehearse(name: str, stage: Stage, maker: Maker) -> None:
    """Do what the job does, for one community: it would walk through the other one as well."""
    community_id, midnight = stage.scene.rehearsal.community_id, stage.scene.midnights[0]
    if name == CLEAR:
        await expire_points(maker, now=midnight)
        return
    decay = service.Decay(community_id, DECAY_AT_ONCE.percent, None, midnight - DAY)
    after = 0
    while True:
        async with maker.begin() as session:
            after = await service.decay_points(session, decay, after=after, now=midnight)
        if not after:
            return


def measure_floors(floors: Floors, seconds: float) -> Figures:
    """Write the same rows wallet by wallet, and 500 wallets at a time."""
    separate = floors.run(_BY_WALLET, is_one=False, seconds=seconds)
    batched = floors.run(_BY_BATCH, is_one=True, seconds=seconds)
    return floor_figures("separate", separate) | floor_figures("one", batched)


async def end_points(
    stage: Stage, maker: Maker, name: str, midnight: datetime, floors: Figures
) -> Figures:
    """Run a job over everybody, then again; raises BenchFailed if that changes anything."""
    before = await _count(stage, maker, name)
    with measuring(stage.server_pid) as used:
        await _run(name, maker, midnight)
    after = await _count(stage, maker, name)
    with measuring(stage.server_pid) as again:
        await _run(name, maker, midnight)
    if await _count(stage, maker, name) != after:
        raise BenchFailed(f"The job {name!r}, run again, posted something again.")
    ended = after[0] - before[0]
    if ended != stage.scene.wallets.count:
        raise BenchFailed(f"The job {name!r} ended the points of {ended} wallets only.")
    figures = used.each(ended) | {"seconds": used.seconds, "rerun_seconds": again.seconds}
    return figures | floors | ratios(figures, floors)


async def _run(name: str, maker: Maker, midnight: datetime) -> None:
    if name == CLEAR:
        await expire_points(maker, now=midnight)
    else:
        await decay_points(maker, now=midnight)


async def _count(stage: Stage, maker: Maker, name: str) -> tuple[int, int]:
    """Return how many wallets' points have ended, and all transfers."""
    scene = stage.scene
    communities = [scene.lapsing.community_id, scene.rehearsal.community_id]
    async with maker() as session:
        values = {"kind": _KINDS[name], "communities": communities}
        row = (await session.execute(text(_COUNT_ENDED), values)).one()
    return row.ended, row.transfers
