"""A community from a preset: rules in force, shops with accounts, a filled catalogue."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases.models import CaseCategory, CaseKind, CaseSettings, CaseStatus
from app.cases.workflow import STATUSES, Status
from app.community.models import Community
from app.core.ids import new_id
from app.funds import queries as fund_queries
from app.funds import service as funds
from app.identity.consents import queries as consents
from app.identity.models import PrivacyPolicy
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.models import AccountKind, PointPolicy
from app.ledger.point_policy.schemas import PolicyTerms
from app.merchants.models import Shop
from app.rewards.models import Reward, RewardState
from app.rules.book.adding import add_campaigns, add_categories, add_rules
from app.rules.models import Procedure
from app.setup import queries
from app.setup.presets import CategoryData, Preset, PrivacyData, RewardData

KIND_OF = {status.state: status.kind for status in STATUSES}


class CodeTaken(Exception):
    """There is a community of this code already."""


@dataclass(frozen=True, slots=True)
class CreatedCommunity:
    """A new community with the numbers of what its preset named by code."""

    community_id: int
    timezone: str
    rules: dict[str, int]
    shops: dict[str, int]
    rewards: dict[str, int]
    funds: dict[str, int]


async def create_community(
    session: AsyncSession, preset: Preset, *, code: str, now: datetime
) -> CreatedCommunity:
    """Create everything a preset states; everything is in force from `now`."""
    community = Community(
        region_id=None, code=code, name=preset.name, timezone=preset.timezone, created_at=now
    )
    session.add(community)
    await session.flush()
    community_id = community.community_id
    await ledger.open_book(session, community_id, now=now)
    session.add(_point_policy(community_id, preset.points, now))
    session.add(Procedure(community_id=community_id, **preset.procedure.model_dump()))
    await add_categories(session, community_id, preset.rule_categories)
    rules = await add_rules(session, community_id, preset.rules, now=now)
    await add_campaigns(session, community_id, preset.campaigns, timezone=preset.timezone, now=now)
    shops = await _add_shops(session, community_id, preset, now)
    rewards = {reward.code: new_id(now) for reward in preset.rewards}
    await _add_cases(session, community_id, preset, now)
    session.add(_policy(community_id, preset.privacy, now))
    session.add_all(
        _reward(community_id, rewards[data.code], data, shops, now) for data in preset.rewards
    )
    await session.flush()
    opened = await add_funds(session, community_id, preset, now=now)
    return CreatedCommunity(community_id, preset.timezone, rules, shops, rewards, opened)


async def create_community_once(
    session: AsyncSession, preset: Preset, *, code: str, now: datetime
) -> CreatedCommunity:
    """Create a community whose code nobody else has; raises CodeTaken."""
    await queries.lock_communities(session)
    if await queries.find_community(session, code) is not None:
        raise CodeTaken
    return await create_community(session, preset, code=code, now=now)


async def complete_community(
    session: AsyncSession, community_id: int, preset: Preset, *, now: datetime
) -> None:
    """Add to a community of an older version the rules it lacks, cases and a policy."""
    categories = await queries.list_category_codes(session, community_id)
    await add_categories(
        session,
        community_id,
        [data for data in preset.rule_categories if data.code not in categories],
    )
    known = await queries.list_rule_codes(session, community_id)
    rules = [data for data in preset.rules if data.code not in known]
    await add_rules(session, community_id, rules, now=now)
    await _add_cases(session, community_id, preset, now)
    if await consents.get_newest_policy(session, community_id) is None:
        session.add(_policy(community_id, preset.privacy, now))
    await session.flush()


async def add_funds(
    session: AsyncSession, community_id: int, preset: Preset, *, now: datetime
) -> dict[str, int]:
    """Open the funds of a preset that a community lacks; return their numbers by code."""
    known = await fund_queries.list_fund_codes(session, community_id)
    return {
        stated.code: await funds.open_fund(session, community_id, stated, now=now)
        for stated in preset.funds
        if stated.code not in known
    }


async def _add_shops(
    session: AsyncSession, community_id: int, preset: Preset, now: datetime
) -> dict[str, int]:
    shops = {data.code: new_id(now) for data in preset.shops}
    session.add_all(
        Shop(
            community_id=community_id,
            shop_id=shops[data.code],
            name=data.name,
            void_minutes=data.void_minutes,
            created_at=now,
        )
        for data in preset.shops
    )
    accounts = [(shop_id, AccountKind.MERCHANT.value) for shop_id in shops.values()]
    await ledger_queries.open_plain_accounts(session, community_id, accounts, now=now)
    return shops


async def _add_cases(
    session: AsyncSession, community_id: int, preset: Preset, now: datetime
) -> None:
    """Add how cases are handled: settings, statuses, and the category tree from its root down."""
    cases = preset.cases
    settings = CaseSettings(
        community_id=community_id,
        ladder=[rung.model_dump(mode="json") for rung in cases.ladder],
        most_bounces=cases.most_bounces,
        confirm_days=cases.confirm_days,
    )
    finer = [Status(data.state, KIND_OF[data.state], data.name) for data in cases.statuses]
    codes = [data.code for data in cases.statuses]
    session.add_all(
        CaseStatus(
            community_id=community_id,
            code=code,
            name=status.name,
            kind=status.kind,
            state=status.state,
        )
        for code, status in [
            *((status.state.value, status) for status in STATUSES),
            *zip(codes, finer, strict=True),
        ]
    )
    session.add(settings)
    categories = {data.code: new_id(now) for data in cases.categories}
    for data in cases.categories:
        session.add(_category(community_id, data, categories))
        # One after another: a branch refers to its parent.
        await session.flush()


def _category(community_id: int, data: CategoryData, numbers: dict[str, int]) -> CaseCategory:
    return CaseCategory(
        community_id=community_id,
        category_id=numbers[data.code],
        parent_id=None if data.parent is None else numbers[data.parent],
        kind=CaseKind.HAZARD,
        code=data.code,
        name=data.name,
        rule_codes=data.rules,
        answer_hours=data.answer_hours,
        resolve_hours=data.resolve_hours,
        near_meters=data.near_meters,
        advice=data.advice,
    )


def _point_policy(community_id: int, terms: PolicyTerms, now: datetime) -> PointPolicy:
    stated = terms.model_dump(mode="json", exclude_none=True)
    return PointPolicy(
        community_id=community_id,
        version=1,
        expiry=stated["expiry"],
        expiry_since=None,
        decay=stated.get("decay"),
        decay_since=None,
        savings=stated.get("savings"),
        gifts=stated.get("gifts"),
        lowest_points=terms.lowest_points,
        notice_days=terms.notice_days,
        published_at=now,
        published_by=None,
    )


def _policy(community_id: int, data: PrivacyData, now: datetime) -> PrivacyPolicy:
    return PrivacyPolicy(
        community_id=community_id,
        version=1,
        text=data.text,
        purposes=[purpose.model_dump(mode="json") for purpose in data.purposes],
        published_at=now,
        published_by=None,
    )


def _reward(
    community_id: int, reward_id: int, data: RewardData, shops: dict[str, int], now: datetime
) -> Reward:
    return Reward(
        community_id=community_id,
        reward_id=reward_id,
        code=data.code,
        kind=data.kind,
        name=data.name,
        description=data.description,
        price_points=data.price_points,
        stock_left=data.stock,
        per_resident_limit=data.per_resident_limit,
        voucher_days=data.voucher_days,
        shop_id=None if data.shop is None else shops[data.shop],
        state=RewardState.ON_SALE,
        created_at=now,
    )
