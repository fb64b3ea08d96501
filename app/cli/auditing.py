"""`gridpoints audit`: recompute the books from their transfers, and name the first difference."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, NoReturn

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import queries, service
from app.audit.models import Audit, AuditState
from app.cli.database import running_database
from app.cli.environment import read_settings
from app.cli.plain import plain_app
from app.core.database import Record, make_engine, make_sessionmaker, sqlstate_of
from app.core.embedded import EmbeddedPostgresError
from app.core.transactions import system_clock

app = plain_app()
DIFFERENT, USAGE, COULD_NOT_RUN = 1, 2, 3
SHOWN_EVERY_SECONDS = 0.2
UNDEFINED_TABLE = "42P01"
UNREACHED = (EmbeddedPostgresError, SQLAlchemyError, OSError)

Communities = Annotated[
    list[str] | None,
    typer.Option(
        "--community",
        metavar="CODE_OR_ID",
        help="Audit only this community, by its code or number; repeat it for several.",
    ),
]
Anew = Annotated[
    bool, typer.Option("--anew", help="Begin at the beginning, not where the last was broken off.")
]

MEANS_SEALS = """\
  The transfers themselves, or what was sealed of them, are not what they were. Only somebody with
  rights over the database, or a damaged or restored disk, can have done that.
  Keep the database as it is and copy it before anything else. Compare the latest checkpoint with
  those that others keep (notice board, witnesses), and go back to a backup from before."""
MEANS_FIGURES = """\
  This does not follow from the transfers, which are as they were sealed. Either somebody changed
  a row in the database past the service, or the service has a fault. Nothing has been changed.
  Find out who could write to the database since the last clean audit; if nobody did, report it
  with these lines. Once it is put right, run `gridpoints audit` again."""


@app.command()
def audit(communities: Communities = None, *, anew: Anew = False) -> None:
    """Recompute every book from its transfers, and name the first difference.

    Balances, lots, holds, boards, used caps, references and seals: whatever is stored beside the
    transfers must follow from them, and they must be as they were sealed. Only reads, and may run
    while the service is in use. Stopped or killed, the next run goes on where it was, within a
    day; two at once share the work. The worker does the same every night.

    Exit status: 0 all clean, 1 a difference was found, 2 wrong usage, 3 it could not run.
    """
    settings = read_settings()
    try:
        with running_database(settings) as urls:
            is_clean = asyncio.run(_audit(urls.service, communities, anew=anew))
    except UNREACHED as reason:
        _give_up(reason)
    except KeyboardInterrupt:
        typer.echo("\nStopped; the next audit goes on from here.", err=True)
        raise typer.Exit(COULD_NOT_RUN) from None
    if not is_clean:
        raise typer.Exit(DIFFERENT)


async def _audit(database_url: str, names: Sequence[str] | None, *, anew: bool) -> bool:
    engine = make_engine(database_url, pool_size=1)
    sessionmaker = make_sessionmaker(engine)
    try:
        async with sessionmaker() as session:
            found = await queries.list_communities(session, names or None)
        _refuse_unknown(names or [], found)
        states = [await _audit_one(sessionmaker, row, anew=anew) for row in found]
    finally:
        # A lost database cannot be left in order, and why it was lost is told already.
        with suppress(*UNREACHED):
            await engine.dispose()
    return AuditState.DIFFERENT not in states


async def _audit_one(
    sessionmaker: async_sessionmaker[AsyncSession], community: Record, *, anew: bool
) -> str:
    name = f"{community.code} ({community.community_id})"
    screen = Screen(name)
    ended = await service.run_audit(
        sessionmaker, community.community_id,
        clock=system_clock, anew=anew, on_progress=screen.show,
    )  # fmt: skip
    screen.clear()
    if ended.state == AuditState.CLEAN:
        typer.echo(f"{name}: clean, {ended.checked:,} rows")
    else:
        _tell(name, ended)
    return ended.state


def _tell(name: str, audit: Audit) -> None:
    found = audit.difference or {}
    typer.echo(f"{name}: DIFFERENT, found after {audit.checked:,} rows")
    typer.echo(f"  should hold: {found['check']}")
    typer.echo(f"  row:         {found['subject']}")
    typer.echo(f"  stored:      {found['stored']}")
    typer.echo(f"  expected:    {found['expected']}")
    typer.echo(MEANS_SEALS if audit.walk in service.SEAL_WALKS else MEANS_FIGURES)


def _refuse_unknown(names: Sequence[str], found: Sequence[Record]) -> None:
    known = {name for row in found for name in (row.code, str(row.community_id))}
    unknown = [name for name in names if name not in known]
    if unknown:
        typer.echo(f"There is no community {', '.join(unknown)}.", err=True)
        raise typer.Exit(USAGE)
    if not found:
        typer.echo("There is no community yet.")


def _give_up(reason: Exception) -> NoReturn:
    cause = reason.orig if isinstance(reason, DBAPIError) else reason
    typer.echo(f"gridpoints: the audit could not run to its end: {cause}", err=True)
    if isinstance(reason, DBAPIError) and sqlstate_of(reason) == UNDEFINED_TABLE:
        typer.echo("Run `gridpoints migrate` first.", err=True)
    raise typer.Exit(COULD_NOT_RUN) from reason


class Screen:
    """How far an audit has come, on a terminal; nothing where nobody is looking."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_watched = sys.stderr.isatty()
        self._began: tuple[float, int] | None = None
        self._shown_at = 0.0

    def show(self, audit: Audit) -> None:
        """Write over the line of before."""
        now = time.monotonic()
        began_at, began_with = self._began = self._began or (now, audit.checked)
        if not self._is_watched or now - self._shown_at < SHOWN_EVERY_SECONDS:
            return
        self._shown_at = now
        rate = (audit.checked - began_with) / max(now - began_at, SHOWN_EVERY_SECONDS)
        self._write(
            f"{self._name}: {audit.walk or 'done'}, {audit.checked:,} rows, {rate:,.0f} rows/s"
        )

    def clear(self) -> None:
        if self._is_watched:
            self._write("")

    def _write(self, line: str) -> None:
        typer.echo(f"\r\x1b[2K{line}", err=True, nl=False)
