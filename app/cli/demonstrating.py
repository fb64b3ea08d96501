"""`gridpoints demo`: a community to try things in."""

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, migrate, running_database, vault_of
from app.cli.environment import read_settings, refuse_other_key, require_shared_key
from app.cli.plain import plain_app
from app.cli.screen import show_demo
from app.core.sealing import master_key_of
from app.core.signing import ensure_keys
from app.core.transactions import system_clock
from app.setup.demo import Demo, ensure_demo

app = plain_app()


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
