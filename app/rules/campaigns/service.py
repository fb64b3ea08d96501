"""Opening campaigns, ending them early, and what they have given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community.service import get_community
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.ids import new_id
from app.rules.book.campaigns import campaign_columns
from app.rules.campaigns import queries
from app.rules.campaigns.errors import (
    CampaignEndsEarlier,
    CampaignInThePast,
    CampaignNamesUnknown,
    CampaignNotFound,
)
from app.rules.campaigns.schemas import (
    CampaignCreate,
    CampaignList,
    CampaignRead,
    CampaignUsageRead,
)
from app.rules.models import SHORTEST, Campaign
from app.rules.wording import say_campaign


@dataclass(frozen=True, slots=True)
class Names:
    """What a community calls its earning rules, categories and grids."""

    rules: Mapping[str, str]
    categories: Mapping[str, str]
    grids: Mapping[int, str]
    timezone: str


async def open_campaign(
    session: AsyncSession, actor: Actor, body: CampaignCreate, *, now: datetime
) -> CampaignRead:
    """Open a campaign from a day on; one that starts today starts now."""
    names = await _names(session, actor.community, now=now)
    if body.starts_on is None or body.starts_on < day_in(names.timezone, now):
        raise CampaignInThePast
    _check_names(body, names)
    campaign = Campaign(
        community_id=actor.community,
        campaign_id=new_id(now),
        **campaign_columns(body, timezone=names.timezone, since=now),
        grid_ids=body.grid_ids,
        created_by=actor.person_id,
        created_at=now,
    )
    session.add(campaign)
    await session.flush()
    return _describe(campaign, names, now)


def _check_names(body: CampaignCreate, names: Names) -> None:
    unknown = [
        *_missing(body.rules, names.rules),
        *_missing(body.categories, names.categories),
        *_missing(body.grid_ids, names.grids),
    ]
    if unknown:
        raise CampaignNamesUnknown(names="、".join(unknown))


def _missing(named: Iterable[object], known: Mapping[str, str] | Mapping[int, str]) -> list[str]:
    return [str(name) for name in named if name not in known]


async def list_campaigns(
    session: AsyncSession, community_id: int, *, now: datetime
) -> CampaignList:
    """Return the campaigns that run or are coming, by when they start."""
    campaigns = await queries.list_current(session, community_id, now=now)
    names = await _names(session, community_id, now=now)
    return CampaignList(items=[_describe(campaign, names, now) for campaign in campaigns])


async def end_campaign(
    session: AsyncSession,
    actor: Actor,
    campaign_id: int,
    *,
    ends_at: datetime | None,
    now: datetime,
) -> CampaignRead:
    """End a campaign earlier than planned, or call it off; pressed again it is the same.

    What was done before keeps what it gave.
    """
    campaign = await queries.lock_campaign(session, actor.community, campaign_id)
    if campaign is None:
        raise CampaignNotFound
    wanted = now if ends_at is None else ends_at
    is_over = ends_at is None and campaign.ends_at <= max(now, _first_end(campaign))
    if not is_over and wanted != campaign.ends_at:
        if not now <= wanted < campaign.ends_at:
            raise CampaignEndsEarlier(ends_at=campaign.ends_at.isoformat())
        campaign.ends_at = max(wanted, _first_end(campaign))
        await session.flush()
    names = await _names(session, actor.community, now=now)
    return _describe(campaign, names, now)


def _first_end(campaign: Campaign) -> datetime:
    """Return the earliest end it can have, whether it has begun or not."""
    return campaign.starts_at + SHORTEST


async def read_usage(session: AsyncSession, actor: Actor, campaign_id: int) -> CampaignUsageRead:
    """Return what a campaign has given; raises CampaignNotFound."""
    campaign = await queries.get_campaign(session, actor.community, campaign_id)
    if campaign is None:
        raise CampaignNotFound
    budget = campaign.budget_points
    if budget is None and campaign.per_person_points is None:
        return CampaignUsageRead(
            campaign_id=campaign_id, is_counted=False, given_points=None, residents=None,
            budget_points=None, left_points=None,
        )  # fmt: skip
    row = await queries.read_usage(session, actor.community, campaign_id)
    return CampaignUsageRead(
        campaign_id=campaign_id,
        is_counted=True,
        given_points=row.given_points,
        residents=row.residents,
        budget_points=budget,
        left_points=None if budget is None else budget - row.given_points,
    )


async def _names(session: AsyncSession, community_id: int, *, now: datetime) -> Names:
    return Names(
        rules=await queries.list_rule_names(session, community_id, ending_after=now),
        categories=await queries.list_category_names(session, community_id),
        grids=await queries.list_grid_names(session, community_id),
        timezone=(await get_community(session, community_id)).timezone,
    )


def _describe(campaign: Campaign, names: Names, now: datetime) -> CampaignRead:
    return CampaignRead(
        campaign_id=campaign.campaign_id,
        code=campaign.code,
        name=campaign.name,
        sentence=say_campaign(
            campaign,
            rules=names.rules,
            categories=names.categories,
            grids=names.grids,
            timezone=names.timezone,
        ),
        rules=campaign.rule_codes,
        categories=campaign.categories,
        percent=campaign.percent,
        bonus_points=campaign.bonus_points,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        is_running=campaign.starts_at <= now < campaign.ends_at,
        hours=campaign.hours,
        weekdays=campaign.weekdays,
        grid_ids=campaign.grid_ids,
        audience=campaign.audience,
        newcomer_days=campaign.newcomer_days,
        per_person_points=campaign.per_person_points,
        budget_points=campaign.budget_points,
    )
