"""Codes that a person types: made, shown, read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rewards import typed_codes

CODE = "23ABCDEFGH9Z"
some_code = st.text(typed_codes.ALPHABET, min_size=12, max_size=12)


@given(code=some_code)
def test_a_code_is_read_back_as_it_is_shown(code: str) -> None:
    assert typed_codes.read(typed_codes.show(code)) == code


@given(code=some_code, gaps=st.lists(st.sampled_from(["", " ", "-", " - ", "\t", "--", "\u3000"]),
                                     min_size=13, max_size=13))  # fmt: skip
def test_spacing_and_case_do_not_matter(code: str, gaps: list[str]) -> None:
    typed = "".join(gap + letter for gap, letter in zip(gaps, code.lower(), strict=False))
    assert typed_codes.read(typed + gaps[-1]) == code


@pytest.mark.parametrize(
    "typed",
    ["", CODE[:-1], CODE + "2", CODE[:-1] + "0", CODE[:-1] + "1", CODE[:-1] + "I",
     CODE[:-1] + "O", CODE[:-1] + "码", "_".join(CODE), "2" * 111],
)  # fmt: skip
def test_what_cannot_be_a_code_is_not_read_as_one(typed: str) -> None:
    assert typed_codes.read(typed) is None


@given(typed=st.text(max_size=40))
def test_whatever_is_typed_is_read_as_a_code_or_not(typed: str) -> None:
    read = typed_codes.read(typed)
    assert read is None or (len(read) == 12 and set(read) <= set(typed_codes.ALPHABET))


def test_new_codes_use_the_whole_alphabet_and_do_not_repeat() -> None:
    codes = [typed_codes.new_typed_code() for _ in range(500)]
    assert len(set(codes)) == 500
    assert set("".join(codes)) == set(typed_codes.ALPHABET)
    assert not set("01IO") & set(typed_codes.ALPHABET)
