"""Giving somebody a role from outside of the service: how a community gets its first staff."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Community
from app.core.access import Place, Role
from app.core.personal import Vault
from app.setup import queries
from app.setup.people import make_grant


class CannotGrant(Exception):
    """The role cannot be given; the message says why and what there is instead."""


@dataclass(frozen=True, slots=True)
class RoleToGrant:
    """Who becomes what, in which community, and where in it."""

    community_code: str
    person_id: int
    role: Role
    name: str
    at: Place


async def grant_role(
    session: AsyncSession, wanted: RoleToGrant, *, vault: Vault, now: datetime
) -> tuple[Community, bool]:
    """Give a person a role, once; return the community and whether the role is new.

    Raises CannotGrant.
    """
    community = await queries.find_community(session, wanted.community_code)
    if community is None:
        raise CannotGrant(
            f"There is no community {wanted.community_code!r}: see `gridpoints community list`."
        )
    if not await queries.is_person(session, wanted.person_id):
        raise CannotGrant(
            f"Nobody has signed in as person {wanted.person_id}. Let them sign in once; the "
            "answer of /v1/auth names their person_id."
        )
    await _check_place(session, community.community_id, wanted)
    grant = make_grant(
        community.community_id, person_id=wanted.person_id, name=wanted.name, role=wanted.role,
        at=wanted.at, vault=vault, now=now,
    )  # fmt: skip
    if await queries.holds_role(session, grant):
        return community, False
    session.add(grant)
    await session.flush()
    return community, True


async def _check_place(session: AsyncSession, community_id: int, wanted: RoleToGrant) -> None:
    shop_id, grid_id = wanted.at.shop_id, wanted.at.grid_id
    if (wanted.role is Role.CLERK) != (shop_id is not None):
        shops = await queries.list_shops(session, community_id)
        there = "; ".join(f"{shop.shop_id} {shop.name}" for shop in shops) or "none yet"
        raise CannotGrant(f"A clerk, and nobody else, works in a --shop. Shops: {there}.")
    if grid_id is not None and wanted.role is not Role.GRID_WORKER:
        raise CannotGrant("Only a grid_worker works in a --grid.")
    if shop_id is not None:
        shops = await queries.list_shops(session, community_id)
        _check_is_there("shop", shop_id, {shop.shop_id: shop.name for shop in shops})
    if grid_id is not None:
        grids = await queries.list_grids(session, community_id)
        _check_is_there("grid", grid_id, {grid.grid_id: grid.name for grid in grids})


def _check_is_there(kind: str, number: int, known: dict[int, str]) -> None:
    if number not in known:
        there = "; ".join(f"{number} {name}" for number, name in known.items()) or "none yet"
        raise CannotGrant(f"There is no {kind} {number}. There is: {there}.")
