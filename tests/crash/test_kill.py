"""kill -9 in a run of check-ins: every acknowledged award is there, and none is there twice."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.audit import audit
from tests.crash.clearing import Clearing
from tests.crash.crowd import Crowd
from tests.crash.rounds import live_through
from tests.crash.service import running_service

RESIDENTS = 16
HOMEBODIES = 20
ACTIVITIES = 3
# After a worker's death its job waits some ten seconds for another.
ROUNDS = {"api": 3, "worker": 2, "postmaster": 2, "database": 3}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a real disk, with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="gp-"))
    yield path
    shutil.rmtree(path)


async def test_acknowledged_check_ins_survive_kills_and_none_is_there_twice(folder: Path) -> None:
    kills = [kind for kind, times in ROUNDS.items() for _ in range(times)]
    random.shuffle(kills)
    with running_service(folder) as service:
        async with httpx.AsyncClient(base_url=service.base_url, trust_env=False) as http:
            crowd = Crowd(http)
            await crowd.come(RESIDENTS)
            service.start_worker()
            clearing = Clearing.on(service.database_url, size=HOMEBODIES)
            await clearing.find_homebodies()
            rounds = [
                await live_through(
                    crowd,
                    clearing,
                    service,
                    kind,
                    activities=ACTIVITIES,
                    after=random.randint(5, RESIDENTS * ACTIVITIES - 10),  # noqa: S311 - no secret
                )
                for kind in kills
            ]
            await clearing.close()
    refused = {kind for kind, round_ in zip(kills, rounds, strict=True) if round_.refused}
    assert refused >= {"api", "database"}
    assert clearing.kills_at_work == ROUNDS["worker"]
    assert len(crowd.acknowledged) == RESIDENTS * (1 + len(kills) * ACTIVITIES)
    assert min(clearing.given.values()) >= len(kills)
    await audit(service.data_dir)
