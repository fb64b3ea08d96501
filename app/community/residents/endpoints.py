"""Residents, found and opened by staff; one's own phone, and who looked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.errors import ResidentNotFound
from app.community.residents import limits, service
from app.community.residents.errors import OneSearchTermNeeded, WeChatNotLinked
from app.community.residents.schemas import (
    AudiencePut,
    AudienceRead,
    OwnPhone,
    PersonalDataReadRead,
    PhoneGive,
    ResidentRead,
    Reveal,
    Revealed,
)
from app.core.access import Actor, Permission, Require
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, Page, PageSize
from app.core.personal import CurrentVault
from app.core.rate_limits import TooManyAttempts
from app.core.transactions import Now, Session
from app.identity.consents.errors import ConsentRequired
from app.identity.errors import UnknownWeChatApp
from app.wechat.client import WeChatClient
from app.wechat.errors import WeChatCodeInvalid, WeChatUnavailable

router = APIRouter(tags=["community"])
Searcher = Annotated[Actor, Depends(Require(Permission.COMMUNITY_READ_RESIDENTS))]
Registrar = Annotated[Actor, Depends(Require(Permission.COMMUNITY_REGISTER))]
Member = Annotated[Actor, Depends(Require(Permission.COMMUNITY_READ_OWN))]
Owner = Annotated[Actor, Depends(Require(Permission.PRIVACY_OWN))]

NameBeginning = Annotated[
    str | None,
    Query(min_length=1, max_length=30, description="The beginning of the name", examples=["王小"]),
]
WholePhone = Annotated[
    str | None,
    Query(
        pattern=r"^[+ ]?[1-9][0-9]{6,14}$",
        description="The whole phone number",
        examples=["13800000001"],
    ),
]


@router.get("/v1/staff/residents", responses=problem_responses(OneSearchTermNeeded))
async def search_residents(
    actor: Searcher,
    session: Session,
    vault: CurrentVault,
    name: NameBeginning = None,
    phone: WholePhone = None,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[ResidentRead]:
    """Find residents of the buildings I work in, by the beginning of a name or by phone."""
    return await service.search_residents(
        session, actor, name=name, phone=phone, vault=vault, cursor=cursor, size=size
    )


@router.post(
    "/v1/staff/residents/{resident_id}/reveal", responses=problem_responses(ResidentNotFound)
)
async def reveal_personal_data(
    resident_id: Id,
    body: Reveal,
    actor: Searcher,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> Revealed:
    """See a resident's name or phone in the clear; the resident can read who did and why."""
    return await service.reveal_personal_data(
        session, actor, resident_id, body, vault=vault, now=now
    )


@router.put(
    "/v1/staff/residents/{resident_id}/audience", responses=problem_responses(ResidentNotFound)
)
async def put_audience(
    resident_id: Id, body: AudiencePut, actor: Registrar, session: Session
) -> AudienceRead:
    """Say which groups a resident of my grids belongs to; rules and campaigns may be for some."""
    return await service.put_audience(session, actor, resident_id, body)


@router.get("/v1/me/personal-data-reads")
async def list_personal_data_reads(
    actor: Member,
    session: Session,
    vault: CurrentVault,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
) -> Page[PersonalDataReadRead]:
    """Return who of the staff saw my name or phone in the clear, newest first."""
    return await service.list_personal_data_reads(
        session, actor, vault=vault, cursor=cursor, size=size
    )


@router.put(
    "/v1/me/phone",
    responses=problem_responses(
        ConsentRequired, UnknownWeChatApp, WeChatNotLinked, WeChatCodeInvalid, WeChatUnavailable,
        TooManyAttempts,
    ),
)  # fmt: skip
async def put_phone(
    body: PhoneGive,
    request: Request,
    actor: Owner,
    session: Session,
    vault: CurrentVault,
    now: Now,
) -> OwnPhone:
    """Give my phone number through WeChat's button, so that staff can call me."""
    apps: dict[str, WeChatClient] = request.app.state.wechat
    client = apps.get(body.app_id)
    if client is None:
        raise UnknownWeChatApp
    open_id = await service.prepare_phone(session, actor, body.app_id)
    # Nothing stays open while WeChat answers.
    await session.rollback()
    afresh: async_sessionmaker[AsyncSession] = request.app.state.sessionmaker
    await limits.count_phone_code(afresh, actor.person_id, now=now)
    phone = await client.phone_number(body.code, open_id=open_id)
    async with afresh.begin() as writing:
        return await service.put_phone(writing, actor, phone, vault=vault)


@router.delete("/v1/me/phone")
async def delete_phone(actor: Owner, session: Session, vault: CurrentVault) -> OwnPhone:
    """Take my phone number away; nobody can find me by it any more."""
    return await service.delete_phone(session, actor, vault=vault)
