"""Which terms an act is judged by, and the rule book that everybody reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.calendar import Period
from app.ledger.lapses import COMMUNITY
from app.ledger.models import PointPolicy
from app.rules import queries
from app.rules.errors import RuleNotFound
from app.rules.evaluation import Bonus, Cap, Hours, Terms
from app.rules.models import (
    ArrivesOn,
    Campaign,
    Direction,
    EarnedBy,
    Mode,
    Procedure,
    Rule,
    RuleCategory,
    RuleVersion,
)
from app.rules.schemas import RuleBook, RuleHistory, RuleRead
from app.rules.statements import statement_of
from app.rules.wording import say_rule


class AppealDays(NamedTuple):
    """Days to appeal against a decision, and to answer an appeal that is filed now."""

    to_file: int
    to_answer: int


async def get_terms(
    session: AsyncSession, community_id: int, rule_id: int, *, at: datetime
) -> Terms:
    """Return the terms in force when the act was done; raises RuleNotFound."""
    found = await queries.list_versions_in_force(session, community_id, at=at, rule_ids=[rule_id])
    if not found:
        raise RuleNotFound
    return terms_of(*found[0])


async def get_terms_by_code(
    session: AsyncSession, community_id: int, code: str, *, at: datetime
) -> Terms:
    """Return the terms in force of the rule with this code; raises RuleNotFound."""
    rule = await queries.get_rule(session, community_id, code)
    if rule is None:
        raise RuleNotFound
    return await get_terms(session, community_id, rule.rule_id, at=at)


async def list_terms_by_codes(
    session: AsyncSession, community_id: int, codes: Sequence[str], *, at: datetime
) -> list[Terms]:
    """Return the terms in force of the rules with these codes; codes without any are left out."""
    found = await queries.list_versions_in_force(session, community_id, at=at, codes=codes)
    return [terms_of(*row) for row in found]


async def list_terms_of_versions(
    session: AsyncSession, community_id: int, version_ids: Sequence[int]
) -> dict[int, Terms]:
    """Return the terms of rule versions by their number, in force or not."""
    found = await queries.list_versions(session, community_id, version_ids)
    return {
        version.rule_version_id: terms_of(rule, version, policy) for rule, version, policy in found
    }


async def get_procedure(session: AsyncSession, community_id: int) -> Procedure:
    """Return how long notice, hearing, repair, appeal and answer last there, in days."""
    return await queries.get_procedure(session, community_id)


async def list_bonuses(
    session: AsyncSession, community_id: int, *, at: datetime, since: datetime | None = None
) -> list[Bonus]:
    """Return the campaigns that run at a moment, or ran at all since another one."""
    rows = await queries.list_campaigns(session, community_id, at=at, since=since or at)
    tree: Sequence[RuleCategory] = ()
    if any(row.categories for row in rows):
        tree = await queries.list_categories(session, community_id)
    return [bonus_of(row, tree) for row in rows]


def terms_of(rule: Rule, version: RuleVersion, policy: PointPolicy) -> Terms:
    follows_policy = version.expiry["kind"] == COMMUNITY
    caps = tuple(
        Cap(Period(cap["period"]), points=cap.get("points"), times=cap.get("times"))
        for cap in version.caps
    )
    return Terms(
        rule_id=rule.rule_id,
        rule_version_id=version.rule_version_id,
        code=rule.code,
        name=version.name,
        points=version.points,
        max_units=version.max_units,
        is_earning=version.direction == Direction.EARN,
        caps=caps,
        expiry=policy.expiry if follows_policy else version.expiry,
        arrives_on=ArrivesOn(version.arrives_on),
        earned_by=EarnedBy(version.earned_by),
        policy_version=policy.version if follows_policy else None,
        expiry_since=policy.expiry_since if follows_policy else None,
        category=version.category,
        points_by_effort=version.points_by_effort,
        min_interval=_minutes(version.min_interval_minutes),
        audience=tuple(version.audience),
        mode=Mode(version.mode),
    )


def _minutes(minutes: int | None) -> timedelta | None:
    return None if minutes is None else timedelta(minutes=minutes)


def bonus_of(campaign: Campaign, tree: Sequence[RuleCategory]) -> Bonus:
    """Return a campaign as evaluation needs it: of a category, everything below it counts too."""
    return Bonus(
        code=campaign.code,
        name=campaign.name,
        percent=campaign.percent,
        bonus_points=campaign.bonus_points,
        rule_codes=tuple(campaign.rule_codes),
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        campaign_id=campaign.campaign_id,
        categories=_with_branches(campaign.categories, tree),
        hours=_hours(campaign.hours),
        weekdays=tuple(campaign.weekdays),
        grid_ids=tuple(campaign.grid_ids),
        audience=tuple(campaign.audience),
        newcomer_days=campaign.newcomer_days,
        per_person_points=campaign.per_person_points,
        budget_points=campaign.budget_points,
    )


def _with_branches(named: Sequence[str], tree: Sequence[RuleCategory]) -> tuple[str, ...]:
    found, known = set(named), -1
    while len(found) > known:
        known = len(found)
        found |= {branch.code for branch in tree if branch.parent_code in found}
    return tuple(sorted(found))


def _hours(stated: dict[str, str] | None) -> Hours | None:
    if stated is None:
        return None
    return Hours(time.fromisoformat(stated["from"]), time.fromisoformat(stated["until"]))


async def get_rule_book(session: AsyncSession, community_id: int, *, now: datetime) -> RuleBook:
    """Return every rule with its version in force at a moment."""
    rows = await queries.list_versions_in_force(session, community_id, at=now)
    return RuleBook(items=await _describe_all(session, community_id, rows))


async def get_history(session: AsyncSession, community_id: int, code: str) -> RuleHistory:
    """Return all versions of a rule, the newest first; raises RuleNotFound."""
    rows = await queries.list_versions_of(session, community_id, code)
    if not rows:
        raise RuleNotFound
    return RuleHistory(items=await _describe_all(session, community_id, rows))


async def get_appeal_days(
    session: AsyncSession, community_id: int, *, decided_at: datetime
) -> AppealDays:
    """Return for how many days something decided then can be appealed against.

    Nobody loses days that they had: a procedure of later does not move that end.
    """
    found = await queries.get_appeal_days(session, community_id, at=decided_at)
    return AppealDays(to_file=found.appeal_days, to_answer=found.appeal_answer_days)


async def _describe_all(
    session: AsyncSession, community_id: int, rows: Sequence[queries.VersionRow]
) -> list[RuleRead]:
    changes = [version.rule_change_id for _, version, _ in rows]
    decided = sorted({number for number in changes if number is not None})
    notices: dict[int, int] = {}
    if decided:
        notices = await queries.list_notices_of_changes(session, community_id, decided)
    paths = category_paths(await queries.list_categories(session, community_id))
    return [describe_version(*row, paths=paths, notices=notices) for row in rows]


def category_paths(categories: Sequence[RuleCategory]) -> dict[str, list[str]]:
    """Return the names from the top of the tree down to each category, by its code."""
    by_code = {category.code: category for category in categories}
    paths = {}
    for code in by_code:
        names: list[str] = []
        at: str | None = code
        while at is not None and len(names) < len(by_code):
            names.insert(0, by_code[at].name)
            at = by_code[at].parent_code
        paths[code] = names
    return paths


def describe_version(
    rule: Rule,
    version: RuleVersion,
    policy: PointPolicy,
    *,
    paths: Mapping[str, list[str]],
    notices: Mapping[int, int],
) -> RuleRead:
    stated = statement_of(version)
    follows_policy = version.expiry["kind"] == COMMUNITY
    told = {
        "rule_id": rule.rule_id,
        "code": rule.code,
        # Where categories were free words, the code is the name.
        "category_names": paths.get(version.category, [version.category]),
        "sentence": say_rule(stated),
        "expiry": policy.expiry if follows_policy else version.expiry,
        "follows_policy": follows_policy,
        "version": version.version,
        "effective_from": version.effective_from,
        "effective_until": version.effective_until,
        "adopted_at": version.adopted_at,
        "rule_change_id": version.rule_change_id,
        "notice_id": notices.get(version.rule_change_id or 0),
    }
    return RuleRead.model_validate(stated | told)
