"""Files that nobody's office writes: each is refused by name, whatever it was meant to do."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from app.contributions.lists import tables
from app.contributions.lists.errors import ListTooLarge, ListUnreadable
from app.contributions.lists.tables import read_table
from tests.contributions.lists.office import DAY, HEADINGS, LISTS, Office, csv_of, saved, xlsx_of
from tests.support.caller import problem_code

SHEET = "xl/worksheets/sheet1.xml"
START = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</sheetData></worksheet>"


def with_part(name: str, content: bytes, *, of: bytes | None = None) -> bytes:
    """Return a workbook in which one part is this one."""
    written = io.BytesIO()
    plain = io.BytesIO(of or xlsx_of([HEADINGS, ("1", "survey", DAY, "调查")]))
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.infolist():
            if part.filename != name:
                target.writestr(part, source.read(part))
        target.writestr(name, content)
    return written.getvalue()


def sheet(rows: bytes) -> bytes:
    return with_part(SHEET, START + rows + END)


def lying_about_its_size() -> bytes:
    """A part that says it is small and unpacks to 4 MB."""
    content = bytearray(with_part("xl/styles.xml", b" " * 4 * 2**20))
    declared = (4 * 2**20).to_bytes(4, "little")
    return bytes(content.replace(declared, (100).to_bytes(4, "little")))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a sheet of gigabytes": lambda: sheet(b"<row>" + b" " * 40 * 2**20 + b"</row>"),
    "styles of megabytes": lambda: with_part("xl/styles.xml", b"<a>" + b" " * 2**21 + b"</a>"),
    "a size that is a lie": lying_about_its_size,
    "a row of a million cells": lambda: sheet(b"<row>" + b"<c/>" * 10**6 + b"</row>"),
    "a cell of a million attributes": lambda: sheet(
        b"<row><c " + b" ".join(b'a%d=""' % number for number in range(10**6)) + b"/></row>"
    ),
    "elements within elements": lambda: sheet(b"<a>" * 1000 + b"</a>" * 1000),
    "elements beside rows": lambda: sheet(b"<a/>" * 100_000),
    "a row of a million cells under another name": lambda: disguised(
        START + b"<row>" + b"<c/>" * 10**6 + b"</row>" + END
    ),
    "a document type": lambda: with_part(
        SHEET, b'<!DOCTYPE a [<!ENTITY b "c">]>' + START + b"&b;" + END
    ),
    "parts without end": lambda: many_parts(1000),
    "no sheet": lambda: with_part("xl/workbook.xml", b"<workbook/>"),
    "a zip of something else": lambda: zip_of({"hello.txt": b"hello"}),
    "half a file": lambda: xlsx_of([HEADINGS])[:-100],
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "UTF-16": lambda: csv_of([HEADINGS], encoding="utf-16"),
    "null characters": lambda: csv_of([HEADINGS, ("\0", "", "", "")]),
    "a quotation without end": '居民编号,规则\n"1,2\n'.encode,
}


def zip_of(parts: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return written.getvalue()


def disguised(content: bytes) -> bytes:
    """Return a workbook whose sheet is in a part that is not called XML."""
    plain = xlsx_of([HEADINGS])
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        links = archive.read("xl/_rels/workbook.xml.rels")
    links = links.replace(b"worksheets/sheet1.xml", b"media/image1.png")
    return with_part(
        "xl/media/image1.png", content, of=with_part("xl/_rels/workbook.xml.rels", links, of=plain)
    )


def many_parts(count: int) -> bytes:
    return zip_of({f"xl/{number}.xml": b"<a/>" for number in range(count)})


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_table_is_refused(name: str) -> None:
    with pytest.raises(ListUnreadable):
        read_table(HOSTILE[name]())


def test_what_is_suspicious_is_refused_before_a_library_opens_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(*_given: object, **_named: object) -> Any:
        pytest.fail("a library opened it")

    monkeypatch.setattr(openpyxl, "load_workbook", opened)
    for name in ("a row of a million cells", "a cell of a million attributes",
        "a row of a million cells under another name",
        "a document type", "a sheet of gigabytes"):  # fmt: skip
        with pytest.raises(ListUnreadable):
            read_table(HOSTILE[name]())


@pytest.mark.parametrize("rows", [
    [HEADINGS, *[("1", "survey", DAY, "x")] * (tables.MAX_ROWS + 1)],
    [HEADINGS, *[()] * (2 * tables.MAX_ROWS), ("1", "survey", DAY, "x")],
    [("姓名",) * 31, ("1",)],
], ids=["11,000 rows", "a row far below", "31 columns"])  # fmt: skip
def test_a_table_of_too_many_rows_or_columns_is_refused(rows: list[Any]) -> None:
    with pytest.raises(ListTooLarge):
        read_table(csv_of(rows))


def test_as_many_rows_as_are_allowed_are_read() -> None:
    table = read_table(csv_of([HEADINGS, *[("1", "survey", DAY, "x")] * tables.MAX_ROWS]))

    assert len([*table.rows]) == tables.MAX_ROWS


def test_a_row_that_says_it_is_the_millionth_is_too_far_below() -> None:
    with pytest.raises(ListTooLarge):
        read_table(sheet(b'<row r="1"/><row r="1000000"><c r="A1000000"><v>1</v></c></row>'))


def test_a_sheet_under_another_name_is_read_like_any() -> None:
    row = b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    content = disguised(START + row + row.replace(b"1", b"2") + END)

    assert read_table(content).headings == ["a"]


def test_links_macros_and_validations_are_left_alone() -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(HEADINGS)
    page.append(("1", "survey", DAY, "调查"))
    page["D2"].hyperlink = "https://example.com/"
    page.add_data_validation(DataValidation(type="list", formula1='"a,b"'))
    book.create_sheet("其他").append(["=HYPERLINK(1)"])
    content = with_part("xl/vbaProject.bin", b"macros", of=saved(book))
    content = with_part("xl/externalLinks/externalLink1.xml", b"<externalLink/>", of=content)

    table = read_table(content)

    assert table.rows == [(2, ["1", "survey", DAY, "调查"])]


def test_a_sheet_that_is_hidden_is_not_read() -> None:
    book = openpyxl.Workbook()
    hidden = book.worksheets[0]
    hidden.append(("旧表",))
    hidden.sheet_state = "hidden"
    page = book.create_sheet("名单")
    page.append(HEADINGS)
    page.append(("1", "survey", DAY, "调查"))
    book.active = page

    assert read_table(saved(book)).headings == list(HEADINGS)


async def test_a_heading_of_blanks_without_end_is_not_said_back(office: Office) -> None:
    heading = "规" + " " * 100_000 + "则"

    report = await office.check(
        office.file(
            office.row("resident-1", "flying"), headings=("居民编号", heading, "日期", "事由")
        )
    )

    (error,) = report["errors"]
    assert (error["code"], len(error["column"])) == ("rule_unknown", 41)


async def test_formulas_and_errors_of_a_workbook_are_told(office: Office) -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(HEADINGS)
    page.append((office.here.resident_id("resident-1"), "survey", "=TODAY()", "#N/A"))
    page.append((float(office.here.resident_id("resident-1")), "survey", DAY, "调查"))

    report = await office.check(saved(book))

    assert [(fault["row"], fault["column"], fault["code"]) for fault in report["errors"]] == [
        (2, "日期", "formula"), (2, "事由", "cell_unreadable"), (3, "居民编号", "number_rounded")
    ]  # fmt: skip


async def test_a_file_is_refused_by_what_is_wrong_with_it(office: Office) -> None:
    answers = [
        await office.send(b"x" * (tables.MAX_BYTES + 1)),
        await office.send(b""),
        await office.send(office.file()),
        await office.send(HOSTILE["a document type"]()),
        await office.send(office.file(office.row("resident-1")), title="x"),
        await office.send(b"x" * (tables.MAX_BYTES + 70_000)),
    ]

    assert [problem_code(answer) for answer in answers] == [
        "list_too_large", "list_empty", "list_empty", "list_unreadable", "list_file_missing",
        "body_too_large",
    ]  # fmt: skip


async def test_a_form_is_not_read_of_whoever_may_not_send_one(office: Office) -> None:
    content = office.file(office.row("resident-1"))

    answer = await office.send(content, by="worker-1")
    broken = await office.here.http.post(
        LISTS, content=b"no form", headers={"Content-Type": "multipart/form-data"}
    )

    assert answer.status_code == 403
    assert broken.status_code == 401
