"""Batches to decide on, and what the database says of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from app.contributions.posting import AwardItem, Locked, Verdict, decide
from app.rules.evaluation import Bonus, Cap, Terms, Worth

MONDAY = date(2026, 12, 28)
KNOWN, INDEBTED, UNKNOWN = 1001, 1002, 1003
IN_FORCE, STALE = 11, 12


def make_terms(*caps: Cap, rule_id: int = 1) -> Terms:
    return Terms(
        rule_id=rule_id,
        rule_version_id=IN_FORCE,
        code=f"rule_{rule_id}",
        name="巡逻",
        points=10,
        max_units=100,
        is_earning=True,
        caps=caps,
        expiry={"kind": "never"},
    )


def make_bonus(
    code: str, *, per_person_points: int | None = None, budget_points: int | None = None
) -> Bonus:
    """A campaign with limits; its number follows from its code."""
    return Bonus(
        code=code,
        name=code,
        percent=200,
        bonus_points=0,
        rule_codes=(),
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2028, 1, 1, tzinfo=UTC),
        campaign_id=sum(code.encode()),
        per_person_points=per_person_points,
        budget_points=budget_points,
    )


def make_item(terms: Terms, points: int = 10, **changes: Any) -> AwardItem:
    """An act of KNOWN on Monday; `number` tells one act from another."""
    number = changes.pop("number", 0)
    acted_on: date = changes.pop("acted_on", MONDAY)
    item = AwardItem(
        contribution_id=number,
        source_kind="activity",
        source_id=number,
        resident_id=KNOWN,
        occasion="",
        terms=terms,
        units=1,
        worth=Worth(points, ()),
        recorded_by=1,
        acted_at=datetime(acted_on.year, acted_on.month, acted_on.day, 4, tzinfo=UTC),
        acted_on=acted_on,
        memo="",
    )
    return replace(item, **changes)


def make_items(terms: Terms, *points: int, **changes: Any) -> list[AwardItem]:
    return [
        make_item(terms, asked, number=number, **changes)
        for number, asked in enumerate(points, start=1)
    ]


def lock(items: Sequence[AwardItem], *, debt: int = 0, **changes: Any) -> Locked:
    """What the database says when nothing has happened yet."""
    in_force = {item.judged_at for item in items if item.terms.rule_version_id == IN_FORCE}
    locked = Locked(debts={KNOWN: 0, INDEBTED: debt}, recorded={}, usage={}, in_force=in_force)
    return replace(locked, **changes)


def grants(items: Sequence[AwardItem], locked: Locked | None = None) -> list[int]:
    decisions, _ = decide(items, locked or lock(items))
    return [decision.granted_points for decision in decisions]


def verdicts(items: Sequence[AwardItem], locked: Locked | None = None) -> list[Verdict]:
    decisions, _ = decide(items, locked or lock(items))
    return [decision.verdict for decision in decisions]
