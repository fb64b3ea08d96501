"""How the book's audits ended."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.audit import service
from app.audit.errors import NoAuditYet
from app.audit.schemas import AuditRead, LatestAudit
from app.core.access import Actor, Permission, Require, public
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Session

router = APIRouter(tags=["audit"])
Reader = Annotated[Actor, Depends(Require(Permission.AUDIT_READ))]


@router.get(
    "/v1/public/communities/{community_id}/audits/latest",
    dependencies=[Depends(public)],
    responses=problem_responses(NoAuditYet),
)
async def get_latest_audit(community_id: Id, session: Session) -> LatestAudit:
    """Return when the community's book was last gone through, and whether all was right."""
    return await service.get_latest(session, community_id)


@router.get("/v1/staff/audits")
async def list_audits(
    actor: Reader, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[AuditRead]:
    """Return the audits of the community's book and what they found, newest first."""
    return await service.list_audits(session, actor, cursor=cursor, size=size)
