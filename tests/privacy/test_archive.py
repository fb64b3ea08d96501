"""The files of a copy: read by people in Excel and by programs alike."""

import csv
import io
import json
from datetime import UTC, date, datetime

from app.ledger.models import TransferKind
from app.privacy.exports.archive import KINDS, data_json, plain, statement_csv

AT = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)


def line(**changes: object) -> dict[str, object]:
    return {
        "transfer_id": 192118416998900146,
        "account_kind": "wallet",
        "kind": "award",
        "points": 10,
        "memo": "每日签到",
        "occurred_at": AT,
    } | changes


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_every_kind_of_transfer_has_a_chinese_name() -> None:
    assert set(KINDS) == set(TransferKind)


def test_a_statement_tells_local_time_and_keeps_long_numbers_whole() -> None:
    _, row = rows_of(statement_csv([line()], "Asia/Shanghai"))
    assert row == [
        "2026-11-18T15:00+08:00", "获得积分", "10", "每日签到", "192118416998900146\t",
        "积分钱包",
    ]  # fmt: skip


def test_a_memo_is_never_a_formula() -> None:
    for memo in ("=1+1", "+1", "-1", "@SUM(A1)"):
        _, row = rows_of(statement_csv([line(memo=memo)], "Asia/Shanghai"))
        assert row[3] == f"'{memo}"


def test_a_statement_without_lines_still_has_its_heading() -> None:
    assert len(rows_of(statement_csv([], "Asia/Shanghai"))) == 1


def test_numbers_that_name_something_are_text_and_others_are_not() -> None:
    assert plain(2**60, "case_id") == str(2**60)
    assert plain(7, "points") == 7
    assert plain(None, "case_id") is None
    assert plain(AT, "at") == "2026-11-18T07:00:00+00:00"
    assert plain(date(2026, 11, 18), "starts_on") == "2026-11-18"


def test_data_json_keeps_chinese_readable() -> None:
    text = data_json({"me": [{"resident_id": 5, "name": "王小四"}], "lots": []})
    assert "王小四" in text
    assert json.loads(text) == {"me": [{"resident_id": "5", "name": "王小四"}], "lots": []}
