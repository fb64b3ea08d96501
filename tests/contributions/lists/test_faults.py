"""All that can be wrong with a row is told at once, by row and column, and nothing is stored."""

import pytest

from app.contributions.lists.faults import MESSAGES
from tests.contributions.lists.office import DAY, HEADINGS, LISTS, Office
from tests.support.caller import problem_code

MORE = (*HEADINGS, "数量", "强度")
# What is changed in a good row, and what is then said of it.
FAULTS: dict[str, tuple[dict[str, str], tuple[str, str]]] = {
    "a formula": ({"事由": "=1+1"}, ("事由", "formula")),
    "no reason": ({"事由": ""}, ("事由", "missing")),
    "a reason of one letter": ({"事由": "好"}, ("事由", "too_short")),
    "a reason without end": ({"事由": "好" * 201}, ("事由", "too_long")),
    "a number that a spreadsheet rounded": (
        {"居民编号": "1.8E+17"}, ("居民编号", "number_rounded")
    ),
    "nobody": ({"居民编号": ""}, ("姓名", "who_missing")),
    "somebody unknown": ({"居民编号": "17"}, ("居民编号", "resident_unknown")),
    "an unknown rule": ({"规则": "flying"}, ("规则", "rule_unknown")),
    "a rule that costs": ({"规则": "垃圾分类错误"}, ("规则", "rule_costs")),
    "before the rule": ({"日期": "2026-10-01"}, ("规则", "rule_not_in_force")),
    "for others": ({"规则": "青少年辅导"}, ("规则", "not_for_them")),
    "no effort": ({"规则": "绿化"}, ("强度", "effort_missing")),
    "some effort": ({"强度": "很高"}, ("强度", "effort_unknown")),
    "too many units": ({"数量": "2"}, ("数量", "too_many_units")),
    "half a unit": ({"数量": "1.5"}, ("数量", "units_unreadable")),
    "no unit": ({"数量": "0"}, ("数量", "units_unreadable")),
    "tomorrow": ({"日期": "2026-11-19"}, ("日期", "in_the_future")),
    "in a minute": ({"日期": "2026-11-18 15:01"}, ("日期", "in_the_future")),
    "the end of time": ({"日期": "9999-12-31 23:59"}, ("日期", "in_the_future")),
    "no such day": ({"日期": "2026-02-30"}, ("日期", "date_unreadable")),
    "some day": ({"日期": "上周三"}, ("日期", "date_unreadable")),
    "no day": ({"日期": ""}, ("日期", "missing")),
}  # fmt: skip


def row(office: Office, changes: dict[str, str]) -> list[str]:
    good = dict(zip(MORE, [*office.row("resident-1"), "", ""], strict=True))
    return [(good | changes)[heading] for heading in MORE]


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_told_where_it_is(name: str, office: Office) -> None:
    changes, (column, code) = FAULTS[name]

    found = await office.faults(row(office, {"规则": "survey"}), row(office, changes),
        headings=MORE)  # fmt: skip

    assert found == [(3, column, code)]


async def test_all_faults_of_all_rows_are_told_at_once(office: Office) -> None:
    bad = [
        row(office, {"日期": f"2026-11-16 10:{minute}"} | changes)
        for minute, (changes, _) in enumerate(FAULTS.values(), start=10)
    ]
    bad.append(row(office, {"居民编号": "17", "规则": "flying", "数量": "x", "日期": "?"}))

    answer = await office.send(office.file(*bad, headings=MORE))

    assert problem_code(answer) == "list_has_errors"
    report = answer.json()["report"]
    assert report["error_count"] == len(FAULTS) + 4
    assert {error["row"] for error in report["errors"]} == set(range(2, len(bad) + 2))
    assert [error["code"] for error in report["errors"] if error["row"] == len(bad) + 1] == [
        "units_unreadable", "date_unreadable", "resident_unknown", "rule_unknown"
    ]  # fmt: skip
    assert (await office.read(LISTS))["items"] == []


@pytest.mark.parametrize(("language", "message"), [
    ("zh-CN", "本社区没有“flying”这条规则。"), ("en", "There is no rule “flying” here."),
])  # fmt: skip
async def test_faults_are_told_in_the_callers_language(
    language: str, message: str, office: Office
) -> None:
    report = await office.check(office.file(office.row("resident-1", "flying")), language=language)

    assert [error["message"] for error in report["errors"]] == [message]


async def test_of_very_many_faults_five_hundred_are_told_and_all_are_counted(
    office: Office,
) -> None:
    report = await office.check(office.file(*(["17", "survey", DAY, "调查"] for _ in range(501))))

    assert report["error_count"] == 501
    assert [error["row"] for error in report["errors"]] == list(range(2, 502))


async def test_the_same_act_twice_in_a_file_names_the_row_before(office: Office) -> None:
    report = await office.check(
        office.file(
            office.row("resident-1"),
            office.row("resident-1", day=f"{DAY} 18:00"),
            office.row("resident-2"),
            office.row("resident-1", note="另外一次"),
        )
    )

    assert [(error["row"], error["code"]) for error in report["errors"]] == [(5, "duplicate")]
    assert "row 2" in report["errors"][0]["message"]


async def test_whoever_has_left_and_whoever_proposes_is_awarded_nothing(office: Office) -> None:
    proposer = await office.do(
        "SELECT person_id FROM role_grants WHERE community_id = :community_id"
        " AND role = 'committee' ORDER BY role_grant_id LIMIT 1"
    )
    await office.do(
        "UPDATE residents SET person_id = :person WHERE resident_id = :resident",
        person=proposer, resident=int(office.here.resident_id("resident-1")),
    )  # fmt: skip
    await office.do(
        "UPDATE residents SET state = 'left' WHERE resident_id = :resident",
        resident=int(office.here.resident_id("resident-2")),
    )

    found = await office.faults(office.row("resident-1"), office.row("resident-2"))

    assert found == [(2, "居民编号", "own_row"), (3, "居民编号", "resident_left")]


@pytest.mark.parametrize(("headings", "found"), [
    (("居民编号", "规则", "日期", "事由", "备注"), [(1, "备注", "column_unknown")]),
    (("居民编号", "规则", "rule", "日期", "事由"), [(1, "rule", "column_twice")]),
    (("居民编号", "规则", "日期"), [(1, "事由", "column_missing")]),
    (("楼栋", "规则", "日期", "事由"), [(1, "", "who_missing")]),
])  # fmt: skip
async def test_headings_that_are_wrong_are_told_before_any_row(
    headings: tuple[str, ...], found: list[tuple[int, str, str]], office: Office
) -> None:
    assert await office.faults(["17", "flying", "?", "?", "?"], headings=headings) == found


async def test_cells_beyond_the_headings_are_told(office: Office) -> None:
    found = await office.faults([*office.row("resident-1"), "还有"])

    assert found == [(2, "", "too_many_cells")]


def test_every_fault_speaks_both_languages() -> None:
    for english, chinese in MESSAGES.values():
        assert english.isascii() or "“" in english or any(word in english for word in "低居")
        assert not chinese.isascii()
