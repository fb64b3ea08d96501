"""Telling residents in batches, each in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.notices import messages, queries
from app.ledger.notices.queries import DecayTerms, Lead
from app.notifications.service import notify

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Round:
    """All accounts of a community to be looked at, for one lead time and one thing to tell.

    Without `decay` it is about points that lapse.
    """

    lead: Lead
    decay: DecayTerms | None


async def list_rounds(session: AsyncSession, *, now: datetime) -> Sequence[Round]:
    """Return what is to be told today: the nearest first, as a later one then is silent."""
    rounds: list[Round] = []
    for policy in await queries.list_policies(session):
        decay = None
        if policy.decay is not None:
            decay = DecayTerms(policy.decay["months"], policy.decay["percent"], policy.decay_since)
        for days in sorted(policy.notice_days):
            lead = Lead(policy.community_id, policy.timezone, days, now)
            rounds += (
                [Round(lead, None)] if decay is None else [Round(lead, None), Round(lead, decay)]
            )
    return rounds


async def tell_next(session: AsyncSession, one: Round, *, after: int) -> int:
    """Tell those of the next 1,000 accounts who are due; return the last one, or 0 if none.

    What is written down and what reaches the inbox is one transaction: nobody is told twice.
    """
    lead, decay = one.lead, one.decay
    if decay is None:
        told = await queries.tell_expiry(session, lead, after=after, size=BATCH)
        notices = [messages.expiry_notice(row, lead.timezone) for row in told.notices]
    else:
        told = await queries.tell_decay(session, lead, decay, after=after, size=BATCH)
        notices = [
            messages.decay_notice(row, lead.timezone, percent=decay.percent) for row in told.notices
        ]
    await notify(session, lead.community_id, notices, now=lead.now)
    return told.reached
