"""Who may decide and withdraw a change of rules, and on which day one may begin."""

from datetime import UTC, date, datetime, timedelta

from app.core.access import Actor
from app.core.calendar import day_in
from app.rules.models import RuleChange


def may_decide(actor: Actor, change: RuleChange) -> bool:
    """Who proposed something does not decide it; the database refuses that too."""
    return actor.person_id != change.proposed_by


def may_withdraw(actor: Actor, change: RuleChange) -> bool:
    return actor.person_id == change.proposed_by


def last_day_of_notice(timezone: str, days: int, now: datetime) -> date:
    """Return the last of so many full days; the rest of today is given on top."""
    return day_in(timezone, now) + timedelta(days=days)


def day_after(timezone: str, *moments: datetime) -> date:
    """Return the first day that begins after all of these moments."""
    return max(day_in(timezone, moment.astimezone(UTC)) for moment in moments) + timedelta(days=1)
