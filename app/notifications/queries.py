"""SQL of the inbox, of what people accept, and of messages on their way to WeChat.

Persons, identities and quotas are global, and so is the sending: WeChat takes one message at a
time for a person, whichever community it comes from. What is sent is written by its own key.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.notifications.models import InboxMessage, MessageQuota

Rows = Sequence[dict[str, Any]]

# Into inboxes, and to WeChat only for people who accept some message in an app in which we know
# them; which template it will be is settled when it is sent.
_TELL = text("""
    WITH notice AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS row(
            message_id bigint, person_id bigint, kind text, title text, body text,
            subject_kind text, subject_id bigint, fields jsonb)),
    inbox AS (
        INSERT INTO inbox_messages (community_id, inbox_message_id, person_id, kind, title, body,
            subject_kind, subject_id, created_at)
        SELECT :community_id, message_id, person_id, kind, title, body, subject_kind, subject_id,
            :now
        FROM notice)
    INSERT INTO wechat_messages (community_id, wechat_message_id, person_id, kind, fields, state,
        created_at)
    SELECT :community_id, message_id, person_id, kind, fields, 'waiting', :now
    FROM notice
    WHERE EXISTS (
        SELECT FROM message_quotas JOIN identities USING (person_id, app_id)
        WHERE message_quotas.person_id = notice.person_id AND left_count > 0
            AND identities.provider = 'wechat')
    RETURNING wechat_message_id
""")

_ADD_TO_QUOTAS = """
    INSERT INTO message_quotas (person_id, app_id, template_id, left_count, updated_at)
    SELECT :person_id, :app_id, template_id, 1, :now
    FROM unnest(CAST(:template_ids AS text[])) AS template_id
    ON CONFLICT (person_id, app_id, template_id) DO UPDATE
    SET left_count = message_quotas.left_count + 1, updated_at = excluded.updated_at
"""

_IS_DUE = """
    state IN ('waiting', 'sending') AND (leased_until IS NULL OR leased_until <= :now)
    AND NOT EXISTS (
        SELECT FROM wechat_messages AS other
        WHERE other.person_id = wechat_messages.person_id
            AND other.state = 'sending' AND other.leased_until > :now)
"""

# Who was told first comes first. More are looked at than are taken: some may be another worker's.
_LOCK_DUE_PERSONS = f"""
    WITH due AS MATERIALIZED (
        SELECT person_id FROM wechat_messages WHERE {_IS_DUE}
        GROUP BY person_id ORDER BY min(wechat_message_id) LIMIT 10 * :size)
    SELECT person_id FROM due
    WHERE pg_try_advisory_xact_lock(hashtextextended('message to ' || person_id, 0))
    LIMIT :size
"""  # noqa: S608 - a fragment of ours

# Its condition stands outside as well: there it is asked again of a row that somebody whose
# lease has lapsed was just closing.
_LEASE = f"""
    UPDATE wechat_messages SET state = 'sending', leased_until = :until, attempts = attempts + 1,
        errcode = NULL
    FROM (
        SELECT DISTINCT ON (person_id) community_id, wechat_message_id FROM wechat_messages
        WHERE person_id = ANY (:person_ids) AND {_IS_DUE}
        ORDER BY person_id, wechat_message_id) AS due
    WHERE wechat_messages.community_id = due.community_id
        AND wechat_messages.wechat_message_id = due.wechat_message_id
        AND state IN ('waiting', 'sending') AND (leased_until IS NULL OR leased_until <= :now)
    RETURNING wechat_messages.community_id, wechat_messages.wechat_message_id, person_id, kind,
        fields, attempts
"""  # noqa: S608 - a fragment of ours

_LIST_ADDRESSES = """
    SELECT person_id, app_id, subject AS open_id, template_id, left_count
    FROM identities LEFT JOIN message_quotas USING (person_id, app_id)
    WHERE person_id = ANY (:person_ids) AND provider = 'wechat'
    ORDER BY identities.created_at
"""

_SETTLE = """
    UPDATE wechat_messages SET app_id = row.app_id, template_id = row.template_id
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        community_id bigint, message_id bigint, app_id text, template_id text)
    WHERE wechat_messages.community_id = row.community_id
        AND wechat_message_id = row.message_id
"""

# The attempt tells whose lease it is: who lost it to another worker changes nothing any more.
_CLOSE_LEASES = """
    UPDATE wechat_messages SET state = row.state, leased_until = row.leased_until,
        errcode = coalesce(row.errcode, wechat_messages.errcode), sent_at = row.sent_at
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        community_id bigint, message_id bigint, attempt smallint, state text, errcode bigint,
        leased_until timestamptz, sent_at timestamptz)
    WHERE wechat_messages.community_id = row.community_id
        AND wechat_message_id = row.message_id
        AND attempts = row.attempt AND wechat_messages.state = 'sending'
"""

_TAKE_FROM_QUOTAS = """
    UPDATE message_quotas SET updated_at = :now, left_count = greatest(left_count - row.gone, 0)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        person_id bigint, app_id text, template_id text, gone bigint)
    WHERE message_quotas.person_id = row.person_id AND message_quotas.app_id = row.app_id
        AND message_quotas.template_id = row.template_id
"""

# WeChat's number of the message is not kept, and the arrival may be told before our own answer
# is written down; people get so few messages that the newest one it fits is the one.
_RECORD_ARRIVAL = """
    UPDATE wechat_messages SET errcode = :errcode
    WHERE (community_id, wechat_message_id) IN (
        SELECT community_id, wechat_message_id FROM wechat_messages
        WHERE person_id = :person_id AND app_id = :app_id AND template_id = :template_id
            AND state IN ('sending', 'sent') AND errcode IS NULL
        ORDER BY wechat_message_id DESC LIMIT 1)
"""


async def tell(
    session: AsyncSession, community_id: int, rows: Rows, *, now: datetime
) -> Sequence[int]:
    """Put messages into inboxes; return the numbers of those that are queued for WeChat too."""
    values = {"community_id": community_id, "rows": json.dumps(rows), "now": now}
    return (await session.scalars(_TELL, values)).all()


async def list_inbox(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    *,
    before: int,
    is_unread_only: bool,
    size: int,
) -> Sequence[InboxMessage]:
    """Return a person's messages, newest first, before a number."""
    statement = select(InboxMessage).where(
        InboxMessage.community_id == community_id,
        InboxMessage.person_id == person_id,
        InboxMessage.inbox_message_id < before,
    )
    if is_unread_only:
        statement = statement.where(InboxMessage.read_at.is_(None))
    statement = statement.order_by(InboxMessage.inbox_message_id.desc()).limit(size)
    return (await session.scalars(statement)).all()


async def count_unread(session: AsyncSession, community_id: int, person_id: int) -> int:
    statement = select(func.count()).where(
        InboxMessage.community_id == community_id,
        InboxMessage.person_id == person_id,
        InboxMessage.read_at.is_(None),
    )
    return await session.scalar(statement) or 0


async def mark_read(
    session: AsyncSession, community_id: int, person_id: int, message_id: int, *, now: datetime
) -> InboxMessage | None:
    """Mark a person's message as read; when it was first read stays."""
    statement = (
        update(InboxMessage)
        .where(
            InboxMessage.community_id == community_id,
            InboxMessage.inbox_message_id == message_id,
            InboxMessage.person_id == person_id,
        )
        .values(read_at=func.coalesce(InboxMessage.read_at, now))
        .returning(InboxMessage)
    )
    return await session.scalar(statement)


async def mark_all_read(
    session: AsyncSession, community_id: int, person_id: int, *, now: datetime
) -> int:
    """Mark all of a person's messages as read; return how many were not."""
    statement = (
        update(InboxMessage)
        .where(
            InboxMessage.community_id == community_id,
            InboxMessage.person_id == person_id,
            InboxMessage.read_at.is_(None),
        )
        .values(read_at=now)
        .returning(InboxMessage.inbox_message_id)
        .execution_options(synchronize_session=False)
    )
    return len((await session.scalars(statement)).all())


async def list_quotas(session: AsyncSession, person_id: int, app_id: str) -> dict[str, int]:
    """Return how many messages a person still accepts in an app, by template."""
    statement = select(MessageQuota.template_id, MessageQuota.left_count).where(
        MessageQuota.person_id == person_id, MessageQuota.app_id == app_id
    )
    return {row.template_id: row.left_count for row in await session.execute(statement)}


async def add_to_quotas(
    session: AsyncSession,
    person_id: int,
    app_id: str,
    template_ids: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Count one more message for each of these templates."""
    values = {
        "person_id": person_id,
        "app_id": app_id,
        "template_ids": sorted(set(template_ids)),
        "now": now,
    }
    await session.execute(text(_ADD_TO_QUOTAS), values)


async def clear_quota(
    session: AsyncSession, person_id: int, app_id: str, template_id: str, *, now: datetime
) -> None:
    statement = (
        update(MessageQuota)
        .where(
            MessageQuota.person_id == person_id,
            MessageQuota.app_id == app_id,
            MessageQuota.template_id == template_id,
        )
        .values(left_count=0, updated_at=now)
    )
    await session.execute(statement)


async def lock_due_persons(session: AsyncSession, *, now: datetime, size: int) -> Sequence[int]:
    """Return people who have a message due and none in flight, locked for this transaction."""
    values = {"now": now, "size": size}
    return (await session.scalars(text(_LOCK_DUE_PERSONS), values)).all()


async def lease_messages(
    session: AsyncSession, person_ids: Sequence[int], *, now: datetime, until: datetime
) -> Sequence[Record]:
    """Take each of these people's oldest message that is due.

    A statement of its own after the people are locked: it has to see what was leased by the
    transaction that held the lock before.
    """
    values = {"person_ids": list(person_ids), "now": now, "until": until}
    return (await session.execute(text(_LEASE), values)).all()


async def list_addresses(session: AsyncSession, person_ids: Sequence[int]) -> Sequence[Record]:
    """Return (person_id, app_id, open_id, template_id, left_count), oldest identity first."""
    return (await session.execute(text(_LIST_ADDRESSES), {"person_ids": list(person_ids)})).all()


async def settle_templates(session: AsyncSession, rows: Rows) -> None:
    await session.execute(text(_SETTLE), {"rows": json.dumps(rows)})


async def close_leases(session: AsyncSession, rows: Rows) -> None:
    """Write down what became of messages whose lease is still ours."""
    await session.execute(text(_CLOSE_LEASES), {"rows": json.dumps(rows)})


async def take_from_quotas(session: AsyncSession, rows: Rows, *, now: datetime) -> None:
    """Take from quotas what is `gone` of each; a quota never falls below nothing."""
    await session.execute(text(_TAKE_FROM_QUOTAS), {"rows": json.dumps(rows), "now": now})


async def record_arrival(
    session: AsyncSession, person_id: int, app_id: str, template_id: str, *, errcode: int
) -> None:
    values = {
        "person_id": person_id,
        "app_id": app_id,
        "template_id": template_id,
        "errcode": errcode,
    }
    await session.execute(text(_RECORD_ARRIVAL), values)
