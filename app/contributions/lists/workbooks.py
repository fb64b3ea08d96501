"""XLSX files that anybody may have made: looked through before a library opens them.

A workbook is a zip of XML parts. Sizes are held to bounds as they are declared (zipfile never
unpacks more than that), then expat counts what is inside, so that what openpyxl builds stays
small. Nothing outside of the file is looked up: links, macros and DTDs are left alone.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn
from xml.parsers import expat
from zipfile import ZipFile, ZipInfo

from app.contributions.lists.errors import ListUnreadable

MOST_PARTS = 500
MOST_UNPACKED_BYTES = 64 * 2**20
MOST_BYTES_OF_ROWS = 24 * 2**20
MOST_BYTES_OF_OTHERS = 2**20
# A row of a table is 11 cells of up to 4 elements each; what is around rows is styles and the like.
MOST_IN_ONE_ROW = 500
MOST_AROUND_ROWS = 20_000
MOST_ELEMENTS = 1_500_000
DEEPEST = 50
_READ_AT_ONCE = 2**18
# Blanks, and what tells an encoding.
_BEFORE_XML = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"

ROWS_IN = ("xl/worksheets/", "xl/sharedStrings.xml")
ROW_NAMES = ("row", "si")

Row = tuple[Any, ...]


class SuspiciousFile(Exception):
    """A part holds more than any table of ours would, or something no table needs."""


def read_workbook(content: bytes, *, columns: int) -> Iterator[Row]:
    """Yield the cells of the first visible sheet's rows, from row 1 on; raises ListUnreadable.

    At most so many columns are read. Cells are openpyxl's, so a formula can be told from text.
    """
    try:
        yield from _read(content, columns)
    except ListUnreadable:
        raise
    # Parsers meet files here that nobody foresaw; whatever they stumble over, it is the file.
    except Exception as stumbled:
        raise ListUnreadable from stumbled


def _read(content: bytes, columns: int) -> Iterator[Row]:
    with ZipFile(io.BytesIO(content)) as archive:
        _look_through(archive)
    import openpyxl  # noqa: PLC0415 - slow to load, and few processes ever read a table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        # What nobody sees in a spreadsheet is not what they want to hand in.
        sheet = next(page for page in book.worksheets if page.sheet_state == "visible")
    # Some programs declare a size that is not the sheet's.
    sheet.reset_dimensions()
    try:
        yield from sheet.iter_rows(max_col=columns)
    finally:
        book.close()


def _look_through(archive: ZipFile) -> None:
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        raise SuspiciousFile
    if len({part.filename for part in parts}) < len(parts):
        raise SuspiciousFile
    for part in parts:
        _look_at(archive, part)


def _look_at(archive: ZipFile, part: ZipInfo) -> None:
    """Count what a part holds, if it is XML, whatever it is called."""
    with archive.open(part) as stream:
        begins = stream.read(_READ_AT_ONCE).lstrip(_BEFORE_XML)
        if begins and not begins.startswith(b"<"):
            return
    holds_rows = part.filename.startswith(ROWS_IN)
    if part.file_size > (MOST_BYTES_OF_ROWS if holds_rows else MOST_BYTES_OF_OTHERS):
        raise SuspiciousFile
    counter = _Counter()
    parser = expat.ParserCreate()
    parser.StartElementHandler = counter.begin
    parser.EndElementHandler = counter.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    # What is broken is for openpyxl to refuse, if it needs the part: it reads no further than this.
    with archive.open(part) as stream, suppress(expat.ExpatError):
        while piece := stream.read(_READ_AT_ONCE):
            # One tag as long as this would be nothing but attributes, one text no cell's.
            if len(piece) == _READ_AT_ONCE and b"<" not in piece:
                raise SuspiciousFile
            parser.Parse(piece, False)  # noqa: FBT003 - expat takes it by position


def _refuse_doctype(*_declared: object) -> NoReturn:
    raise SuspiciousFile


class _Counter:
    """Counts elements: all, within a row, and around rows."""

    def __init__(self) -> None:
        self._depth = 0
        self._all = 0
        self._around = 0
        self._row_depth = 0
        self._in_row = 0

    def begin(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._all += 1
        if self._row_depth:
            self._in_row += 1
        elif name.rpartition(":")[2] in ROW_NAMES:
            self._row_depth, self._in_row = self._depth, 0
        else:
            self._around += 1
        if self._is_too_much():
            raise SuspiciousFile

    def end(self, _name: str) -> None:
        if self._depth == self._row_depth:
            self._row_depth = 0
        self._depth -= 1

    def _is_too_much(self) -> bool:
        return (
            self._in_row > MOST_IN_ONE_ROW
            or self._around > MOST_AROUND_ROWS
            or self._all > MOST_ELEMENTS
            or self._depth > DEEPEST
        )
