"""Bringing a change of rules into force: versions end and begin at one moment.

The procedure has no versions and changes at once. What began before keeps its dates: the end of
a notice, a hearing or a repair and the day by which an appeal is answered are stored, and until
when something can be appealed against goes by the procedure of the day on which it was decided.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.rules import queries as rule_queries
from app.rules.book.schemas import RuleData
from app.rules.changes import queries
from app.rules.changes.errors import RuleChangedMeanwhile
from app.rules.changes.schemas import ChangeKind
from app.rules.models import Procedure, Rule, RuleChange, RuleVersion
from app.rules.statements import days_of


async def bring_into_force(
    session: AsyncSession, change: RuleChange, procedure: Procedure, *, now: datetime
) -> None:
    """Write the versions that a change adopts, and the procedure; raises RuleChangedMeanwhile.

    Whoever adopts holds the procedure's row, so that no rule of this name is made meanwhile.
    """
    of_rules = []
    for stated in change.changes:
        if stated["kind"] == ChangeKind.PROCEDURE:
            _set_procedure(procedure, stated)
        else:
            of_rules.append(stated)
    await _set_rules(session, change, of_rules, now=now)


def _set_procedure(procedure: Procedure, stated: dict[str, Any]) -> None:
    if days_of(procedure) != stated["before"]:
        raise RuleChangedMeanwhile(rule_code=stated["code"])
    for field, days in stated["terms"].items():
        setattr(procedure, field, days)


async def _set_rules(
    session: AsyncSession, change: RuleChange, changes: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    community_id = change.community_id
    codes = [stated["code"] for stated in changes]
    await queries.lock_rules(session, community_id, codes)
    newest = await rule_queries.list_newest_versions(session, community_id, codes)
    for stated in changes:
        _check_based_on(stated, newest)
    begun = [version.rule_version_id for _, version in newest.values()]
    await queries.end_versions(session, community_id, begun, until=change.effective_from)
    rules = [
        Rule(community_id=community_id, rule_id=new_id(now), code=stated["code"])
        for stated in changes
        if stated["code"] not in newest
    ]
    numbers = {rule.code: rule.rule_id for rule in rules}
    numbers |= {code: rule.rule_id for code, (rule, _) in newest.items()}
    versions = [
        _next_version(change, numbers[stated["code"]], stated, now)
        for stated in changes
        if stated["terms"] is not None
    ]
    await queries.add_rules(session, rules, versions)


def _check_based_on(stated: dict[str, Any], newest: dict[str, tuple[Rule, RuleVersion]]) -> None:
    found = newest.get(stated["code"])
    is_as_it_was = (
        stated["based_on"] is None
        if found is None
        else found[1].version == stated["based_on"] and found[1].effective_until is None
    )
    if not is_as_it_was:
        raise RuleChangedMeanwhile(rule_code=stated["code"])


def _next_version(
    change: RuleChange, rule_id: int, stated: dict[str, Any], now: datetime
) -> RuleVersion:
    terms = RuleData.model_validate(stated["terms"])
    return RuleVersion(
        community_id=change.community_id,
        rule_version_id=new_id(now),
        rule_id=rule_id,
        version=(stated["based_on"] or 0) + 1,
        **terms.stored(),
        rule_change_id=change.rule_change_id,
        adopted_at=now,
        effective_from=change.effective_from,
        effective_until=None,
    )
