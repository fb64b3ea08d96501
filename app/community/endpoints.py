"""Communities, joining them, and the people in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import queries, service
from app.community.errors import (
    AlreadyAResident,
    BuildingNotFound,
    CommunityNotFound,
    JoinRequestDecided,
    JoinRequestNotFound,
    JoinRequestPending,
    OwnJoinRequest,
)
from app.community.models import JoinRequest
from app.community.schemas import (
    CommunityList,
    CommunityRead,
    CommunitySummary,
    JoinDecision,
    JoinRequestCreate,
    JoinRequestRead,
    Me,
    ResidentRead,
)
from app.core.access import Actor, Permission, Require, public
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.transactions import Now, Session

router = APIRouter(tags=["community"])
Joiner = Annotated[Actor, Depends(Require(Permission.COMMUNITY_JOIN))]
Decider = Annotated[Actor, Depends(Require(Permission.COMMUNITY_DECIDE_JOIN))]
Searcher = Annotated[Actor, Depends(Require(Permission.COMMUNITY_READ_RESIDENTS))]
Member = Annotated[Actor, Depends(Require(Permission.COMMUNITY_READ_OWN))]


@router.get("/v1/public/communities", dependencies=[Depends(public)])
async def list_communities(session: Session) -> CommunityList:
    """Return the communities one may ask to join."""
    rows = await queries.list_communities(session)
    return CommunityList(items=[CommunitySummary.model_validate(row) for row in rows])


@router.get(
    "/v1/public/communities/{community_id}",
    dependencies=[Depends(public)],
    responses=problem_responses(CommunityNotFound),
)
async def get_community(community_id: Id, session: Session) -> CommunityRead:
    """Return a community with its buildings, to choose one's own from."""
    return await service.describe_community(session, community_id)


@router.get("/v1/me")
async def get_me(actor: Member, session: Session) -> Me:
    """Return who I am in this community."""
    return await service.get_me(session, actor)


@router.post(
    "/v1/join-requests",
    status_code=201,
    response_model=JoinRequestRead,
    responses=problem_responses(
        CommunityNotFound, BuildingNotFound, AlreadyAResident, JoinRequestPending
    ),
)
async def ask_to_join(
    body: JoinRequestCreate, actor: Joiner, session: Session, now: Now
) -> JoinRequest:
    """Ask to become a resident; a worker of the building's grid decides."""
    return await service.ask_to_join(session, actor, body, now=now)


@router.get("/v1/join-requests")
async def list_own_join_requests(
    actor: Joiner, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[JoinRequestRead]:
    """Return my requests to join, newest first."""
    return await service.list_own_join_requests(session, actor, cursor=cursor, size=size)


@router.get("/v1/staff/join-requests")
async def list_join_requests(
    actor: Decider, session: Session, cursor: Cursor = None, size: PageSize = DEFAULT_SIZE
) -> Page[JoinRequestRead]:
    """Return the requests that wait for my decision, oldest first."""
    return await service.list_join_requests(session, actor, cursor=cursor, size=size)


@router.post(
    "/v1/staff/join-requests/{join_request_id}/approve",
    response_model=JoinRequestRead,
    responses=problem_responses(
        JoinRequestNotFound, JoinRequestDecided, AlreadyAResident, OwnJoinRequest
    ),
)
async def approve_join_request(
    join_request_id: Id, request: Request, actor: Decider, session: Session, now: Now
) -> JoinRequest:
    """Make the person a resident, with an empty wallet."""

    async def open_wallet(session: AsyncSession, community_id: int, resident_id: int) -> None:
        # The ledger stands above this room; main passes it in.
        await request.app.state.open_wallets(session, community_id, [resident_id], now=now)

    return await service.approve_join_request(
        session, actor, join_request_id, open_wallet=open_wallet, now=now
    )


@router.post(
    "/v1/staff/join-requests/{join_request_id}/refuse",
    response_model=JoinRequestRead,
    responses=problem_responses(JoinRequestNotFound, JoinRequestDecided),
)
async def refuse_join_request(
    join_request_id: Id, body: JoinDecision, actor: Decider, session: Session, now: Now
) -> JoinRequest:
    """Refuse with a reason that the person will read."""
    return await service.refuse_join_request(
        session, actor, join_request_id, reason=body.reason, now=now
    )


@router.get("/v1/staff/residents")
async def search_residents(
    actor: Searcher,
    session: Session,
    name: Annotated[str, Query(min_length=1, max_length=30, description="A part of the name")],
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ResidentRead]:
    """Find residents of the buildings I work in."""
    return await service.search_residents(session, actor, name=name, cursor=cursor, size=size)
