"""Who may propose, decide and withdraw a posting by hand."""

from app.contributions.models import ManualPosting
from app.core.access import Actor


def may_post_for(actor: Actor, resident_id: int) -> bool:
    """Nobody posts points for themselves."""
    return actor.resident_id != resident_id


def may_decide(actor: Actor, posting: ManualPosting) -> bool:
    """Who proposed something, or wrote the answer down, does not check it.

    The database refuses that too.
    """
    return actor.person_id not in (posting.proposed_by, posting.answered_by)


def may_answer_for(actor: Actor, posting: ManualPosting) -> bool:
    """Who wants the points taken does not speak for whom they are taken from."""
    return actor.person_id != posting.proposed_by


def may_withdraw(actor: Actor, posting: ManualPosting) -> bool:
    return actor.person_id == posting.proposed_by
