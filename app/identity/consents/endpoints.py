"""Privacy policies and consents to them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor, Permission, Require, public
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.identity.consents import service
from app.identity.consents.errors import (
    PolicyReplaced,
    PolicyVersionUnknown,
    PrivacyPolicyNotFound,
    PurposeRequired,
    PurposeUnknown,
)
from app.identity.consents.schemas import (
    ConsentGive,
    ConsentList,
    ConsentWithdrawn,
    PolicyPublish,
    PolicyRead,
    PublicPolicy,
)

router = APIRouter(tags=["privacy"])
Consenter = Annotated[Actor, Depends(Require(Permission.IDENTITY_CONSENT))]
Publisher = Annotated[Actor, Depends(Require(Permission.IDENTITY_PUBLISH_POLICY))]
PurposeOfPath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


@router.get(
    "/v1/public/communities/{community_id}/privacy",
    dependencies=[Depends(public)],
    responses=problem_responses(PrivacyPolicyNotFound),
)
async def get_privacy_policy(community_id: Id, request: Request, session: Session) -> PublicPolicy:
    """Return a community's newest privacy policy and who answers for it."""
    policy = service.describe_policy(await service.get_policy(session, community_id))
    # The community room stands above this one; main passes it in.
    community = await request.app.state.get_community(session, community_id)
    return PublicPolicy(**policy.model_dump(), responsible=community.name)


@router.post(
    "/v1/staff/privacy-policies",
    status_code=201,
    responses={200: {"model": PolicyRead, "description": "This is the newest version already"}},
)
async def publish_privacy_policy(
    body: PolicyPublish, actor: Publisher, session: Session, now: Now, response: Response
) -> PolicyRead:
    """Publish the next version; everybody will be asked for consent again."""
    policy, is_new = await service.publish_policy(session, actor, body, now=now)
    response.status_code = 201 if is_new else 200
    return policy


@router.get("/v1/consents", responses=problem_responses(PrivacyPolicyNotFound))
async def list_consents(
    actor: Consenter,
    session: Session,
    community_id: Annotated[Id, Query(description="Also one I do not belong to yet")],
) -> ConsentList:
    """Return what I agreed to, by the purposes of the community's newest policy."""
    return await service.list_consents(session, community_id, actor.person_id)


@router.post(
    "/v1/consents",
    responses=problem_responses(
        PrivacyPolicyNotFound, PolicyReplaced, PolicyVersionUnknown, PurposeUnknown
    ),
)
async def give_consents(
    body: ConsentGive, actor: Consenter, session: Session, now: Now
) -> ConsentList:
    """Agree to purposes of the newest policy; what I agreed to already stays."""
    return await service.give_consents(session, actor.person_id, body, now=now)


@router.delete(
    "/v1/consents/{community_id}/{purpose}",
    responses=problem_responses(PrivacyPolicyNotFound, PurposeUnknown, PurposeRequired),
)
async def withdraw_consent(
    community_id: Id,
    purpose: PurposeOfPath,
    request: Request,
    actor: Consenter,
    session: Session,
    now: Now,
) -> ConsentWithdrawn:
    """Withdraw a consent; what was kept for the purpose is deleted, that I once agreed is not."""
    # The rooms that keep such data stand above this one; main passes them in.
    on_withdrawn = getattr(request.app.state, "on_consent_withdrawn", None)

    async def delete_data(
        session: AsyncSession, community_id: int, person_id: int, purpose: str
    ) -> None:
        if on_withdrawn is not None:
            await on_withdrawn(session, community_id, person_id, purpose, now=now)

    return await service.withdraw_consent(
        session, community_id, actor.person_id, purpose, delete_data=delete_data, now=now
    )
