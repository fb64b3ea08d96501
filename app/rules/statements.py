"""What a rule version or the procedure states, field by field, as a rule book does: pure."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.rules.book.schemas import ProcedureData, RuleData
from app.rules.models import Procedure, RuleVersion

# A rule keeps its code through all its versions.
FIELDS = tuple(name for name in RuleData.model_fields if name != "code")
# Lists that say the same in any order.
_UNORDERED = ("audience", "caps", "evidence")


class Difference(NamedTuple):
    """A field of a rule before and after; None where there was no rule, or will be none."""

    field: str
    before: Any
    after: Any


def statement_of(version: RuleVersion) -> dict[str, Any]:
    """Return what a version states, in the same form as RuleData.stored."""
    return {field: getattr(version, field) for field in FIELDS}


def list_differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[Difference]:
    """Return the fields in which two statements differ, in the order of a rule book.

    Of a rule that begins or ends, those are told that say anything.
    """
    found = []
    for field in FIELDS:
        old = None if before is None else before[field]
        new = None if after is None else after[field]
        if _comparable(field, old) != _comparable(field, new):
            found.append(Difference(field, old, new))
    return found


def days_of(procedure: Procedure) -> dict[str, int]:
    """Return what a procedure states, in the same form as ProcedureData.model_dump."""
    return {field: getattr(procedure, field) for field in ProcedureData.model_fields}


def list_changed_days(before: Mapping[str, int], after: Mapping[str, int]) -> list[Difference]:
    """Return the days in which two procedures differ, in the order of a rule book."""
    return [
        Difference(field, before[field], after[field])
        for field in ProcedureData.model_fields
        if before[field] != after[field]
    ]


def _comparable(field: str, value: Any) -> Any:
    if field in _UNORDERED and value is not None:
        # The database keeps the keys of a cap in an order of its own.
        return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))
    return value
