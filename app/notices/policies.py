"""Who may say something to a notice, and who may answer."""

from datetime import datetime

from app.core.access import Actor, Permission
from app.core.database import Record
from app.notices.models import NoticeRemark, PublicNotice


def is_open(notice: PublicNotice, now: datetime) -> bool:
    """Tell whether it still takes remarks.

    A remark may have waited behind the decision, with the time of before: settled is settled.
    """
    return notice.settled_at is None and notice.opens_at <= now < notice.closes_at


def may_answer(actor: Actor, remark: NoticeRemark) -> bool:
    """Nobody answers what they said themselves; the database refuses that too."""
    return actor.person_id != remark.person_id


def may_read_text(actor: Actor, row: Record) -> bool:
    """Others read what has passed the check, authors and who must answer read all."""
    is_own = row.person_id == actor.person_id
    return row.is_shown or is_own or actor.may(Permission.NOTICES_ANSWER)
