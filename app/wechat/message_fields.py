"""Texts in the form that the fields of a subscription message must have.

A field is named after its type, as `thing1` or `date2`; WeChat refuses the whole message (47003)
for one field that breaks its type's rule. Free text is shortened; what would be wrong when
shortened, as a number or a code, is refused here with a ValueError that does not repeat it.
Source: developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime

LONGEST_THING = 20
LONGEST_PHRASE = 5
LONGEST_CHINESE_NAME = 10
LONGEST_LATIN_NAME = 20

_name_of_field = re.compile(r"(?P<type>[a-z]+(?:_[a-z]+)*)[0-9]{1,3}", re.ASCII)
_not_chinese = re.compile(r"[^\u4e00-\u9fff]")
_digits = re.compile(r"\d")
_clock = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_chinese_day = r"[0-9]{4}年(?:0?[1-9]|1[0-2])月(?:0?[1-9]|[12][0-9]|3[01])日"
_day = (
    rf"{_chinese_day}"
    r"|[0-9]{4}(?P<{mark}>[-/.])(?:0[1-9]|1[0-2])(?P={mark})(?:0[1-9]|[12][0-9]|3[01])"
)
_parts_of_day = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})", re.ASCII)


def _range_of(pattern: str) -> re.Pattern[str]:
    """Return a pattern for one such thing, or two with `~` in between."""
    first, second = (pattern.replace("{mark}", mark) for mark in ("first", "second"))
    return re.compile(f"(?:{first})(?: ?~ ?(?:{second}))?", re.ASCII)


# What is taken as it is or not at all.
STRICT = {
    "number": re.compile(r"-?(?=[0-9.]{1,31}$)[0-9]+(?:\.[0-9]+)?", re.ASCII),
    "letter": re.compile(r"[A-Za-z]{1,32}", re.ASCII),
    "character_string": re.compile(r"[!-~](?:[ -~]{0,30}[!-~])?", re.ASCII),
    "symbol": re.compile(r"[!-/:-@\[-`{-~]{1,5}", re.ASCII),
    "amount": re.compile(r"[¥￥$€£]?[0-9]{1,10}(?:\.[0-9]{1,2})?元?", re.ASCII),
    "phone_number": re.compile(r"\+?[0-9][0-9-]{1,15}", re.ASCII),
    "car_number": re.compile(r"[\u4e00-\u9fffA-Z][A-Z0-9]{5,6}[\u4e00-\u9fffA-Z0-9]", re.ASCII),
    "time": _range_of(rf"(?:{_chinese_day} )?{_clock}"),
    "date": _range_of(rf"(?:{_day})(?: {_clock})?"),
}


def format_fields(texts: Mapping[str, str]) -> dict[str, str]:
    """Return all fields of a message; ValueError names the first that cannot be sent."""
    return {name: format_field(name, text) for name, text in texts.items()}


def format_field(name: str, text: str) -> str:
    """Return a text as the field `name` may carry it, or ValueError."""
    match = _name_of_field.fullmatch(name)
    kind = "" if match is None else match["type"]
    line = _one_line(text)
    if kind in FREE:
        fitting = FREE[kind](line)
    elif kind in STRICT:
        fitting = line if STRICT[kind].fullmatch(line) and _days_exist(line) else ""
    else:
        msg = f"{name} is no field we know how to fill"
        raise ValueError(msg)
    if not fitting:
        msg = f"{name} has no text that a field of its type may carry"
        raise ValueError(msg)
    return fitting


def date_text(local: datetime) -> str:
    """Return a local time as a field of type date or time shows it."""
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _days_exist(line: str) -> bool:
    """Tell whether a text names no day that is not in the calendar, as the 31st of June."""
    try:
        for year, month, day in _parts_of_day.findall(line):
            date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _one_line(text: str) -> str:
    """Return the text without line breaks, control characters and invisible ones."""
    kept = "".join(
        character for character in " ".join(text.split())
        if not unicodedata.category(character).startswith("C")
    )  # fmt: skip
    return " ".join(kept.split())


def _thing(line: str) -> str:
    if _length(line) <= LONGEST_THING:
        return line
    return f"{_cut(line, LONGEST_THING - 1)}…"


def _phrase(line: str) -> str:
    return _not_chinese.sub("", line)[:LONGEST_PHRASE]


def _name(line: str) -> str:
    """Return a name without digits; one that is not all ASCII counts as Chinese."""
    name = " ".join(_digits.sub("", line).split())
    # No ellipsis: it would make a Chinese name of a Latin one.
    return _cut(name, LONGEST_LATIN_NAME if name.isascii() else LONGEST_CHINESE_NAME)


def _cut(line: str, longest: int) -> str:
    kept = line[:longest]
    while _length(kept) > longest:
        kept = kept[:-1]
    return kept.rstrip()


def _length(line: str) -> int:
    """Count as JavaScript does: a rare character or an emoji is two."""
    return len(line.encode("utf-16-le")) // 2


FREE: dict[str, Callable[[str], str]] = {"thing": _thing, "phrase": _phrase, "name": _name}
