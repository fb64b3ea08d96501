"""Reading a rule book, or any file that states rules, with every mistake at once and its line."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeVar

from pydantic import ValidationError
from typing_extensions import override

from app.core.schemas import Input
from app.rules.book.checks import Flaw, find_flaws
from app.rules.book.lines import Path, find_lines, line_of
from app.rules.book.schemas import RuleBookData
from app.rules.book.wording import word

# Longer lines are no book, and a key of a thousand parts takes the parser seconds.
LONGEST_LINE = 2000
# Some editors begin every file of theirs with it.
BYTE_ORDER_MARK = "\ufeff"
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
File = TypeVar("File", bound=Input)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """What is wrong, on which line, in which entry (`rules 3 "patrol"`) and field of it."""

    line: int
    entry: str
    field: str
    message_en: str
    message_zh: str

    @override
    def __str__(self) -> str:
        place = ": ".join(part for part in (self.entry, self.field) if part)
        return f"line {self.line}: {place + ': ' if place else ''}{self.message_en}"


class BookUnreadable(Exception):
    """The file has mistakes; the message names them all, a line each."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def read_book(text: str) -> RuleBookData:
    """Read a rule book; raises BookUnreadable."""
    return read_file(text, RuleBookData)


def read_file(text: str, form: type[File], *, otherwise: Mapping[str, Any] | None = None) -> File:
    """Read a file of a form that holds rules; `otherwise` says what it need not state itself.

    Raises BookUnreadable.
    """
    text = text.removeprefix(BYTE_ORDER_MARK)
    document = _parse(text)
    flaws = find_flaws(document)
    try:
        # TOML has types of its own: "5" is no number, and true is not 1.
        read = form.model_validate_json(
            json.dumps({**(otherwise or {}), **document}, default=_plain), strict=True
        )
    except ValidationError as wrong:
        flaws += [_flaw_of(error) for error in wrong.errors(include_url=False)]
    else:
        if not flaws:
            return read
    lines = find_lines(text)
    raise BookUnreadable(_tell(flaw, document, lines) for flaw in flaws)


def _parse(text: str) -> dict[str, Any]:
    """Return what a text says; raises BookUnreadable."""
    _check_lines(text)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise BookUnreadable([_syntax(1, "nested too deeply")]) from None
    except ValueError as wrong:  # also a number of more digits than Python counts
        reason = str(wrong)
        place = _PLACE.search(reason)
        at_end = text.rstrip().count("\n") + 1
        line = int(place[1] or at_end) if place else 1
        raise BookUnreadable([_syntax(line, _PLACE.sub("", reason))]) from None


def _check_lines(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as wrong:
        line = text.count("\n", 0, wrong.start) + 1
        raise BookUnreadable([Mistake(line, "", "", *word("not_text", {}, ""))]) from None
    told = word("line_too_long", {"most": LONGEST_LINE}, "")
    too_long = [
        Mistake(number, "", "", *told)
        for number, line in enumerate(text.split("\n"), 1)
        if len(line) > LONGEST_LINE
    ]
    if too_long:
        raise BookUnreadable(too_long)


def _syntax(line: int, reason: str) -> Mistake:
    return Mistake(line, "", "", *word("syntax", {"reason": reason}, ""))


def _plain(value: object) -> str:
    """Write days and times as JSON does, for a form to judge."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(type(value))


def _flaw_of(error: Mapping[str, Any]) -> Flaw:
    values = {**error.get("ctx", {}), "pydantic": error["msg"]}
    return Flaw(tuple(error["loc"]), error["type"], values)


def _tell(flaw: Flaw, document: Mapping[str, Any], lines: Mapping[Path, int]) -> Mistake:
    entry, field = _place_of(flaw.path, document)
    told = word(flaw.kind, flaw.values, str(flaw.values.get("pydantic", "")))
    return Mistake(line_of(lines, flaw.path), entry, field, *told)


def _place_of(path: Path, document: Mapping[str, Any]) -> tuple[str, str]:
    """Return how people name a place: `rules 3 "patrol"` and `caps 1 period`, counted from 1."""
    named = [str(part + 1 if isinstance(part, int) else part) for part in path]
    match path:
        case (table, int(position), *_):
            code = _code_at(document.get(str(table)), position)
            entry = " ".join(named[:2])
            return entry if code is None else f'{entry} "{code}"', " ".join(named[2:])
        case _:
            return " ".join(named[:1]), " ".join(named[1:])


def _code_at(entries: object, position: int) -> str | None:
    entry = entries[position] if isinstance(entries, list) else None
    code = entry.get("code") if isinstance(entry, dict) else None
    return code if isinstance(code, str) else None
