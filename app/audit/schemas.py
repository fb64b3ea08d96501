"""How audits ended, for everybody and for the committee."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.audit.models import AuditState
from app.core.ids import Id


class DifferenceRead(BaseModel):
    """The first thing that is not what follows from the transfers."""

    check: str = Field(examples=["posted points follow from transfers"])
    subject: str = Field(examples=["account 181930429120512"])
    stored: str = Field(examples=["120"])
    expected: str = Field(examples=["100"])


class LatestAudit(BaseModel):
    """When the book was gone through last, how many rows that were, and how it ended."""

    model_config = ConfigDict(from_attributes=True)

    state: AuditState
    checked: int
    started_at: datetime
    ended_at: datetime | None


class AuditRead(LatestAudit):
    """An audit with what it found; one that is `running` may also have been broken off."""

    audit_id: Id
    difference: DifferenceRead | None
    updated_at: datetime
