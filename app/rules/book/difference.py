"""What lies between the book in force and the one that is wanted: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from app.rules.book.schemas import CampaignData, RuleBookData, RuleCategoryData, RuleData
from app.rules.statements import list_differences

Entry = RuleCategoryData | RuleData | CampaignData


class DifferenceKind(StrEnum):
    """What becomes of an entry."""

    NEW = "new"
    CHANGE = "change"
    END = "end"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that says something else, as a book writes it."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry of a part of the book that is new, changed or ended; only changes name fields."""

    part: str
    kind: DifferenceKind
    code: str
    fields: tuple[FieldChange, ...] = ()


def compare_books(now: RuleBookData, wanted: RuleBookData) -> list[Difference]:
    """Return what has to change, part by part; the order of entries does not matter."""
    found = _compare_procedures(now, wanted)
    for part in ("rule_categories", "rules", "campaigns"):
        found += _compare(part, getattr(now, part), getattr(wanted, part))
    return found


def _compare_procedures(now: RuleBookData, wanted: RuleBookData) -> list[Difference]:
    if now.procedure is None or wanted.procedure is None:
        return []
    fields = _changed_fields(now.procedure, wanted.procedure)
    kind = DifferenceKind.CHANGE
    return [Difference("procedure", kind, "procedure", fields)] if fields else []


def _compare(part: str, now: Sequence[Entry], wanted: Sequence[Entry]) -> list[Difference]:
    before: Mapping[str, Entry] = {entry.code: entry for entry in now}
    after: Mapping[str, Entry] = {entry.code: entry for entry in wanted}
    found = []
    for code, entry in after.items():
        if code not in before:
            found.append(Difference(part, DifferenceKind.NEW, code))
        elif fields := _changed_fields(before[code], entry):
            found.append(Difference(part, DifferenceKind.CHANGE, code, fields))
    return found + [
        Difference(part, DifferenceKind.END, code) for code in before if code not in after
    ]


def _changed_fields(before: BaseModel, after: BaseModel) -> tuple[FieldChange, ...]:
    if isinstance(before, RuleData) and isinstance(after, RuleData):
        found = list_differences(before.stored(), after.stored())
        return tuple(FieldChange(*change) for change in found)
    old = before.model_dump(mode="json", by_alias=True)
    new = after.model_dump(mode="json", by_alias=True)
    return tuple(
        FieldChange(field, old[field], new[field]) for field in new if old[field] != new[field]
    )
