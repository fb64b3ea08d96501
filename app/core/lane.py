"""The posting lane: group commit for what everybody does at the same moment.

Items of one community that arrive while a batch is being committed make up the next batch: one
transaction for all of them. There is no timer, so a single item waits for nobody. The answer is
given after COMMIT only.

A batch that fails is tried again item by item, so that one item never fails its neighbours. Nor
does one hold them up: where somebody else has locked its rows `post` says `Held`, and the item
joins a batch of later. If the database cannot be reached, all of a batch are refused at once. What
waits is bounded: when `capacity` items do, the next is refused with `service_busy` before memory
grows.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import sqlstate_of
from app.core.metrics import LaneFigures
from app.core.problem_handlers import ServiceBusy
from app.core.problems import Problem

Item = TypeVar("Item")
Result = TypeVar("Result")
# More gains nothing and lets everybody wait longer (performance.md, section 4).
MOST_AT_ONCE = 64
CAPACITY = 2_000
# So many batches at a time. Two of one community where enough wait for a second one: so Python and
# PostgreSQL are both at work, each on another batch.
ABREAST = 3
SIDE_BY_SIDE = 2
ENOUGH = 16
# As long as a statement would wait for a lock.
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.05
# PostgreSQL's ways to say that nobody gets in, or that there is no room left.
AWAY_STATES = ("08", "53", "57P")

# Posts items in the session's transaction and says for each what came of it, in their order.
Post = Callable[[AsyncSession, int, Sequence[Item]], Awaitable[Sequence[Result | Exception]]]
Sessions = Callable[[], async_sessionmaker[AsyncSession]]


class Held(Exception):
    """What `post` says of an item whose rows somebody else has locked.

    It is tried again in a moment; if that goes on, its caller is told the `refusal`.
    """

    def __init__(self, refusal: Problem) -> None:
        super().__init__()
        self.refusal = refusal


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    """An item whose caller waits for the result."""

    item: Item
    result: "asyncio.Future[Result]"
    since: float

    def settle(self, result: Result | BaseException) -> None:
        if self.result.done():  # the caller has gone
            return
        if isinstance(result, BaseException):
            self.result.set_exception(result)
        else:
            self.result.set_result(result)


@dataclass(slots=True)
class _Queue(Generic[Item, Result]):
    """A community's items, and how many tasks post them."""

    waiting: deque[_Waiting[Item, Result]] = field(default_factory=deque)
    servers: int = 0


class Lane(Generic[Item, Result]):
    """Posts items of this process in batches; `post` runs in a transaction of its own."""

    def __init__(
        self,
        sessions: Sessions,
        post: Post[Item, Result],
        figures: LaneFigures,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        self._sessions = sessions
        self._post = post
        self._figures = figures
        self._capacity = capacity
        self._queues: dict[int, _Queue[Item, Result]] = {}
        self._waiting = 0
        self._abreast = asyncio.Semaphore(ABREAST)
        self._alone = asyncio.Semaphore(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def submit(self, community_id: int, item: Item) -> Result:
        """Return what came of an item once it is committed.

        Raises ServiceBusy while too much waits, and whatever refused this one item.
        """
        if self._is_closed or self._waiting >= self._capacity:
            self._figures.refused.inc()
            raise ServiceBusy
        waiting = _Waiting[Item, Result](
            item, asyncio.get_running_loop().create_future(), perf_counter()
        )
        self._line_up(community_id, waiting)
        return await waiting.result

    def _line_up(self, community_id: int, waiting: _Waiting[Item, Result]) -> None:
        self._waiting += 1
        queue = self._queues.setdefault(community_id, _Queue())
        queue.waiting.append(waiting)
        if queue.servers == 0 or (queue.servers < SIDE_BY_SIDE and len(queue.waiting) >= ENOUGH):
            queue.servers += 1
            self._begin(self._serve(community_id, queue))

    async def drain(self) -> None:
        """Take nothing more, and finish what was taken."""
        self._is_closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # A context of its own: its log lines are not those of the first caller's request.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, community_id: int, lined_up: _Queue[Item, Result]) -> None:
        """Post a community's items until none are left."""
        queue = lined_up.waiting
        batch: list[_Waiting[Item, Result]] = []
        try:
            while queue and (lined_up.servers == 1 or len(queue) >= ENOUGH):
                async with self._abreast:
                    if not queue:  # the other task took them meanwhile
                        break
                    batch = [queue.popleft() for _ in range(min(len(queue), MOST_AT_ONCE))]
                    self._waiting -= len(batch)
                    await self._post_batch(community_id, batch)
        except asyncio.CancelledError:
            for waiting in (*batch, *queue):
                waiting.settle(ServiceBusy())
            raise
        finally:
            lined_up.servers -= 1
            if lined_up.servers == 0:
                del self._queues[community_id]
                self._waiting -= len(queue)  # only if this task was cancelled is anybody left

    async def _post_batch(self, community_id: int, batch: Sequence[_Waiting[Item, Result]]) -> None:
        started = perf_counter()
        try:
            results = await self._commit(community_id, [waiting.item for waiting in batch])
        except Exception as fault:  # noqa: BLE001 - handed to whoever waits
            if len(batch) == 1 or is_unreachable(fault):
                for waiting in batch:
                    waiting.settle(fault)
                return
            self._figures.retried.inc()
            for waiting in batch:
                self._begin(self._post_alone(community_id, waiting))
            return
        for waiting, result in zip(batch, results, strict=True):
            if isinstance(result, Held):
                self._begin(self._try_later(community_id, waiting, result.refusal))
            else:
                waiting.settle(result)
        waits = [started - waiting.since for waiting in batch]
        self._figures.observe(waits, perf_counter() - started)

    async def _post_alone(self, community_id: int, waiting: _Waiting[Item, Result]) -> None:
        with self._kept(waiting):
            async with self._alone:
                await self._post_batch(community_id, [waiting])

    async def _try_later(
        self, community_id: int, waiting: _Waiting[Item, Result], refusal: Problem
    ) -> None:
        if perf_counter() - waiting.since > PATIENCE_SECONDS:
            waiting.settle(refusal)
            return
        with self._kept(waiting):
            await asyncio.sleep(PAUSE_SECONDS)
        self._line_up(community_id, waiting)

    @contextmanager
    def _kept(self, waiting: _Waiting[Item, Result]) -> Iterator[None]:
        """Count an item that is in no queue, and answer it if the task is cancelled."""
        self._waiting += 1
        try:
            yield
        except asyncio.CancelledError:
            waiting.settle(ServiceBusy())
            raise
        finally:
            self._waiting -= 1

    async def _commit(
        self, community_id: int, items: Sequence[Item]
    ) -> Sequence[Result | Exception]:
        async with self._sessions().begin() as session:
            return await self._post(session, community_id, items)


def is_unreachable(fault: Exception) -> bool:
    """Tell whether the database itself is away: then trying again one by one is no use."""
    if isinstance(fault, DBAPIError):
        return fault.connection_invalidated or sqlstate_of(fault).startswith(AWAY_STATES)
    return isinstance(fault, (OSError, PoolTimeout))
