"""People for a community: places to live, residents with wallets, staff with roles.

Everybody gets a local identity, so that the demo and the tests can sign in as them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community.models import Building, Grid, Household, Resident, ResidentState, RoleGrant
from app.community.names import mask_name
from app.core.access import Place, Role
from app.core.ids import new_id
from app.core.personal import Vault
from app.identity.models import Identity, Person
from app.ledger import queries as ledger

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Places:
    """The numbers of a new community's grids and buildings, in order."""

    grids: list[int]
    buildings: list[int]


@dataclass(frozen=True, slots=True)
class NewResident:
    """A resident to be: sign-in name, own name, building and room."""

    ticket: str
    name: str
    building_id: int
    room: str


async def add_places(
    session: AsyncSession,
    community_id: int,
    *,
    grids: Sequence[str],
    buildings: Sequence[tuple[str, int]],
    now: datetime,
) -> Places:
    """Add grids by name, and buildings by (name, position of their grid)."""
    grid_ids = await add_grids(session, community_id, grids, now=now)
    placed = [(name, grid_ids[position]) for name, position in buildings]
    return Places(grid_ids, await add_buildings(session, community_id, placed, now=now))


async def add_grids(
    session: AsyncSession, community_id: int, names: Sequence[str], *, now: datetime
) -> list[int]:
    """Add grids; return their numbers in order."""
    grid_ids = [new_id(now) for _ in names]
    session.add_all(
        Grid(community_id=community_id, grid_id=grid_id, name=name)
        for grid_id, name in zip(grid_ids, names, strict=True)
    )
    await session.flush()
    return grid_ids


async def add_buildings(
    session: AsyncSession, community_id: int, placed: Sequence[tuple[str, int]], *, now: datetime
) -> list[int]:
    """Add buildings by (name, number of their grid); return their numbers in order."""
    building_ids = [new_id(now) for _ in placed]
    session.add_all(
        Building(community_id=community_id, building_id=building_id, grid_id=grid_id, name=name)
        for building_id, (name, grid_id) in zip(building_ids, placed, strict=True)
    )
    await session.flush()
    return building_ids


async def add_persons(
    session: AsyncSession, tickets: Sequence[str], *, now: datetime
) -> dict[str, int]:
    """Make a person with a local identity for each ticket."""
    persons = {ticket: new_id(now) for ticket in tickets}
    session.add_all(Person(person_id=person_id, created_at=now) for person_id in persons.values())
    await session.flush()
    session.add_all(
        Identity(
            provider=LOCAL,
            app_id="",
            subject=ticket,
            person_id=person_id,
            union_id=None,
            created_at=now,
        )
        for ticket, person_id in persons.items()
    )
    await session.flush()
    return persons


async def add_residents(
    session: AsyncSession,
    community_id: int,
    people: Sequence[NewResident],
    *,
    vault: Vault,
    now: datetime,
) -> dict[str, int]:
    """Make residents, a household each, with empty wallets; return ticket → resident."""
    persons = await add_persons(session, [person.ticket for person in people], now=now)
    households = {person.ticket: new_id(now) for person in people}
    residents = {person.ticket: new_id(now) for person in people}
    session.add_all(
        Household(
            community_id=community_id,
            household_id=households[person.ticket],
            building_id=person.building_id,
            room=person.room,
        )
        for person in people
    )
    await session.flush()
    for person in people:
        resident_id = residents[person.ticket]
        field = personal.resident_name(community_id, resident_id)
        resident = Resident(
            community_id=community_id,
            resident_id=resident_id,
            person_id=persons[person.ticket],
            household_id=households[person.ticket],
            building_id=person.building_id,
            sealed_name=vault.seal(person.name, field),
            masked_name=mask_name(person.name),
            sealed_phone=None,
            state=ResidentState.ACTIVE,
            registered_by=None,
            joined_at=now,
        )
        session.add(resident)
        tokens = personal.name_tokens(vault, community_id, person.name)
        session.add_all(personal.resident_tokens(community_id, resident_id, tokens))
    await session.flush()
    await ledger.open_wallets(session, community_id, list(residents.values()), now=now)
    return residents


async def add_staff(
    session: AsyncSession,
    community_id: int,
    *,
    ticket: str,
    name: str,
    role: Role,
    at: Place,
    vault: Vault,
    now: datetime,
) -> int:
    """Make a person who holds a role at a place; return the person."""
    persons = await add_persons(session, [ticket], now=now)
    session.add(
        make_grant(
            community_id, person_id=persons[ticket], name=name, role=role, at=at,
            vault=vault, now=now,
        )
    )  # fmt: skip
    await session.flush()
    return persons[ticket]


def make_grant(
    community_id: int,
    *,
    person_id: int,
    name: str,
    role: Role,
    at: Place,
    vault: Vault,
    now: datetime,
) -> RoleGrant:
    """Return a role for a person; the name, for those they answer to, is sealed."""
    role_grant_id = new_id(now)
    return RoleGrant(
        community_id=community_id,
        role_grant_id=role_grant_id,
        person_id=person_id,
        role=role,
        grid_id=at.grid_id,
        shop_id=at.shop_id,
        sealed_name=vault.seal(name, personal.grant_name(community_id, role_grant_id)),
        granted_at=now,
    )
