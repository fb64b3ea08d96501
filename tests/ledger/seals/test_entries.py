"""What is sealed of a transfer: written in one way for ever, people only as salted hashes."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.models import Transfer
from app.ledger.seals.entries import (
    HIDDEN,
    PLAIN,
    canonical,
    entry_of,
    field_salt,
    hidden_hash,
    hidden_values,
    moment,
)
from app.ledger.seals.merkle import leaf_hash
from tests.ledger.seals.made_up import COLUMNS, SHANGHAI, transfer

OTHERS: dict[str, Any] = {
    "community_id": 2,
    "transfer_id": 3,
    "posting_id": 4,
    "kind": "gift",
    "points": 51,
    "source_kind": "board",
    "leg": 1,
    "rule_version_id": None,
    "reverses_transfer_id": 190668865536200011,
    "occurred_at": datetime(2026, 11, 18, 15, 0, 0, 1, tzinfo=SHANGHAI),
    "posted_at": datetime(2026, 11, 18, 7, 0, 1, 21, tzinfo=UTC),
}
OTHERS_HIDDEN: dict[str, tuple[str, Any]] = {
    "debit_account": ("debit_account_id", 2),
    "credit_account": ("credit_account_id", 190668865536200102),
    "memo": ("memo", "义务劳动"),
    "maker": ("maker_id", 0),
    "checker": ("checker_id", None),
    "source": ("source_id", 190668865536200304),
}

# Of the made-up transfer above; whoever changes them cannot verify what was sealed before.
HASHES = {
    "checker": "8d718b266eac84b5515d8c915afd2de61248ccc03df4ec02972bfd8219a47e4e",
    "credit_account": "6429e82828195a58c90898f8870ccca13d31ddf3c6588f173552fe1bbeb5f8b1",
    "debit_account": "a8080c9406828038833bac022204e2d5b7d3e99f24af0df473f8c8684a5553bc",
    "maker": "2edc22bfc1c8f91e9ef711510ba30678f4e8cf69f0edaaf8292e85e97253d6d0",
    "memo": "c4adedecd302244d9ca01977afc653a21a0b2518564c77b65197974f2c6d599b",
    "source": "346ae4513bfafce80c89337dd63b16827a7946c7049a789da4c97649f175891f",
}
LEAF = "a334fd60e8bd9202cd44f32d69d44381319bb0780becb54cbfe2f9f1dcb49919"


# RFC 8785.


@pytest.mark.parametrize(
    ("value", "written"),
    [
        # The text of the example in 3.2.2.
        ("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", r"""€$\u000f\nA'B\"\\\\\"/"""),
        # Those of the example in 3.2.3, names there.
        ("\r", r"\r"),
        ("\u0080", "\u0080"),
        ("\ufb33\U0001f600ö", "\ufb33\U0001f600ö"),
        ("\b\t\n\f\r\u0000\u001f\u007f\u2028", "\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028"),
    ],
)
def test_texts_are_written_as_the_rfc_says(value: str, written: str) -> None:
    assert canonical({"text": value}).decode() == f'{{"text":"{written}"}}'


NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
OBJECTS = st.recursive(
    st.dictionaries(NAMES, st.none() | TEXTS | WHOLE),
    lambda inner: st.dictionaries(NAMES, st.none() | TEXTS | WHOLE | inner, max_size=5),
    max_leaves=8,
)


@given(entry=OBJECTS)
def test_entries_are_written_as_the_rfc_says(entry: dict[str, Any]) -> None:
    assert canonical(entry) == rfc8785.dumps(entry)


# The format.


def test_the_format_never_changes() -> None:
    expected = (
        '{"community":"190668865536200001","hidden":{'
        f'"checker":"{HASHES["checker"]}","credit_account":"{HASHES["credit_account"]}",'
        f'"debit_account":"{HASHES["debit_account"]}","maker":"{HASHES["maker"]}",'
        f'"memo":"{HASHES["memo"]}","source":"{HASHES["source"]}"'
        '},"kind":"award","leg":0,"occurred_at":"2026-11-18T07:00:00.000000Z","points":50,'
        '"posted_at":"2026-11-18T07:00:01.000020Z","posting":"190668865536200304",'
        '"reverses":null,"rule_version":"190668865536200011","source_kind":"manual",'
        '"transfer":"190668865536200305","version":1}'
    )
    written = canonical(entry_of(transfer()))

    assert written.decode() == expected
    assert leaf_hash(written).hex() == LEAF


def test_a_hidden_value_is_hashed_behind_a_salt_of_its_own() -> None:
    salt = sha256(bytes(range(16)) + b"memo").digest()
    expected = sha256(salt + "义务劳动“楼道”\n\t\\ 😀".encode()).hexdigest()

    assert HASHES["memo"] == expected
    assert field_salt(COLUMNS["salt"], "memo") == salt.hex()
    assert len({field_salt(COLUMNS["salt"], name) for name in HIDDEN}) == len(HIDDEN)
    assert hidden_hash(salt.hex(), hidden_values(transfer())["memo"]) == expected


def test_entries_have_the_names_that_readers_are_told() -> None:
    entry = entry_of(transfer())
    assert entry.keys() == {*PLAIN, "hidden", "version"}
    assert tuple(sorted(entry["hidden"])) == HIDDEN


@pytest.mark.parametrize("column", OTHERS)
def test_each_plain_column_changes_the_entry_and_nothing_hidden(column: str) -> None:
    before, after = entry_of(transfer()), entry_of(transfer(**{column: OTHERS[column]}))

    assert after["hidden"] == before["hidden"]
    assert sum(before[name] != after[name] for name in before) == 1
    assert leaf_hash(canonical(before)) != leaf_hash(canonical(after))


@pytest.mark.parametrize("name", HIDDEN)
def test_each_hidden_column_changes_its_hash_alone(name: str) -> None:
    column, value = OTHERS_HIDDEN[name]
    before, after = entry_of(transfer()), entry_of(transfer(**{column: value}))

    changed = {each for each in HIDDEN if before["hidden"][each] != after["hidden"][each]}
    assert changed == {name}
    assert before | {"hidden": None} == after | {"hidden": None}


def test_another_salt_changes_every_hash() -> None:
    before, after = entry_of(transfer()), entry_of(transfer(salt=bytes(16)))
    assert not set(before["hidden"].values()) & set(after["hidden"].values())


def test_no_column_of_the_book_is_left_out() -> None:
    told = {*OTHERS, *(column for column, _ in OTHERS_HIDDEN.values()), "salt"}
    assert told == COLUMNS.keys() == set(Transfer.__table__.columns.keys())


@given(open_fields=st.sets(st.sampled_from(HIDDEN)))
def test_a_transfer_without_its_salt_gives_the_same_entry(open_fields: set[str]) -> None:
    entry = entry_of(transfer())
    kept = {
        name: {"salt": field_salt(COLUMNS["salt"], name)}
        if name in open_fields
        else {"hash": entry["hidden"][name]}
        for name in HIDDEN
    }
    assert entry_of(transfer(salt=None), kept=kept) == entry


def test_what_is_still_open_follows_the_value() -> None:
    kept = {name: {"hash": "00" * 32} for name in HIDDEN}
    kept["memo"] = {"salt": field_salt(COLUMNS["salt"], "memo")}
    before = entry_of(transfer(salt=None), kept=kept)
    after = entry_of(transfer(salt=None, memo="别的", maker_id=5), kept=kept)

    assert before["hidden"]["memo"] == HASHES["memo"]
    assert {name for name in HIDDEN if before["hidden"][name] != after["hidden"][name]} == {"memo"}


@pytest.mark.parametrize("name", HIDDEN)
def test_of_every_hidden_field_something_has_to_be_kept(name: str) -> None:
    kept = {each: {"hash": "00" * 32} for each in HIDDEN if each != name}
    with pytest.raises(KeyError, match=name):
        entry_of(transfer(salt=None), kept=kept)


@given(at=st.datetimes(timezones=st.just(SHANGHAI), min_value=datetime(1971, 1, 1)))  # noqa: DTZ001
def test_times_are_written_in_utc_with_microseconds(at: datetime) -> None:
    written = moment(at)
    assert len(written) == len("2026-11-18T07:00:00.000000Z")
    assert datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%f%z") == at
