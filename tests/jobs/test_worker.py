"""Background jobs: rows of the transaction that wants them, run by the worker beside the API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pgqueuer.errors import FailingListenerError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app import jobs, worker
from app.core.idempotency import KEPT_FOR
from app.core.jobs import enqueue
from app.jobs import WorkerContext
from app.wiring import Outside
from app.worker import run_worker
from tests.conftest import MakeRace
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import Neighbourhood

PATIENCE = 20


class DatabaseGone(DBAPIError):
    """What a session raises when the database is down, or has just come up again."""

    def __init__(self) -> None:
        super().__init__("SELECT", {}, ConnectionError())


Sessions = async_sessionmaker[AsyncSession]


@asynccontextmanager
async def working(
    sessions: Sessions, clock: Clock, url: str, outside: Outside
) -> AsyncIterator[None]:
    """Run a worker until the block ends."""
    task = asyncio.create_task(run_worker(WorkerContext(sessions, clock, outside), url))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - what happens, happens in PostgreSQL
            await asyncio.sleep(0.05)


async def ask(sessions: Sessions, statement: str) -> Any:
    async with sessions() as session:
        return await session.scalar(text(statement))


async def test_a_job_of_a_transaction_that_was_undone_does_not_exist(
    sessionmaker: Sessions,
) -> None:
    async with sessionmaker() as session:
        await enqueue(session, "clean_up", key="undone")
        await session.rollback()

    assert await ask(sessionmaker, "SELECT count(*) FROM pgqueuer") == 0


async def test_a_job_asked_for_twice_waits_once(sessionmaker: Sessions) -> None:
    for _ in range(2):
        async with sessionmaker.begin() as session:
            await enqueue(session, "clean_up", key="the same")

    assert await ask(sessionmaker, "SELECT count(*) FROM pgqueuer") == 1


async def test_two_workers_expire_a_lapsed_voucher_once_and_give_its_points_back(
    race: MakeRace,
    race_sessionmaker: Sessions,
    migrated: DatabaseServer,
    clock: Clock,
    outside: Outside,
) -> None:
    here = await race(2)
    await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")
    reward = here.reward_id("canteen_meal")
    bought = await resident.post(f"/v1/rewards/{reward}/redeem", key=fresh_key())
    assert bought.status_code == 201, bought.text
    clock.advance(days=31)

    async def is_expired() -> bool:
        return bool(await ask(race_sessionmaker, "SELECT state = 'expired' FROM vouchers"))

    url = migrated.url(RACES)
    async with (
        working(race_sessionmaker, clock, url, outside),
        working(race_sessionmaker, clock, url, outside),
    ):
        async with race_sessionmaker.begin() as session:
            await enqueue(session, "expire_vouchers", key="expire_vouchers")
        await until(is_expired)

    assert await ask(race_sessionmaker, "SELECT held FROM balances WHERE posted = 50") == 0
    assert (
        await ask(race_sessionmaker, "SELECT stock_left FROM rewards WHERE price_points = 50")
        == 200
    )
    await assert_books_balance_of(race_sessionmaker, here.community_id)


async def assert_books_balance_of(sessions: Sessions, community_id: int) -> None:
    async with sessions() as session:
        await assert_books_balance(session, community_id)


async def test_a_job_that_keeps_failing_is_held_for_somebody_to_see(
    race_sessionmaker: Sessions, migrated: DatabaseServer, outside: Outside
) -> None:
    # A clock that fails makes every job fail; the last attempt is not tried again.
    def broken() -> datetime:
        raise RuntimeError("no time")

    async with race_sessionmaker.begin() as session:
        await enqueue(session, "clean_up", key="clean_up")
        await session.execute(text("UPDATE pgqueuer SET attempts = 99"))

    async def is_held() -> bool:
        held = "SELECT status = 'failed' FROM pgqueuer WHERE entrypoint = 'clean_up'"
        return bool(await ask(race_sessionmaker, held))

    context = WorkerContext(race_sessionmaker, broken, outside)
    task = asyncio.create_task(run_worker(context, migrated.url(RACES)))
    try:
        await until(is_held)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_audit_under_way_is_broken_off_and_not_forgotten_when_the_worker_stops(
    race_sessionmaker: Sessions,
    migrated: DatabaseServer,
    clock: Clock,
    outside: Outside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may take half an hour, which nobody waits who stops the service."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def audit_books(*_: object) -> None:
        begun.set()
        await never.wait()

    monkeypatch.setitem(jobs.JOBS, "audit_books", audit_books)
    async with race_sessionmaker.begin() as session:
        await enqueue(session, "audit_books", key="audit_books")
    async with asyncio.timeout(PATIENCE):
        async with working(race_sessionmaker, clock, migrated.url(RACES), outside):
            await begun.wait()
    waiting = "SELECT status FROM pgqueuer WHERE entrypoint = 'audit_books'"
    assert await ask(race_sessionmaker, waiting) == "queued"


async def test_clean_up_forgets_what_nobody_can_use_and_keeps_the_rest(
    sessionmaker: Sessions, clock: Clock, outside: Outside
) -> None:
    now = clock.now
    async with sessionmaker.begin() as session:
        for age, key in ((KEPT_FOR + timedelta(minutes=1), "old"), (timedelta(hours=47), "young")):
            await session.execute(
                text(
                    "INSERT INTO idempotency_keys VALUES (1, 1, 'POST /', :key, '', 200, '{}', :at)"
                ),
                {"key": key, "at": now - age},
            )

    await jobs.clean_up(WorkerContext(sessionmaker, lambda: now.astimezone(UTC), outside))

    assert await ask(sessionmaker, "SELECT string_agg(key, ' ') FROM idempotency_keys") == "young"


@pytest.mark.parametrize("lost", [FailingListenerError, OSError, DatabaseGone])
async def test_what_was_lost_is_begun_again(
    clock: Clock,
    sessionmaker: Sessions,
    outside: Outside,
    monkeypatch: pytest.MonkeyPatch,
    lost: type[Exception],
) -> None:
    """As after a proxy in between has dropped the connection without a word."""
    connections = 0

    async def fail_once(*_: object) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            raise lost
        raise asyncio.CancelledError

    monkeypatch.setattr(worker, "run_connected", fail_once)
    monkeypatch.setattr(worker, "RECONNECT_AFTER", 0)
    with suppress(asyncio.CancelledError):
        await run_worker(WorkerContext(sessionmaker, clock, outside), "postgresql://unused")

    assert connections == 2


async def test_a_held_job_that_nothing_else_asks_for_is_tried_again(
    clock: Clock, sessionmaker: Sessions, outside: Outside
) -> None:
    """WeChat says once that somebody took their consent back, and a store is down for an hour."""
    asked = (
        ("handle_wechat_push", "held"), ("destroy_files", "held twice"),
        ("destroy_files", "held and waiting"), ("sweep_checks", "swept"),
    )  # fmt: skip
    async with sessionmaker.begin() as session:
        for name, key in asked:
            await enqueue(session, name, key=key, payload=b"[]")
        await session.execute(text("UPDATE pgqueuer SET status = 'failed', attempts = 5"))
        for key in ("held twice", "held and waiting"):
            await enqueue(session, "destroy_files", key=key, payload=b"[]")
        await session.execute(
            text("UPDATE pgqueuer SET status = 'failed' WHERE dedupe_key = 'held twice'")
        )

    context = WorkerContext(sessionmaker, clock, outside)
    await jobs.JOBS["retry_held"](context, b"")

    waiting = """SELECT string_agg(dedupe_key || ' ' || attempts, ', ' ORDER BY dedupe_key)
        FROM pgqueuer WHERE status = 'queued'"""
    assert await ask(sessionmaker, waiting) == "held 0, held and waiting 0, held twice 0"
    every_hour = jobs.SCHEDULES["every_hour"][1]
    assert "retry_held" in every_hour


async def test_what_is_posted_is_sealed_by_the_next_half_minute(
    race: MakeRace,
    race_sessionmaker: Sessions,
    migrated: DatabaseServer,
    clock: Clock,
    outside: Outside,
) -> None:
    here = await race(1)
    await here.give("resident-1", "legal_advice")
    context = WorkerContext(race_sessionmaker, clock, outside)
    await worker.ask_for(context, "seal_transfers")
    due = await ask(race_sessionmaker, "SELECT max(execute_after - created) FROM pgqueuer")
    assert await ask(race_sessionmaker, "SELECT count(*) FROM pgqueuer") == 2
    assert abs(due - timedelta(seconds=30)) < timedelta(seconds=1)

    async def is_sealed() -> bool:
        return bool(await ask(race_sessionmaker, "SELECT size = 1 FROM trees"))

    async with working(race_sessionmaker, clock, migrated.url(RACES), outside):
        await until(is_sealed)
    assert await ask(race_sessionmaker, "SELECT count(*) FROM seal_queue") == 0


async def test_without_a_key_nothing_is_sealed_and_nothing_lost(
    sessionmaker: Sessions, here: Neighbourhood, clock: Clock, outside: Outside
) -> None:
    await here.give("resident-1", "legal_advice")
    context = WorkerContext(sessionmaker, clock, outside)
    async with sessionmaker.begin() as session:
        await session.execute(text("UPDATE signing_keys SET revoked_at = :now"), {"now": clock.now})
    await jobs.seal_transfers(context)
    assert await ask(sessionmaker, "SELECT count(*) FROM checkpoints") == 0
    assert await ask(sessionmaker, "SELECT count(*) FROM seal_queue") == 1
