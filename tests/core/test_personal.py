"""Sealed values open for their own row and key only; tokens find equals and tell nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.personal import TOKEN_BYTES, Field, SealBroken, Vault
from app.core.sealing import MasterKey

VAULT, OTHER_VAULT = Vault(MasterKey(b"1" * 32)), Vault(MasterKey(b"2" * 32))
FIELD = Field("residents.name", 1, 7)
NAME = "王小四"


@given(st.text(max_size=60), st.integers(1, 2**32), st.integers(0, 2**63 - 1))
@example("王小四", 1, 7)
@example("", 1, 7)
@example("𠮷野家 👩‍👩‍👧‍👦🀄", 1, 7)
def test_what_was_sealed_opens(plain: str, community_id: int, row_id: int) -> None:
    field = Field("residents.name", community_id, row_id)
    sealed = VAULT.seal(plain, field)
    assert VAULT.open(sealed, field) == plain


def test_a_sealed_name_shows_no_letter_of_it() -> None:
    sealed = VAULT.seal(NAME, FIELD)
    assert not any(letter.encode() in sealed for letter in NAME)


@pytest.mark.parametrize(
    "other",
    [
        Field("residents.phone", 1, 7),
        Field("join_requests.name", 1, 7),
        Field("residents.name", 1, 8),
        Field("residents.name", 2, 7),
        Field("residents.name", 17, 0),
    ],
)
def test_a_value_moved_to_another_field_row_or_community_does_not_open(other: Field) -> None:
    with pytest.raises(SealBroken):
        VAULT.open(VAULT.seal(NAME, FIELD), other)


def test_a_value_sealed_under_another_master_key_does_not_open() -> None:
    with pytest.raises(SealBroken, match="another master key"):
        OTHER_VAULT.open(VAULT.seal(NAME, FIELD), FIELD)


def test_a_change_of_any_bit_breaks_the_seal() -> None:
    sealed = VAULT.seal(NAME, FIELD)
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            VAULT.open(bytes(changed), FIELD)


def test_a_value_cut_short_or_made_longer_does_not_open() -> None:
    sealed = VAULT.seal(NAME, FIELD)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            VAULT.open(sealed[:length], FIELD)
    with pytest.raises(SealBroken):
        VAULT.open(sealed + b"\0", FIELD)


def test_one_name_sealed_twice_is_two_different_values() -> None:
    assert VAULT.seal(NAME, FIELD) != VAULT.seal(NAME, FIELD)


def test_nothing_sealed_is_nothing_opened() -> None:
    assert VAULT.open_or_none(None, FIELD) is None
    assert VAULT.open_or_none(VAULT.seal(NAME, FIELD), FIELD) == NAME


def test_equal_texts_have_equal_tokens_and_nothing_else_has() -> None:
    token = VAULT.token(1, "name", NAME)
    assert token == Vault(MasterKey(b"1" * 32)).token(1, "name", NAME)
    others = [
        VAULT.token(2, "name", NAME),
        VAULT.token(1, "phone", NAME),
        VAULT.token(1, "name", "王小五"),
        VAULT.token(1, "name", NAME + " "),
        OTHER_VAULT.token(1, "name", NAME),
    ]
    assert len({token, *others}) == 6
    assert {len(found) for found in (token, *others)} == {TOKEN_BYTES}


def test_a_name_is_found_by_each_of_its_beginnings() -> None:
    assert VAULT.beginnings(1, "name", NAME) == [
        VAULT.token(1, "name", beginning) for beginning in ("王", "王小", "王小四")
    ]
    assert VAULT.beginnings(1, "name", "") == []
