"""Putting a book in force at once: only where nobody has earned by another one."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.rules import queries as rule_queries
from app.rules.book import queries
from app.rules.book.adding import add_campaigns, add_categories, add_rules, add_versions
from app.rules.book.difference import Difference, DifferenceKind, compare_books
from app.rules.book.errors import RulesInUse
from app.rules.book.exporting import collect_book
from app.rules.book.schemas import RuleBookData, RuleCategoryData, RuleData
from app.rules.models import Procedure


async def put_in_force(
    session: AsyncSession, community_id: int, wanted: RuleBookData, *, now: datetime
) -> list[Difference]:
    """Let a book hold from now on; return what it changed.

    What the book does not name stays, but for rules, which end. Raises RulesInUse where points
    have moved, or a change of rules was ever put to notice.
    """
    # No change is proposed meanwhile.
    procedure = await rule_queries.lock_procedure(session, community_id)
    if await queries.has_history(session, community_id):
        raise RulesInUse
    timezone = (await community.get_community(session, community_id)).timezone
    today = await collect_book(session, community_id, timezone=timezone, now=now)
    found = [one for one in compare_books(today, wanted) if one.part == "rules" or not _ends(one)]
    _set_procedure(procedure, wanted)
    await _set_categories(session, community_id, wanted.rule_categories)
    await _set_rules(session, community_id, found, wanted.rules, now=now)
    known = await queries.list_campaign_codes(session, community_id)
    campaigns = [data for data in wanted.campaigns if data.code not in known]
    await add_campaigns(session, community_id, campaigns, timezone=timezone, now=now)
    return found


def _ends(one: Difference) -> bool:
    return one.kind is DifferenceKind.END


def _set_procedure(procedure: Procedure, wanted: RuleBookData) -> None:
    stated = {} if wanted.procedure is None else wanted.procedure.model_dump()
    for field, days in stated.items():
        setattr(procedure, field, days)


async def _set_categories(
    session: AsyncSession, community_id: int, stated: Iterable[RuleCategoryData]
) -> None:
    known = await queries.list_stored_categories(session, community_id)
    await add_categories(session, community_id, [data for data in stated if data.code not in known])
    for data in stated:
        if data.code in known:
            known[data.code].name, known[data.code].parent_code = data.name, data.parent
    await session.flush()


async def _set_rules(
    session: AsyncSession,
    community_id: int,
    found: Iterable[Difference],
    stated: Iterable[RuleData],
    *,
    now: datetime,
) -> None:
    kinds = {one.code: one.kind for one in found if one.part == "rules"}
    rules = await queries.list_rules(session, community_id, list(kinds))
    over = [rules[code][0] for code, kind in kinds.items() if kind is not DifferenceKind.NEW]
    await queries.end_versions(session, community_id, over, at=now)
    wanted = [data for data in stated if data.code in kinds]
    await add_rules(
        session, community_id, [data for data in wanted if data.code not in rules], now=now
    )
    following = {
        rule_id: (version + 1, data)
        for data in wanted
        if data.code in rules
        for rule_id, version in [rules[data.code]]
    }
    await add_versions(session, community_id, following, now)
