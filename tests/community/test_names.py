"""How a name or a phone is shown to people who need not know it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.community.names import mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王小四", "王*四"),
        ("李雷", "李*"),
        ("欧阳娜娜", "欧**娜"),
        ("阿卜杜拉·买买提", "阿******提"),
        ("王", "王"),
        ("Anna", "A***"),
        ("Al", "A***"),
        ("Anna Maria Schmidt", "A***"),
        (" 李雷 ", "李*"),
        ("", "*"),
        ("  ", "*"),
    ],
)
def test_a_name_is_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=2, max_size=30).filter(lambda name: len(name.strip()) > 1))
def test_a_masked_name_shows_two_letters_at_most(name: str) -> None:
    masked = mask_name(name)
    assert "*" in masked
    assert len(masked.replace("*", "")) <= 2
    assert masked[0] == name.strip()[0]


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.characters(max_codepoint=127, categories=["L"]), min_size=2))
def test_a_masked_latin_name_does_not_tell_its_length(name: str) -> None:
    assert len(mask_name(name)) == 4


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613800000001", "138****0001"),
        ("+8619912345678", "199****5678"),
        ("+861380000000", "****0000"),
        ("+85261234567", "****4567"),
        ("+12025550123", "****0123"),
    ],
)
def test_a_phone_is_masked(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked
