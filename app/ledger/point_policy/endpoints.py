"""The point policy: public, and set by the committee."""

from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.access import Actor, Permission, Require
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.ledger.models import PointPolicy
from app.ledger.point_policy import service
from app.ledger.point_policy.errors import PointPolicyChangedMeanwhile
from app.ledger.point_policy.schemas import PointPolicyRead, PolicyTerms

router = APIRouter(tags=["ledger"])
Reader = Annotated[Actor, Depends(Require(Permission.LEDGER_READ_POLICY))]
Setter = Annotated[Actor, Depends(Require(Permission.LEDGER_SET_POLICY))]


@router.get("/v1/point-policy", response_model=PointPolicyRead)
async def get_point_policy(actor: Reader, session: Session) -> PointPolicy:
    """Return how long points last, and what else the community decided about them."""
    return await service.get_policy(session, actor)


@router.put(
    "/v1/staff/point-policy",
    response_model=PointPolicyRead,
    responses=problem_responses(PointPolicyChangedMeanwhile),
)
async def set_point_policy(
    body: PolicyTerms, actor: Setter, session: Session, now: Now
) -> PointPolicy:
    """Publish the next version, in force at once; the same terms again change nothing.

    Where points begin to lapse or to be cut, they do so one full period from now, no sooner.
    """
    return await service.set_policy(session, actor, body, now=now)
