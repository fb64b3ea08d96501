"""Rule books: every mistake at once with its line, and a book that comes back as it went."""

import pytest
from hypothesis import given, settings

from app.rules.book.difference import Difference, DifferenceKind, FieldChange, compare_books
from app.rules.book.reading import LONGEST_LINE, BookUnreadable, Mistake, read_book
from app.rules.book.schemas import RuleBookData
from app.rules.book.writing import WIDTH, write_book
from tests.rules.book.books import books

RIGHT = """\
[procedure]
hearing_days = 5

[[rule_categories]]
code = "safety"
name = "平安"

[[rule_categories]]
code = "patrol"
name = "巡逻"
parent = "safety"

[[rules]]
code = "patrol_hour"
name = "巡逻"
category = "patrol"
unit = "hour"
points = 10
caps = [{ period = "day", points = 80 }]

[[campaigns]]
code = "night"
name = "夜间双倍"
rules = ["patrol_hour"]
percent = 200
hours = { from = "22:00", until = "06:00" }
"""
WRONG = """\
[[rule_categories]]
code = "safety"
name = "平安"
parent = "patrol"

[[rules]]
code = "patrol"
name = 5
category = "safety"
points = true
caps = [
  { period = "day" },
  { period = "hour", times = "1" },
]
bonus = 1

[[rules]]
code = "patrol"
category = "nowhere"
points = 0
direction = "cost"
is_claimable = "yes"

[[rules]]
code = "Mediation"
name = "调解"
category = "safety"
points = 5
points_by_effort = { low = 5, medium = 3, high = 10 }

[[rules]]
code = "fine"
name = "罚"
category = "safety"
points = 5
direction = "cost"
is_claimable = true

[[campaigns]]
code = "night"
name = "夜间"
rules = [
  "patrol",
  "patrols",
]
hours = { from = "22:00", until = "22:00" }
starts_on = "soon"
"""
PATROL, NIGHT = 'rules 1 "patrol"', 'campaigns 1 "night"'
FOUND = {
    (4, 'rule_categories 1 "safety"', "parent"),
    (8, PATROL, "name"),
    (10, PATROL, "points"),
    (12, PATROL, "caps 1"),
    (13, PATROL, "caps 2 period"),
    (13, PATROL, "caps 2 times"),
    (15, PATROL, "bonus"),
    (17, 'rules 2 "patrol"', "name"),
    (18, 'rules 2 "patrol"', "code"),
    (19, 'rules 2 "patrol"', "category"),
    (20, 'rules 2 "patrol"', "points"),
    (22, 'rules 2 "patrol"', "is_claimable"),
    (25, 'rules 3 "Mediation"', "code"),
    (29, 'rules 3 "Mediation"', "points_by_effort"),
    (31, 'rules 4 "fine"', ""),
    (44, NIGHT, "rules 2"),
    (46, NIGHT, "hours"),
    (47, NIGHT, "starts_on"),
}


def mistakes_of(text: str) -> list[Mistake]:
    with pytest.raises(BookUnreadable) as refused:
        read_book(text)
    return refused.value.mistakes


def test_a_book_is_read_with_what_it_leaves_out_as_ordinary_rules_have_it() -> None:
    book = read_book(RIGHT)
    rule = book.rules[0]
    assert (rule.max_units, rule.review_level, rule.expiry.kind) == (1, 1, "community")
    assert book.procedure is not None
    assert (book.procedure.hearing_days, book.procedure.appeal_days) == (5, 15)


def test_every_mistake_is_named_at_once_with_line_entry_and_field() -> None:
    found = mistakes_of(WRONG)
    assert {(told.line, told.entry, told.field) for told in found} == FOUND
    assert [told.line for told in found] == sorted(told.line for told in found)
    assert all(told.message_en and told.message_zh not in {"", "内容有误"} for told in found)


@pytest.mark.parametrize("stated", ['unit = "month"', 'arrives_on = "resolved"'])
def test_what_is_awarded_by_machine_cannot_go_by_effort(stated: str) -> None:
    text = f"""\
[[rule_categories]]
code = "safety"
name = "平安"

[[rules]]
code = "watch"
name = "值守"
category = "safety"
points = 5
{stated}
points_by_effort = {{ low = 5, medium = 10, high = 15 }}
"""
    (told,) = mistakes_of(text)
    assert str(told).startswith('line 5: rules 1 "watch": points cannot go by effort')


def test_a_mistake_is_told_in_two_languages() -> None:
    (told,) = mistakes_of(RIGHT.replace('category = "patrol"', 'category = "patrols"'))
    assert str(told) == (
        'line 16: rules 1 "patrol_hour": category: there is no category "patrols" in this book'
    )
    assert told.message_zh == "本规则书没有分类“patrols”"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[[rules]]\ncode = \n", 2, "Invalid value"),
        ("[[rules]\n", 1, "Expected"),
        ("name = 'x\n", 1, "'"),
        ("[rules]\n[rules]\n", 2, "declare"),
        ("a = 1\n\nb = [1,", 3, "Invalid value"),
        ("a = " + "[\n" * 3000, 1, "nested too deeply"),
        ("# fine\na = " + "9" * LONGEST_LINE, 2, "at most 2000 characters"),
        ("# fine\n# \ud800", 2, "not valid text"),
        ("", 1, "missing"),
        (RIGHT + '\n[[rules]]\ncode = "a\\u0000b"\n', 29, "pattern"),
        (RIGHT.replace("hearing_days = 5", "hearing_days = 5.0"), 2, "whole number"),
        (RIGHT.replace('"22:00"', '"22:00:01"'), 26, "by the minute"),
        (RIGHT + "starts_on = 2026-02-01\nends_on = 2026-01-01\n", 21, "before it starts"),
        (RIGHT.replace("percent = 200", "percent = 100"), 21, "more than the rules alone"),
        (RIGHT.replace('name = "巡逻"', 'name = "\\t巡\\n逻"', 1), 10, "pattern"),
        ("rules = 5\ncampaigns = [1]\n", 1, "list"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_book_is_refused_with_the_line(text: str, line: int, reason: str) -> None:
    found = mistakes_of(text)
    assert (line, True) in {(told.line, reason in told.message_en) for told in found}, found


def test_the_mark_that_some_editors_begin_a_file_with_says_nothing() -> None:
    assert read_book("\ufeff" + RIGHT) == read_book(RIGHT)
    assert mistakes_of("\ufeff" + WRONG) == mistakes_of(WRONG)


@settings(max_examples=25)
@given(books())
def test_a_book_comes_back_as_it_was_written(book: RuleBookData) -> None:
    text = write_book(book)
    assert read_book(text) == book
    assert write_book(read_book(text)) == text
    assert compare_books(book, read_book(text)) == []


def test_a_written_book_leaves_out_what_is_ordinary_and_breaks_long_lists() -> None:
    book = read_book(RIGHT)
    book.rules[0].audience = [f"audience_{number}" for number in range(20)]
    text = write_book(book)
    rule = text.partition("[[rules]]\n")[2].partition("\n\n")[0]
    assert rule.startswith(
        'code = "patrol_hour"\nname = "巡逻"\ncategory = "patrol"\nunit = "hour"'
    )
    assert "review_level" not in rule
    assert '  "audience_19",\n]' in rule
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert text.startswith("# 积分规则书")


def test_what_lies_between_two_books_is_named_part_by_part() -> None:
    now, wanted = read_book(RIGHT), read_book(RIGHT)
    assert now.procedure is not None
    now.procedure.hearing_days = 3
    wanted.rules[0].points = 20
    wanted.rules += [now.rules[0].model_copy(update={"code": "new_rule"})]
    now.rules += [now.rules[0].model_copy(update={"code": "old_rule"})]
    wanted.campaigns[0].percent = 150
    wanted.rule_categories[1].name = "巡防"

    change = DifferenceKind.CHANGE
    assert compare_books(now, wanted) == [
        Difference("procedure", change, "procedure", (FieldChange("hearing_days", 3, 5),)),
        Difference("rule_categories", change, "patrol", (FieldChange("name", "巡逻", "巡防"),)),
        Difference("rules", change, "patrol_hour", (FieldChange("points", 10, 20),)),
        Difference("rules", DifferenceKind.NEW, "new_rule"),
        Difference("rules", DifferenceKind.END, "old_rule"),
        Difference("campaigns", change, "night", (FieldChange("percent", 200, 150),)),
    ]


def test_the_order_in_which_a_book_states_things_changes_nothing() -> None:
    now, wanted = read_book(RIGHT), read_book(RIGHT)
    for book, evidence in ((now, ["photo", "note"]), (wanted, ["note", "photo"])):
        book.rules[0] = book.rules[0].model_validate(
            {**book.rules[0].model_dump(), "evidence": evidence}
        )
    wanted.rule_categories.reverse()
    assert compare_books(now, wanted) == []
