"""SQL of what WeChat pushed."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.wechat.models import WeChatPush


async def add_push(session: AsyncSession, push: WeChatPush) -> bool:
    """Store a push unless it is there already; tell whether it is new."""
    statement = (
        insert(WeChatPush)
        .values(
            push_key=push.push_key,
            app_id=push.app_id,
            event=push.event,
            trace_id=push.trace_id,
            sealed_payload=push.sealed_payload,
            received_at=push.received_at,
        )
        .on_conflict_do_nothing()
        .returning(WeChatPush.app_id)
    )
    return await session.scalar(statement) is not None


async def lock_waiting_push(session: AsyncSession, push_key: bytes) -> WeChatPush | None:
    """Return a push that nobody has acted on, locked; None if there is none such."""
    statement = (
        select(WeChatPush)
        .where(WeChatPush.push_key == push_key, WeChatPush.handled_at.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)
