"""/v1/me/contributions: why I got or lost points."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.contributions.explaining import service
from app.contributions.explaining.errors import ContributionNotFound
from app.contributions.explaining.schemas import ContributionExplained, ContributionSummary
from app.core.access import Actor, Permission, Require
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.transactions import Now, Session

router = APIRouter(prefix="/v1/me/contributions", tags=["contributions"])
Owner = Annotated[Actor, Depends(Require(Permission.CONTRIBUTIONS_READ_OWN))]


@router.get("")
async def list_my_contributions(
    actor: Owner, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[ContributionSummary]:
    """Return what gave me points or took them, newest first."""
    return await service.list_contributions(
        session, actor.community, actor.resident, cursor=cursor, size=size
    )


@router.get("/{contribution_id}", responses=problem_responses(ContributionNotFound))
async def explain_my_contribution(
    contribution_id: Id,
    request: Request,
    actor: Owner,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> ContributionExplained:
    """Explain an award or a deduction of mine: what it was worth, by which rule, by whom."""
    viewer = service.Viewer(actor.community, vault, request.app.state.photo_links, now)
    return await service.explain(session, viewer, contribution_id, resident_id=actor.resident)
