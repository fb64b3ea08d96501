"""What stood in the account after every line, whatever moved and whatever is left out."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passbook import Passbook, entries, read_statement

ALL_KINDS = {
    "award", "spend", "reversal", "saving", "deduction", "withdrawal", "expiry",
}  # fmt: skip


async def test_every_line_tells_what_was_there_after_it(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")

    lines = await read_statement(resident, 100)

    assert entries(lines) == lived.wallet
    assert {line["kind"] for line in lines} == ALL_KINDS
    assert [line["balance_points"] for line in lines[:3]] == [36, -4, 96]


async def test_the_newest_line_ends_at_the_balance(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")

    [newest] = (await resident.get("/v1/me/statement", size=1)).json()["items"]

    balance = (await resident.get("/v1/me/balance")).json()
    assert newest["balance_points"] == balance["posted_points"] == 36


async def test_savings_have_a_statement_of_their_own(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")

    lines = await read_statement(resident, 1, account="savings")

    assert entries(lines) == lived.savings == [("withdrawal", -60, 0), ("saving", 60, 60)]
    assert {line["counterparty"] for line in lines} == {"wallet"}


async def test_who_never_saved_has_an_empty_statement(empty: Passbook) -> None:
    resident = await empty.here.caller("resident-1")

    for account in ("wallet", "savings"):
        answer = await resident.get("/v1/me/statement", account=account)
        assert answer.json() == {"items": [], "next_cursor": None}


async def test_a_line_tells_what_kind_of_account_was_on_the_other_side(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")

    lines = await read_statement(resident, 100)

    assert {(line["kind"], line["counterparty"]) for line in lines} == {
        ("award", "issuer"), ("spend", "merchant"), ("saving", "savings"),
        ("deduction", "penalty"), ("withdrawal", "savings"), ("expiry", "expired"),
        ("reversal", "issuer"), ("reversal", "merchant"), ("reversal", "penalty"),
    }  # fmt: skip


async def test_a_reversal_names_what_it_reverses(lived: Passbook) -> None:
    resident = await lived.here.caller("resident-1")
    lines = await read_statement(resident, 100)
    by_number = {line["transfer_id"]: line for line in lines}

    reversed_kinds = [
        by_number[line["reverses_transfer_id"]]["kind"]
        for line in lines
        if line["kind"] == "reversal"
    ]

    assert reversed_kinds == ["award", "deduction", "spend"]
    others = [line for line in lines if line["kind"] != "reversal"]
    assert {line["reverses_transfer_id"] for line in others} == {None}


@pytest.mark.parametrize(
    ("chosen", "is_chosen"),
    [
        ({"kind": "award"}, lambda kind, _: kind == "award"),
        ({"kind": ["award", "reversal"]}, lambda kind, _: kind in {"award", "reversal"}),
        ({"kind": "gift"}, lambda _kind, _points: False),
        ({"direction": "in"}, lambda _, points: points > 0),
        ({"direction": "out"}, lambda _, points: points < 0),
        (
            {"kind": "reversal", "direction": "out"},
            lambda kind, points: kind == "reversal" and points < 0,
        ),
    ],
)
async def test_a_choice_of_lines_leaves_their_balances_alone(
    lived: Passbook, chosen: dict[str, Any], is_chosen: Any
) -> None:
    resident = await lived.here.caller("resident-1")
    expected = [entry for entry in lived.wallet if is_chosen(*entry[:2])]

    for size in (1, 2, 5, 100):
        assert entries(await read_statement(resident, size, **chosen)) == expected


async def test_a_line_posted_between_two_pages_moves_no_other_and_no_balance(
    lived: Passbook, clock: Clock
) -> None:
    resident = await lived.here.caller("resident-1")
    whole = await read_statement(resident, 100)
    first = (await resident.get("/v1/me/statement", size=4)).json()

    clock.advance(seconds=1)
    await lived.award(1000)

    second = await resident.get("/v1/me/statement", size=100, cursor=first["next_cursor"])
    assert first["items"] + second.json()["items"] == whole


async def test_neighbours_and_other_communities_see_none_of_it(
    lived: Passbook, elsewhere: Neighbourhood
) -> None:
    for other in (await lived.here.caller("resident-2"), await elsewhere.caller("resident-1")):
        for account in ("wallet", "savings"):
            answer = await other.get("/v1/me/statement", account=account)
            assert answer.json() == {"items": [], "next_cursor": None}


async def test_a_neighbours_lines_do_not_count_in_mine(lived: Passbook) -> None:
    await Passbook(lived.sessionmaker, lived.here, lived.clock, name="resident-2").award(500)
    resident = await lived.here.caller("resident-1")

    assert entries(await read_statement(resident, 100)) == lived.wallet


@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    st.lists(st.sampled_from(["award", "spend", "fine", "save", "withdraw"]), max_size=12),
    st.integers(1, 5),
)
async def test_balances_chain_whatever_happens(
    empty: Passbook, steps: list[str], size: int
) -> None:
    """Examples follow one another on the same wallet, which only grows richer in lines."""
    for points, step in enumerate(steps, start=1):
        saved = empty.savings[0][2] if empty.savings else 0
        free = empty.wallet[0][2] if empty.wallet else 0
        if step == "withdraw" and saved >= points:
            await empty.withdraw(points)
        elif step == "award":
            await empty.award(points)
        elif step in ("spend", "fine", "save") and free >= points:
            await getattr(empty, step)(points)

    resident = await empty.here.caller("resident-1")
    assert entries(await read_statement(resident, size)) == empty.wallet
    assert entries(await read_statement(resident, size, account="savings")) == empty.savings


async def test_no_transfers_number_is_older_than_its_posting(lived: Passbook) -> None:
    """On this rests that the first day of a period bounds the numbers of its lines."""
    statement = """
        SELECT count(*) AS lines, count(*) FILTER (WHERE
            TIMESTAMPTZ '2024-01-01 00:00+00' + (transfer_id >> 21) * INTERVAL '1 millisecond'
                >= date_trunc('milliseconds', posted_at)) AS in_order
        FROM transfers WHERE community_id = :community
    """
    async with lived.sessionmaker() as session:
        counted = (await session.execute(text(statement), {"community": lived.community})).one()

    assert counted.lines == counted.in_order == len(lived.wallet)
