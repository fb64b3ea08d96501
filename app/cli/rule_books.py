"""`gridpoints rules`: a community's rule book as a file."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction
from app.cli.environment import read_settings
from app.cli.opening import open_database, refuse
from app.cli.plain import plain_app
from app.core.transactions import system_clock
from app.rules.book.difference import Difference
from app.rules.book.errors import RulesInUse
from app.rules.book.founding import put_in_force
from app.rules.book.reading import BookUnreadable, read_book
from app.rules.book.schemas import RuleBookData
from app.rules.book.service import export_book
from app.setup import queries

app = plain_app("Check, export and import a community's rule book (积分规则书).")
Code = Annotated[
    str, typer.Option("--code", help="The community's: see `gridpoints community list`.")
]
Book = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A rule book, TOML.")
]
MARKS = {"new": "+", "change": "~", "end": "-"}


class _NoCommunity(Exception):
    """There is no community of this code."""


@app.command()
def check(file: Book) -> None:
    """Read a rule book and name every mistake with its line; needs no database.

    Exit status: 0 if it can be used, 1 with mistakes.
    """
    book = _read(file)
    typer.echo(
        f"{file}: {len(book.rules)} rules, {len(book.rule_categories)} categories, "
        f"{len(book.campaigns)} campaigns, no mistakes."
    )


@app.command()
def export(
    code: Code,
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it; on the screen if left out.")
    ] = None,
) -> None:
    """Write the rule book in force to a file, to be edited and checked.

    Changed rules are proposed in the committee's desk (POST /v1/staff/rule-book/proposal).
    """

    async def read(session: AsyncSession) -> str:
        community_id = await _number_of(session, code)
        return (await export_book(session, community_id, now=system_clock())).toml

    try:
        with open_database(read_settings()) as urls:
            text = in_transaction(urls.service, read)
    except _NoCommunity:
        refuse(f"There is no community {code!r}: see `gridpoints community list`.")
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        typer.echo(f"{file} holds the rules of {code}.")


@app.command(name="import")
def import_book(code: Code, file: Book) -> None:
    """Put a rule book in force at once, in a community where no points have moved yet.

    Later rules change by public notice only: propose the file in the committee's desk
    (POST /v1/staff/rule-book/proposal), so that residents can object before it holds.
    """
    book = _read(file)

    async def found(session: AsyncSession) -> list[Difference]:
        community_id = await _number_of(session, code)
        return await put_in_force(session, community_id, book, now=system_clock())

    try:
        with open_database(read_settings()) as urls:
            changed = in_transaction(urls.service, found)
    except _NoCommunity:
        refuse(f"There is no community {code!r}: see `gridpoints community list`.")
    except RulesInUse:
        refuse(
            f"In {code} points have been given under the rules in force: changes go to public "
            "notice first.\nPropose the file in the committee's desk: "
            "POST /v1/staff/rule-book/check shows what it changes, "
            "POST /v1/staff/rule-book/proposal puts it to notice."
        )
    for one in changed:
        fields = ", ".join(field.field for field in one.fields)
        typer.echo(f"{MARKS[one.kind]} {one.part} {one.code}{': ' + fields if fields else ''}")
    typer.echo(f"In force in {code} now." if changed else f"{code} has these rules already.")


def _read(file: Path) -> RuleBookData:
    try:
        return read_book(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        refuse(f"{file}: this is not text in UTF-8 / 不是 UTF-8 文本")
    except BookUnreadable as unreadable:
        refuse("\n".join(f"{file}: {found} / {found.message_zh}" for found in unreadable.mistakes))


async def _number_of(session: AsyncSession, code: str) -> int:
    community = await queries.find_community(session, code)
    if community is None:
        raise _NoCommunity
    return community.community_id
