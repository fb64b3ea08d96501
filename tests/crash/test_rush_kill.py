"""The service ends while fifty residents scan without a pause: what it acknowledged is there."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.audit import audit
from tests.crash.crowd import Crowd
from tests.crash.rush import live_through
from tests.crash.service import running_service

RESIDENTS, ACTIVITIES = 50, 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a real disk, with a path short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="gp-"))
    yield path
    shutil.rmtree(path)


async def test_whatever_a_rush_was_told_is_stored_once_killed_or_asked_to_end(
    folder: Path,
) -> None:
    with running_service(folder) as service:
        limits = httpx.Limits(max_connections=RESIDENTS)
        async with httpx.AsyncClient(
            base_url=service.base_url, trust_env=False, limits=limits
        ) as http:
            crowd = Crowd(http)
            await crowd.come(RESIDENTS)
            for how in ("kill", "term"):
                after = random.randint(20, RESIDENTS * (ACTIVITIES - 1))  # noqa: S311 - no secret
                rush = await live_through(crowd, service, how, activities=ACTIVITIES, after=after)
                # It was in the middle: somebody was asking, and not everybody got to the end.
                assert rush.lost | rush.refused
    assert len(crowd.acknowledged) == RESIDENTS * ACTIVITIES * 2
    await audit(service.data_dir)
