"""The rule book in force, put together from what is stored."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.calendar import day_in
from app.core.database import Record
from app.rules import queries as rule_queries
from app.rules.book import queries
from app.rules.book.campaigns import last_day
from app.rules.book.schemas import (
    CampaignData,
    ProcedureData,
    RuleBookData,
    RuleCategoryData,
    RuleData,
)
from app.rules.campaigns import queries as campaigns_of
from app.rules.models import Campaign, Rule, RuleVersion
from app.rules.statements import days_of

FIELDS = RuleData.model_fields.keys() - {"code"}


async def collect_book(
    session: AsyncSession, community_id: int, *, timezone: str, now: datetime
) -> RuleBookData:
    """Return the rule book in force.

    Campaigns of single grids, which a book cannot name, are left out.
    """
    rows = await rule_queries.list_versions_in_force(session, community_id, at=now)
    rules = [rule_data(rule, version) for rule, version, _ in rows]
    rules.sort(key=lambda rule: (rule.category, rule.code))
    categories = await queries.list_categories(session, community_id)
    campaigns = await campaigns_of.list_current(session, community_id, now=now)
    procedure = await queries.get_procedure(session, community_id)
    return RuleBookData.model_construct(
        procedure=None if procedure is None else ProcedureData(**days_of(procedure)),
        rule_categories=_categories(categories, rules),
        rules=rules,
        campaigns=_campaigns(campaigns, rules, timezone),
    )


def rule_data(rule: Rule, version: RuleVersion) -> RuleData:
    """Return a version as a book states it."""
    stated = {field: getattr(version, field) for field in FIELDS}
    return RuleData.model_validate({"code": rule.code, **stated})


def _categories(stored: Sequence[Record], rules: Iterable[RuleData]) -> list[RuleCategoryData]:
    """Return the tree, and whatever else rules name: older books named categories freely."""
    tree = [
        RuleCategoryData(code=row.code, name=row.name, parent=row.parent_code) for row in stored
    ]
    named = dict.fromkeys(rule.category for rule in rules)
    known = {category.code for category in tree}
    return tree + [RuleCategoryData(code=code, name=code) for code in named if code not in known]


def _campaigns(
    stored: Sequence[Campaign], rules: Iterable[RuleData], timezone: str
) -> list[CampaignData]:
    codes = {rule.code for rule in rules}
    # One for rules that have ended gives nothing any more.
    return [
        _campaign(campaign, codes, timezone)
        for campaign in stored
        if not campaign.grid_ids
        and (not campaign.rule_codes or not codes.isdisjoint(campaign.rule_codes))
    ]


def _campaign(campaign: Campaign, codes: set[str], timezone: str) -> CampaignData:
    stated = {
        "code": campaign.code,
        "name": campaign.name,
        "rules": [code for code in campaign.rule_codes if code in codes],
        "starts_on": day_in(timezone, campaign.starts_at),
        "ends_on": last_day(campaign, timezone),
    }
    same = (
        "categories", "percent", "bonus_points", "hours", "weekdays", "audience",
        "newcomer_days", "per_person_points", "budget_points",
    )  # fmt: skip
    return CampaignData.model_validate(stated | {field: getattr(campaign, field) for field in same})
