"""What WeChat pushes about subscriptions: popups answered, minds changed, messages arrived.

An app either has a push configured, then its popups are counted here, or it has none, then the
mini-program's own report counts (service.report_subscriptions). Never both: both tell of the
same popup.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity import queries as identity
from app.notifications import queries
from app.notifications.templates import Templates
from app.wechat.events import MessageArrival, SubscriptionAnswer, SubscriptionChange
from app.wechat.receiving import Handler

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SubscriptionEvents:
    """Handlers of these events; people and templates that we do not know are passed over."""

    templates: Templates

    @property
    def handlers(self) -> dict[type, Handler]:
        return {
            SubscriptionAnswer: self.on_answer,
            SubscriptionChange: self.on_change,
            MessageArrival: self.on_arrival,
        }

    async def on_answer(
        self, session: AsyncSession, event: SubscriptionAnswer, *, now: datetime
    ) -> None:
        """Count one more message if the popup was accepted; a refusal takes nothing away."""
        found = await self._find(session, event.open_id, event.template_id)
        if found is not None and event.is_accepted:
            await queries.add_to_quotas(session, *found, [event.template_id], now=now)

    async def on_change(
        self, session: AsyncSession, event: SubscriptionChange, *, now: datetime
    ) -> None:
        """Count no message any more if the person refused in WeChat's settings."""
        found = await self._find(session, event.open_id, event.template_id)
        if found is not None and not event.is_accepted:
            await queries.clear_quota(session, *found, event.template_id, now=now)

    async def on_arrival(
        self,
        session: AsyncSession,
        event: MessageArrival,
        *,
        now: datetime,  # noqa: ARG002 - every handler gets it
    ) -> None:
        """Write down what became of a message; one that did not arrive is not sent again."""
        found = await self._find(session, event.open_id, event.template_id)
        if found is None:
            return
        logger.debug("message arrived", errcode=event.errcode, message_id=event.message_id)
        await queries.record_arrival(session, *found, event.template_id, errcode=event.errcode)

    async def _find(
        self, session: AsyncSession, open_id: str, template_id: str
    ) -> tuple[int, str] | None:
        """Return (person, app id) of whom an event speaks of."""
        app_id = self.templates.app_of(template_id)
        if app_id is None:
            return None
        known = await identity.get_identity(session, "wechat", app_id, open_id)
        return None if known is None else (known.person_id, app_id)
