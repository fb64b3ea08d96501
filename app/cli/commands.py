"""What an operator types."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli import auditing, communities, keys, rule_books, serving, verifying, witnessing
from app.cli.database import (
    has_shared_key,
    in_transaction,
    migrate,
    running_database,
    vault_of,
)
from app.cli.environment import read_settings, refuse_other_key, require_shared_key
from app.cli.screen import show_demo
from app.core.config import Settings
from app.core.embedded import EmbeddedPostgresError
from app.core.logging import configure_logging
from app.core.openapi import write_documents
from app.core.sealing import MasterKeyUnusable, new_master_key
from app.core.signing import ensure_keys
from app.core.transactions import system_clock
from app.main import create_app
from app.setup.demo import Demo, ensure_demo
from app.wiring import master_key_of

app = typer.Typer(
    name="gridpoints",
    help="GridPoints 网格积分: points for a self-governing neighbourhood.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.add_typer(communities.app, name="community")
app.add_typer(rule_books.app, name="rules")
app.add_typer(keys.app, name="keys")
app.add_typer(witnessing.app, name="witness")
app.command()(verifying.verify)
app.command()(auditing.audit)

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
        serving.serve_demo(settings, host, port, workers)
    else:
        serving.serve_outside(settings, host, port, workers)


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
    serving.work(settings.database_url, settings)


@app.command(name="migrate")
def migrate_schema(
    revision: Annotated[str, typer.Argument(help="Where to; the newest if left out.")] = "head",
) -> None:
    """Bring the database's schema up to date; safe to run twice, or twice at once."""
    settings = read_settings()
    with running_database(settings) as urls:
        vault = None
        if has_shared_key(settings):
            refuse_other_key(settings, urls.owner, role=None)
            vault = vault_of(settings)
        migrate(urls.owner, revision, vault=vault)
    typer.echo("The schema is up to date.")


@app.command()
def demo() -> None:
    """Create the demo community in the database, once, and show how to sign in."""
    settings = read_settings()
    require_shared_key(settings)
    with running_database(settings) as urls:
        refuse_other_key(settings, urls.owner, role=None)
        vault = vault_of(settings)
        migrate(urls.owner, vault=vault)

        async def make(session: AsyncSession) -> Demo:
            # They tell from now on under which master key this database is sealed.
            await ensure_keys(session, master_key_of(settings), now=system_clock())
            return await ensure_demo(session, vault=vault, now=system_clock())

        created = in_transaction(urls.service, make)
    show_demo(created)
    if not settings.allows_local_sign_in:
        typer.echo("Set GRIDPOINTS_LOCAL_SIGN_IN=true to sign in by name (never in production).")


@app.command()
def openapi(
    folder: Annotated[Path, typer.Argument(help="Where to write the documents.")] = Path("openapi"),
) -> None:
    """Write the OpenAPI documents: one whole, one per caller."""
    # A key and folder of its own: describing the API must not make the data folder's.
    with TemporaryDirectory() as nowhere:
        settings = Settings(master_key=SecretStr(new_master_key()), data_dir=Path(nowhere))
        for file in write_documents(create_app(settings), folder):
            typer.echo(file)


def main() -> None:
    """Run the command line; an expected failure is one sentence, not a traceback."""
    try:
        app()
    except (EmbeddedPostgresError, MasterKeyUnusable, serving.CannotServe) as reason:
        typer.echo(f"gridpoints: {reason}", err=True)
        raise SystemExit(1) from reason
