"""kill -9 in a run of check-ins: every acknowledged award is there, and none is there twice."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.crash.audit import audit
from tests.crash.crowd import Crowd, live_through
from tests.crash.service import Service, running_service

RESIDENTS = 20
ACTIVITIES = 6


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a real disk, with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="gp-"))
    yield path
    shutil.rmtree(path)


async def test_acknowledged_check_ins_survive_kills_and_none_is_there_twice(folder: Path) -> None:
    kills = [Service.kill_api, Service.kill_database]
    random.shuffle(kills)
    with running_service(folder) as service:
        async with httpx.AsyncClient(base_url=service.base_url, trust_env=False) as http:
            crowd = Crowd(http)
            await crowd.come(RESIDENTS)
            rounds = [
                await live_through(
                    crowd,
                    partial(kill, service),
                    activities=ACTIVITIES,
                    after=random.randint(20, 100),  # noqa: S311 - not a secret
                )
                for kill in kills
            ]
    assert all(round_.refused > 0 for round_ in rounds)
    assert len(crowd.acknowledged) == RESIDENTS * (1 + 2 * ACTIVITIES)
    await audit(service.data_dir)
