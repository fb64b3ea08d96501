"""A sealer to be killed: `python -m tests.crash.sealer`, told by lines on its standard input.

All is imported once; for each line a fork seals, and kills itself where the line says so. The
answers are lines as well: the fork's number, what a fork that was to count has counted, and which
signal has ended the fork, 0 if it came to its end.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from asyncpg.protocol import Protocol

from app.core.database import make_engine, make_sessionmaker
from app.core.sealing import master_key_in
from app.core.signing import KeyRing
from app.ledger.seals import service
from app.ledger.seals.jobs import seal_transfers
from tests.support.sealing import ADDRESS

UNSENT, UNREAD = MOMENTS = ("unsent", "unread")


@dataclass(frozen=True, slots=True)
class Order:
    """What a fork is to do: seal whatever waits, once or for ever.

    It dies at `step`, the number of a message to PostgreSQL: just before that is sent, or when it
    was sent and the answer not yet read. Without a step all messages are counted.
    """

    url: str
    data_dir: str
    now: str
    batch: int
    step: int | None = None
    moment: str = UNSENT
    is_endless: bool = False


@dataclass(slots=True)
class Steps:
    """Counts what is sent to PostgreSQL, and dies in time."""

    order: Order
    sent: list[str] = field(default_factory=list)

    def watch(self, name: str) -> None:
        """Let every call of a method of the connection's protocol pass by here."""
        original: Callable[..., Awaitable[Any]] = getattr(Protocol, name)

        async def passing(protocol: Protocol, *values: Any, **options: Any) -> Any:
            said = values[0] if values else options["state"]
            self.sent.append(" ".join(str(getattr(said, "query", said)).split()))
            self._die(UNSENT)
            answer = asyncio.ensure_future(original(protocol, *values, **options))
            await asyncio.sleep(0)  # it writes at once, and waits
            self._die(UNREAD)
            return await answer

        setattr(Protocol, name, passing)

    def _die(self, moment: str) -> None:
        if (len(self.sent), moment) == (self.order.step, self.order.moment):
            os.kill(os.getpid(), signal.SIGKILL)


async def seal(order: Order) -> None:
    """Seal by a connection of its own."""
    service.BATCH = order.batch
    engine = make_engine(order.url, pool_size=1)
    keys = KeyRing(master_key_in(Path(order.data_dir)))
    sessionmaker, now = make_sessionmaker(engine), datetime.fromisoformat(order.now)
    while True:
        await seal_transfers(sessionmaker, keys, public_base_url=ADDRESS, clock=lambda: now)
        if not order.is_endless:
            break
    await engine.dispose()


def obey(order: Order) -> None:
    """Do in the fork what was ordered, and end it."""
    steps = Steps(order)
    for name in ("query", "bind_execute"):
        steps.watch(name)
    status = 0
    try:
        asyncio.run(seal(order))
        if order.step is None:
            say({"sent": steps.sent})
    except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
        traceback.print_exc()
        status = 1
    os._exit(status)


def say(answer: dict[str, Any]) -> None:
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(answer) + "\n")
    sys.__stdout__.flush()


def main() -> None:
    sys.stdout = sys.stderr  # where the log may go
    for line in sys.stdin:
        order = Order(**json.loads(line))
        fork = os.fork()
        if fork == 0:
            obey(order)
        say({"fork": fork})
        _, status = os.waitpid(fork, 0)
        say({"signal": os.WTERMSIG(status), "status": status})


def written(order: Order) -> str:
    """Return an order as a line."""
    return json.dumps(asdict(order)) + "\n"


if __name__ == "__main__":
    main()
