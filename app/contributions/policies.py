"""Who may post points for whom."""

from app.core.access import Actor


def may_post_for(actor: Actor, resident_id: int) -> bool:
    """Nobody posts points for themselves."""
    return actor.resident_id != resident_id
