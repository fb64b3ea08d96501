"""How long one may appeal, when it is to be answered, and who may decide: pure."""

from datetime import datetime, timedelta

from app.core.calendar import day_in
from app.core.database import Record
from app.ledger.lapses import end_of


def days_after(moment: datetime, days: int, timezone: str) -> datetime:
    """Return the end of the local day so many full days after the one of this moment."""
    return end_of(day_in(timezone, moment) + timedelta(days=days), timezone)


def may_decide(decider: Record) -> bool:
    """Tell whether somebody took no part in it and is of another household."""
    return not decider.is_involved and not decider.is_of_household
