"""Campaigns: /v1/campaigns to read, /v1/staff/campaigns to open, end and watch."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from app.core.access import Actor, Permission, Require
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.transactions import Now, Session
from app.rules.campaigns import service
from app.rules.campaigns.errors import (
    CampaignCodeTaken,
    CampaignEndsEarlier,
    CampaignInThePast,
    CampaignNamesUnknown,
    CampaignNotFound,
)
from app.rules.campaigns.schemas import (
    CampaignCreate,
    CampaignEnding,
    CampaignList,
    CampaignRead,
    CampaignUsageRead,
)

router = APIRouter(tags=["rules"])
Reader = Annotated[Actor, Depends(Require(Permission.RULES_READ))]
Organiser = Annotated[Actor, Depends(Require(Permission.RULES_CAMPAIGN))]
STAFF = "/v1/staff/campaigns"


@router.get("/v1/campaigns")
async def list_campaigns(actor: Reader, session: Session, now: Now) -> CampaignList:
    """Return the campaigns that run or are coming, with what each one says."""
    return await service.list_campaigns(session, actor.community, now=now)


@router.post(
    STAFF,
    status_code=201,
    response_model=CampaignRead,
    responses=problem_responses(
        CampaignInThePast, CampaignNamesUnknown, CampaignCodeTaken,
        IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight,
    ),
)  # fmt: skip
async def open_campaign(
    body: CampaignCreate, actor: Organiser, session: Session, once: OnceOnly, now: Now
) -> JSONResponse:
    """Let rules give more for some days, never back in time."""
    return await once.run(
        session, actor, now, lambda: service.open_campaign(session, actor, body, now=now)
    )


@router.post(
    f"{STAFF}/{{campaign_id}}/end",
    responses=problem_responses(CampaignNotFound, CampaignEndsEarlier),
)
async def end_campaign(
    campaign_id: Id, body: CampaignEnding, actor: Organiser, session: Session, now: Now
) -> CampaignRead:
    """End a campaign now or at a moment before its planned end; pressed again, nothing changes."""
    return await service.end_campaign(session, actor, campaign_id, ends_at=body.ends_at, now=now)


@router.get(f"{STAFF}/{{campaign_id}}/usage", responses=problem_responses(CampaignNotFound))
async def get_campaign_usage(
    campaign_id: Id, actor: Organiser, session: Session
) -> CampaignUsageRead:
    """Return what a campaign has given so far, and what its budget has left."""
    return await service.read_usage(session, actor, campaign_id)
