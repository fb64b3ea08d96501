"""The database as commands on communities find it: with a schema, or with what to do about that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from sqlalchemy.exc import ProgrammingError

from app.cli.database import RunningDatabase, migrate, running_database, vault_of
from app.core.config import Settings
from app.core.database import sqlstate_of

UNDEFINED_TABLE = "42P01"


@contextmanager
def open_database(settings: Settings) -> Iterator[RunningDatabase]:
    """Yield the database; one of our own is brought up to date first."""
    with running_database(settings) as urls:
        if settings.is_embedded:
            migrate(urls.owner, vault=vault_of(settings))
        try:
            yield urls
        except ProgrammingError as error:
            if sqlstate_of(error) != UNDEFINED_TABLE:
                raise
            refuse("The database has no schema yet: run `gridpoints migrate` first.")


def refuse(reason: str) -> NoReturn:
    """Say why not, and end with status 1."""
    typer.echo(reason, err=True)
    raise typer.Exit(1)
