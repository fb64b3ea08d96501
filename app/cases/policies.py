"""Who may handle which case."""

from collections.abc import Sequence

from app.cases.models import Case
from app.core.access import ROLE_PERMISSIONS, Actor, Permission


def grids_of(actor: Actor, permission: Permission) -> Sequence[int] | None:
    """Return the grids at which the actor holds this, or None for the whole community."""
    places = [grant.at for grant in actor.grants if permission in ROLE_PERMISSIONS[grant.role]]
    if any(place.grid_id is None and place.shop_id is None for place in places):
        return None
    return sorted({place.grid_id for place in places if place.grid_id is not None})


def is_own(actor: Actor, case: Case) -> bool:
    """Tell whether the actor is the resident whom the case comes from."""
    return actor.resident_id == case.reporter_id
