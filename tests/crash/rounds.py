"""One kill after another: who is killed, and what must be true after each."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from tests.crash.clearing import Clearing
from tests.crash.crowd import Crowd, Round
from tests.crash.service import WORKER_USER, Service

KILLS: dict[str, Callable[[Service], None]] = {
    "api": Service.kill_api,
    "worker": Service.kill_worker,
    "postmaster": Service.kill_postmaster,
    "database": Service.kill_database,
}


async def live_through(
    crowd: Crowd, clearing: Clearing, service: Service, kind: str, *, activities: int, after: int
) -> Round:
    """Check in at new activities, and clear points, through a kill; then compare everything.

    Where nobody had to wait for an answer, the recovery is that of the jobs.
    """

    async def kill() -> None:
        if kind == "worker":
            await clearing.kill_at_work(service.kill_worker, user=WORKER_USER)
        else:
            KILLS[kind](service)

    posters = await crowd.announce(activities)
    going = asyncio.create_task(clearing.keep_going())
    try:
        round_ = await crowd.check_in(posters, kill=kill, after=after)
    finally:
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going
    await crowd.compare()
    await clearing.compare()
    round_.recovered_at = round_.recovered_at or time.monotonic()
    await crowd.repeat(posters)
    return round_
