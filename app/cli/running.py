"""The whole application in this process: the API, and with the embedded database all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
import uvicorn
from fastapi import FastAPI

from app.activities.codes import POSTER_OUTLASTS
from app.cli.database import RunningDatabase, in_transaction, vault_of
from app.cli.screen import show_start
from app.core.codes import Code, CodeKind, link_of
from app.core.config import Settings
from app.core.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.core.logging import configure_logging
from app.core.transactions import system_clock
from app.jobs import WorkerContext
from app.main import create_app
from app.setup.demo import Demo, ensure_demo
from app.wiring import outside_of
from app.worker import run_worker

WATCHED_EVERY = 0.5
logger = structlog.get_logger()


def run_demo(settings: Settings, database: RunningDatabase, host: str, port: int) -> None:
    """Serve a migrated database with the demo and its jobs until Ctrl-C."""
    demo = in_transaction(
        database.service,
        lambda session: ensure_demo(session, vault=vault_of(settings), now=system_clock()),
    )

    @asynccontextmanager
    async def alongside(app: FastAPI) -> AsyncIterator[None]:
        async with jobs_beside(app), watched(database.server):
            base_url = f"http://{host}:{port}"
            show_start(demo, poster_link(app, demo, base_url), base_url)
            yield

    api = create_app(settings, database_url=database.service, alongside=alongside)
    config = uvicorn.Config(api, host=host, port=port, log_config=None, access_log=False)
    # uvicorn has shut down in order by the time it passes Ctrl-C on.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


def application() -> FastAPI:
    """Build the app from the environment alone."""
    settings = Settings()
    configure_logging(settings.log_format, settings.log_level)
    return create_app(settings)


@asynccontextmanager
async def watched(server: EmbeddedPostgres | None) -> AsyncIterator[None]:
    """Start our database again if it was killed; requests get 503 until it has recovered."""
    if server is None:
        yield
        return
    ended = asyncio.Event()

    async def watch() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), WATCHED_EVERY)
            if not ended.is_set() and not server.is_alive():
                logger.error("the database was killed; starting it again")
                try:
                    await asyncio.to_thread(server.start)
                except EmbeddedPostgresError as reason:
                    logger.error("the database did not start", reason=str(reason))  # noqa: TRY400

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        # Not cancelled: a start under way in its thread must end before the server is stopped.
        ended.set()
        await watching


@asynccontextmanager
async def jobs_beside(app: FastAPI) -> AsyncIterator[None]:
    """Run the job worker within this process while the block lasts."""
    context = WorkerContext(app.state.sessionmaker, app.state.clock, outside_of(app.state))
    jobs = asyncio.create_task(run_worker(context, app.state.database_url))
    try:
        yield
    finally:
        jobs.cancel()
        with suppress(asyncio.CancelledError):
            await jobs


def poster_link(app: FastAPI, demo: Demo, base_url: str) -> str:
    """Return the link of the open activity's poster."""
    activity = demo.activity
    expires_at = activity.check_in_closes_at + POSTER_OUTLASTS
    code = Code(CodeKind.ACTIVITY_POSTER, activity.community_id, activity.activity_id, expires_at)
    return link_of(app.state.keys.sign_code(code, now=app.state.clock()), base_url=base_url)
