"""`gridpoints serve`: what can be refused is refused before the application is loaded."""

import signal
import socket
from contextlib import suppress
from typing import Annotated, NoReturn

import typer
import uvicorn
from fastapi import FastAPI

from app.cli.database import migrate, running_database, vault_of
from app.cli.environment import read_settings, refuse_other_key
from app.cli.errors import CannotServe
from app.cli.loading import loading
from app.cli.plain import plain_app
from app.core.config import Settings
from app.core.database import APP_ROLE
from app.core.logging import configure_logging

LOOPBACK = ("127.0.0.1", "localhost", "::1")

app = plain_app()

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="API processes; more than one needs an outside database.")
]
Demonstrates = Annotated[
    bool,
    typer.Option(
        "--demo", help="Migrate, create the demo and run jobs on an outside database as well."
    ),
]


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Workers = 1,
    *,
    demo: Demonstrates = False,
) -> None:
    """Start the API; without GRIDPOINTS_DATABASE_URL with its own database, jobs and a demo."""
    settings = read_settings()
    if settings.is_embedded or demo:
        serve_demo(settings, host, port, workers)
    else:
        serve_outside(settings, host, port, workers)


def serve_demo(settings: Settings, host: str, port: int, workers: int) -> None:
    """Start API and jobs as one, on a migrated database with the demo; Ctrl-C ends all of it.

    Without an outside database the embedded one is started too.
    """
    if workers > 1:
        raise CannotServe("More than one process needs GRIDPOINTS_DATABASE_URL and no --demo.")
    refuse_taken_port(host, port)
    # As services are stopped; uvicorn passes it on once it has ended in order.
    signal.signal(signal.SIGTERM, end_in_order)
    configure_logging("console", "warning" if settings.log_level == "info" else settings.log_level)
    settings = suited_to(settings, host, f"http://{host}:{port}")
    with running_database(settings) as database:
        refuse_other_key(settings, database.owner, role=None)
        migrate(database.owner, vault=vault_of(settings))
        # It is the whole application: where there is nothing to serve, nobody waits for it.
        with loading():
            from app.cli import running  # noqa: PLC0415
        running.run_demo(settings, database, host, port)
    kept_in = settings.data_dir if settings.is_embedded else "your database"
    typer.echo(f"Stopped; the data stays in {kept_in}")


def end_in_order(*_: object) -> NoReturn:
    """Leave through everything that is open, so that the embedded database is stopped too."""
    raise SystemExit


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
    with loading():
        from app.cli import running  # noqa: PLC0415

        return running.application()


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
