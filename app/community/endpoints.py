"""Communities, joining them, and the people in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import joining, queries, service
from app.community.cards.errors import ClaimedCardWithdrawn
from app.community.errors import (
    AlreadyAResident,
    BuildingNotFound,
    CommunityNotFound,
    GridNotFound,
    JoinRequestDecided,
    JoinRequestNotFound,
    JoinRequestPending,
    OwnJoinRequest,
    ResidentClaimed,
)
from app.community.schemas import (
    Boundary,
    BoundaryRead,
    CommunityList,
    CommunityRead,
    CommunitySummary,
    JoinDecision,
    JoinRequestCreate,
    JoinRequestRead,
    Me,
)
from app.core.access import Actor, Permission, Require, public
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.transactions import Now, Session

router = APIRouter(tags=["community"])
Joiner = Annotated[Actor, Depends(Require(Permission.COMMUNITY_JOIN))]
Decider = Annotated[Actor, Depends(Require(Permission.COMMUNITY_DECIDE_JOIN))]
Manager = Annotated[Actor, Depends(Require(Permission.COMMUNITY_MANAGE))]
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


@router.put("/v1/staff/grids/{grid_id}/boundary", responses=problem_responses(GridNotFound))
async def put_boundary(
    grid_id: Id, body: Boundary, actor: Manager, session: Session
) -> BoundaryRead:
    """Draw the outline of a grid, by which reported places find their worker."""
    return await service.put_boundary(session, actor, grid_id, body)


@router.get("/v1/me")
async def get_me(actor: Member, session: Session, vault: CurrentVault) -> Me:
    """Return who I am in this community."""
    return await service.get_me(session, actor, vault=vault)


@router.post(
    "/v1/join-requests",
    status_code=201,
    responses=problem_responses(
        CommunityNotFound, BuildingNotFound, AlreadyAResident, JoinRequestPending
    ),
)
async def ask_to_join(
    body: JoinRequestCreate, actor: Joiner, session: Session, vault: CurrentVault, now: Now
) -> JoinRequestRead:
    """Ask to become a resident; a worker of the building's grid decides."""
    return await joining.ask_to_join(session, actor, body, vault=vault, now=now)


@router.get("/v1/join-requests")
async def list_own_join_requests(
    actor: Joiner,
    session: Session,
    vault: CurrentVault,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[JoinRequestRead]:
    """Return my requests to join, newest first."""
    return await joining.list_own_join_requests(
        session, actor, vault=vault, cursor=cursor, size=size
    )


@router.get("/v1/staff/join-requests")
async def list_join_requests(
    actor: Decider,
    session: Session,
    vault: CurrentVault,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[JoinRequestRead]:
    """Return the requests that wait for my decision, oldest first."""
    return await joining.list_join_requests(session, actor, vault=vault, cursor=cursor, size=size)


@router.post(
    "/v1/staff/join-requests/{join_request_id}/approve",
    responses=problem_responses(
        JoinRequestNotFound,
        JoinRequestDecided,
        AlreadyAResident,
        OwnJoinRequest,
        ResidentClaimed,
        ClaimedCardWithdrawn,
    ),
)
async def approve_join_request(
    join_request_id: Id,
    request: Request,
    actor: Decider,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> JoinRequestRead:
    """Make the person a resident, with an empty wallet."""

    async def open_wallet(session: AsyncSession, community_id: int, resident_id: int) -> None:
        # The ledger stands above this room; main passes it in.
        await request.app.state.open_wallets(session, community_id, [resident_id], now=now)

    return await joining.approve_join_request(
        session, actor, join_request_id, vault=vault, open_wallet=open_wallet, now=now
    )


@router.post(
    "/v1/staff/join-requests/{join_request_id}/refuse",
    responses=problem_responses(JoinRequestNotFound, JoinRequestDecided),
)
async def refuse_join_request(
    join_request_id: Id,
    body: JoinDecision,
    actor: Decider,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> JoinRequestRead:
    """Refuse with a reason that the person will read."""
    return await joining.refuse_join_request(
        session, actor, join_request_id, vault=vault, reason=body.reason, now=now
    )
