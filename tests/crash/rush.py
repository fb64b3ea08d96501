"""A crowd that never stops scanning, and a service that ends in the middle of it."""

import random
import signal
from asyncio import gather
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.crash.crowd import Crowd, until_ready
from tests.crash.service import STOP_PATIENCE, Service
from tests.support.caller import problem_code

SCAN = "/v1/me/check-ins"
ENDS = {"kill": signal.SIGKILL, "term": signal.SIGTERM}
# A resident and the activity they scanned.
Scan = tuple[str, str]


@dataclass
class Rush:
    """What became of the scans around one end of the service.

    `lost` got no answer at all, `refused` were told to come back, both without being interrupted
    by anything but that end; whoever is in neither, and not acknowledged, never asked.
    """

    acknowledged: int = 0
    lost: set[Scan] = field(default_factory=set)
    refused: set[Scan] = field(default_factory=set)
    in_doubt: int = 0


async def live_through(
    crowd: Crowd, service: Service, how: str, *, activities: int, after: int
) -> Rush:
    """Let everybody scan without a pause, end the service after so many answers, start it again.

    Then everybody scans everything once more: what was acknowledged is there and is the same;
    what was lost in a kill is there or not, and then is new; anything else is new.
    """
    posters = await crowd.announce(activities)
    rush = await _rush(crowd, posters, after=after, end=lambda: _send(service, how))
    code = service.process.wait(STOP_PATIENCE)
    # Asked to end it ends in order, the database with it.
    assert code == (0 if how == "term" else -ENDS[how]), f"{how}: ended with {code}"
    service.start()
    await until_ready(crowd.http)
    await _scan_again(crowd, posters, rush, may_be_there=rush.lost if how == "kill" else set())
    await crowd.compare()
    return rush


def _send(service: Service, how: str) -> None:
    service.process.send_signal(ENDS[how])


async def _rush(
    crowd: Crowd, posters: dict[str, str], *, after: int, end: Callable[[], None]
) -> Rush:
    rush = Rush()

    async def go(name: str) -> None:
        titles = list(posters)
        random.shuffle(titles)
        for title in titles:
            try:
                answer = await crowd.residents[name].post(SCAN, {"code": posters[title]})
            except httpx.TransportError:
                rush.lost.add((name, title))
                return
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                assert problem_code(answer) == "service_busy", answer.text
                rush.refused.add((name, title))
                return
            assert answer.status_code == httpx.codes.CREATED, f"{name}, {title}: {answer.text}"
            crowd.acknowledged[name, title] = answer.json()["contribution_id"]
            rush.acknowledged += 1
            if rush.acknowledged == after:
                end()

    await gather(*(go(name) for name in crowd.residents))
    assert rush.acknowledged >= after, f"only {rush.acknowledged} answers: nothing was ended"
    return rush


async def _scan_again(
    crowd: Crowd, posters: dict[str, str], rush: Rush, *, may_be_there: set[Scan]
) -> None:
    known_before = {*crowd.acknowledged}

    async def go(name: str) -> None:
        for title, code in posters.items():
            answer = await crowd.residents[name].post(SCAN, {"code": code})
            assert answer.is_success, answer.text
            told = answer.json()
            known = crowd.acknowledged.setdefault((name, title), told["contribution_id"])
            assert told["contribution_id"] == known, f"{name}, {title}: {told}, was {known}"
            assert answer.status_code == (201 if told["is_new"] else 200), answer.text
            was_there = not told["is_new"]
            if (name, title) in may_be_there:
                rush.in_doubt += was_there
                continue
            should_be_there = (name, title) in known_before
            assert was_there is should_be_there, f"{name}, {title}: {answer.text}"

    await gather(*(go(name) for name in crowd.residents))
