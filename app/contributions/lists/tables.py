"""A file as a table: headings, then rows of plain values, each with its number in the file.

Rows are read as they are asked for, so that a long file takes no more memory than a short one.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

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
_LONGEST_FIRST_LINE = 10_000
_DECODED_AT_ONCE = 2**16


class Odd(Enum):
    """What a cell holds that is no value."""

    FORMULA = "formula"
    ERROR = "error"


Cell = str | int | float | datetime | date | Odd | None
Line = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds; the headings are row 1, rows that are empty are left out.

    Going through the rows raises ListTooLarge, ListUnreadable and ListEmpty.
    """

    headings: list[str]
    rows: Iterable[Line]


def open_table(content: bytes) -> Table:
    """Begin to read a CSV or XLSX file.

    This and the rows take up to seconds of processor time, so ask for them in a thread. Raises
    ListTooLarge and ListUnreadable.
    """
    if len(content) > MAX_BYTES:
        raise too_large()
    lines = _sheet_lines(content) if content.startswith(_ZIP) else _csv_lines(content)
    headings = next(lines, [])
    if len(headings) > MAX_COLUMNS:
        raise too_large()
    return Table([_heading(cell) for cell in headings], _filled(lines))


def read_table(content: bytes) -> Table:
    """Read a whole file at once; raises ListTooLarge, ListUnreadable and ListEmpty."""
    table = open_table(content)
    return Table(table.headings, list(table.rows))


def too_large() -> ListTooLarge:
    return ListTooLarge(max_megabytes=MAX_BYTES // MEGABYTE, max_rows=MAX_ROWS)


def _heading(cell: Cell) -> str:
    return cell if isinstance(cell, str) else "" if cell is None else "?"


def _filled(lines: Iterable[list[Cell]]) -> Iterator[Line]:
    filled = 0
    for number, cells in enumerate(lines, start=2):
        if number > _LAST_ROW:
            raise too_large()
        if any(cell is not None for cell in cells):
            filled += 1
            if filled > MAX_ROWS:
                raise too_large()
            yield number, cells
    if not filled:
        raise ListEmpty


def _csv_lines(content: bytes) -> Iterator[list[Cell]]:
    # Neither encoding has this byte in any other letter.
    if b"\0" in content:
        raise ListUnreadable
    text = io.TextIOWrapper(io.BytesIO(content), _encoding_of(content), newline="")
    first_line = text.readline(_LONGEST_FIRST_LINE)
    counts = Counter(letter for letter in first_line if letter in _SEPARATORS)
    separator = max(_SEPARATORS, key=lambda letter: counts[letter])
    text.seek(0)
    lines = csv.reader(text, delimiter=separator, strict=True)
    try:
        for line in lines:
            yield _trimmed([_value(cell) for cell in line])
    except csv.Error as broken:
        raise ListUnreadable from broken


def _encoding_of(content: bytes) -> str:
    for encoding in _ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for start in range(0, len(content), _DECODED_AT_ONCE):
                decoder.decode(content[start : start + _DECODED_AT_ONCE])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
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
