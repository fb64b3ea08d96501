"""`gridpoints keys`: the keys that sign codes and sessions."""

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, running_database
from app.core import queries
from app.core.config import Settings
from app.core.sealing import new_master_key
from app.core.signing import LEAD_TIME, PURPOSES, Purpose, add_key
from app.core.transactions import system_clock
from app.main import master_key_of

app = typer.Typer(help="List, rotate and revoke signing keys.", no_args_is_help=True)


def _purpose(text: str) -> Purpose:
    for purpose in PURPOSES:
        if text == purpose:
            return purpose
    raise typer.BadParameter(f"choose one of: {', '.join(PURPOSES)}")


@app.command(name="list")
def list_keys() -> None:
    """Show every key: number, purpose, since when it signs, and whether it is revoked."""

    async def read(session: AsyncSession) -> list[str]:
        return [
            f"{row.key_id:>4}  {row.purpose:<9} active from {row.active_from:%Y-%m-%d %H:%M:%S} UTC"
            + (f", revoked {row.revoked_at:%Y-%m-%d %H:%M:%S} UTC" if row.revoked_at else "")
            for row in await queries.list_signing_keys(session)
        ]

    with running_database(Settings()) as urls:
        lines = in_transaction(urls.service, read)
    typer.echo("\n".join(lines) or "No keys yet; the first start makes them.")


@app.command()
def rotate(
    purpose: Annotated[str, typer.Argument(help="codes or sessions")],
) -> None:
    """Make a new key; it signs in two minutes, the old one goes on verifying."""
    settings = Settings()
    chosen = _purpose(purpose)
    active_from = system_clock() + LEAD_TIME

    async def add(session: AsyncSession) -> int:
        key = await add_key(session, master_key_of(settings), chosen, active_from=active_from)
        return key.key_id

    with running_database(settings) as urls:
        key_id = in_transaction(urls.service, add)
    typer.echo(f"Key {key_id} signs {chosen} from {active_from:%H:%M:%S} UTC.")


@app.command()
def revoke(
    key_id: Annotated[int, typer.Argument(help="The number that `keys list` shows.")],
) -> None:
    """Refuse everything this key ever signed: printed posters, cards and vouchers included."""

    async def end(session: AsyncSession) -> str:
        return await _revoke(session, key_id, now=system_clock())

    with running_database(Settings()) as urls:
        typer.echo(in_transaction(urls.service, end))


async def _revoke(session: AsyncSession, key_id: int, *, now: datetime) -> str:
    rows = {row.key_id: row for row in await queries.list_signing_keys(session)}
    row = rows.get(key_id)
    if row is None:
        return f"There is no key {key_id}."
    others = [
        other for other in rows.values()
        if other.purpose == row.purpose and other is not row
        and other.revoked_at is None and other.active_from <= now
    ]  # fmt: skip
    if not others:
        return f"Key {key_id} is the only one that signs {row.purpose}; rotate first."
    row.revoked_at = row.revoked_at or now
    await session.flush()
    return f"Key {key_id} is revoked; running processes refuse it within 30 seconds."


@app.command(name="new-master")
def new_master() -> None:
    """Print a fresh value for GRIDPOINTS_MASTER_KEY; keep it as you keep a password."""
    typer.echo(new_master_key())
