"""Who may enter and review which claim."""

from collections.abc import Sequence

from app.contributions.claims.models import Claim, ClaimState
from app.core.access import ROLE_PERMISSIONS, Actor, Permission

# Until then nothing has been given: a claim can be taken back.
OPEN = (ClaimState.IN_REVIEW, ClaimState.APPROVED, ClaimState.IN_NOTICE)


def grids_of(actor: Actor, permission: Permission) -> Sequence[int] | None:
    """Return the grids at which the actor holds this, or None for the whole community."""
    places = [grant.at for grant in actor.grants if permission in ROLE_PERMISSIONS[grant.role]]
    if any(place.grid_id is None and place.shop_id is None for place in places):
        return None
    return sorted({place.grid_id for place in places if place.grid_id is not None})


def may_enter_for(actor: Actor, resident_id: int) -> bool:
    """Staff enter nothing for themselves: they would claim and record in one."""
    return actor.resident_id != resident_id


def is_own(actor: Actor, claim: Claim) -> bool:
    """Tell whether the actor is the resident whose claim it is; the database asks again."""
    return actor.resident_id == claim.resident_id


def has_entered(actor: Actor, claim: Claim) -> bool:
    return actor.person_id == claim.claimed_by
