"""Fields of subscription messages: whatever goes in, WeChat takes what comes out."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wechat.message_fields import FREE, STRICT, date_text, format_field, format_fields
from tests.doubles.wechat_fields import RULES, is_valid_field

TWENTY = "一二三四五六七八九十" * 2
KINDS = sorted([*FREE, *STRICT])
LIKELY = st.text(st.sampled_from("019.-+¥元~ :年月日/aZ网格员é😀…\n\t\u200b\x00"), max_size=45)
FORMED = st.from_regex(
    r"[0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|[-/.][0-9]{2}[-/.][0-9]{2})"
    r"( [0-9]{1,2}:[0-9]{2})?(~[0-9]{1,2}:[0-9]{2})?",
    fullmatch=True,
)


def can_be_said(name: str, text: str) -> bool:
    try:
        return bool(format_field(name, text))
    except ValueError:
        return False


def test_the_double_judges_every_type_we_fill() -> None:
    assert set(KINDS) == set(RULES)


@given(st.sampled_from(KINDS), st.text() | LIKELY | FORMED)
def test_wechat_takes_whatever_comes_out(kind: str, text: str) -> None:
    name = f"{kind}1"
    if can_be_said(name, text):
        assert is_valid_field(name, format_field(name, text))


@given(st.text(min_size=1) | LIKELY)
def test_every_text_with_something_to_see_is_a_thing(text: str) -> None:
    has_letter = any(character.isalnum() for character in text)
    assert can_be_said("thing1", text) >= has_letter


@given(st.sampled_from(KINDS), LIKELY | FORMED)
def test_what_is_formatted_stays_as_it_is(kind: str, text: str) -> None:
    name = f"{kind}1"
    if can_be_said(name, text):
        formatted = format_field(name, text)
        assert format_field(name, formatted) == formatted


@pytest.mark.parametrize(
    ("name", "text", "formatted"),
    [
        ("thing1", "路灯坏了", "路灯坏了"),
        ("thing1", TWENTY, TWENTY),
        ("thing1", f"{TWENTY}一", f"{TWENTY[:19]}…"),
        ("thing1", "😀" * 11, "😀" * 9 + "…"),
        ("thing1", " 两\r\n行\t字\x00\u200b ", "两 行 字"),
        ("thing20", "a\u2028b", "a b"),
        ("phrase1", "已兑换 (A)", "已兑换"),
        ("phrase1", "一二三四五六", "一二三四五"),
        ("name1", "阿卜杜拉·买买提·艾力江", "阿卜杜拉·买买提·艾"),
        ("name1", "Alexandra Konstantinova", "Alexandra Konstantin"),
        ("name1", "小明123", "小明"),
        ("number1", "-12.50", "-12.50"),
        ("number1", "9" * 31, "9" * 31),
        ("amount1", "¥12.50元", "¥12.50元"),
        ("character_string1", "GP-2026 1121", "GP-2026 1121"),
        ("letter1", "ABC", "ABC"),
        ("symbol1", "***", "***"),
        ("phone_number1", "+86-13800000000", "+86-13800000000"),
        ("car_number1", "粤A8Z888挂", "粤A8Z888挂"),
        ("date1", "2026年11月21日 9:42", "2026年11月21日 9:42"),
        ("date1", "2026-11-21~2026-11-22", "2026-11-21~2026-11-22"),
        ("time1", "15:01~16:00", "15:01~16:00"),
        ("time1", "2026年11月21日 15:01", "2026年11月21日 15:01"),
    ],
)  # fmt: skip
def test_a_text_is_made_to_fit(name: str, text: str, formatted: str) -> None:
    assert format_field(name, text) == formatted
    assert is_valid_field(name, formatted)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((f"{kind}1", text) for kind in KINDS for text in ("", " ", "\n", "\u200b\x00")),
        ("phrase1", "done"),
        ("name1", "123"),
        ("number1", "十二"),
        ("number1", "1."),
        ("number1", "9" * 33),
        ("number1", "１２"),
        ("amount1", "12345678901"),
        ("amount1", "-1"),
        ("character_string1", "券 A1"),
        ("character_string1", "A" * 33),
        ("letter1", "A1"),
        ("symbol1", "******"),
        ("phone_number1", "1" * 18),
        ("car_number1", "粤A12345678"),
        ("date1", "2026-13-01"),
        ("date1", "2026年6月31日"),
        ("date1", "2026-11-21 24:00"),
        ("time1", "25:00"),
        ("time1", "2026年2月29日 15:01"),
        ("time1", "15:60"),
    ],
)
def test_what_would_be_wrong_is_refused_and_not_repeated(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} has no text") as caught:
        format_field(name, text)
    assert len(text) < 3 or text not in str(caught.value)
    assert not is_valid_field(name, text)


@pytest.mark.parametrize("name", ["thing", "Thing1", "thing1 ", "enum1", "1", "", "thing１"])
def test_a_field_of_no_known_type_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no field we know"):
        format_field(name, "好")


def test_a_message_is_formatted_whole() -> None:
    assert format_fields({"thing1": "好\n", "number2": "5"}) == {"thing1": "好", "number2": "5"}
    with pytest.raises(ValueError, match="number2"):
        format_fields({"thing1": "好", "number2": "五"})


@given(st.datetimes(min_value=datetime(1000, 1, 1)))  # noqa: DTZ001 - a local time
def test_a_local_time_fits_a_date_and_a_time(local: datetime) -> None:
    text = date_text(local)
    assert format_field("date1", text) == format_field("time1", text) == text
