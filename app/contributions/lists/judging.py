"""Whom each row of a list means, and what it asks for: pure, given what the database knows."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.community import personal
from app.community.models import ResidentState
from app.contributions.lists.columns import PLACE, Columns, Entry
from app.contributions.lists.faults import Faults, quoted
from app.contributions.lists.values import place_of
from app.contributions.models import SourceKind
from app.contributions.posting import AwardItem
from app.contributions.service import Act, evaluate_act
from app.core.database import Record
from app.core.personal import Vault
from app.core.problems import Problem
from app.rules.errors import EffortMissing, NotForYou, OtherMode, RuleOfOtherDirection, TooManyUnits
from app.rules.evaluation import Bonus, Terms

# Which column is to blame when nobody is found by a means.
_BLAMED = {"resident_id": "resident_id", "serial": "serial", "phone": "phone", PLACE: "room"}


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of what a list names."""

    found: Sequence[Record]
    versions: Sequence[Record]
    terms: dict[int, Terms]
    bonuses: Sequence[Bonus]


@dataclass(frozen=True, slots=True)
class Judged:
    """A row that can be awarded."""

    entry: Entry
    resident: Record
    item: AwardItem


class FirstRows:
    """In which row of a list each act is for the first time, in memory of a fixed size.

    Acts are told apart by 64 bits of a hash: of 10,000 rows, two that are not the same would be
    taken for it once in 300 billion files, and somebody would read about it then.
    """

    _PLACES = 2**15  # three times as many as a list has rows
    _MARKS = 2**64

    def __init__(self) -> None:
        self._marks = array("Q", bytes(8 * self._PLACES))
        self._rows = array("H", bytes(2 * self._PLACES))

    def find(self, act: tuple[int, int, datetime], row: int) -> int:
        """Return in which row this act was; it is this one from now on if in none."""
        mark = hash(act) % self._MARKS or 1
        place = mark % self._PLACES
        while self._marks[place] not in {0, mark}:
            place = (place + 1) % self._PLACES
        if not self._marks[place]:
            self._marks[place], self._rows[place] = mark, row
        return self._rows[place]


@dataclass(slots=True)
class Judge:
    """Goes through rows of one list, gathering what is wrong.

    `seen` is what was there before in the whole list.
    """

    known: Known
    columns: Columns
    faults: Faults
    vault: Vault
    timezone: str
    proposer_id: int
    now: datetime
    seen: FirstRows
    _found: dict[int, dict[str, dict[int, Record]]] = field(init=False)
    _words: dict[str, set[int]] = field(init=False)
    _versions: dict[int, list[Record]] = field(init=False)

    def __post_init__(self) -> None:
        self._found = defaultdict(lambda: defaultdict(dict))
        for row in self.known.found:
            self._found[row.row_number][row.means][row.resident_id] = row
        self._words = defaultdict(set)
        self._versions = defaultdict(list)
        codes = {version.code for version in self.known.versions}
        for version in self.known.versions:
            self._versions[version.rule_id].append(version)
            self._words[version.code].add(version.rule_id)
            # A code is nobody's other name.
            if version.name not in codes:
                self._words[version.name].add(version.rule_id)

    def judge(self, entries: Sequence[Entry]) -> list[Judged]:
        """Return the rows that can be awarded; takes a tenth of a second of processor time."""
        judged = [self._judge(entry) for entry in entries]
        wrong = self.faults.rows
        return [row for row in judged if row is not None and row.entry.row not in wrong]

    def _judge(self, entry: Entry) -> Judged | None:
        resident = self._resident_of(entry)
        terms = self._terms_of(entry)
        if resident is None or terms is None or entry.acted_at is None:
            return None
        self._check_first(entry, resident, terms, entry.acted_at)
        if entry.units is None or entry.note is None:
            return None
        return self._evaluate(entry, resident, terms, entry.acted_at)

    def _fail(self, entry: Entry, column: str, code: str, **details: Any) -> None:
        self.faults.add(entry.row, self.columns.heading(column), code, **details)

    def _resident_of(self, entry: Entry) -> Record | None:
        if not entry.tells_who:
            # Where a cell could not be read, that is told already.
            if entry.row not in self.faults.rows:
                self._fail(entry, "name", "who_missing")
            return None
        by_means = self._found.get(entry.row, {})
        for means in entry.means:
            if not by_means.get(means):
                self._fail(entry, _BLAMED[means], "resident_unknown")
                return None
        candidates = list(by_means[entry.means[0]].values())
        for means in entry.means[1:]:
            candidates = [one for one in candidates if one.resident_id in by_means[means]]
        return self._one_of(entry, candidates)

    def _one_of(self, entry: Entry, candidates: Sequence[Record]) -> Record | None:
        if not candidates:
            self._fail(entry, _BLAMED[entry.means[-1]], "who_contradicts")
            return None
        named = [one for one in candidates if self._is_called(one, entry.name)]
        if not named:
            self._fail(entry, "name", "name_differs")
            return None
        here = [one for one in named if one.state == ResidentState.ACTIVE]
        if len(here) != 1:
            code = "several_residents" if here else "resident_left"
            self._fail(entry, _BLAMED[entry.means[0]], code)
            return None
        if here[0].person_id == self.proposer_id:
            self._fail(entry, _BLAMED[entry.means[0]], "own_row")
        return here[0]

    def _is_called(self, resident: Record, name: str | None) -> bool:
        if name is None:
            return True
        own_name = personal.name_of(self.vault, resident)
        return own_name is not None and place_of(own_name).casefold() == place_of(name).casefold()

    def _terms_of(self, entry: Entry) -> Terms | None:
        if entry.rule is None:
            return None
        word = quoted(entry.rule)
        rules = self._words.get(entry.rule)
        if not rules:
            self._fail(entry, "rule", "rule_unknown", value=word)
            return None
        if entry.acted_at is None:
            return None
        in_force = [
            version
            for rule_id in rules
            for version in self._versions[rule_id]
            if _covers(version, entry.acted_at)
        ]
        if len(in_force) != 1:
            code = "several_rules" if in_force else "rule_not_in_force"
            self._fail(entry, "rule", code, value=word)
            return None
        return self.known.terms[in_force[0].rule_version_id]

    def _check_first(
        self, entry: Entry, resident: Record, terms: Terms, acted_at: datetime
    ) -> None:
        first = self.seen.find((resident.resident_id, terms.rule_id, acted_at), entry.row)
        if first != entry.row:
            self._fail(entry, "date", "duplicate", first=first)

    def _evaluate(
        self, entry: Entry, resident: Record, terms: Terms, acted_at: datetime
    ) -> Judged | None:
        act = Act(
            source_kind=SourceKind.AWARD_LIST,
            source_id=0,
            resident_id=resident.resident_id,
            occasion=str(entry.row),
            units=entry.units or 1,
            acted_at=acted_at,
            timezone=self.timezone,
            recorded_by=self.proposer_id,
            memo=terms.name,
            effort=entry.effort,
        )
        try:
            item = evaluate_act(act, terms, self.known.bonuses, now=self.now, person=resident)
        except Problem as refused:
            self._fail_evaluation(entry, terms, refused)
            return None
        return Judged(entry, resident, item)

    def _fail_evaluation(self, entry: Entry, terms: Terms, refused: Problem) -> None:
        match refused:
            case RuleOfOtherDirection():
                self._fail(entry, "rule", "rule_costs", value=quoted(terms.name))
            case TooManyUnits():
                self._fail(entry, "units", "too_many_units", most=terms.max_units)
            case EffortMissing():
                self._fail(entry, "effort", "effort_missing")
            case NotForYou() | OtherMode():
                self._fail(entry, "rule", "not_for_them")
            case _:
                raise refused


def _covers(version: Record, moment: datetime) -> bool:
    until = version.effective_until
    return bool(version.effective_from <= moment and (until is None or moment < until))
