"""What one entry of a book cannot know alone: that codes are unique, and that names lead somewhere.

The checks look at what was read before it is judged entry by entry, so that one mistake does not
hide another. What has another shape than expected is passed over here: it is refused anyway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.rules.book.lines import Path

LISTS = ("rule_categories", "rules", "campaigns")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flaw:
    """A mistake at a path; `values` fill in its text (rules/book/wording.py)."""

    path: Path
    kind: str
    values: Mapping[str, Any]


def find_flaws(document: Document) -> list[Flaw]:
    """Return what is wrong between the entries of a book."""
    return [
        *_doubles(document),
        *_orphans(document),
        *_unknown_categories(document),
        *_aimless_campaigns(document),
    ]


def _entries(document: Document, table: str) -> Iterator[tuple[int, Document]]:
    entries = document.get(table)
    if isinstance(entries, list):
        for position, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield position, entry


def _text(entry: Document, field: str) -> str | None:
    value = entry.get(field)
    return value.strip() if isinstance(value, str) else None


def _codes(document: Document, table: str) -> set[str | None]:
    return {_text(entry, "code") for _, entry in _entries(document, table)}


def _doubles(document: Document) -> Iterator[Flaw]:
    for table in LISTS:
        seen: dict[str, int] = {}
        for position, entry in _entries(document, table):
            code = _text(entry, "code")
            if code is None:
                continue
            first = seen.setdefault(code, position)
            if first != position:
                yield Flaw(
                    (table, position, "code"), "code_twice", {"code": code, "first": first + 1}
                )


def _orphans(document: Document) -> Iterator[Flaw]:
    above: set[str | None] = set()
    for position, entry in _entries(document, "rule_categories"):
        parent = _text(entry, "parent")
        if parent is not None and parent not in above:
            path = ("rule_categories", position, "parent")
            yield Flaw(path, "parent_not_above", {"code": parent})
        above.add(_text(entry, "code"))


def _unknown_categories(document: Document) -> Iterator[Flaw]:
    known = _codes(document, "rule_categories")
    for position, entry in _entries(document, "rules"):
        category = _text(entry, "category")
        if category is not None and category not in known:
            yield Flaw(("rules", position, "category"), "category_unknown", {"code": category})


def _aimless_campaigns(document: Document) -> Iterator[Flaw]:
    known = {
        "rules": _codes(document, "rules"),
        "categories": _codes(document, "rule_categories"),
    }
    kinds = {"rules": "rule_unknown", "categories": "category_unknown"}
    for position, entry in _entries(document, "campaigns"):
        for field, kind in kinds.items():
            named = entry.get(field)
            for place, code in enumerate(named if isinstance(named, list) else ()):
                if isinstance(code, str) and code.strip() not in known[field]:
                    yield Flaw(("campaigns", position, field, place), kind, {"code": code})
        days = {field for field in ("starts_on", "ends_on") if field in entry}
        if len(days) == 1:
            yield Flaw(("campaigns", position, *days), "one_day_only", {})
