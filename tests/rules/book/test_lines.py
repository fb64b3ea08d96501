"""Where in a file a key stands, against a file with the lines counted by eye, and any other."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.book.lines import DEEPEST, find_lines, line_of

BOOK = """\
# a comment with [brackets] and = signs
name = "a # no comment"   # a comment

[points]
expiry = { kind = "months", months = 6 }
notice_days = [
  30, # one
  7,
]

[[rules]]
"code" = 'patrol'
caps = [
  { period = "day", times = 1 },

  { period = "week",
    points = 20 },
]
text = \"\"\"
[[rules]]
code = "not a key\\""
\"\"\"
points.low = 5

[[rules]]
code = "other"
when = 2026-01-01 07:00:00
[rules.expiry]
kind = "never"
[[rules.caps]]
period = "day"
[[rules.caps]]
period = "all"
"""
PLACES = {
    ("name",): 2,
    ("points",): 4,
    ("points", "expiry", "months"): 5,
    ("points", "notice_days"): 6,
    ("points", "notice_days", 0): 7,
    ("points", "notice_days", 1): 8,
    ("rules", 0): 11,
    ("rules", 0, "code"): 12,
    ("rules", 0, "caps", 0, "times"): 14,
    ("rules", 0, "caps", 1): 16,
    ("rules", 0, "caps", 1, "points"): 17,
    ("rules", 0, "text"): 19,
    ("rules", 0, "points", "low"): 23,
    ("rules", 1): 25,
    ("rules", 1, "when"): 27,
    ("rules", 1, "expiry"): 28,
    ("rules", 1, "expiry", "kind"): 29,
    ("rules", 1, "caps", 0): 30,
    ("rules", 1, "caps", 1, "period"): 33,
}

texts = st.text("ab.\"#=,[]{}'\\积", max_size=6)
values = st.recursive(
    st.one_of(st.integers(), st.booleans(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def test_every_key_is_found_on_its_line() -> None:
    lines = find_lines(BOOK)
    assert {path: lines.get(path) for path in PLACES} == PLACES


def test_lines_that_end_as_on_windows_are_counted_alike() -> None:
    assert find_lines(BOOK.replace("\n", "\r\n")) == find_lines(BOOK)


def test_a_key_of_very_many_parts_is_found_by_its_first_ones() -> None:
    lines = find_lines("# above\n" + "a." * 900 + "a = 0\n")
    assert lines == {("a",) * parts: 2 for parts in range(1, DEEPEST + 1)}
    assert line_of(lines, ("a",) * 901) == 2


def test_what_is_missing_is_looked_for_at_the_table_around_it() -> None:
    lines = find_lines(BOOK)
    assert line_of(lines, ("rules", 1, "category")) == 25
    assert line_of(lines, ("rules", 1, "expiry", "months")) == 28
    assert line_of(lines, ("rule_categories",)) == 1


@settings(max_examples=40)
@given(st.dictionaries(texts, values, min_size=1, max_size=6))
def test_a_key_to_a_line_is_found_whatever_it_is_called_and_holds(pairs: dict[str, object]) -> None:
    text = "".join(f"{_quoted(key)} = {_write(value)}\n" for key, value in pairs.items())
    lines = find_lines(text)
    top = {path: line for path, line in lines.items() if len(path) == 1}
    assert top == {(key,): number for number, key in enumerate(pairs, 1)}


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write(value: object) -> str:
    """Write a value on one line, as the standard library's parser reads it."""
    if isinstance(value, dict):
        pairs = (f"{_quoted(key)} = {_write(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_write(inner) for inner in value)}]"
    return _quoted(value)
