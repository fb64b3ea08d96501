"""Asking for a copy of one's data, making it, and fetching it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community import service as community
from app.community.names import mask_name
from app.core.access import Actor
from app.core.ids import MAX_ID, new_id
from app.core.jobs import enqueue
from app.core.pagination import Page, page_of, read_cursor
from app.core.personal import Field, Vault
from app.core.rate_limits import Limit
from app.core.sealing import MasterKey
from app.media.errors import PhotoNotFound
from app.media.storage import PhotoStore
from app.notifications.service import Notice, notify
from app.privacy.errors import DataExportDestroyed, DataExportNotFound, DataExportWaiting
from app.privacy.exports import archive, queries
from app.privacy.exports.contents import PARTS, Part
from app.privacy.models import DataExport, ExportState
from app.privacy.schemas import DataExportRead

KEPT_FOR = timedelta(days=7)
PURPOSE = "data exports"
JOB = "make_data_export"
PER_RESIDENT = Limit("data export", burst=1, interval=timedelta(days=1))
IN_MEMORY = 8 * 2**20

Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True, slots=True)
class Material:
    """What a copy is made of, read while a transaction was open."""

    parts: Mapping[str, archive.Rows]
    files: Mapping[int, str]
    community: str
    timezone: str


def object_key(community_id: int, data_export_id: int) -> str:
    """Return where the file lies; the same each time, so that a second try leaves no orphan."""
    return f"exports/{community_id}/{data_export_id}.sealed"


async def ask_for_export(
    session: AsyncSession, actor: Actor, *, aside: Sessions, now: datetime
) -> DataExport:
    """Ask for a copy; raises DataExportWaiting, and TooManyAttempts on the second of a day.

    Ends the caller's transaction, since the attempt counts in one of its own.
    """
    if await queries.has_waiting(session, actor.community, actor.resident):
        raise DataExportWaiting
    await session.rollback()
    await PER_RESIDENT.take(aside, f"{actor.community}:{actor.resident}", now=now)
    export = DataExport(
        community_id=actor.community,
        data_export_id=new_id(now),
        resident_id=actor.resident,
        person_id=actor.person_id,
        state=ExportState.WAITING,
        object_key=None,
        asked_at=now,
        ready_at=None,
        expires_at=None,
    )
    async with aside.begin() as writing:
        writing.add(export)
        await writing.flush()
        await ask_for_making(writing, export.community_id, export.data_export_id, now=now)
    return export


async def ask_for_making(
    session: AsyncSession, community_id: int, data_export_id: int, *, now: datetime
) -> None:
    """Enqueue the job; asked again on another day, one that failed for good is tried again."""
    payload = f"{community_id}:{data_export_id}"
    await enqueue(session, JOB, key=f"{JOB}:{payload}:{now:%Y%m%d}", payload=payload.encode())


async def list_exports(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[DataExportRead]:
    """Return the caller's copies, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_exports(
        session, actor.community, actor.resident, before=before, size=size + 1
    )
    return page_of(DataExportRead, rows, size, lambda row: (row.data_export_id,))


async def read_file(
    session: AsyncSession,
    actor: Actor,
    data_export_id: int,
    *,
    store: PhotoStore,
    master_key: MasterKey,
    now: datetime,
) -> bytes:
    """Return the ZIP of one's own copy. Ends the caller's transaction before it is fetched.

    Raises DataExportNotFound, DataExportWaiting and DataExportDestroyed.
    """
    export = await queries.get_export(session, actor.community, data_export_id)
    if export is None or export.resident_id != actor.resident:
        raise DataExportNotFound
    if export.state == ExportState.WAITING:
        raise DataExportWaiting
    key, expires_at = export.object_key, export.expires_at
    await session.rollback()
    if key is None or expires_at is None or expires_at <= now:
        raise DataExportDestroyed
    try:
        sealed = await store.get(key)
    except PhotoNotFound as gone:
        raise DataExportDestroyed from gone
    return await asyncio.to_thread(master_key.open, PURPOSE, sealed, bound_to=key.encode())


# Making, by the job.


async def gather(session: AsyncSession, export: DataExport, vault: Vault) -> Material:
    """Read everything that is held on a resident."""
    parts = {
        part.code: [
            _opened(part, row, vault, export.community_id)
            for row in await queries.read_part(session, part.statement, export)
        ]
        for part in PARTS
    }
    here = await community.get_community(session, export.community_id)
    files = {row.photo_id: row.served_key for row in await queries.list_files(session, export)}
    return Material(parts, files, here.name, here.timezone)


def _opened(part: Part, row: dict[str, Any], vault: Vault, community_id: int) -> dict[str, Any]:
    """Put what was sealed in its place, in the clear."""
    for sealed in part.sealed:
        field = Field(sealed.field, community_id, row[sealed.row] or 0)
        opened = vault.open_or_none(row.pop(sealed.column), field)
        row[sealed.name] = mask_name(opened) if opened and sealed.is_masked else opened
    return row


async def pack(material: Material, store: PhotoStore, *, now: datetime) -> bytes:
    """Return the ZIP; photos are fetched one by one, and one that is gone by now is left out."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        await asyncio.to_thread(
            archive.write_texts, file, material.parts,
            timezone=material.timezone, community=material.community, now=now,
        )  # fmt: skip
        for photo_id, key in material.files.items():
            try:
                jpeg = await store.get(key)
            except PhotoNotFound:
                continue
            await asyncio.to_thread(archive.add_photo, file, photo_id, jpeg)
        file.seek(0)
        return await asyncio.to_thread(file.read)


async def finish(session: AsyncSession, export: DataExport, key: str, *, now: datetime) -> bool:
    """Note that the file is there and tell the resident; False if nobody waits for it."""
    expires_at = now + KEPT_FOR
    is_ready = await queries.make_ready(
        session, export.community_id, export.data_export_id,
        object_key=key, expires_at=expires_at, now=now,
    )  # fmt: skip
    if is_ready:
        notice = Notice(
            person_id=export.person_id,
            kind="data_export",
            title="个人信息副本已生成",
            body=f"请在 {KEPT_FOR.days} 天内下载，过期后文件会销毁。",
            subject_kind="data_export",
            subject_id=export.data_export_id,
            fields={"title": "个人信息副本", "status": "已生成"},
        )
        await notify(session, export.community_id, [notice], now=now)
    return is_ready
