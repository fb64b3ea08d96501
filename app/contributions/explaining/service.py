"""Lists of a resident's contributions, and the explanation of one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community.names import mask_name
from app.contributions.evidence.service import describe_photos
from app.contributions.explaining import queries, wording
from app.contributions.explaining.errors import ContributionNotFound
from app.contributions.explaining.schemas import (
    Adoption,
    CampaignShare,
    ContributionExplained,
    ContributionSummary,
    LimitHit,
    RuleStood,
    Sentences,
    UndonePart,
    WhoActed,
)
from app.contributions.models import ContributionState, SourceKind
from app.core.access import Role
from app.core.database import Record
from app.core.ids import MAX_ID
from app.core.pagination import Page, page_of, read_cursor
from app.core.personal import Vault
from app.ledger.models import MACHINE
from app.media.addresses import PhotoLinks


@dataclass(frozen=True, slots=True)
class Viewer:
    """Where somebody looks, and what names and photos are shown with."""

    community_id: int
    vault: Vault
    links: PhotoLinks
    now: datetime


async def list_contributions(
    session: AsyncSession, community_id: int, resident_id: int, *, cursor: str | None, size: int
) -> Page[ContributionSummary]:
    """Return a resident's awards and deductions that moved points, newest first."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    rows = await queries.list_contributions(
        session, community_id, resident_id, before=before, size=size + 1
    )
    return page_of(ContributionSummary, rows, size, lambda row: (row.contribution_id,))


async def explain(
    session: AsyncSession,
    viewer: Viewer,
    contribution_id: int,
    *,
    resident_id: int | None = None,
) -> ContributionExplained:
    """Explain a contribution of this resident (None: of anybody, for staff who judge it).

    Raises ContributionNotFound.
    """
    act = await queries.get_contribution(
        session, viewer.community_id, contribution_id, resident_id=resident_id
    )
    if act is None:
        raise ContributionNotFound
    undone = await queries.list_undone(session, viewer.community_id, contribution_id)
    reviewers = [] if act.checked_by is None else [act.checked_by]
    if act.source_kind == SourceKind.CLAIM:
        reviewers += await queries.list_reviewers(session, viewer.community_id, act.source_id)
    hands = await name_hands(
        session, viewer, [act.recorded_by, *reviewers], resident_person=act.person_id
    )
    photos = await describe_photos(
        session, viewer.links, viewer.community_id, [act.source_id], now=viewer.now
    )
    story = _story_of(act, undone, hands, list(dict.fromkeys(reviewers)))
    return ContributionExplained(
        **_figures(act, undone, story),
        rule=_rule_of(act),
        photos=photos[act.source_id],
    )


async def name_hands(
    session: AsyncSession, viewer: Viewer, persons: Sequence[int], *, resident_person: int | None
) -> dict[int, wording.Hand]:
    """Return persons as they may be shown: the resident, or a role with a masked name."""
    grants = await queries.list_grants(session, viewer.community_id, persons)
    return {
        person: wording.Hand(
            is_the_resident=person == resident_person,
            is_a_machine=person == MACHINE,
            **_named(viewer, None if person == resident_person else grants.get(person)),
        )
        for person in persons
    }


def _named(viewer: Viewer, grant: Record | None) -> dict[str, Any]:
    if grant is None:
        return {"role": None, "masked_name": None}
    field = personal.grant_name(viewer.community_id, grant.role_grant_id)
    name = viewer.vault.open_or_none(grant.sealed_name, field)
    # Names of staff often begin with the office, which the role says already.
    masked_name = None if name is None else mask_name(name.split()[-1])
    return {"role": Role(grant.role), "masked_name": masked_name}


def describe_hand(hand: wording.Hand) -> WhoActed:
    return WhoActed(**asdict(hand))


def _story_of(
    act: Record,
    undone: Sequence[Record],
    hands: Mapping[int, wording.Hand],
    reviewers: Sequence[int],
) -> wording.Story:
    return wording.Story(
        rule_name=act.rule_name,
        version=act.version,
        effective_from=act.effective_from,
        change_title=act.change_title,
        recorded_by=hands[act.recorded_by],
        reviewed_by=tuple(hands[person] for person in reviewers),
        undone=tuple(
            wording.Undone(row.asked_points, row.taken_points, row.reason, row.created_at)
            for row in undone
        ),
        timezone=act.timezone,
    )


def _figures(act: Record, undone: Sequence[Record], story: wording.Story) -> dict[str, Any]:
    is_deduction = act.state == ContributionState.DEDUCTED
    told = wording.sum_of(
        act.breakdown,
        unit=act.unit,
        caps=act.caps,
        interval_minutes=act.min_interval_minutes,
        granted_points=act.granted_points,
        is_deduction=is_deduction,
    )
    left = abs(act.granted_points) - sum(row.asked_points for row in undone)
    return {
        "contribution_id": act.contribution_id,
        "source_kind": act.source_kind,
        "source_id": act.source_id,
        "state": act.state,
        "acted_at": act.acted_at,
        "recorded_at": act.created_at,
        "reason": act.reason,
        "units": act.units,
        "unit": act.unit,
        "effort": told.effort,
        "points_each": told.points_each,
        "base_points": told.base_points,
        "campaigns": [CampaignShare(**asdict(share)) for share in told.shares],
        "limits_hit": [LimitHit(**asdict(limit)) for limit in told.limits],
        "asked_points": act.asked_points,
        "granted_points": act.granted_points,
        "standing_points": -left if is_deduction else left,
        "recorded_by": describe_hand(story.recorded_by),
        "reviewed_by": [describe_hand(hand) for hand in story.reviewed_by],
        "undone": [_undone(row) for row in undone],
        "receipt_path": f"/v1/me/statement/{act.contribution_id}/receipt"
        if act.granted_points
        else None,
        "sentences": Sentences(
            zh=wording.word_story(told, story, "zh"), en=wording.word_story(told, story, "en")
        ),
    }


def _rule_of(act: Record) -> RuleStood:
    adoption = None
    if act.rule_change_id is not None:
        adoption = Adoption(
            rule_change_id=act.rule_change_id,
            title=act.change_title,
            reason=act.change_reason,
            decided_at=act.change_decided_at,
            public_notice_id=act.public_notice_id,
            notice_opened_at=act.opens_at,
            notice_closed_at=act.closes_at,
        )
    return RuleStood(
        rule_id=act.rule_id,
        rule_version_id=act.rule_version_id,
        code=act.code,
        name=act.rule_name,
        category=act.category,
        version=act.version,
        effective_from=act.effective_from,
        effective_until=act.effective_until,
        adoption=adoption,
    )


def _undone(row: Record) -> UndonePart:
    return UndonePart(
        asked_points=row.asked_points,
        moved_points=row.taken_points,
        reason=row.reason,
        undone_at=row.created_at,
    )
