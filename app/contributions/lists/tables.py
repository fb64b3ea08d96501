"""A file as a table: headings, then rows of plain values, each with its number in the file."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from itertools import islice

from app.contributions.lists.errors import ListEmpty, ListTooLarge, ListUnreadable
from app.contributions.lists.workbooks import read_workbook

MEGABYTE = 2**20
MAX_BYTES = 5 * MEGABYTE
MAX_ROWS = 10_000
MAX_COLUMNS = 30
# Below and between the rows of a sheet there may be empty ones.
_LAST_ROW = 2 * MAX_ROWS
_ZIP = b"PK\x03\x04"
_SEPARATORS = ",\t;"
_ENCODINGS = ("utf-8-sig", "gb18030")


class Odd(Enum):
    """What a cell holds that is no value."""

    FORMULA = "formula"
    ERROR = "error"


Cell = str | int | float | datetime | date | Odd | None


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds; the headings are row 1, rows that are empty are left out."""

    headings: list[str]
    rows: list[tuple[int, list[Cell]]]


def read_table(content: bytes) -> Table:
    """Read a CSV or XLSX file; takes up to seconds of processor time, so call it in a thread.

    Raises ListTooLarge, ListUnreadable and ListEmpty.
    """
    if len(content) > MAX_BYTES:
        raise too_large()
    lines = _sheet_lines(content) if content.startswith(_ZIP) else _csv_lines(content)
    headings = next(lines, [])
    rows = list(islice(_filled(lines), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS or len(headings) > MAX_COLUMNS:
        raise too_large()
    if not rows:
        raise ListEmpty
    return Table([_heading(cell) for cell in headings], rows)


def too_large() -> ListTooLarge:
    return ListTooLarge(max_megabytes=MAX_BYTES // MEGABYTE, max_rows=MAX_ROWS)


def _heading(cell: Cell) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else "?"


def _filled(lines: Iterable[list[Cell]]) -> Iterator[tuple[int, list[Cell]]]:
    for number, cells in enumerate(lines, start=2):
        if number > _LAST_ROW:
            raise too_large()
        if any(cell is not None for cell in cells):
            yield number, cells


def _csv_lines(content: bytes) -> Iterator[list[Cell]]:
    text = _decode(content)
    if "\0" in text:
        raise ListUnreadable
    first_line = text.lstrip("\r\n").partition("\n")[0]
    counts = Counter(letter for letter in first_line if letter in _SEPARATORS)
    separator = max(_SEPARATORS, key=lambda letter: counts[letter])
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for line in lines:
            yield _trimmed([_value(cell) for cell in line])
    except csv.Error as broken:
        raise ListUnreadable from broken


def _decode(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListUnreadable


def _sheet_lines(content: bytes) -> Iterator[list[Cell]]:
    # One column more than allowed: enough to be refused.
    for row in read_workbook(content, columns=MAX_COLUMNS + 1):
        yield _trimmed([_cell(cell.data_type, cell.value) for cell in row])


def _cell(kind: str, value: object) -> Cell:
    if kind in {"f", "e"}:
        return Odd.FORMULA if kind == "f" else Odd.ERROR
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float, datetime, date)):
        return value
    return None if value is None else _value(str(value))


def _value(text: str) -> Cell:
    text = text.strip()
    if text.startswith("="):
        return Odd.FORMULA
    return text or None


def _trimmed(cells: list[Cell]) -> list[Cell]:
    """Leave off what is empty at the end."""
    length = len(cells)
    while length and cells[length - 1] is None:
        length -= 1
    return cells[:length]
