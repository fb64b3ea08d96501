"""`gridpoints keys`: the keys that sign codes, sessions and seals."""

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, running_database
from app.cli.environment import read_settings, refuse_other_key, require_shared_key
from app.cli.plain import plain_app
from app.core import queries
from app.core.database import APP_ROLE
from app.core.sealing import master_key_of, new_master_key
from app.core.signing import LEAD_TIME, PURPOSES, Purpose, add_key
from app.core.transactions import system_clock

app = plain_app("List, rotate and revoke signing keys.")


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

    with running_database(read_settings()) as urls:
        lines = in_transaction(urls.service, read)
    typer.echo("\n".join(lines) or "No keys yet; the first start makes them.")


@app.command()
def rotate(
    purpose: Annotated[str, typer.Argument(help="codes, sessions or seals")],
) -> None:
    """Make a new key; it signs in two minutes, the old one goes on verifying."""
    settings = read_settings()
    chosen = _purpose(purpose)
    require_shared_key(settings)
    active_from = system_clock() + LEAD_TIME

    async def add(session: AsyncSession) -> int:
        key = await add_key(session, master_key_of(settings), chosen, active_from=active_from)
        return key.key_id

    with running_database(settings) as urls:
        refuse_other_key(settings, urls.service, role=APP_ROLE)
        key_id = in_transaction(urls.service, add)
    typer.echo(f"Key {key_id} signs {chosen} from {active_from:%H:%M:%S} UTC.")


@app.command()
def revoke(
    purpose: Annotated[str, typer.Argument(help="codes, sessions or seals")],
    key_id: Annotated[int, typer.Argument(help="The number that `keys list` shows.")],
) -> None:
    """Refuse everything this key ever signed: printed posters, cards and vouchers included.

    What a key for seals signed alone proves nothing any more, but where somebody outside has kept
    it since before. Once another key has sealed something in each community, hang up a new notice,
    tell witnesses the new key, and have residents fetch their receipts anew.
    """
    chosen = _purpose(purpose)

    async def end(session: AsyncSession) -> str:
        return await _revoke(session, chosen, key_id, now=system_clock())

    with running_database(read_settings()) as urls:
        typer.echo(in_transaction(urls.service, end))


async def _revoke(session: AsyncSession, purpose: Purpose, key_id: int, *, now: datetime) -> str:
    # Two who revoke at once would each leave the other's key to sign.
    await queries.lock_signing_keys(session)
    rows = await queries.list_signing_keys(session)
    of_purpose = {row.key_id: row for row in rows if row.purpose == purpose}
    key = of_purpose.get(key_id)
    if key is None:
        return f"There is no key {key_id} for {purpose}."
    signing = [row for row in of_purpose.values() if row.revoked_at is None]
    if not any(row is not key and row.active_from <= now for row in signing):
        return f"Key {key_id} is the only one that signs {purpose}; rotate first."
    key.revoked_at = key.revoked_at or now
    await session.flush()
    return f"Key {key_id} is revoked; running processes refuse it within 30 seconds."


@app.command(name="new-master")
def new_master() -> None:
    """Print a fresh value for GRIDPOINTS_MASTER_KEY; keep it as you keep a password."""
    typer.echo(new_master_key())
