"""What people are told, and what they agree to be told through WeChat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.ids import MAX_ID, new_id
from app.core.jobs import enqueue
from app.core.pagination import cut_page, read_cursor
from app.identity.errors import UnknownWeChatApp
from app.notifications import queries
from app.notifications.errors import MessageNotFound
from app.notifications.models import InboxMessage
from app.notifications.schemas import (
    Inbox,
    InboxMessageRead,
    SubscriptionRead,
    SubscriptionReport,
    SubscriptionsReported,
)
from app.notifications.templates import Templates

# WeChat adds how the person is to be told: `acceptWithAudio`, `acceptWithAlert`.
ACCEPTED = "accept"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know.

    `fields` are what a WeChat message may show, under our names: title, status, time (as
    app.wechat.message_fields.date_text writes it), place, note.
    """

    person_id: int
    kind: str
    title: str
    body: str
    subject_kind: str | None
    subject_id: int | None
    fields: Mapping[str, str]


async def notify(
    session: AsyncSession, community_id: int, notices: Sequence[Notice], *, now: datetime
) -> None:
    """Put notices into inboxes, and send those to WeChat that somebody accepts there.

    One statement, however many notices. The message that goes out is a job's work: nothing here
    asks WeChat, and nothing is told if the transaction is undone.
    """
    if not notices:
        return
    rows = [_row(notice, now) for notice in notices]
    queued = await queries.tell(session, community_id, rows, now=now)
    if queued:
        # A key of its own: with a common one, transactions that notify would wait for each other.
        await enqueue(session, "send_messages", key=f"send_messages:{queued[0]}")


def _row(notice: Notice, now: datetime) -> dict[str, object]:
    subject_id = None if notice.subject_id is None else str(notice.subject_id)
    # A template's page may name the subject, so it travels with the fields.
    subject = {} if subject_id is None else {"subject_id": subject_id}
    return {
        "message_id": new_id(now),
        "person_id": notice.person_id,
        "kind": notice.kind,
        "title": notice.title,
        "body": notice.body,
        "subject_kind": notice.subject_kind,
        "subject_id": subject_id,
        "fields": {**notice.fields, **subject},
    }


async def read_inbox(
    session: AsyncSession, actor: Actor, *, is_unread_only: bool, cursor: str | None, size: int
) -> Inbox:
    """Return a page of the caller's inbox in the community of their session, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_inbox(
        session,
        actor.community,
        actor.person_id,
        before=before,
        is_unread_only=is_unread_only,
        size=size + 1,
    )
    shown, next_cursor = cut_page(found, size, lambda message: (message.inbox_message_id,))
    return Inbox(
        items=[InboxMessageRead.model_validate(message) for message in shown],
        next_cursor=next_cursor,
        unread_count=await queries.count_unread(session, actor.community, actor.person_id),
    )


async def mark_read(
    session: AsyncSession, actor: Actor, message_id: int, *, now: datetime
) -> InboxMessage:
    """Mark one of the caller's messages as read; MessageNotFound if it is nobody's or another's."""
    message = await queries.mark_read(
        session, actor.community, actor.person_id, message_id, now=now
    )
    if message is None:
        raise MessageNotFound
    return message


async def mark_all_read(session: AsyncSession, actor: Actor, *, now: datetime) -> int:
    return await queries.mark_all_read(session, actor.community, actor.person_id, now=now)


async def list_subscriptions(
    session: AsyncSession, templates: Templates, actor: Actor, app_id: str
) -> list[SubscriptionRead]:
    """Return a mini-program's templates and how many messages of each the caller accepts."""
    left = await queries.list_quotas(session, actor.person_id, app_id)
    return [
        SubscriptionRead(template_id=template_id, kinds=kinds, left_count=left.get(template_id, 0))
        for template_id, kinds in templates.kinds_of(app_id).items()
    ]


async def report_subscriptions(
    session: AsyncSession,
    templates: Templates,
    actor: Actor,
    report: SubscriptionReport,
    *,
    is_counted: bool,
    now: datetime,
) -> SubscriptionsReported:
    """Count what the caller accepted in WeChat's popup, unless WeChat tells us itself.

    Nothing is given in return, here or anywhere: WeChat's rule 5.21.1 forbids to reward it.
    """
    known = templates.kinds_of(report.app_id)
    accepted = [
        template_id
        for template_id, result in report.results.items()
        if template_id in known and result.startswith(ACCEPTED)
    ]
    if accepted and is_counted:
        await queries.add_to_quotas(session, actor.person_id, report.app_id, accepted, now=now)
    return SubscriptionsReported(
        items=await list_subscriptions(session, templates, actor, report.app_id),
        is_counted=is_counted,
        unknown_template_ids=sorted(set(report.results) - set(known)),
    )


def check_app(app_id: str, configured: Mapping[str, object]) -> None:
    """Refuse a mini-program that the settings do not name."""
    if app_id not in configured:
        raise UnknownWeChatApp
