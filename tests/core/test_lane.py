"""The posting lane: what waits goes together, a failure is one item's, nothing is unbounded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asyncpg.exceptions import CannotConnectNowError
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.lane import ABREAST, ENOUGH, MOST_AT_ONCE, Held, Lane
from app.core.metrics import LaneMetrics
from app.core.problem_handlers import ServiceBusy
from app.core.problems import Conflict

HERE, THERE = 1, 2


class Taken(Conflict):
    """This piece is taken."""

    title_zh = "已被领取"


class Transactions:
    """Sessions that only tell how they ended, as the lane uses them."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        try:
            yield self
        except BaseException:
            self.ended.append("rolled back")
            raise
        self.ended.append("committed")


class Book:
    """Posts numbers; holds the first batch back until it is let go."""

    def __init__(self) -> None:
        self.transactions = Transactions()
        self.batches: list[tuple[int, list[int]]] = []
        self.let_go = asyncio.Event()
        self.is_at_work = asyncio.Event()
        self.refused: dict[int, Exception] = {}
        self.spoiling: dict[int, Exception] = {}
        self.registry = CollectorRegistry()

    def lane(self, **options: int) -> Lane[int, str]:
        sessions: Callable[[], async_sessionmaker[AsyncSession]] = lambda: self.transactions  # type: ignore[assignment,return-value] # noqa: E731
        return Lane(sessions, self.post, LaneMetrics(self.registry).of("test"), **options)

    async def post(
        self, _: AsyncSession, community_id: int, items: Sequence[int]
    ) -> list[str | Exception]:
        self.batches.append((community_id, list(items)))
        self.is_at_work.set()
        await self.let_go.wait()
        for item in items:
            if item in self.spoiling:
                raise self.spoiling[item]
        return [self.refused.get(item, f"posted {item}") for item in items]

    def counted(self, name: str) -> float:
        return self.registry.get_sample_value(f"gridpoints_lane_{name}", {"lane": "test"}) or 0


@pytest.fixture
def book() -> Book:
    return Book()


async def submit_all(
    lane: Lane[int, str], items: Sequence[int], community_id: int = HERE
) -> list[str | BaseException]:
    submitted = (lane.submit(community_id, item) for item in items)
    return await asyncio.gather(*submitted, return_exceptions=True)


async def begin(lane: Lane[int, str], book: Book, items: Sequence[int]) -> "asyncio.Task[Any]":
    """Submit one item, and the others once that is being posted."""
    first = asyncio.create_task(submit_all(lane, items[:1]))
    await book.is_at_work.wait()
    others = asyncio.create_task(submit_all(lane, items[1:]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    async def both() -> list[str | BaseException]:
        return await first + await others

    return asyncio.create_task(both())


async def test_a_single_item_waits_for_nobody(book: Book) -> None:
    book.let_go.set()
    assert await book.lane().submit(HERE, 7) == "posted 7"
    assert book.batches == [(HERE, [7])]


async def test_what_arrives_during_a_commit_goes_together(book: Book) -> None:
    answers = await begin(book.lane(), book, [1, 2, 3, 4])
    book.let_go.set()

    assert await answers == ["posted 1", "posted 2", "posted 3", "posted 4"]
    assert book.batches == [(HERE, [1]), (HERE, [2, 3, 4])]
    assert book.transactions.ended == ["committed", "committed"]


async def test_nobody_is_answered_before_the_commit(book: Book) -> None:
    answer = asyncio.create_task(book.lane().submit(HERE, 1))
    await book.is_at_work.wait()
    assert not answer.done()
    book.let_go.set()
    await answer
    assert book.transactions.ended == ["committed"]


async def test_a_batch_is_of_one_community_and_of_no_more_than_the_most(book: Book) -> None:
    lane = book.lane()
    book.let_go.set()
    items = range(MOST_AT_ONCE + 1)

    await asyncio.gather(submit_all(lane, items), submit_all(lane, [9], THERE))

    of_here = [batch for community_id, batch in book.batches if community_id == HERE]
    assert [len(batch) for batch in of_here] == [MOST_AT_ONCE, 1]
    assert [batch for batch in book.batches if batch[0] == THERE] == [(THERE, [9])]


async def test_where_enough_wait_a_second_batch_goes_beside_the_first(book: Book) -> None:
    lane = book.lane()
    first = asyncio.create_task(submit_all(lane, [0]))
    await book.is_at_work.wait()
    few = asyncio.create_task(submit_all(lane, range(1, ENOUGH)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(book.batches) == 1
    enough = asyncio.create_task(submit_all(lane, [ENOUGH]))
    while len(book.batches) < 2:  # noqa: ASYNC110 - the book tells nobody
        await asyncio.sleep(0)

    book.let_go.set()

    await asyncio.gather(first, few, enough)
    assert [len(batch) for _, batch in book.batches] == [1, ENOUGH]


async def test_no_batch_is_of_nothing_where_two_tasks_waited_for_their_turn(book: Book) -> None:
    lane = book.lane()
    others = asyncio.create_task(
        asyncio.wait([asyncio.create_task(lane.submit(THERE + at, at)) for at in range(ABREAST)])
    )
    while len(book.batches) < ABREAST:  # noqa: ASYNC110 - the book tells nobody
        await asyncio.sleep(0)
    crowd = asyncio.create_task(submit_all(lane, range(ENOUGH)))
    while lane._waiting < ENOUGH:  # noqa: ASYNC110, SLF001 - the lane tells nobody
        await asyncio.sleep(0)

    book.let_go.set()
    await asyncio.gather(others, crowd)
    await lane.drain()

    assert [batch for batch in book.batches if batch[0] == HERE] == [(HERE, [*range(ENOUGH)])]
    assert book.counted("batch_items_count") == ABREAST + 1


async def test_an_item_that_is_held_joins_a_later_batch_and_holds_nobody_up(book: Book) -> None:
    book.refused[2] = Held(Taken())
    lane = book.lane()
    answers = asyncio.create_task(submit_all(lane, [1, 2, 3]))
    await book.is_at_work.wait()
    book.let_go.set()
    assert await lane.submit(HERE, 4) == "posted 4"
    assert not answers.done()

    del book.refused[2]

    assert await answers == ["posted 1", "posted 2", "posted 3"]
    assert book.batches[-1] == (HERE, [2])


async def test_what_is_held_for_too_long_is_refused(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.lane.PATIENCE_SECONDS", 0.1)
    book.refused[2] = Held(Taken())
    book.let_go.set()

    answers = await submit_all(book.lane(), [1, 2])

    assert answers[0] == "posted 1"
    assert isinstance(answers[1], Taken)


async def test_a_refused_item_leaves_its_neighbours_alone(book: Book) -> None:
    book.refused[2] = Taken()
    book.let_go.set()

    answers = await submit_all(book.lane(), [1, 2, 3])

    assert answers[0] == "posted 1"
    assert isinstance(answers[1], Taken)
    assert answers[2] == "posted 3"
    assert book.transactions.ended == ["committed"]


async def test_a_batch_that_fails_is_tried_again_item_by_item(book: Book) -> None:
    book.spoiling[2] = ValueError("spoilt")
    book.let_go.set()

    answers = await submit_all(book.lane(), [1, 2, 3])

    assert [answers[0], answers[2]] == ["posted 1", "posted 3"]
    assert isinstance(answers[1], ValueError)
    assert book.batches == [(HERE, [1, 2, 3]), (HERE, [1]), (HERE, [2]), (HERE, [3])]
    assert book.transactions.ended == ["rolled back", "committed", "rolled back", "committed"]
    assert book.counted("retried_total") == 1


def caused_by(cause: Exception) -> Exception:
    """Return an exception as SQLAlchemy makes it of one of the driver's."""
    error = Exception("translated")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "away",
    [
        ConnectionRefusedError("nobody listens"),
        OperationalError("SELECT 1", {}, Exception("gone"), connection_invalidated=True),
        OperationalError("SELECT 1", {}, caused_by(CannotConnectNowError("starting up"))),
    ],
    ids=["refused", "lost", "starting"],
)
async def test_without_a_database_all_are_refused_at_once(book: Book, away: Exception) -> None:
    book.spoiling[2] = away
    book.let_go.set()

    assert await submit_all(book.lane(), [1, 2, 3]) == [away, away, away]
    assert book.batches == [(HERE, [1, 2, 3])]


async def test_too_many_are_refused_before_they_take_memory(book: Book) -> None:
    lane = book.lane(capacity=2)
    answers = await begin(lane, book, [1, 2, 3])

    with pytest.raises(ServiceBusy):
        await lane.submit(HERE, 4)

    book.let_go.set()
    assert await answers == ["posted 1", "posted 2", "posted 3"]
    assert await lane.submit(HERE, 5) == "posted 5"
    assert book.counted("refused_total") == 1


async def test_a_lane_that_is_drained_finishes_what_it_took_and_takes_nothing_more(
    book: Book,
) -> None:
    lane = book.lane()
    answers = await begin(lane, book, [1, 2])
    drained = asyncio.create_task(lane.drain())
    await asyncio.sleep(0)

    with pytest.raises(ServiceBusy):
        await lane.submit(HERE, 3)
    book.let_go.set()

    await drained
    assert await answers == ["posted 1", "posted 2"]


async def test_a_caller_who_leaves_takes_nobody_along(book: Book) -> None:
    lane = book.lane()
    impatient = asyncio.create_task(lane.submit(HERE, 1))
    await book.is_at_work.wait()
    patient = asyncio.create_task(lane.submit(HERE, 2))
    impatient.cancel()
    book.let_go.set()

    assert await patient == "posted 2"
    assert book.transactions.ended == ["committed", "committed"]


async def test_batches_are_counted(book: Book) -> None:
    answers = await begin(book.lane(), book, [1, 2, 3])
    book.let_go.set()
    await answers

    assert book.counted("batch_items_count") == 2
    assert book.counted("batch_items_sum") == 3
    assert book.counted("wait_seconds_count") == 3
    assert book.counted("commit_seconds_count") == 2
