"""Running the server and the job worker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from app.activities.codes import POSTER_OUTLASTS
from app.cli.database import in_transaction, migrate, running_database, vault_of
from app.cli.environment import refuse_other_key
from app.cli.screen import show_start
from app.core.codes import Code, CodeKind, link_of
from app.core.config import Settings
from app.core.database import APP_ROLE, make_engine, make_sessionmaker
from app.core.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.core.logging import configure_logging
from app.core.transactions import system_clock
from app.jobs import WorkerContext
from app.main import create_app
from app.setup.demo import Demo, ensure_demo
from app.wiring import outside_of, reaching_outside
from app.worker import run_worker

WATCHED_EVERY = 0.5
LOOPBACK = ("127.0.0.1", "localhost", "::1")
logger = structlog.get_logger()


class CannotServe(Exception):
    """The server cannot start here; the message says why and what to do."""


def serve_demo(settings: Settings, host: str, port: int, workers: int) -> None:
    """Start API and jobs as one, on a migrated database with the demo; Ctrl-C ends all of it.

    Without an outside database the embedded one is started too.
    """
    if workers > 1:
        raise CannotServe("More than one process needs GRIDPOINTS_DATABASE_URL and no --demo.")
    refuse_taken_port(host, port)
    configure_logging("console", "warning" if settings.log_level == "info" else settings.log_level)
    base_url = f"http://{host}:{port}"
    settings = suited_to(settings, host, base_url)
    with running_database(settings) as database:
        refuse_other_key(settings, database.owner, role=None)
        vault = vault_of(settings)
        migrate(database.owner, vault=vault)
        demo = in_transaction(
            database.service,
            lambda session: ensure_demo(session, vault=vault, now=system_clock()),
        )

        @asynccontextmanager
        async def alongside(app: FastAPI) -> AsyncIterator[None]:
            async with jobs_beside(app), watched(database.server):
                show_start(demo, poster_link(app, demo, base_url), base_url)
                yield

        api = create_app(settings, database_url=database.service, alongside=alongside)
        config = uvicorn.Config(api, host=host, port=port, log_config=None, access_log=False)
        # uvicorn has shut down in order by the time it passes Ctrl-C on.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run()
    kept_in = settings.data_dir if settings.is_embedded else "your database"
    typer.echo(f"Stopped; the data stays in {kept_in}")


def suited_to(settings: Settings, host: str, base_url: str) -> Settings:
    """Return settings for this address: whoever can be reached does not believe mere names."""
    changes: dict[str, object] = {}
    if "public_base_url" not in settings.model_fields_set:
        changes["public_base_url"] = base_url
    if settings.local_sign_in is None:
        changes["local_sign_in"] = host in LOOPBACK
        if host not in LOOPBACK:
            typer.echo(f"Signing in by name is off, as {host} can be reached from other machines.")
    return settings.model_copy(update=changes)


def serve_outside(settings: Settings, host: str, port: int, workers: int) -> None:
    """Start the API on an outside database that `gridpoints migrate` has prepared."""
    if settings.master_key is None:
        raise CannotServe(
            "Set GRIDPOINTS_MASTER_KEY, the same for every process; "
            "`gridpoints keys new-master` makes one."
        )
    refuse_taken_port(host, port)
    with running_database(settings) as database:
        refuse_other_key(settings, database.service, role=APP_ROLE)
    with suppress(KeyboardInterrupt):
        uvicorn.run(
            "app.cli.serving:application",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
        )


def application() -> FastAPI:
    """Build the app in each API process, from the environment alone."""
    settings = Settings()
    configure_logging(settings.log_format, settings.log_level)
    return create_app(settings)


def work(database_url: str, settings: Settings) -> None:
    """Run jobs until stopped."""

    async def run() -> None:
        engine = make_engine(database_url, pool_size=settings.pool_size)
        try:
            async with reaching_outside(settings) as outside:
                context = WorkerContext(make_sessionmaker(engine), system_clock, outside)
                await run_worker(context, database_url)
        finally:
            await engine.dispose()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


def refuse_taken_port(host: str, port: int) -> None:
    """Say at once, and before the database starts, that somebody listens there."""
    try:
        with socket.create_server((host, port), reuse_port=False):
            pass
    except OSError as taken:
        raise CannotServe(
            f"Cannot listen on {host}:{port} ({taken.strerror}). "
            "Choose another port: gridpoints serve --port 8001"
        ) from taken


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
