"""`gridpoints community`: make communities from presets, and say who runs them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import in_transaction, vault_of
from app.cli.environment import read_settings, refuse_other_key, require_shared_key
from app.cli.opening import open_database, refuse
from app.cli.plain import plain_app
from app.core.access import Place, Role
from app.core.ids import MAX_ID
from app.core.sealing import master_key_of
from app.core.signing import ensure_keys
from app.core.transactions import system_clock
from app.setup import queries
from app.setup.community import CodeTaken, CreatedCommunity, create_community_once
from app.setup.granting import CannotGrant, RoleToGrant, grant_role
from app.setup.places import AddedPlaces, PlacesFaulty, add_missing_places, read_places
from app.setup.presets import (
    PresetFaulty,
    PresetUnknown,
    describe_preset,
    preset_names,
    read_preset,
)

app = plain_app("Make communities (社区) from presets, list them, and grant roles in them.")
SHORT_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_NAME = 60
# Everybody is signed in, and residents join by themselves.
GRANTED = tuple(role for role in Role if role not in (Role.SIGNED_IN, Role.RESIDENT))

Code = Annotated[
    str,
    typer.Option("--code", help="Short and for good, like sunshine-3: how commands name it."),
]
Name = Annotated[str, typer.Option("--name", help="What people read, like 阳光社区.")]


@app.command()
def presets() -> None:
    """List the presets there are: the rules, rewards and case categories to begin with."""
    for name in preset_names():
        typer.echo(f"{name:<10} {describe_preset(name)}")


@app.command()
def create(
    preset: Annotated[str, typer.Option(help="Which one: see `gridpoints community presets`.")],
    code: Code,
    name: Name,
    timezone: Annotated[
        str | None, typer.Option(help="Of its calendar, like Asia/Shanghai; else the preset's.")
    ] = None,
) -> None:
    """Make a community: rules in force from now on, shops, a filled catalogue, case categories.

    Everything can be changed afterwards: rules by proposal and public notice, or, until the first
    points move, with `gridpoints rules import`.
    """
    if not SHORT_CODE.fullmatch(code):
        raise typer.BadParameter(
            "Use small letters, digits and dashes, like sunshine-3.", param_hint="--code"
        )
    name = name.strip()
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise typer.BadParameter(f"Use 1 to {LONGEST_NAME} characters.", param_hint="--name")
    if timezone is not None and timezone not in available_timezones():
        raise typer.BadParameter(f"There is no time zone {timezone!r}.")
    try:
        stated = read_preset(preset)
    except (PresetUnknown, PresetFaulty) as wrong:
        refuse(str(wrong))
    changes = {"name": name, "timezone": timezone or stated.timezone}
    stated = stated.model_copy(update=changes)

    async def make(session: AsyncSession) -> CreatedCommunity:
        return await create_community_once(session, stated, code=code, now=system_clock())

    try:
        with open_database(read_settings()) as urls:
            created = in_transaction(urls.service, make)
    except CodeTaken:
        refuse(f"There is a community {code!r} already: see `gridpoints community list`.")
    typer.echo(f"""\
{name} ({code}) is community {created.community_id}, by the clock of {created.timezone}:
  {len(created.rules)} rules, {len(created.rewards)} rewards, {len(created.shops)} shops, \
{len(created.funds)} funds.
Next, say which buildings it has: a table with the headings 网格, 楼栋 and a line per building.
  gridpoints community places --code {code} FILE
Then say who runs it. Let the first of the committee sign in once in the mini-program; the answer
of /v1/auth names their person_id. Then:
  gridpoints community grant --code {code} --role committee --person PERSON_ID --name NAME
Two of them are needed: nobody approves what they have proposed themselves.""")


@app.command(name="list")
def list_communities() -> None:
    """List every community: code, number, name, time zone, residents, committee."""

    async def read(session: AsyncSession) -> list[str]:
        return [
            f"{row.code:<16} {row.community_id:>5}  {row.name}  {row.timezone}  "
            f"{row.residents} residents, {row.committee} in the committee"
            for row in await queries.list_communities(session)
        ]

    with open_database(read_settings()) as urls:
        lines = in_transaction(urls.service, read)
    typer.echo("\n".join(lines) or "There is none yet: `gridpoints community create` makes one.")


@app.command()
def places(
    code: Annotated[str, typer.Option("--code", help="The community's.")],
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV (UTF-8 or GB18030) or XLSX: 网格, 楼栋."
        ),
    ],
) -> None:
    """Add grids and buildings from a table with the headings 网格, 楼栋 (or grid, building).

    One line per building. What is there stays; only new lines are added, so the same file, with
    buildings added to it, can be given again. With any fault nothing is added.
    """

    async def add(session: AsyncSession) -> AddedPlaces:
        community = await queries.find_community(session, code)
        if community is None:
            raise _NoCommunity
        return await add_missing_places(session, community.community_id, lines, now=system_clock())

    try:
        lines = read_places(file.read_bytes())
        with open_database(read_settings()) as urls:
            added = in_transaction(urls.service, add)
    except PlacesFaulty as faulty:
        refuse("\n".join(f"{file}: {fault}" for fault in faulty.faults))
    except _NoCommunity:
        refuse(f"There is no community {code!r}: see `gridpoints community list`.")
    for number, name in added.grids:
        typer.echo(f"+ grid {number} {name}")
    for line in added.buildings:
        typer.echo(f"+ building {line.building} in {line.grid}")
    typer.echo(
        f"{len(added.grids)} grids and {len(added.buildings)} buildings added to {code}; "
        f"{added.known_buildings} buildings were there."
    )


class _NoCommunity(Exception):
    """There is no community of this code."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What to print of a grant."""

    community: str
    is_new: bool


@app.command()
def grant(
    code: Annotated[str, typer.Option(help="The community's.")],
    person: Annotated[
        int,
        typer.Option(
            min=1, max=MAX_ID, help="person_id in the answer of /v1/auth at their sign-in."
        ),
    ],
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(GRANTED)}.")],
    name: Annotated[
        str, typer.Option(help="Their own name, for those they answer to; kept sealed.")
    ],
    grid: Annotated[
        int | None, typer.Option(help="Only in this grid, by its number; for a grid_worker.")
    ] = None,
    shop: Annotated[
        int | None, typer.Option(help="In this shop, by its number; a clerk needs one.")
    ] = None,
) -> None:
    """Give a person a role: in the whole community, or in one grid or shop.

    The person signs in once first (there is nobody to give it to before), and signs in again
    afterwards to be bound to the community.
    """
    if role not in GRANTED:
        raise typer.BadParameter(f"choose one of: {', '.join(GRANTED)}", param_hint="--role")
    settings = read_settings()
    require_shared_key(settings)
    wanted = RoleToGrant(code, person, Role(role), name, Place(grid_id=grid, shop_id=shop))

    async def add(session: AsyncSession) -> _Found:
        # They tell from now on under which master key this database is sealed.
        await ensure_keys(session, master_key_of(settings), now=system_clock())
        community, is_new = await grant_role(
            session, wanted, vault=vault_of(settings), now=system_clock()
        )
        return _Found(community.name, is_new)

    try:
        with open_database(settings) as urls:
            refuse_other_key(settings, urls.owner, role=None)
            found = in_transaction(urls.service, add)
    except CannotGrant as reason:
        refuse(str(reason))
    verb = "is now" if found.is_new else "is already"
    typer.echo(f"{name} {verb} {role} in {found.community}.")
