"""Copies of one's data, the end of an account, and retention periods, as callers see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.core.ids import Id
from app.privacy.models import ClosureState, ExportState


class DataExportRead(BaseModel):
    """A copy of my data; while it is `ready`, its file can be fetched until `expires_at`."""

    model_config = ConfigDict(from_attributes=True)

    data_export_id: Id
    state: ExportState
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None


class ClosureRead(BaseModel):
    """The end of my account; until `closes_at` I can change my mind."""

    model_config = ConfigDict(from_attributes=True)

    closure_id: Id
    state: ClosureState
    asked_at: datetime
    closes_at: datetime
    ended_at: datetime | None


class RetentionRead(BaseModel):
    """How long a kind of data is kept, in words for residents."""

    code: str
    what: str
    period: str
    reason: str


class RetentionTable(BaseModel):
    """What is kept for how long, and why."""

    community_name: str
    items: list[RetentionRead]
    next_cursor: None = None
