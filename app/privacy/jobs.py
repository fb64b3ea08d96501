"""Background work of privacy: copies are made, accounts closed, periods kept. Safe to repeat."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community import queries as community
from app.core.personal import Vault
from app.core.sealing import MasterKey
from app.media.storage import PhotoStore
from app.privacy.closing import queries as closures
from app.privacy.closing import service as closing
from app.privacy.exports import queries as export_queries
from app.privacy.exports import service as exports
from app.privacy.models import ExportState
from app.privacy.retention import RETENTION, Retention
from app.privacy.sweeping import queries as sweeping

BATCH = 500
ASKED_AGAIN_AFTER = timedelta(hours=1)
EVERYWHERE = 0

Sessions = async_sessionmaker[AsyncSession]
logger = structlog.get_logger()


async def make_data_export(
    sessionmaker: Sessions,
    store: PhotoStore,
    master_key: MasterKey,
    vault: Vault,
    payload: bytes,
    *,
    now: datetime,
) -> bool:
    """Make the copy that the payload names, if somebody still waits for it.

    The file is written before the row says so, always under the same key: a second try replaces
    it, and one that came too late deletes it.
    """
    community_id, data_export_id = (int(part) for part in payload.split(b":"))
    key = exports.object_key(community_id, data_export_id)
    async with sessionmaker() as session:
        export = await export_queries.get_export(session, community_id, data_export_id)
        is_waiting = export is not None and export.state == ExportState.WAITING
        material = None
        if export is not None and is_waiting:
            material = await exports.gather(session, export, vault)
    if export is not None and material is not None:
        content = await exports.pack(material, store, now=now)
        sealed = await asyncio.to_thread(
            master_key.seal, exports.PURPOSE, content, bound_to=key.encode()
        )
        await store.put(key, sealed)
        async with sessionmaker.begin() as session:
            if await exports.finish(session, export, key, now=now):
                return True
    await _delete_unless_ready(sessionmaker, store, community_id, data_export_id)
    return False


async def _delete_unless_ready(
    sessionmaker: Sessions, store: PhotoStore, community_id: int, data_export_id: int
) -> None:
    async with sessionmaker() as session:
        export = await export_queries.get_export(session, community_id, data_export_id)
    if export is None or export.state == ExportState.DESTROYED:
        await store.delete(exports.object_key(community_id, data_export_id))


async def close_accounts(sessionmaker: Sessions, *, now: datetime) -> int:
    """Carry out every closure that is due, each in a transaction of its own; return how many.

    Points that came to a closed account since lapse as well, and messages are deleted.
    """
    async with sessionmaker() as session:
        due = await closures.list_due(session, now=now)
    closed = 0
    for row in due:
        try:
            async with sessionmaker.begin() as session:
                closed += await closing.close_account(
                    session, row.community_id, row.closure_id, now=now
                )
        except Exception:
            # The others' accounts do not wait for this one, which is tried again in an hour.
            logger.exception("account not closed", closure_id=row.closure_id)
    async with sessionmaker() as session:
        left_over = await closures.list_left_over(session)
    for row in left_over:
        try:
            async with sessionmaker.begin() as session:
                await closing.empty_wallet(
                    session, row.community_id, row.resident_id, person_id=row.person_id, now=now
                )
        except Exception:
            logger.exception("closed account not emptied", resident_id=row.resident_id)
    async with sessionmaker.begin() as session:
        await closing.forget_latecomers(session, now=now)
    return closed


async def keep_retention(sessionmaker: Sessions, *, now: datetime) -> dict[str, int]:
    """End everything that was kept long enough; return how much of each kind.

    Copies that nobody made are asked for again. What fails is raised when all else is done.
    """
    async with sessionmaker.begin() as session:
        communities = [row.community_id for row in await community.list_communities(session)]
        for row in await sweeping.list_waiting_exports(session, before=now - ASKED_AGAIN_AFTER):
            await exports.ask_for_making(session, row.community_id, row.data_export_id, now=now)
    ended: dict[str, int] = {}
    failed: list[Exception] = []
    for entry in RETENTION:
        if entry.sweep is not None:
            try:
                ended[entry.code] = await _sweep(sessionmaker, entry, communities, now=now)
            except Exception as reason:
                logger.exception("retention not kept", kind=entry.code)
                failed.append(reason)
    if failed:
        raise failed[0]
    return ended


async def _sweep(
    sessionmaker: Sessions, entry: Retention, communities: list[int], *, now: datetime
) -> int:
    """Run one entry in batches until nothing is due."""
    ended = 0
    for community_id in [EVERYWHERE] if entry.is_global else communities:
        while entry.sweep is not None:
            async with sessionmaker.begin() as session:
                batch = await entry.sweep(session, community_id, now, BATCH)
            ended += batch
            if batch < BATCH:
                break
    return ended
