"""`gridpoints migrate`: the schema of a release."""

from typing import Annotated

import typer

from app.cli.database import has_shared_key, migrate, running_database, vault_of
from app.cli.environment import read_settings, refuse_other_key
from app.cli.plain import plain_app

app = plain_app()


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
