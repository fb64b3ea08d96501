"""Changes of rules as everybody reads them: before and after, field by field and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.ids import MAX_ID
from app.core.pagination import Page, cut_page, read_cursor
from app.rules.book.schemas import RuleData
from app.rules.changes import queries
from app.rules.changes.errors import RuleChangeNotFound
from app.rules.changes.schemas import (
    ChangeKind,
    ChangeRead,
    DifferenceRead,
    RuleChangeRead,
    RuleChangeSummary,
)
from app.rules.models import ChangeState, RuleChange, RuleVersion
from app.rules.statements import Difference, list_changed_days, list_differences, statement_of
from app.rules.wording import PROCEDURE, say_procedure, say_rule

Bases = Mapping[tuple[str, int], RuleVersion]
FROM_ADOPTION = "自通过时起执行，此前已开始的期限不变"


async def list_changes(
    session: AsyncSession,
    community_id: int,
    *,
    actor: Actor | None,
    state: ChangeState | None,
    notice_id: int | None,
    cursor: str | None,
    size: int,
) -> Page[RuleChangeSummary]:
    """Return the community's changes of rules, newest first, also to nobody in particular."""
    (before,) = read_cursor(cursor, 1) or (MAX_ID,)
    found = await queries.list_changes(
        session, community_id, state=state, public_notice_id=notice_id,
        before=before, size=size + 1,
    )  # fmt: skip
    changes, next_cursor = cut_page(found, size, lambda change: (change.rule_change_id,))
    items = [RuleChangeSummary(**_summary(change, actor)) for change in changes]
    return Page(items=items, next_cursor=next_cursor)


async def get_change(
    session: AsyncSession, community_id: int, rule_change_id: int, *, actor: Actor | None
) -> RuleChangeRead:
    """Return a change of rules, also to nobody in particular; raises RuleChangeNotFound."""
    change = await queries.get_change(session, community_id, rule_change_id)
    if change is None:
        raise RuleChangeNotFound
    return await describe(session, change, actor)


async def describe(
    session: AsyncSession, change: RuleChange, actor: Actor | None
) -> RuleChangeRead:
    """Return a change with what it is based on."""
    numbers = [  # neither a new rule nor the procedure has any
        (stated["code"], stated["based_on"])
        for stated in change.changes
        if stated["based_on"] is not None
    ]
    bases = await queries.list_bases(session, change.community_id, numbers)
    return RuleChangeRead(
        **_summary(change, actor),
        reason=change.reason,
        decision_reason=change.decision_reason,
        changes=[
            _describe_procedure(stated)
            if stated["kind"] == ChangeKind.PROCEDURE
            else _describe_rule(stated, bases)
            for stated in change.changes
        ],
    )


def _summary(change: RuleChange, actor: Actor | None) -> dict[str, Any]:
    return {
        "rule_change_id": change.rule_change_id,
        "title": change.title,
        "state": ChangeState(change.state),
        "notice_id": change.public_notice_id,
        "notice_until": change.notice_until,
        "effective_from": change.effective_from,
        "rule_codes": [
            stated["code"] for stated in change.changes if stated["kind"] != ChangeKind.PROCEDURE
        ],
        "is_own": actor is not None and actor.person_id == change.proposed_by,
        "proposed_at": change.proposed_at,
        "decided_at": change.decided_at,
    }


def _describe_rule(stated: Mapping[str, Any], bases: Bases) -> ChangeRead:
    base = bases.get((stated["code"], stated["based_on"]))
    before = None if base is None else statement_of(base)
    terms = stated["terms"]
    after = None if terms is None else RuleData.model_validate(terms).stored()
    return ChangeRead(
        kind=ChangeKind(stated["kind"]),
        code=stated["code"],
        name=(after or before or {})["name"],
        based_on=stated["based_on"],
        sentence_before=None if before is None else say_rule(before),
        sentence_after=None if after is None else say_rule(after),
        differences=_told(list_differences(before, after)),
    )


def _describe_procedure(stated: Mapping[str, Any]) -> ChangeRead:
    before, after = stated["before"], stated["terms"]
    return ChangeRead(
        kind=ChangeKind.PROCEDURE,
        code=stated["code"],
        name=PROCEDURE,
        based_on=None,
        sentence_before=say_procedure(before),
        sentence_after=f"{say_procedure(after)}；{FROM_ADOPTION}",
        differences=_told(list_changed_days(before, after)),
    )


def _told(differences: Sequence[Difference]) -> list[DifferenceRead]:
    return [DifferenceRead(**difference._asdict()) for difference in differences]
