"""Claims as reviewers see them."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.claims import policies, queries
from app.contributions.claims.errors import ClaimNotFound
from app.contributions.claims.models import ClaimState
from app.contributions.claims.reading import Viewer
from app.contributions.claims.schemas import ReviewRead, StaffClaimRead, StaffClaimSummary
from app.contributions.evidence.service import describe_photos
from app.contributions.signals.service import list_signals
from app.core.access import Actor, Permission
from app.core.ids import MAX_ID
from app.core.pagination import Page, page_of, read_cursor


async def list_for_review(
    session: AsyncSession, actor: Actor, *, state: ClaimState, cursor: str | None, size: int
) -> Page[StaffClaimSummary]:
    """Return others' claims of the reviewer's grids; those in review the longest waiting first."""
    first = 0 if state is ClaimState.IN_REVIEW else MAX_ID
    (key,) = read_cursor(cursor, 1) or (first,)
    rows = await queries.list_for_reviewer(
        session, actor.community, actor.person_id,
        policies.grids_of(actor, Permission.CONTRIBUTIONS_REVIEW),
        state=state, key=key, size=size + 1,
    )  # fmt: skip
    return page_of(StaffClaimSummary, rows, size, lambda row: (row.claim_id,))


async def get_for_review(
    session: AsyncSession, viewer: Viewer, actor: Actor, claim_id: int
) -> StaffClaimRead:
    """Return somebody else's claim with photos, reviews so far and signals.

    Raises ClaimNotFound.
    """
    found = await queries.get_for_reviewer(
        session, actor.community, actor.person_id,
        policies.grids_of(actor, Permission.CONTRIBUTIONS_REVIEW), claim_id,
    )  # fmt: skip
    if found is None:
        raise ClaimNotFound
    summary = StaffClaimSummary.model_validate(found, from_attributes=True)
    photos = await describe_photos(
        session, viewer.links, actor.community, [claim_id], now=viewer.now
    )
    reviews = await queries.list_reviews(session, actor.community, claim_id)
    signals = await list_signals(
        session, actor.community, [claim_id], reviewer_id=actor.person_id, now=viewer.now
    )
    return StaffClaimRead(
        **summary.model_dump(),
        photos=photos[claim_id],
        reviews=[ReviewRead.model_validate(row, from_attributes=True) for row in reviews],
        signals=signals[claim_id],
    )
