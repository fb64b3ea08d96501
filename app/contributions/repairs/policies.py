"""Who may decide on a repair."""

from app.contributions.repairs.models import RepairTask
from app.core.access import Actor


def may_decide(actor: Actor, repair: RepairTask) -> bool:
    """Who reported it does not accept it; the database refuses that too."""
    return actor.person_id != repair.reported_by
