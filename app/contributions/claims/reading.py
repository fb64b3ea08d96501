"""Claims as their residents see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.claims import queries
from app.contributions.claims.errors import ClaimNotFound
from app.contributions.claims.schemas import ClaimRead, ClaimSummary
from app.contributions.evidence.service import describe_photos
from app.core.ids import MAX_ID
from app.core.pagination import Page, page_of, read_cursor
from app.media.addresses import PhotoLinks


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks, in a community; links to photos hold from now for minutes."""

    community_id: int
    links: PhotoLinks
    now: datetime


async def list_own(
    session: AsyncSession, viewer: Viewer, resident_id: int, *, cursor: str | None, size: int
) -> Page[ClaimSummary]:
    """Return a resident's claims, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_own(
        session, viewer.community_id, resident_id, before=before, size=size + 1
    )
    return page_of(ClaimSummary, rows, size, lambda row: (row.claim_id,))


async def get_own(
    session: AsyncSession, viewer: Viewer, resident_id: int, claim_id: int
) -> ClaimRead:
    """Return a resident's claim with its photos; raises ClaimNotFound."""
    found = await queries.list_own(
        session, viewer.community_id, resident_id, before=MAX_ID, size=1, claim_id=claim_id
    )
    if not found:
        raise ClaimNotFound
    summary = ClaimSummary.model_validate(found[0], from_attributes=True)
    photos = await describe_photos(
        session, viewer.links, viewer.community_id, [claim_id], now=viewer.now
    )
    return ClaimRead(**summary.model_dump(), photos=photos[claim_id])
