"""/v1/auth: signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor, Permission, Require, public
from app.core.openapi import problem_responses
from app.core.rate_limits import TooManyAttempts, caller_address
from app.core.transactions import Now, Session
from app.identity import limits, service
from app.identity.errors import (
    LocalSignInOff,
    NotAMember,
    RefreshTokenInvalid,
    RefreshTokenReused,
    UnknownWeChatApp,
)
from app.identity.schemas import (
    ChangeMembership,
    LocalSignIn,
    Membership,
    Refresh,
    SignedOut,
    Tokens,
    WeChatSignIn,
)
from app.identity.service import Proof, SessionIssuer
from app.wechat.client import WeChatClient
from app.wechat.errors import WeChatAccountBlocked, WeChatCodeInvalid, WeChatUnavailable

router = APIRouter(prefix="/v1/auth", tags=["auth"])
anybody = [Depends(public)]
SignedIn = Annotated[Actor, Depends(Require(Permission.IDENTITY_OWN_SESSION))]


async def get_issuer(request: Request) -> SessionIssuer:
    issuer: SessionIssuer = request.app.state.issuer
    return issuer


Issuer = Annotated[SessionIssuer, Depends(get_issuer)]


async def _memberships(request: Request, session: AsyncSession, person_id: int) -> list[Membership]:
    # The community room knows memberships and stands above this one; main passes it in.
    found: list[Membership] = await request.app.state.list_memberships(session, person_id)
    return found


async def _sign_in(
    request: Request, session: AsyncSession, issuer: SessionIssuer, proof: Proof, now: Now
) -> Tokens:
    person_id = await service.find_person(session, proof, now=now)
    memberships = await _memberships(request, session, person_id)
    return await service.open_session(session, issuer, person_id, memberships, now=now)


@router.post(
    "/wechat",
    dependencies=anybody,
    responses=problem_responses(
        WeChatCodeInvalid, WeChatAccountBlocked, WeChatUnavailable, UnknownWeChatApp,
        TooManyAttempts,
    ),
)  # fmt: skip
async def sign_in_with_wechat(
    body: WeChatSignIn, request: Request, session: Session, issuer: Issuer, now: Now
) -> Tokens:
    """Sign in with the code of wx.login; the first time makes a person."""
    apps: dict[str, WeChatClient] = request.app.state.wechat
    client = apps.get(body.app_id)
    if client is None:
        raise UnknownWeChatApp
    # Before the first statement, so that no transaction is open while WeChat answers.
    await limits.count_address(request.app.state.sessionmaker, caller_address(request), now=now)
    found = await client.code_to_session(body.code)
    await limits.count_account(request.app.state.sessionmaker, found.open_id, now=now)
    proof = Proof("wechat", body.app_id, found.open_id, found.union_id)
    return await _sign_in(request, session, issuer, proof, now)


@router.post(
    "/local", dependencies=anybody, responses=problem_responses(LocalSignInOff, TooManyAttempts)
)
async def sign_in_locally(
    body: LocalSignIn, request: Request, session: Session, issuer: Issuer, now: Now
) -> Tokens:
    """Sign in by name, for the demo: only where the operator has switched it on."""
    if not request.app.state.settings.allows_local_sign_in:
        raise LocalSignInOff
    await limits.count_address(request.app.state.sessionmaker, caller_address(request), now=now)
    await limits.count_account(request.app.state.sessionmaker, body.ticket, now=now)
    return await _sign_in(request, session, issuer, Proof("local", "", body.ticket), now)


@router.post(
    "/refresh",
    dependencies=anybody,
    responses=problem_responses(RefreshTokenInvalid, RefreshTokenReused, TooManyAttempts),
)
async def refresh_session(
    body: Refresh, request: Request, session: Session, issuer: Issuer, now: Now
) -> Tokens:
    """Exchange a refresh token, which works once; a repeat within 30 s gets the same answer."""
    aside = request.app.state.sessionmaker
    await limits.count_address(aside, caller_address(request), now=now)
    login, successor = await service.refresh_session(
        session, issuer, body.refresh_token, aside=aside, now=now
    )
    memberships = await _memberships(request, session, login.person_id)
    return service.describe_session(issuer, login, successor, memberships, now=now)


@router.post("/membership", responses=problem_responses(NotAMember))
async def change_membership(
    body: ChangeMembership,
    request: Request,
    actor: SignedIn,
    session: Session,
    issuer: Issuer,
    now: Now,
) -> Tokens:
    """Go on in another community of yours; the old tokens end."""
    memberships = await _memberships(request, session, actor.person_id)
    return await service.change_membership(
        session, issuer, actor,
        memberships=memberships, community_id=body.community_id, now=now,
    )  # fmt: skip


@router.post("/sign-out")
async def sign_out(actor: SignedIn, session: Session, now: Now) -> SignedOut:
    """End this session at once."""
    return SignedOut(ended_sessions=await service.sign_out(session, actor, now=now))


@router.post("/sign-out-everywhere")
async def sign_out_everywhere(actor: SignedIn, session: Session, now: Now) -> SignedOut:
    """End all sessions of this person at once, on every device."""
    return SignedOut(ended_sessions=await service.sign_out_everywhere(session, actor, now=now))
