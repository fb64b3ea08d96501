"""Collecting signals for a page of claims, and for the whole community."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.contributions.models import SourceKind
from app.contributions.signals import measures, messages, photos, queries
from app.contributions.signals.measures import Concentration, Leg, PairCount, Span, Visit
from app.contributions.signals.schemas import (
    ConcentrationSignal,
    DistanceSignal,
    OverlapSignal,
    PairSignal,
    Signal,
    SignalKind,
    SignalOverview,
)
from app.core.access import Actor
from app.core.calendar import Period, day_in, local_time, period_start
from app.core.coordinates import Position
from app.core.database import Record

DAY = timedelta(days=1)
# No claim lasts longer; so far back one may have begun that lasts into another.
LONGEST = timedelta(days=7)
REVIEWS_COUNTED_DAYS = 90
POINTS_COUNTED = timedelta(days=30)
DISTANCES_SHOWN = timedelta(days=7)
MOST_SHOWN = 100
# What is measured in more detail before the most unusual hundred are shown.
MOST_MEASURED = 1000

Found = dict[int, list[Signal]]


async def list_signals(
    session: AsyncSession,
    community_id: int,
    claim_ids: Sequence[int],
    *,
    reviewer_id: int,
    now: datetime,
) -> dict[int, list[Signal]]:
    """Return what a reviewer (a person's number) should know of claims; an entry for each.

    Eight statements at most, for one claim or a page of them.
    """
    found: Found = {claim_id: [] for claim_id in claim_ids}
    claims = await queries.list_claims(session, community_id, claim_ids)
    if not claims:
        return found
    here = await community.get_community(session, community_id)
    _add(found, await photos.list_photo_signals(session, community_id, claims, now=now))
    await _add_times(session, community_id, found, claims, here.timezone)
    residents = sorted({claim.resident_id for claim in claims})
    since = now - timedelta(days=REVIEWS_COUNTED_DAYS)
    pairs = {
        row.resident_id: _pair(row, reviewer_id, since)
        for row in await queries.count_pairs(
            session, community_id, residents, reviewer_id=reviewer_id, since=since
        )
    }
    shares = {
        signal.resident_id: signal
        for signal in await _list_concentration(
            session, community_id, residents, timezone=here.timezone, now=now
        )
    }
    for claim in claims:
        by_resident = (pairs.get(claim.resident_id), shares.get(claim.resident_id))
        found[claim.claim_id] += [signal for signal in by_resident if signal is not None]
    return found


async def describe_community(
    session: AsyncSession, actor: Actor, *, now: datetime
) -> SignalOverview:
    """Return unusual pairs, concentration and distances, the most unusual or newest first."""
    here = await community.get_community(session, actor.community)
    since = now - timedelta(days=REVIEWS_COUNTED_DAYS)
    rows = await queries.list_pairs(
        session, actor.community,
        since=since, least=measures.LEAST_REVIEWS, size=MOST_MEASURED,
    )  # fmt: skip
    pairs = [signal for row in rows if (signal := _pair(row, row.reviewer_id, since)) is not None]
    pairs.sort(key=lambda signal: (signal.chance, signal.resident_id, signal.reviewer_id))
    return SignalOverview(
        pairs=pairs[:MOST_SHOWN],
        concentration=await _list_concentration(
            session, actor.community, None, timezone=here.timezone, now=now
        ),
        distances=await list_impossible_distances(
            session, actor.community, since=now - DISTANCES_SHOWN, timezone=here.timezone
        ),
    )


async def list_impossible_distances(
    session: AsyncSession,
    community_id: int,
    *,
    since: datetime,
    timezone: str,
    resident_ids: Sequence[int] | None = None,
) -> list[DistanceSignal]:
    """Return check-ins since then that nobody could have travelled between, newest first.

    Of these residents (None: everybody), at most a hundred; places are those of the activities.
    """
    rows = await queries.list_jumps(
        session, community_id, resident_ids=resident_ids, since=since, size=MOST_MEASURED
    )
    legs = ((row.resident_id, _leg(row)) for row in rows)
    signals = [_distance(resident, leg, timezone) for resident, leg in legs if leg.is_impossible]
    return signals[:MOST_SHOWN]


async def _add_times(
    session: AsyncSession,
    community_id: int,
    found: Found,
    claims: Sequence[Record],
    timezone: str,
) -> None:
    """Add what else the residents did at the time, and how far away."""
    back = [_around(claim, before=LONGEST, after=timedelta(0)) for claim in claims]
    others = _by_claim(await queries.list_other_claims(session, community_id, back))
    nearby = [_around(claim, before=DAY, after=DAY) for claim in claims]
    visits = _by_claim(await queries.list_visits(session, community_id, nearby))
    for claim in claims:
        span = Span(claim.acted_at, claim.acted_until)
        signals = found[claim.claim_id]
        signals += _overlapping_claims(span, others[claim.claim_id])
        signals += _overlapping_check_ins(span, visits[claim.claim_id], timezone)
        placed = [_visit(row) for row in visits[claim.claim_id] if row.longitude is not None]
        signals += [
            _distance(claim.resident_id, leg, timezone) for leg in measures.impossible_legs(placed)
        ]


def _around(claim: Record, *, before: timedelta, after: timedelta) -> queries.Window:
    """Return the time from so long before a claim's act until so long after it."""
    ended_at: datetime = claim.acted_until or claim.acted_at
    since, until = claim.acted_at - before, ended_at + after
    return queries.Window(claim.claim_id, claim.resident_id, since, until)


def _overlapping_claims(span: Span, others: Iterable[Record]) -> list[Signal]:
    return [
        OverlapSignal(
            kind=SignalKind.OVERLAP,
            other_claim_id=other.other_claim_id,
            contribution_id=None,
            begins_at=other.acted_at,
            ends_at=other.acted_until,
            **messages.tell_other_claim(other.other_claim_id),
        )
        for other in others
        if span.overlaps(Span(other.acted_at, other.acted_until))
    ]


def _overlapping_check_ins(span: Span, visits: Iterable[Record], timezone: str) -> list[Signal]:
    return [
        OverlapSignal(
            kind=SignalKind.OVERLAP,
            other_claim_id=None,
            contribution_id=visit.contribution_id,
            begins_at=visit.acted_at,
            ends_at=None,
            **messages.tell_check_in(visit.contribution_id, local_time(timezone, visit.acted_at)),
        )
        for visit in visits
        if visit.source_kind == SourceKind.ACTIVITY and span.overlaps(Span(visit.acted_at))
    ]


async def _list_concentration(
    session: AsyncSession,
    community_id: int,
    resident_ids: Sequence[int] | None,
    *,
    timezone: str,
    now: datetime,
) -> list[ConcentrationSignal]:
    """Return who has much of the points of the months that the last 30 days lie in."""
    months = _months(timezone, now)
    rows = await queries.list_shares(
        session, community_id,
        resident_ids=resident_ids, months=months, least_share=measures.LEAST_SHARE,
        size=MOST_SHOWN,
    )  # fmt: skip
    counted = (
        (row.resident_id, Concentration(row.points, row.all_points, row.active_residents))
        for row in rows
    )
    return [
        ConcentrationSignal(
            kind=SignalKind.CONCENTRATION,
            resident_id=resident_id,
            since=months[0],
            points=found.points,
            all_points=found.all_points,
            active_residents=found.active_residents,
            share=round(found.share, 4),
            **messages.tell_concentration(found, months[0]),
        )
        for resident_id, found in counted
        if found.is_unusual
    ]


def _months(timezone: str, now: datetime) -> list[date]:
    days = (day_in(timezone, now - POINTS_COUNTED), day_in(timezone, now))
    return sorted({period_start(Period.MONTH, day) for day in days})


def _pair(row: Record, reviewer_id: int, since: datetime) -> PairSignal | None:
    pair = PairCount(row.seen, row.claims, row.seen_of_all, row.all_claims)
    if not pair.is_unusual:
        return None
    return PairSignal(
        kind=SignalKind.UNUSUAL_PAIR,
        resident_id=row.resident_id,
        reviewer_id=reviewer_id,
        since=since,
        reviewed_by_them=pair.seen,
        reviewed_claims=pair.claims,
        expected=round(pair.expected, 2),
        chance=pair.chance,
        **messages.tell_pair(pair, REVIEWS_COUNTED_DAYS),
    )


def _leg(row: Record) -> Leg:
    earlier = Position(row.earlier_latitude, row.earlier_longitude)
    return Leg(Visit(row.earlier_id, row.earlier_at, earlier), _visit(row))


def _visit(row: Record) -> Visit:
    return Visit(row.contribution_id, row.acted_at, Position(row.latitude, row.longitude))


def _distance(resident_id: int, leg: Leg, timezone: str) -> DistanceSignal:
    return DistanceSignal(
        kind=SignalKind.IMPOSSIBLE_DISTANCE,
        resident_id=resident_id,
        earlier_contribution_id=leg.earlier.contribution_id,
        later_contribution_id=leg.later.contribution_id,
        earlier_at=leg.earlier.acted_at,
        later_at=leg.later.acted_at,
        distance_meters=round(leg.meters),
        seconds=round(leg.seconds),
        **messages.tell_distance(leg, timezone),
    )


def _by_claim(rows: Iterable[Record]) -> Mapping[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        found[row.claim_id].append(row)
    return found


def _add(found: Found, signals: Mapping[int, Sequence[Signal]]) -> None:
    for claim_id, some in signals.items():
        found[claim_id] += some
