"""A statement as a table."""

import pytest

from app.statements.table import harmless, statement_csv
from tests.resident_statements.rendering import make_contents, read_rows


def test_a_table_tells_every_line_oldest_first() -> None:
    head, *rows = read_rows(statement_csv(make_contents([50, -20], opening=7)))
    assert head == ["时间", "类型", "说明", "收入", "支出", "余额", "流水号"]
    assert rows == [
        ["2026-01-05 00:30:00", "获得积分", "每日签到", "50", "", "57", "192118416998900146\t"],
        ["2026-01-15 00:30:00", "兑换使用", "每日签到", "", "20", "37", "192118416998900147\t"],
    ]


def test_excel_finds_a_byte_order_mark_and_its_own_line_ends() -> None:
    table = statement_csv(make_contents([1]))
    assert table.startswith(b"\xef\xbb\xbf")
    assert table.count(b"\r\n") == table.count(b"\n") == 2


def test_debt_is_a_number_below_zero() -> None:
    _, row = read_rows(statement_csv(make_contents([-5])))
    assert row[3:6] == ["", "5", "-5"]


def test_a_table_without_lines_has_a_head() -> None:
    assert len(read_rows(statement_csv(make_contents([])))) == 1


@pytest.mark.parametrize(
    "memo",
    [
        "=1+1", "+86", "-1", "@SUM(A1)", "\t=1+1", "\r=1", "\n=1", " =1+1", "　=1+1", "＝1+1",
        '=HYPERLINK("http://example.com","奖")',
    ],
)  # fmt: skip
def test_no_memo_becomes_a_formula(memo: str) -> None:
    _, row = read_rows(statement_csv(make_contents([1], memo=memo)))
    assert row[2] == f"'{memo}"


@pytest.mark.parametrize("memo", ["每日签到", "1-2 号楼", "", "a=b", '他说"好",\n走了'])
def test_other_memos_stay_as_they_are(memo: str) -> None:
    assert harmless(memo) == memo
    _, row = read_rows(statement_csv(make_contents([1], memo=memo)))
    assert row[2] == memo
