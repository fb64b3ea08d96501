"""The operator's settings, and whether their master key is the database's."""

import typer
from cryptography.exceptions import InvalidTag
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli import queries
from app.cli.database import has_shared_key, in_transaction
from app.core.config import Settings
from app.core.sealing import MasterKeyUnusable, master_key_of
from app.core.signing import KeyRing
from app.core.transactions import system_clock
from app.ledger.witnesses.trusted import WitnessesUnusable, witness_keys


def read_settings() -> Settings:
    """Read the environment; name what is wrong with it, but not the values: some are secret."""
    try:
        settings = Settings()
        witness_keys(settings)
    except WitnessesUnusable as wrong:
        typer.echo(f"GRIDPOINTS_WITNESSES: {wrong}", err=True)
        raise typer.Exit(2) from None
    except ValidationError as wrong:
        for error in wrong.errors():
            name = "_".join(str(part) for part in error["loc"]).upper()
            typer.echo(f"GRIDPOINTS_{name}: {error['msg']}", err=True)
        raise typer.Exit(2) from None
    return settings


def require_shared_key(settings: Settings) -> None:
    """Raise MasterKeyUnusable where a key of our own would be made that nobody else has."""
    if not has_shared_key(settings):
        raise MasterKeyUnusable(
            "Set GRIDPOINTS_MASTER_KEY, the one that `serve` has: people's names are sealed with "
            "it. `gridpoints keys new-master` makes one."
        )


def refuse_other_key(settings: Settings, database_url: str, *, role: str | None) -> None:
    """Raise MasterKeyUnusable if the database was sealed under another master key than ours.

    Whatever were sealed now, the running service could not open. An empty database takes any.
    """
    master_key = master_key_of(settings)

    async def check(session: AsyncSession) -> None:
        if await queries.has_signing_keys(session):
            try:
                await KeyRing(master_key).load(session, now=system_clock())
            except InvalidTag:
                raise MasterKeyUnusable(
                    "This database was sealed under another master key: set GRIDPOINTS_MASTER_KEY "
                    "to the one it has been served with. Without that one, names and phones "
                    "cannot be read any more."
                ) from None

    in_transaction(database_url, check, role=role)
