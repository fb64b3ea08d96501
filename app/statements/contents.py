"""What stands on a statement, whichever file it becomes."""

from dataclasses import dataclass
from datetime import datetime

from app.ledger.statement.schemas import OwnAccount, PeriodStatement
from app.statements.periods import Days


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything a file is made of, read while a transaction was open."""

    community_name: str
    timezone: str
    resident_name: str
    account: OwnAccount
    days: Days
    statement: PeriodStatement
    made_at: datetime

    def filename(self, ending: str) -> str:
        """Return a name that says what it is but not whose: downloads lie on shared devices."""
        return f"积分明细_{self.days.first:%Y%m%d}-{self.days.last:%Y%m%d}.{ending}"
