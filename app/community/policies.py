"""Who may decide about whom."""

from sqlalchemy import ColumnElement, false, or_, true

from app.community.models import Building
from app.core.access import ROLE_PERMISSIONS, Actor, Permission


def in_grids_of(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Return the buildings at which the actor holds this permission."""
    places = [grant.at for grant in actor.grants if permission in ROLE_PERMISSIONS[grant.role]]
    if any(place.grid_id is None and place.shop_id is None for place in places):
        return true()
    grids = [Building.grid_id == place.grid_id for place in places if place.grid_id is not None]
    return or_(false(), *grids)
