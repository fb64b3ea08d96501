"""What WeChat's double lets pass in the fields of a subscription message.

Written from the table of the official page, apart from the formatter that it judges.
"""

import unicodedata
from collections.abc import Callable
from datetime import datetime

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset("0123456789")
PRINTABLE = frozenset(chr(code) for code in range(0x20, 0x7F))
SYMBOLS = PRINTABLE - LETTERS - DIGITS - {" "}


def is_valid_field(name: str, value: object) -> bool:
    """Tell whether WeChat would take the value in a field of this name, as `thing1`."""
    kind = name.rstrip("0123456789")
    if kind == name or kind not in RULES:
        return False
    if not isinstance(value, str) or not value.strip() or not is_one_line(value):
        return False
    return RULES[kind](value)


def is_one_line(value: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in value)


def units(value: str) -> int:
    """Return the length as the strictest reading counts it: of UTF-16."""
    return sum(2 if ord(character) > 0xFFFF else 1 for character in value)


def is_chinese(value: str) -> bool:
    return all("\u4e00" <= character <= "\u9fff" for character in value)


def is_number(value: str) -> bool:
    whole, point, decimals = value.removeprefix("-").partition(".")
    return (
        len(value) <= 32
        and set(whole + decimals) <= DIGITS
        and bool(whole)
        and bool(point) == bool(decimals)
    )


def is_amount(value: str) -> bool:
    bare = value[1:] if value[0] in "¥￥$€£" else value
    bare = bare.removesuffix("元")
    return is_number(bare) and not bare.startswith("-") and len(bare.partition(".")[0]) <= 10


def is_name(value: str) -> bool:
    longest = 20 if all(ord(character) < 0x80 for character in value) else 10
    return units(value) <= longest and not set(value) & DIGITS


def is_clock(value: str) -> bool:
    hours, colon, minutes = value.partition(":")
    if not colon or not hours.isdecimal() or not minutes.isdecimal() or len(minutes) != 2:
        return False
    return 1 <= len(hours) <= 2 and int(hours) < 24 and int(minutes) < 60


def is_day(value: str) -> bool:
    for form in ("%Y年%m月%d日", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"):
        try:
            datetime.strptime(value, form)  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return True
    return False


def is_date(value: str) -> bool:
    day, blank, clock = value.strip().partition(" ")
    return is_day(day) and (not blank or is_clock(clock))


def is_time(value: str) -> bool:
    day, blank, clock = value.strip().rpartition(" ")
    return is_clock(clock) and (not blank or ("年" in day and is_day(day)))


def is_range_of(rule: Callable[[str], bool]) -> Callable[[str], bool]:
    def judge(value: str) -> bool:
        ends = value.split("~")
        return len(ends) <= 2 and all(rule(end) for end in ends)

    return judge


def is_car_number(value: str) -> bool:
    inner = set(value[1:-1])
    return len(value) <= 8 and inner <= LETTERS | DIGITS


RULES: dict[str, Callable[[str], bool]] = {
    "thing": lambda value: units(value) <= 20,
    "number": is_number,
    "letter": lambda value: len(value) <= 32 and set(value) <= LETTERS,
    "character_string": lambda value: len(value) <= 32 and set(value) <= PRINTABLE,
    "symbol": lambda value: len(value) <= 5 and set(value) <= SYMBOLS,
    "time": is_range_of(is_time),
    "date": is_range_of(is_date),
    "amount": is_amount,
    "phone_number": lambda value: len(value) <= 17 and set(value) <= DIGITS | set("+-"),
    "car_number": is_car_number,
    "name": is_name,
    "phrase": lambda value: len(value) <= 5 and is_chinese(value),
}
