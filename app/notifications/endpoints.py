"""The inbox, and what a person accepts through WeChat."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from app.core.access import Actor, Permission, Require
from app.core.dependencies import CurrentSettings
from app.core.idempotency import (
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    OnceOnly,
    RequestInFlight,
)
from app.core.ids import Id
from app.core.openapi import problem_responses
from app.core.pagination import DEFAULT_SIZE, Cursor, CursorUnreadable, PageSize
from app.core.transactions import Now, Session
from app.identity.errors import UnknownWeChatApp
from app.notifications import service
from app.notifications.errors import MessageNotFound
from app.notifications.models import InboxMessage
from app.notifications.schemas import (
    AppId,
    Inbox,
    InboxMessageRead,
    MessagesRead,
    SubscriptionList,
    SubscriptionReport,
    SubscriptionsReported,
)
from app.notifications.templates import Templates

router = APIRouter(tags=["notifications"])
Reader = Annotated[Actor, Depends(Require(Permission.NOTIFICATIONS_READ_OWN))]
OnlyUnread = Annotated[bool, Query(description="Leave out what I have read")]
ChosenApp = Annotated[AppId, Query(description="The mini-program that asks")]


@router.get("/v1/me/messages", responses=problem_responses(CursorUnreadable))
async def list_my_messages(
    actor: Reader,
    session: Session,
    cursor: Cursor = None,
    size: PageSize = DEFAULT_SIZE,
    *,
    unread: OnlyUnread = False,
) -> Inbox:
    """Return my inbox, newest first."""
    return await service.read_inbox(session, actor, is_unread_only=unread, cursor=cursor, size=size)


@router.post(
    "/v1/me/messages/{message_id}/read",
    response_model=InboxMessageRead,
    responses=problem_responses(MessageNotFound),
)
async def read_my_message(
    message_id: Id, actor: Reader, session: Session, now: Now
) -> InboxMessage:
    """Mark a message as read; again changes nothing."""
    return await service.mark_read(session, actor, message_id, now=now)


@router.post("/v1/me/messages/read-all")
async def read_all_my_messages(actor: Reader, session: Session, now: Now) -> MessagesRead:
    """Mark everything in my inbox as read."""
    return MessagesRead(read_count=await service.mark_all_read(session, actor, now=now))


@router.get("/v1/me/subscriptions", responses=problem_responses(UnknownWeChatApp))
async def list_my_subscriptions(
    app_id: ChosenApp, actor: Reader, session: Session, settings: CurrentSettings
) -> SubscriptionList:
    """Return the templates to ask for with wx.requestSubscribeMessage, and what is left of each."""
    service.check_app(app_id, settings.wechat_apps)
    templates = Templates(settings.wechat_messages)
    return SubscriptionList(
        items=await service.list_subscriptions(session, templates, actor, app_id)
    )


@router.post(
    "/v1/me/subscriptions",
    response_model=SubscriptionsReported,
    responses=problem_responses(
        UnknownWeChatApp, IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight
    ),
)
async def report_my_subscriptions(
    body: SubscriptionReport,
    actor: Reader,
    session: Session,
    settings: CurrentSettings,
    once: OnceOnly,
    now: Now,
) -> JSONResponse:
    """Tell what I answered to wx.requestSubscribeMessage; it earns nothing.

    Each `accept` is one message that may be sent, any time later. Where WeChat pushes these
    answers to us itself, the report is read and not counted.
    """
    service.check_app(body.app_id, settings.wechat_apps)

    async def work() -> SubscriptionsReported:
        return await service.report_subscriptions(
            session,
            Templates(settings.wechat_messages),
            actor,
            body,
            is_counted=body.app_id not in settings.wechat_push,
            now=now,
        )

    return await once.run(session, actor, now, work, status=200)
