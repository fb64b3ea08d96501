"""SQL of copies: reading a part, whose statements stand beside this, and the copies' own rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.privacy.models import DataExport, ExportState

LIST_FILES = """
    SELECT photo_id, served_key FROM photos
    WHERE community_id = :community_id AND person_id = :person_id AND served_key IS NOT NULL
    ORDER BY photo_id
"""


async def read_part(
    session: AsyncSession, statement: str, export: DataExport
) -> Sequence[dict[str, Any]]:
    """Return the rows of one part."""
    names = ("community_id", "resident_id", "person_id")
    values = {name: getattr(export, name) for name in names if f":{name}" in statement}
    return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]


async def list_files(session: AsyncSession, export: DataExport) -> Sequence[Record]:
    """Return (photo_id, served_key) of every photo file of the person."""
    values = {"community_id": export.community_id, "person_id": export.person_id}
    return (await session.execute(text(LIST_FILES), values)).all()


async def has_waiting(session: AsyncSession, community_id: int, resident_id: int) -> bool:
    statement = select(DataExport.data_export_id).where(
        DataExport.community_id == community_id,
        DataExport.resident_id == resident_id,
        DataExport.state == ExportState.WAITING,
    )
    return await session.scalar(statement) is not None


async def get_export(
    session: AsyncSession, community_id: int, data_export_id: int
) -> DataExport | None:
    return await session.get(DataExport, (community_id, data_export_id), populate_existing=True)


async def list_exports(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[DataExport]:
    """Return a resident's copies, newest first, before a number."""
    statement = (
        select(DataExport)
        .where(
            DataExport.community_id == community_id,
            DataExport.resident_id == resident_id,
            DataExport.data_export_id < before,
        )
        .order_by(DataExport.data_export_id.desc())
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def make_ready(
    session: AsyncSession,
    community_id: int,
    data_export_id: int,
    *,
    object_key: str,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Note where the file lies; False unless the copy was waiting for it."""
    statement = (
        update(DataExport)
        .where(
            DataExport.community_id == community_id,
            DataExport.data_export_id == data_export_id,
            DataExport.state == ExportState.WAITING,
        )
        .values(state=ExportState.READY, object_key=object_key, ready_at=now, expires_at=expires_at)
        .returning(DataExport.data_export_id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None
