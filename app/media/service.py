"""Taking photos in, showing them to those who may see them, and deleting them.

A picture is cleaned and stored while no transaction is open; a file that no row came to name
is found and deleted by `jobs.delete_orphans`.

Rooms above show photos like this: select `served_key` with their own rows, `queries.is_passed`
unless the caller is the sender or may moderate, then `await links.url(...)` for each.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Actor, Permission
from app.core.coordinates import Position
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.personal import Field, Vault
from app.core.rate_limits import Limit
from app.identity.consents.service import has_consent, require_consent
from app.identity.models import Purpose
from app.media import files, moderation, queries
from app.media.addresses import PhotoLinks
from app.media.check_errors import PhotoStillUsed
from app.media.errors import PhotoNotFound, PhotoTooLarge
from app.media.keeper import PhotoKeeper
from app.media.links import PhotoLink
from app.media.models import CheckKind, CheckState, ContentCheck, Photo
from app.media.schemas import PhotoRead, SuggestedPlace

PER_PERSON = Limit("photo upload", burst=20, interval=timedelta(seconds=5))
MEGABYTE = 2**20

# Whether a photo belongs to something that needs it; asked with the community and the photo.
InUse = Callable[[AsyncSession, int, int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """What the operator set for uploads."""

    max_bytes: int
    original_days: int


async def admit_upload(
    session: AsyncSession, actor: Actor, *, aside: async_sessionmaker[AsyncSession], now: datetime
) -> None:
    """Return if the caller may send a photo; raises ConsentRequired, TooManyAttempts.

    Ends the caller's transaction: a slow phone takes a minute to send, a picture a second to
    clean, and neither may hold a connection to the database.
    """
    await require_consent(session, actor.community, actor.person_id, Purpose.SERVICE)
    await session.rollback()
    await PER_PERSON.take(aside, str(actor.person_id), now=now)


async def upload_photo(
    actor: Actor,
    content: bytes,
    *,
    settings: UploadSettings,
    keeper: PhotoKeeper,
    vault: Vault,
    aside: async_sessionmaker[AsyncSession],
    now: datetime,
) -> tuple[int, bool]:
    """Take a photo in; return its number and whether it is new.

    The same file of the same person is the same photo.
    """
    if len(content) > settings.max_bytes:
        megabytes = settings.max_bytes // MEGABYTE
        raise PhotoTooLarge(max_bytes=settings.max_bytes, max_megabytes=megabytes)
    upload_hash = hashlib.sha256(content).digest()
    async with aside() as reading:
        known = await queries.find_upload(reading, actor.community, actor.person_id, upload_hash)
    if known is not None:
        return known.photo_id, False
    clean = await keeper.clean(content)
    photo_id = new_id(now)
    served_key = await keeper.keep_served(actor.community, photo_id, clean.jpeg, now=now)
    original_key = await keeper.keep_original(actor.community, photo_id, content, now=now)
    photo = Photo(
        community_id=actor.community,
        photo_id=photo_id,
        person_id=actor.person_id,
        upload_hash=upload_hash,
        served_key=served_key,
        original_key=original_key,
        width=clean.width,
        height=clean.height,
        perceptual_hash=clean.perceptual_hash,
        taken_at=clean.taken_at,
        created_at=now,
        original_until=now + timedelta(days=settings.original_days),
    )
    position = _seal_position(vault, actor.community, photo_id, clean.position)
    async with aside.begin() as writing:
        # Asked now and not before: a minute ago the person may still have agreed.
        if await has_consent(writing, actor.community, actor.person_id, Purpose.LOCATION):
            photo.sealed_position = position
        stored = await _store(writing, photo, now=now)
    return stored.photo_id, stored.photo_id == photo_id


async def _store(session: AsyncSession, photo: Photo, *, now: datetime) -> Photo:
    """Write a photo and its check, or find that the same file has come in meanwhile."""
    if await queries.add_photo(session, photo):
        check = ContentCheck(
            community_id=photo.community_id,
            content_check_id=photo.photo_id,
            kind=CheckKind.PHOTO,
            person_id=photo.person_id,
            state=CheckState.WAITING,
            attempts=0,
            created_at=now,
        )
        await moderation.start_check(session, check)
        return photo
    await files.ask_to_destroy(
        session, [key for key in (photo.served_key, photo.original_key) if key]
    )
    first = await queries.find_upload(
        session, photo.community_id, photo.person_id, photo.upload_hash
    )
    if first is None:
        # It was deleted between the two statements; sent again it is a new photo.
        raise PhotoNotFound
    return first


def _seal_position(
    vault: Vault, community_id: int, photo_id: int, position: tuple[float, float] | None
) -> bytes | None:
    if position is None:
        return None
    field = Field("photos.position", community_id, photo_id)
    return vault.seal(f"{position[0]:.7f},{position[1]:.7f}", field)


def _position(photo: Photo, vault: Vault) -> Position | None:
    field = Field("photos.position", photo.community_id, photo.photo_id)
    plain = vault.open_or_none(photo.sealed_position, field)
    if plain is None:
        return None
    latitude, longitude = plain.split(",")
    return Position(float(latitude), float(longitude))


async def describe_photo(
    session: AsyncSession,
    actor: Actor,
    photo_id: int,
    *,
    links: PhotoLinks,
    vault: Vault,
    now: datetime,
) -> PhotoRead:
    """Return a photo as its sender or staff see it; the place is for the sender only."""
    found = await queries.get_photo(session, actor.community, photo_id)
    if found is None:
        raise PhotoNotFound
    photo, check = found
    is_own = photo.person_id == actor.person_id
    if photo.served_key is None or not (is_own or actor.may(Permission.MEDIA_MODERATE)):
        raise PhotoNotFound
    position = _position(photo, vault) if is_own else None
    return PhotoRead(
        photo_id=photo.photo_id,
        width=photo.width,
        height=photo.height,
        state=CheckState(check.state),
        reason=check.reason,
        taken_at=photo.taken_at,
        suggested_place=None if position is None else SuggestedPlace.at(position),
        url=await links.url(photo.community_id, photo.photo_id, photo.served_key, now=now),
        created_at=photo.created_at,
    )


async def read_file(session: AsyncSession, link: PhotoLink, keeper: PhotoKeeper) -> bytes:
    """Return the picture a link opens. Ends the caller's transaction before it is fetched."""
    found = await queries.get_photo(session, link.community_id, link.photo_id)
    key = None if found is None else found[0].served_key
    await session.rollback()
    if key is None:
        raise PhotoNotFound
    return await keeper.store.get(key)


async def delete_photo(
    session: AsyncSession, actor: Actor, photo_id: int, *, in_use: InUse | None, now: datetime
) -> None:
    """Delete one's own photo, unless something needs it."""
    photo = await queries.lock_photo(session, actor.community, photo_id)
    if photo is None or photo.person_id != actor.person_id:
        raise PhotoNotFound
    if in_use is not None and await in_use(session, actor.community, photo_id):
        raise PhotoStillUsed
    keys = await queries.delete_photos(
        session, actor.community, person_id=actor.person_id, photo_ids=[photo_id], now=now
    )
    await files.ask_to_destroy(session, keys)


async def delete_photos_of(
    session: AsyncSession, community_id: int, person_id: int, *, now: datetime
) -> Sequence[str]:
    """Delete all photos of a person in a community; return the keys of their files.

    A job that destroys the files is asked for here.
    """
    keys = await queries.delete_photos(session, community_id, person_id=person_id, now=now)
    await files.ask_to_destroy(session, keys)
    return keys


async def forget_positions_of(session: AsyncSession, community_id: int, person_id: int) -> None:
    """Forget where a person's photos were taken, as when their consent to it ends."""
    await queries.forget_positions(session, community_id, person_id)


async def attach_check_text(
    session: AsyncSession,
    community_id: int,
    *,
    subject_id: int,
    person_id: int,
    text: str,
    also: Sequence[Job] = (),
    now: datetime,
) -> None:
    """Have a text checked; others may see it once the check with its number has passed.

    `also` are other jobs about it, asked for in the same statement.
    """
    check = ContentCheck(
        community_id=community_id,
        content_check_id=subject_id,
        kind=CheckKind.TEXT,
        text=text,
        person_id=person_id,
        state=CheckState.WAITING,
        attempts=0,
        created_at=now,
    )
    await moderation.start_check(session, check, also)
