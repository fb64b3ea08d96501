"""Putting claims on a public list, showing it, and awarding what nobody has stopped."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions.claims import messages
from app.contributions.claims.judging import evaluate_claims
from app.contributions.claims.models import ClaimState
from app.contributions.claims.public_lists import queries
from app.contributions.claims.public_lists.queries import Settled
from app.contributions.claims.public_lists.schemas import AwardLine
from app.contributions.posting import AwardItem, Verdict
from app.contributions.service import Outcome, award_all
from app.contributions.telling.service import tell_resident
from app.core.calendar import day_in
from app.core.database import Record
from app.core.pagination import Page, cut_page, read_cursor
from app.notices import service as notices
from app.notices.errors import NoticeNotFound
from app.notices.models import NoticeKind
from app.notifications.service import Notice, notify
from app.rules import service as rules
from app.rules.book.campaigns import midnight

MOST_LINES = 1000
BATCH = 500
# No person has published a list that a job makes.
NOBODY = 0


async def publish_list(session: AsyncSession, community_id: int, *, now: datetime) -> int:
    """Put up to 1,000 approved claims on a new list; return how many.

    It stays open for as many whole days as the longest of their rules asks for.
    """
    approved = await queries.lock_approved(session, community_id, size=MOST_LINES)
    if not approved:
        return 0
    here = await community.get_community(session, community_id)
    today = day_in(here.timezone, now)
    days = max(row.award_notice_days for row in approved)
    notice_id = await notices.publish(
        session, community_id,
        kind=NoticeKind.AWARD_LIST,
        title=f"积分公示名单 {today.isoformat()}",
        closes_at=midnight(today + timedelta(days=days + 1), here.timezone),
        published_by=NOBODY,
        now=now,
    )  # fmt: skip
    claim_ids = [row.claim_id for row in approved]
    await queries.put_on_list(session, community_id, claim_ids, notice_id)
    return len(claim_ids)


async def settle_batch(
    session: AsyncSession, community_id: int, notice_id: int, *, now: datetime
) -> int:
    """Decide up to 500 claims of a list whose notice is over; return how many.

    What waits for the answer to an objection goes on waiting; claims of a withdrawn list go back.
    """
    outcome = (await notices.lock_outcomes(session, community_id, [notice_id], now=now))[notice_id]
    if outcome.is_withdrawn:
        await queries.send_back(session, community_id, notice_id)
        return 0
    if not outcome.is_over or None in outcome.unanswered:
        return 0
    waiting = {line for line in outcome.unanswered if line is not None}
    claims = await queries.lock_due(session, community_id, notice_id, waiting=waiting, size=BATCH)
    if claims:
        upheld = await queries.list_upheld(session, community_id, notice_id)
        await _settle(session, community_id, claims, upheld, now=now)
    if len(claims) < BATCH and not waiting:
        await notices.settle(session, community_id, notice_id, now=now)
    return len(claims)


async def _settle(
    session: AsyncSession,
    community_id: int,
    claims: Sequence[Record],
    upheld: Mapping[int | None, str],
    *,
    now: datetime,
) -> None:
    here = await community.get_community(session, community_id)
    settled = {claim.claim_id: _stopped(claim, upheld) for claim in claims}
    to_award = [claim for claim in claims if settled[claim.claim_id] is None]

    async def list_items() -> Sequence[AwardItem]:
        return await evaluate_claims(
            session, community_id, to_award, timezone=here.timezone, now=now
        )

    outcomes = await award_all(session, community_id, list_items, timezone=here.timezone, now=now)
    by_claim = {outcome.decision.item.source_id: outcome for outcome in outcomes}
    rows = [
        settled[claim.claim_id] or _awarded(claim, by_claim.get(claim.claim_id)) for claim in claims
    ]
    await queries.settle(session, community_id, rows, now=now)
    await _tell(session, community_id, claims, rows, by_claim, timezone=here.timezone, now=now)


def _stopped(claim: Record, upheld: Mapping[int | None, str]) -> Settled | None:
    """Return what stops a claim: an objection that was upheld, or that its resident has left."""
    if not claim.is_here:
        return Settled(claim.claim_id, ClaimState.WITHDRAWN)
    reason = upheld.get(claim.claim_id, upheld.get(None))
    if reason is None:
        return None
    return Settled(claim.claim_id, ClaimState.REFUSED, reason=reason)


def _awarded(claim: Record, outcome: Outcome | None) -> Settled:
    if outcome is None:
        # Groups of residents change while a claim waits.
        return Settled(claim.claim_id, ClaimState.REFUSED, reason=messages.NOT_MEANT_FOR)
    decision = outcome.decision
    if decision.recorded is None or decision.verdict is Verdict.NO_SUCH_RESIDENT:
        return Settled(claim.claim_id, ClaimState.WITHDRAWN)
    return Settled(claim.claim_id, ClaimState.AWARDED, decision.recorded.contribution_id)


async def _tell(
    session: AsyncSession,
    community_id: int,
    claims: Sequence[Record],
    rows: Sequence[Settled],
    outcomes: Mapping[int, Outcome],
    *,
    timezone: str,
    now: datetime,
) -> None:
    procedure = await rules.get_procedure(session, community_id)
    at = messages.shown_time(timezone, now)
    told: list[Notice] = []
    for claim, row in zip(claims, rows, strict=True):
        if claim.person_id is None and row.state is ClaimState.REFUSED:
            message = messages.refused_message(
                claim.claim_id, claim.rule_name,
                reason=row.reason or "", appeal_days=procedure.appeal_days, now=now,
            )  # fmt: skip
            await tell_resident(
                session, community_id, claim.resident_id, message, timezone=timezone, now=now
            )
        elif claim.person_id is None:
            continue
        elif row.state is ClaimState.AWARDED:
            decision = outcomes[claim.claim_id].decision
            told.append(
                messages.awarded_notice(
                    claim.person_id, claim.claim_id, claim.rule_name,
                    points=decision.granted_points, asked=decision.asked_points, at=at,
                )
            )  # fmt: skip
        elif row.reason is not None:
            told.append(
                messages.refused_notice(
                    claim.person_id, claim.claim_id, claim.rule_name,
                    reason=row.reason, appeal_days=procedure.appeal_days, at=at,
                )
            )  # fmt: skip
    await notify(session, community_id, told, now=now)


async def read_list(
    session: AsyncSession,
    community_id: int,
    notice_id: int,
    *,
    cursor: str | None,
    size: int,
    now: datetime,
) -> Page[AwardLine]:
    """Return the lines of a list of awards; raises NoticeNotFound."""
    if not await queries.is_list_of_claims(session, community_id, notice_id):
        raise NoticeNotFound
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_lines(session, community_id, notice_id, after=after, size=size + 1)
    lines, next_cursor = cut_page(rows, size, lambda row: (row.claim_id,))
    here = await community.get_community(session, community_id)
    waiting = [row for row in lines if row.asked_points is None]
    items = await evaluate_claims(session, community_id, waiting, timezone=here.timezone, now=now)
    worth = {item.source_id: item.points for item in items}
    return Page(
        items=[
            AwardLine(
                line_id=row.claim_id,
                masked_name=row.masked_name,
                rule_name=row.rule_name,
                units=row.units,
                acted_on=day_in(here.timezone, row.acted_at),
                asked_points=worth.get(row.claim_id, row.asked_points or 0),
                deed=row.deed,
            )
            for row in lines
        ],
        next_cursor=next_cursor,
    )
