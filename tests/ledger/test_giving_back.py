"""Points given back: to where they were, last first, and never more than there were."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.core.ids import new_id
from app.core.problems import Problem
from app.ledger import queries, service
from app.ledger.errors import MoreThanOriginal, NotReversible, TransferUnknown
from app.ledger.lapsing import service as lapsing
from app.ledger.models import TransferKind
from app.ledger.point_policy import queries as policy_queries
from app.ledger.reversals import queries as reversal_queries
from app.ledger.salts import new_salt
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import (
    deduct,
    give,
    give_back,
    move_one,
    open_savings,
    reverse_award,
    spend,
)
from tests.support.awards import NEVER
from tests.support.book_rows import (
    count,
    figures,
    get_balance_row,
    list_lots,
    list_moves,
    read_lots,
    set_floor,
)
from tests.support.books import assert_ledger_balances

DECEMBER = datetime(2026, 12, 18, 16, tzinfo=UTC)  # midnight in Shanghai
FEBRUARY = datetime(2027, 2, 18, 16, tzinfo=UTC)
GRACE = timedelta(days=31)  # to the midnight that ends the thirtieth day


def later(crowd: Crowd, **by: float) -> Crowd:
    return replace(crowd, now=crowd.now + timedelta(**by))


async def remaining(crowd: Crowd, wallet: int) -> list[int]:
    """Return what is left in each lot, in spending order."""
    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    return [left for left, _ in lots.values()]


async def owe(crowd: Crowd, wallet: int) -> int:
    """Deduct 65 of somebody who has 50 and may owe 20; return the deduction."""
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    deduction, collected = await deduct(crowd, wallet, 65)
    assert collected == 65
    return deduction


async def test_fifty_get_points_back_at_once_in_the_lots_that_lapse_last(crowd: Crowd) -> None:
    spends = {wallet: await spend(crowd, wallet, 40) for wallet in crowd.wallets}
    rows: list[dict[str, Any]] = [
        {"item_id": (item_id := new_id(crowd.now)), "account_id": wallet, "transfer_id": transfer,
         "points": 25, "source_kind": "test", "source_id": item_id, "memo": "退回", "maker_id": 1,
         "checker_id": 2, "occurred_at": crowd.now.isoformat(), "salt": new_salt(),
         "usable_until": None, "fresh_lapses_at": "infinity", "fresh_follows_policy": True}
        for wallet, transfer in spends.items()
    ]  # fmt: skip
    await queries.lock_balances(crowd.session, crowd.community_id, crowd.wallets)

    done = await reversal_queries.put_back(crowd.session, crowd.community_id, rows, now=crowd.now)

    assert done == {row["item_id"] for row in rows}
    for wallet in crowd.wallets:
        assert await remaining(crowd, wallet) == [5, 30]
    await assert_ledger_balances(crowd.session, crowd.community_id)


@pytest.mark.parametrize("parts", [(40,), (1, 39), (20, 20), (25, 5, 10), (19, 1, 1, 19)])
async def test_parts_given_back_are_together_what_would_come_back_at_once(
    crowd: Crowd, parts: Sequence[int]
) -> None:
    wallet = crowd.wallets[0]
    await give(crowd, wallet, 10, NEVER)
    await spend(crowd, wallet, 5)
    transfer = await spend(crowd, wallet, 50)
    assert await remaining(crowd, wallet) == [0, 0, 5]

    for points in parts:
        await give_back(crowd, transfer, wallet, points)
        await assert_ledger_balances(crowd.session, crowd.community_id)

    assert await remaining(crowd, wallet) == [5, 30, 10]


async def test_never_more_comes_back_than_was_taken(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 40)
    await give_back(crowd, transfer, wallet, 30)

    with pytest.raises(MoreThanOriginal) as refusal:
        await give_back(crowd, transfer, wallet, 11)

    assert refusal.value.extensions == {"left_points": 10, "asked_points": 11}
    await give_back(crowd, transfer, wallet, 10)
    with pytest.raises(MoreThanOriginal):
        await give_back(crowd, transfer, wallet, 1)
    assert await remaining(crowd, wallet) == [20, 30]


@pytest.mark.parametrize(
    ("points", "debt", "lots"),
    [(1, 14, [0, 0]), (15, 0, [0, 0]), (20, 0, [0, 5]), (65, 0, [20, 30])],
)
async def test_what_became_debt_comes_back_first(
    crowd: Crowd, points: int, debt: int, lots: Sequence[int]
) -> None:
    wallet = crowd.wallets[0]
    deduction = await owe(crowd, wallet)

    await give_back(crowd, deduction, wallet, points)

    row = await figures(crowd.session, crowd.community_id, wallet)
    assert (row["debt"], row["lots_total"]) == (debt, sum(lots))
    assert await remaining(crowd, wallet) == lots
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_debt_and_lots_come_back_in_parts_as_at_once(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    deduction = await owe(crowd, wallet)

    for points in (10, 10, 40, 5):
        await give_back(crowd, deduction, wallet, points)
        await assert_ledger_balances(crowd.session, crowd.community_id)

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 50, "lots_total": 50, "debt": 0, "held": 0,
    }  # fmt: skip
    assert await remaining(crowd, wallet) == [20, 30]


async def test_debt_repaid_meanwhile_comes_back_as_a_new_lot_dated_by_the_policy(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    deduction = await owe(crowd, wallet)
    await give(crowd, wallet, 9, NEVER)
    await set_expiry(crowd, '{"kind": "months", "months": 3}')
    crowd = later(crowd, days=1)

    reversal = await give_back(crowd, deduction, wallet, 20)

    lots = {lot.lot_id: lot for lot in await read_lots(crowd.session, crowd.community_id, wallet)}
    fresh = lots[reversal]
    assert (fresh.granted, fresh.origin_lot_id, fresh.follows_policy) == (9, None, True)
    assert fresh.expires_at == FEBRUARY + timedelta(days=1)
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 14, "lots_total": 14, "debt": 0, "held": 0,
    }  # fmt: skip
    await give_back(crowd, deduction, wallet, 45)
    assert sum(await remaining(crowd, wallet)) == 59
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def set_expiry(crowd: Crowd, expiry: str) -> None:
    """Publish a second version of the policy, which may change nothing else."""
    await crowd.session.execute(
        text(
            "INSERT INTO point_policies (community_id, version, expiry, lowest_points,"
            " notice_days, published_at) SELECT community_id, version + 1,"
            " CAST(:expiry AS jsonb), lowest_points, notice_days, :now FROM point_policies"
            " WHERE community_id = :id"
        ),
        {"expiry": expiry, "id": crowd.community_id, "now": crowd.now},
    )


async def test_a_new_debt_is_repaid_by_what_had_been_debt_but_not_by_lots(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    first = await owe(crowd, wallet)
    await give(crowd, wallet, 15, NEVER)
    assert (await deduct(crowd, wallet, 4))[1] == 4

    await give_back(crowd, first, wallet, 65)

    row = await figures(crowd.session, crowd.community_id, wallet)
    assert (row["debt"], row["lots_total"]) == (0, 61)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_points_whose_date_has_passed_lapse_again(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 50)
    past = replace(crowd, now=DECEMBER + timedelta(hours=1))

    await give_back(past, transfer, wallet, 50)

    assert await remaining(crowd, wallet) == [20, 30]
    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=past.now)
    assert (balance.posted_points, balance.available_points) == (50, 30)
    await lapsing.expire_points(crowd.session, crowd.community_id, now=past.now)
    assert await remaining(crowd, wallet) == [0, 30]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_points_are_usable_again_for_thirty_days_where_the_office_was_at_fault(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    (soon, _) = await list_lots(crowd.session, crowd.community_id, wallet)
    transfer = await spend(crowd, wallet, 50)
    past = replace(crowd, now=DECEMBER + timedelta(hours=1))

    reversal = await give_back(past, transfer, wallet, 45, is_usable_again=True)

    lots = await read_lots(crowd.session, crowd.community_id, wallet)
    there = [(lot.remaining, lot.expires_at, lot.origin_lot_id) for lot in lots]
    assert there == [
        (0, DECEMBER, None), (15, DECEMBER + GRACE, soon), (30, FEBRUARY, None),
    ]  # fmt: skip
    assert [lot.transfer_id for lot in lots if lot.lot_id < 0] == [reversal]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_date_that_is_near_is_put_off_and_a_later_one_is_kept(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 50)
    shortly_before = replace(crowd, now=DECEMBER - timedelta(days=3))

    for points in (32, 18):
        await give_back(shortly_before, transfer, wallet, points, is_usable_again=True)

    lots = await read_lots(crowd.session, crowd.community_id, wallet)
    put_off = DECEMBER - timedelta(days=3) + GRACE
    assert [(lot.remaining, lot.expires_at) for lot in lots] == [
        (0, DECEMBER), (2, put_off), (18, put_off), (30, FEBRUARY),
    ]  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_late_and_timely_parts_of_one_lot_add_up(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 50)
    past = replace(crowd, now=DECEMBER + timedelta(hours=1))

    await give_back(crowd, transfer, wallet, 35)
    await give_back(past, transfer, wallet, 5, is_usable_again=True)
    await give_back(past, transfer, wallet, 4)
    await give_back(past, transfer, wallet, 6, is_usable_again=True)

    lots = await read_lots(crowd.session, crowd.community_id, wallet)
    assert [(lot.remaining, lot.lot_id > 0) for lot in lots if lot.lot_id > 0] == [
        (9, True), (30, True),
    ]  # fmt: skip
    assert sorted(lot.remaining for lot in lots if lot.lot_id < 0) == [5, 6]
    with pytest.raises(MoreThanOriginal):
        await give_back(past, transfer, wallet, 1)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_lots_that_a_policy_dates_between_two_parts_get_no_more_than_they_gave(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    await spend(crowd, wallet, 50)
    await give(crowd, wallet, 10, NEVER)
    await give(crowd, wallet, 20, NEVER, follows_policy=True)
    transfer = await spend(crowd, wallet, 25)
    await give_back(crowd, transfer, wallet, 10)

    # Was the last to lapse; now it is the first.
    await policy_queries.date_lots(crowd.session, crowd.community_id, [wallet], lapses_at=FEBRUARY)
    await give_back(crowd, transfer, wallet, 12)
    await give_back(crowd, transfer, wallet, 3)

    lots = await read_lots(crowd.session, crowd.community_id, wallet)
    assert [(lot.remaining, lot.granted) for lot in lots][-2:] == [(20, 20), (10, 10)]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_lapsed_points_can_be_given_back_for_thirty_days(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    past = replace(crowd, now=DECEMBER + timedelta(hours=1))
    await lapsing.expire_points(crowd.session, crowd.community_id, now=past.now)
    lapsed = await last_transfer(crowd, "expiry", wallet)

    await give_back(past, lapsed, wallet, 20, is_usable_again=True)

    lots = await read_lots(crowd.session, crowd.community_id, wallet)
    assert [(lot.remaining, lot.expires_at) for lot in lots] == [
        (0, DECEMBER), (20, DECEMBER + GRACE), (30, FEBRUARY),
    ]  # fmt: skip
    row = await get_balance_row(crowd.session, crowd.community_id, wallet)
    assert row.next_expiry_at <= DECEMBER + GRACE
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_what_decayed_can_be_given_back(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    decay = lapsing.Decay(crowd.community_id, 50, None, crowd.now)
    await lapsing.decay_points(crowd.session, decay, after=0, now=crowd.now)
    assert await remaining(crowd, wallet) == [10, 15]

    await give_back(crowd, await last_transfer(crowd, "decay", wallet), wallet, 25)

    assert await remaining(crowd, wallet) == [20, 30]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_what_lapsed_in_savings_goes_back_into_savings(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 20))
    past = replace(crowd, now=DECEMBER)
    await lapsing.expire_points(crowd.session, crowd.community_id, now=past.now)

    await give_back(past, await last_transfer(crowd, "expiry", bank), bank, 20,
                    is_usable_again=True)  # fmt: skip

    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 20
    (_, again) = await read_lots(crowd.session, crowd.community_id, bank)
    assert (again.expires_at, again.origin_lot_id > 0) == (DECEMBER + GRACE, True)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def last_transfer(crowd: Crowd, kind: str, account: int) -> int:
    statement = (
        "SELECT max(transfer_id) FROM transfers"
        " WHERE community_id = :id AND kind = :kind AND debit_account_id = :account"
    )
    values = {"id": crowd.community_id, "kind": kind, "account": account}
    return int(await crowd.session.scalar(text(statement), values) or 0)


async def test_only_what_was_taken_from_the_account_itself_is_given_back(crowd: Crowd) -> None:
    """Reversals, awards, gifts, savings and what others gave are refused and change nothing."""
    one, other = crowd.wallets[:2]
    bank = await open_savings(crowd, one)
    award = await give(crowd, one, 8, NEVER)
    spent = await spend(crowd, other, 10)
    reversal = await give_back(crowd, spent, other, 4)
    refused: list[tuple[int, int, type[Problem]]] = [
        (reversal, crowd.shop_id, NotReversible),
        (reversal, other, NotReversible),
        (award, one, NotReversible),
        (await move_one(crowd, TransferKind.GIFT, (one, other, 3)), one, NotReversible),
        (await move_one(crowd, TransferKind.SAVING, (one, bank, 3)), one, NotReversible),
        (await move_one(crowd, TransferKind.WITHDRAWAL, (bank, one, 1)), bank, NotReversible),
        (spent, one, NotReversible),
        (12345, one, TransferUnknown),
    ]
    await reverse_award(crowd, award, one, 2, of=8)
    refused.append((await last_transfer(crowd, "reversal", one), one, NotReversible))
    before = await count(crowd.session, "transfers", community_id=crowd.community_id)

    for transfer, account, problem in refused:
        with pytest.raises(problem):
            await give_back(crowd, transfer, account, 1)

    assert await count(crowd.session, "transfers", community_id=crowd.community_id) == before
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_points_given_back_beside_a_debt_are_free_only_beyond_it(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 50)
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    assert (await deduct(crowd, wallet, 15))[1] == 15

    await give_back(crowd, transfer, wallet, 50)

    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=crowd.now)
    assert (balance.debt_points, balance.available_points) == (15, 35)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_reversal_is_linked_and_says_who_made_and_who_checked_it(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    transfer = await spend(crowd, wallet, 40)

    reversal = await give_back(crowd, transfer, wallet, 25)

    moves = await list_moves(crowd.session, crowd.community_id, reversal)
    assert sorted(moves.values()) == [-20, -5]
    statement = text(
        "SELECT kind, points, reverses_transfer_id, maker_id, checker_id, credit_account_id"
        " FROM transfers WHERE transfer_id = :id"
    )
    row = (await crowd.session.execute(statement, {"id": reversal})).one()
    assert tuple(row) == ("reversal", 25, transfer, 1, 2, wallet)
