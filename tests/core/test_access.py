"""Roles are held at a place and reach everything below it, and nothing beside or above it."""

import pytest

from app.core.access import ROLE_PERMISSIONS, Actor, Grant, Permission, Place, Role
from app.core.problems import Forbidden

EVERYWHERE = Place()
GRID_1, GRID_2 = Place(grid_id=1), Place(grid_id=2)
SHOP_1, SHOP_2 = Place(shop_id=1), Place(shop_id=2)


def somebody(*grants: Grant, community_id: int | None = 7, resident_id: int | None = None) -> Actor:
    return Actor(
        person_id=1,
        session_id=1,
        community_id=community_id,
        resident_id=resident_id,
        grants=grants,
    )


@pytest.mark.parametrize(
    ("held_at", "place", "is_covered"),
    [
        (EVERYWHERE, EVERYWHERE, True),
        (EVERYWHERE, GRID_1, True),
        (EVERYWHERE, SHOP_1, True),
        (GRID_1, GRID_1, True),
        (GRID_1, GRID_2, False),
        (GRID_1, EVERYWHERE, False),
        (GRID_1, SHOP_1, False),
        (SHOP_1, SHOP_1, True),
        (SHOP_1, SHOP_2, False),
        (SHOP_1, EVERYWHERE, False),
        (SHOP_1, GRID_1, False),
    ],
)
def test_a_grant_covers_its_place_and_what_is_below(
    held_at: Place, place: Place, *, is_covered: bool
) -> None:
    assert Grant(Role.GRID_WORKER, held_at).covers(place) is is_covered


def test_an_actor_may_what_one_of_the_roles_may_there() -> None:
    worker = somebody(Grant(Role.RESIDENT), Grant(Role.GRID_WORKER, GRID_1))
    assert worker.may(Permission.ACTIVITIES_MANAGE)
    assert worker.may(Permission.ACTIVITIES_MANAGE, at=GRID_1)
    assert not worker.may(Permission.ACTIVITIES_MANAGE, at=GRID_2)
    assert worker.may(Permission.ACTIVITIES_CHECK_IN, at=GRID_2)
    assert not worker.may(Permission.CONTRIBUTIONS_POST)
    assert not somebody().may(Permission.IDENTITY_OWN_SESSION)


def test_two_grids_are_two_grants() -> None:
    worker = somebody(Grant(Role.GRID_WORKER, GRID_1), Grant(Role.GRID_WORKER, GRID_2))
    assert worker.may(Permission.ACTIVITIES_SCAN, at=GRID_1)
    assert worker.may(Permission.ACTIVITIES_SCAN, at=GRID_2)
    assert not worker.may(Permission.ACTIVITIES_SCAN, at=EVERYWHERE)


def test_who_belongs_to_no_community_has_none_to_read() -> None:
    newcomer = somebody(Grant(Role.SIGNED_IN), community_id=None)
    with pytest.raises(Forbidden):
        _ = newcomer.community
    with pytest.raises(Forbidden):
        _ = newcomer.resident
    assert somebody(resident_id=9).resident == 9


def test_every_role_and_every_permission_is_given_to_somebody() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    given = {permission for held in ROLE_PERMISSIONS.values() for permission in held}
    assert given == set(Permission)


def test_nobody_both_posts_points_and_spends_them() -> None:
    spending = {Permission.REWARDS_REDEEM, Permission.MERCHANTS_VERIFY}
    for held in ROLE_PERMISSIONS.values():
        assert not (Permission.CONTRIBUTIONS_POST in held and spending & held)
