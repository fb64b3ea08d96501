"""Attaching photos to what they prove, and addressing them for those who decide."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.evidence import queries
from app.contributions.evidence.errors import EvidencePhotoNotFound
from app.contributions.evidence.schemas import EvidencePhotoRead
from app.media.addresses import PhotoLinks
from app.media.models import CheckState


async def attach_photos(
    session: AsyncSession,
    community_id: int,
    subject_id: int,
    photo_ids: Sequence[int],
    *,
    person_id: int,
) -> None:
    """Attach photos of this person; raises EvidencePhotoNotFound where one is not theirs."""
    if not photo_ids:
        return
    attached = await queries.attach(
        session, community_id, subject_id, photo_ids, person_id=person_id
    )
    if attached < len(set(photo_ids)):
        raise EvidencePhotoNotFound


async def describe_photos(
    session: AsyncSession,
    links: PhotoLinks,
    community_id: int,
    subject_ids: Sequence[int],
    *,
    now: datetime,
) -> Mapping[int, list[EvidencePhotoRead]]:
    """Return the photos by subject, refused ones left out, with links that hold for minutes."""
    found: dict[int, list[EvidencePhotoRead]] = {number: [] for number in subject_ids}
    if not found:
        return found
    for row in await queries.list_photos(session, community_id, list(found)):
        if row.state == CheckState.REFUSED:
            continue
        url = await links.url(community_id, row.photo_id, row.served_key, now=now)
        photo = EvidencePhotoRead(photo_id=row.photo_id, url=url, state=row.state)
        found[row.subject_id].append(photo)
    return found
