"""Notices to one resident, or to whoever calls on them where they have no phone."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.telling import queries
from app.core.access import Role
from app.core.calendar import in_zone
from app.notifications.service import Notice, notify
from app.wechat.message_fields import date_text


@dataclass(frozen=True, slots=True)
class Message:
    """What a resident is to know; WeChat shows the title, the status, `at` and the short note."""

    kind: str
    title: str
    body: str
    status: str
    note: str
    subject_kind: str
    subject_id: int
    at: datetime


async def tell_resident(
    session: AsyncSession,
    community_id: int,
    resident_id: int,
    message: Message,
    *,
    timezone: str,
    now: datetime,
) -> None:
    """Tell a resident; for one without a phone their grid's workers, else the committee."""
    rows = await queries.list_reachable(session, community_id, resident_id)
    # Only where the grid has no worker it falls to the committee.
    callers = [row for row in rows if row.role == Role.GRID_WORKER] or rows
    fields = {
        "title": message.title,
        "status": message.status,
        "time": date_text(in_zone(timezone, message.at)),
        "note": message.note,
    }
    notices = {
        row.person_id: Notice(
            row.person_id,
            message.kind,
            message.title,
            _opening(row.role, row.masked_name) + message.body,
            message.subject_kind,
            message.subject_id,
            fields,
        )
        for row in callers
    }
    await notify(session, community_id, list(notices.values()), now=now)


def _opening(role: str | None, masked_name: str) -> str:
    return "" if role is None else f"请转告没有手机的居民{masked_name}："
