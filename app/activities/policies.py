"""Who may run an activity."""

from app.core.access import Actor, Permission, Place


def may_run(actor: Actor, permission: Permission, grid_id: int | None) -> bool:
    """A grid's activity is run by whoever works there, the whole community's by any worker."""
    if grid_id is None:
        return actor.may(permission)
    return actor.may(permission, at=Place(grid_id=grid_id))
