"""Blacking out faces and number plates, and reading an original for a stated purpose.

Both fetch a file, so the caller's transaction ends first and the rows are written in another.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.models import PersonalDataRead
from app.core.access import Actor
from app.core.ids import new_id
from app.media import files, queries
from app.media.check_errors import OriginalDestroyed, PhotoChanged
from app.media.errors import PhotoNotFound
from app.media.images import Box
from app.media.keeper import PhotoKeeper
from app.media.models import Photo

logger = structlog.get_logger()


async def redact_photo(
    session: AsyncSession,
    actor: Actor,
    photo_id: int,
    boxes: Sequence[Box],
    *,
    keeper: PhotoKeeper,
    aside: async_sessionmaker[AsyncSession],
    now: datetime,
) -> str:
    """Replace the shown picture by one with the boxes black; return its key."""
    photo = await _get_photo(session, actor, photo_id)
    before = photo.served_key
    await session.rollback()
    if before is None:
        raise PhotoNotFound
    jpeg = await keeper.redacted(before, boxes)
    after = await keeper.keep_served(actor.community, photo_id, jpeg, now=now)
    async with aside.begin() as writing:
        is_replaced = await queries.replace_served(
            writing, actor.community, photo_id,
            before=before, after=after, redacted_by=actor.person_id, now=now,
        )  # fmt: skip
        await files.ask_to_destroy(writing, [before if is_replaced else after])
    if not is_replaced:
        raise PhotoChanged
    return after


async def read_original(
    session: AsyncSession,
    actor: Actor,
    photo_id: int,
    *,
    purpose: str,
    keeper: PhotoKeeper,
    aside: async_sessionmaker[AsyncSession],
    now: datetime,
) -> bytes:
    """Return the original as a JPEG without metadata; that it was read is on record first."""
    photo = await _get_photo(session, actor, photo_id)
    resident_id = await queries.get_resident_of(session, actor.community, photo.person_id)
    original_key = photo.original_key
    await session.rollback()
    if original_key is None:
        raise OriginalDestroyed
    jpeg = await keeper.original(original_key)
    if resident_id is not None:
        async with aside.begin() as writing:
            read = PersonalDataRead(
                community_id=actor.community,
                personal_data_read_id=new_id(now),
                resident_id=resident_id,
                reader_id=actor.person_id,
                fields=["photo"],
                purpose=purpose,
                read_at=now,
            )
            await queries.add_read(writing, read)
    logger.info(
        "original photo read",
        community_id=actor.community,
        photo_id=photo_id,
        reader_id=actor.person_id,
    )
    return jpeg


async def _get_photo(session: AsyncSession, actor: Actor, photo_id: int) -> Photo:
    found = await queries.get_photo(session, actor.community, photo_id)
    if found is None:
        raise PhotoNotFound
    return found[0]
