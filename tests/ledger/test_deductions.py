"""Deductions: free lots first, then debt down to the floor; the next award repays first."""

from dataclasses import replace
from datetime import timedelta

from app.core.ids import new_id
from app.ledger import queries, service
from app.ledger.deductions import queries as deduction_queries
from app.ledger.holds import service as holds
from app.ledger.holds.service import HoldRef
from app.ledger.lapses import NEVER as FOR_EVER
from app.ledger.models import SystemAccount, TransferKind
from app.ledger.salts import new_salt
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import deduct as deduct_one
from tests.ledger.dealings import give_back, move_one, open_savings
from tests.support.awards import NEVER, get_terms, give_lots
from tests.support.book_rows import count, figures, list_lots, list_moves, set_floor
from tests.support.books import assert_ledger_balances


async def deduct(crowd: Crowd, deductions: dict[int, int]) -> dict[int, int]:
    """Take points by wallet in one call; return wallet → points collected.

    No contribution goes with them, so the books of these tests are checked without one.
    """
    terms = await get_terms(crowd.session, crowd.here, "sorted_wrongly", at=crowd.now)
    ids = {wallet: new_id(crowd.now) for wallet in deductions}
    rows = [
        {"item_id": ids[wallet], "account_id": wallet, "points": points,
         "source_kind": "contribution", "source_id": ids[wallet], "memo": "混投",
         "rule_version_id": terms.rule_version_id, "maker_id": 1,
         "occurred_at": crowd.now.isoformat(), "salt": new_salt()}
        for wallet, points in deductions.items()
    ]  # fmt: skip
    await queries.lock_balances(crowd.session, crowd.community_id, list(deductions))
    collected = await deduction_queries.deduct(
        crowd.session, crowd.community_id, rows,
        credit_account=SystemAccount.PENALTY, now=crowd.now,
    )  # fmt: skip
    return {wallet: collected[ids[wallet]] for wallet in deductions}


async def test_fifty_deductions_at_once_take_the_lots_that_lapse_first(crowd: Crowd) -> None:
    assert await deduct(crowd, dict.fromkeys(crowd.wallets, 25)) == dict.fromkeys(crowd.wallets, 25)

    for wallet in crowd.wallets:
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(0, 0), (25, 0)]
        assert await figures(crowd.session, crowd.community_id, wallet) == {
            "posted": 25, "lots_total": 25, "debt": 0, "held": 0,
        }  # fmt: skip


async def test_each_of_many_is_deducted_what_they_have_and_may_owe(crowd: Crowd) -> None:
    rich, at_floor, below = crowd.wallets[:3]
    await set_floor(crowd.session, crowd.community_id, below, -7)
    asked = {rich: 10, at_floor: 60, below: 60}

    assert await deduct(crowd, asked) == {rich: 10, at_floor: 50, below: 57}

    assert [
        (row["posted"], row["debt"])
        for row in [await figures(crowd.session, crowd.community_id, one) for one in asked]
    ] == [(40, 0), (0, 0), (-7, 7)]


async def test_a_wallet_at_its_floor_gives_nothing_and_no_transfer_says_so(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await deduct(crowd, {wallet: 50})
    before = await count(crowd.session, "transfers", community_id=crowd.community_id)

    assert await deduct(crowd, {wallet: 5}) == {wallet: 0}

    assert await count(crowd.session, "transfers", community_id=crowd.community_id) == before


async def test_debt_grows_to_the_floor_over_several_deductions(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -10)

    collected = [await deduct(crowd, {wallet: points}) for points in (56, 3, 5, 1)]

    assert [row[wallet] for row in collected] == [56, 3, 1, 0]
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": -10, "lots_total": 0, "debt": 10, "held": 0,
    }  # fmt: skip


async def test_a_deduction_never_touches_what_is_held(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(1, wallet, 45)])

    assert await deduct(crowd, {wallet: 20}) == {wallet: 5}

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 45, "lots_total": 45, "debt": 0, "held": 45,
    }  # fmt: skip
    captured = await holds.capture_hold(
        crowd.session, crowd.community_id, HoldRef(1, wallet),
        credit_account_id=crowd.shop_id, maker_id=1, now=crowd.now,
    )  # fmt: skip
    assert sum((await list_moves(crowd.session, crowd.community_id, captured)).values()) == 45


async def test_a_deduction_leaves_lapsed_lots_to_lapse(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    later = replace(crowd, now=crowd.now + timedelta(days=40))

    assert await deduct(later, {wallet: 40}) == {wallet: 30}

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert list(lots.values()) == [(20, 0), (0, 0)]


async def test_awards_repay_debt_before_they_fill_a_lot(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    await deduct(crowd, {wallet: 65})

    lots = [(wallet, 10, NEVER), (wallet, 9, NEVER)]
    first, second = await give_lots(crowd.session, crowd.here, lots, now=crowd.now)

    there = await list_lots(crowd.session, crowd.community_id, wallet)
    assert first not in there
    assert there[second] == (4, 0)
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 4, "lots_total": 4, "debt": 0, "held": 0,
    }  # fmt: skip


async def test_what_is_given_back_to_somebody_in_debt_is_free_only_beyond_the_debt(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    await crowd.place_holds([(1, wallet, 50)])
    assert await deduct(crowd, {wallet: 15}) == {wallet: 15}

    assert await crowd.release([1]) == {1}

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 35, "lots_total": 50, "debt": 15, "held": 0,
    }  # fmt: skip
    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=crowd.now)
    assert balance.available_points == 35
    assert await crowd.place_holds([(2, wallet, 36)]) == set()
    assert await crowd.place_holds([(3, wallet, 20), (4, wallet, 16)]) == {3}
    assert await crowd.place_holds([(5, wallet, 15)]) == {5}


async def test_a_capture_taken_back_from_somebody_in_debt_is_held_again(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    await crowd.place_holds([(1, wallet, 50)])
    await crowd.capture([1])
    await deduct(crowd, {wallet: 15})

    assert set(await crowd.undo([1])) == {1}

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 35, "lots_total": 50, "debt": 15, "held": 50,
    }  # fmt: skip
    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=crowd.now)
    assert balance.available_points == 0


async def test_debt_can_stand_beside_lapsed_lots(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    later = replace(crowd, now=crowd.now + timedelta(days=40))

    assert await deduct(later, {wallet: 40}) == {wallet: 40}

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 10, "lots_total": 20, "debt": 10, "held": 0,
    }  # fmt: skip
    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=later.now)
    assert balance.available_points == 0


async def test_a_deduction_reaches_into_savings_before_it_becomes_debt(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 30), lapses_at=FOR_EVER)

    _, collected = await deduct_one(crowd, wallet, 65)

    assert collected == 65
    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 0
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": -15, "lots_total": 0, "debt": 15, "held": 0,
    }  # fmt: skip
    assert await count(crowd.session, "transfers", kind="withdrawal") == 1
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_only_what_the_wallet_lacks_is_taken_out_of_savings(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 30))

    taken = [await deduct_one(crowd, wallet, points) for points in (20, 4)]

    assert [collected for _, collected in taken] == [20, 4]
    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 26
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 0
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_points_that_lapsed_in_savings_are_not_taken_out_of_them(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 50))
    later = replace(crowd, now=crowd.now + timedelta(days=40))

    assert (await deduct_one(later, wallet, 50))[1] == 30

    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 20
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_deduction_from_savings_given_back_stays_in_the_wallet(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 50))
    deduction, _ = await deduct_one(crowd, wallet, 50)

    await give_back(crowd, deduction, wallet, 50)

    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 50
    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 0
    await assert_ledger_balances(crowd.session, crowd.community_id)
