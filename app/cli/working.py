"""`gridpoints worker`: background jobs in a process of their own."""

import asyncio
from contextlib import suppress

import typer

from app.cli.environment import read_settings, require_shared_key
from app.cli.plain import plain_app
from app.core.config import Settings
from app.core.database import make_engine, make_sessionmaker
from app.core.logging import configure_logging
from app.core.transactions import system_clock
from app.jobs import WorkerContext
from app.wiring import reaching_outside
from app.worker import run_worker

app = plain_app()


@app.command()
def worker() -> None:
    """Run background jobs; start as many as you like beside `serve`."""
    settings = read_settings()
    if settings.database_url is None:
        raise typer.BadParameter(
            "With the embedded database `gridpoints serve` runs the jobs itself. "
            "Set GRIDPOINTS_DATABASE_URL to run workers of their own."
        )
    require_shared_key(settings)
    configure_logging(settings.log_format, settings.log_level)
    with suppress(KeyboardInterrupt):
        asyncio.run(_work(settings.database_url, settings))


async def _work(database_url: str, settings: Settings) -> None:
    """Run jobs until stopped."""
    engine = make_engine(database_url, pool_size=settings.pool_size)
    try:
        async with reaching_outside(settings) as outside:
            context = WorkerContext(make_sessionmaker(engine), system_clock, outside)
            await run_worker(context, database_url)
    finally:
        await engine.dispose()
