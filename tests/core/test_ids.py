"""Numbers that callers see: ordered by time, never twice, short enough for a QR code."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.ids import EPOCH, MAX_ID, RANDOM_BITS, Id, IdSource

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
ids = TypeAdapter(Id)


def test_a_hundred_thousand_ids_of_one_millisecond_rise() -> None:
    source = IdSource()
    made = [source.next(NOW) for _ in range(100_000)]
    assert made == sorted(set(made))


def test_threads_share_a_source_without_repeating_an_id() -> None:
    source = IdSource()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: source.next(NOW), range(4_000)))
    assert len(set(made)) == len(made)


def test_a_later_id_is_larger_whatever_was_made_before() -> None:
    source = IdSource()
    early = [source.next(NOW) for _ in range(1000)]
    assert source.next(NOW + MILLISECOND) > max(early)


def test_a_clock_that_goes_back_makes_no_smaller_id() -> None:
    source = IdSource()
    before = source.next(NOW)
    assert source.next(NOW - timedelta(hours=1)) == before + 1


def test_two_processes_rarely_begin_a_millisecond_alike() -> None:
    first_ids = {IdSource().next(NOW) for _ in range(1000)}
    assert len(first_ids) > 990
    assert all(first >> RANDOM_BITS == (NOW - EPOCH) // MILLISECOND for first in first_ids)


def test_an_id_fits_a_bigint_for_a_hundred_years() -> None:
    assert IdSource().next(EPOCH + timedelta(days=365 * 100)) <= MAX_ID == 2**63 - 1


@pytest.mark.parametrize(
    ("sent", "number"),
    [("0", 0), ("181930429120512", 181930429120512), (str(MAX_ID), MAX_ID), (7, 7), ("007", 7)],
    ids=repr,
)
def test_an_id_is_read(sent: Any, number: int) -> None:
    assert ids.validate_python(sent) == number


@pytest.mark.parametrize(
    "sent",
    ["", " 1", "1 ", "+1", "-1", "1.0", "1e3", "0x1", "1_000", "１２", "²", "x", "1\n",
     str(MAX_ID + 1), "9" * 19, "0" * 20, "9" * 5000, -1, MAX_ID + 1, 1.0, True, None, [], b"1"],
    ids=lambda sent: repr(sent)[:24],
)  # fmt: skip
def test_what_is_no_id_is_refused(sent: Any) -> None:
    with pytest.raises(ValidationError):
        ids.validate_python(sent)


def test_an_id_is_written_as_a_text() -> None:
    assert ids.dump_json(MAX_ID) == b'"9223372036854775807"'
    assert ids.dump_python(7) == "7"
