"""Whether changes of rules can be proposed: each fits the rule book as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.rules import queries as rule_queries
from app.rules.changes import queries
from app.rules.changes.errors import (
    NothingChanges,
    RuleCategoryNotFound,
    RuleChangePending,
    RuleNamedTwice,
)
from app.rules.changes.schemas import AnyChange, ChangeData, ChangeKind, ProcedureChange
from app.rules.errors import RuleCodeTaken, RuleNotFound
from app.rules.models import Procedure, Rule, RuleVersion
from app.rules.statements import days_of, list_differences, statement_of


@dataclass(frozen=True, slots=True)
class Checked:
    """Changes as they are kept, and when the versions begin that they are based on."""

    stored: list[dict[str, Any]]
    bases: list[datetime]


async def check_changes(
    session: AsyncSession, procedure: Procedure, changes: Sequence[AnyChange]
) -> Checked:
    """Return the changes as they are kept, that of the procedure last; its row is locked.

    Raises RuleNamedTwice, RuleChangePending, RuleCategoryNotFound, RuleCodeTaken, RuleNotFound,
    NothingChanges.
    """
    of_rules = [change for change in changes if isinstance(change, ChangeData)]
    checked = await _check_rules(session, procedure.community_id, of_rules)
    of_days = [change for change in changes if isinstance(change, ProcedureChange)]
    checked.stored.extend(await _check_procedure(session, procedure, of_days))
    return checked


async def _check_procedure(
    session: AsyncSession, procedure: Procedure, changes: Sequence[ProcedureChange]
) -> list[dict[str, Any]]:
    if not changes:
        return []
    if len(changes) > 1:
        raise RuleNamedTwice
    if await queries.is_procedure_pending(session, procedure.community_id):
        raise RuleChangePending(rule_code=changes[0].code)
    before, terms = days_of(procedure), changes[0].terms.model_dump()
    if terms == before:
        raise NothingChanges(rule_code=changes[0].code)
    plain = {"kind": changes[0].kind.value, "code": changes[0].code, "based_on": None}
    return [plain | {"before": before, "terms": terms}]


async def _check_rules(
    session: AsyncSession, community_id: int, changes: Sequence[ChangeData]
) -> Checked:
    codes = [change.code for change in changes]
    if len(set(codes)) < len(codes):
        raise RuleNamedTwice
    pending = await queries.list_pending_codes(session, community_id, codes)
    if pending:
        raise RuleChangePending(rule_code=pending[0])
    await _check_categories(session, community_id, changes)
    newest = await rule_queries.list_newest_versions(session, community_id, codes)
    bases = [_base_of(change, newest.get(change.code)) for change in changes]
    stored = [_stored(change, base) for change, base in zip(changes, bases, strict=True)]
    return Checked(stored, [base.effective_from for base in bases if base is not None])


async def _check_categories(
    session: AsyncSession, community_id: int, changes: Sequence[ChangeData]
) -> None:
    known = await queries.list_category_codes(session, community_id)
    for change in changes:
        if change.terms is not None and change.terms.category not in known:
            raise RuleCategoryNotFound(category=change.terms.category)


def _base_of(change: ChangeData, found: tuple[Rule, RuleVersion] | None) -> RuleVersion | None:
    """Return the version that is changed, none for a new rule.

    A rule that has ended, or will on a day that is set, is changed no more; its code stays its own.
    """
    if change.kind is ChangeKind.NEW:
        if found is not None:
            raise RuleCodeTaken(rule_code=change.code)
        return None
    if found is None or found[1].effective_until is not None:
        raise RuleNotFound(rule_code=change.code)
    base = found[1]
    is_same = change.terms is not None and not list_differences(
        statement_of(base), change.terms.stored()
    )
    if is_same:
        raise NothingChanges(rule_code=change.code)
    return base


def _stored(change: ChangeData, base: RuleVersion | None) -> dict[str, Any]:
    terms = None if change.terms is None else change.terms.model_dump(mode="json", by_alias=True)
    return {
        "kind": change.kind.value,
        "code": change.code,
        "based_on": None if base is None else base.version,
        "terms": terms,
    }
