"""Points moved whole or not at all: spent, given, donated, saved and withdrawn."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.ledger import queries, service
from app.ledger.errors import InsufficientPoints
from app.ledger.lapses import NEVER as FOR_EVER
from app.ledger.models import TransferKind
from app.ledger.moves.service import Move, move_points
from tests.ledger.conftest import ONE_MONTH, Crowd
from tests.ledger.dealings import (
    deduct,
    give,
    move,
    move_one,
    open_fund,
    open_savings,
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
INFINITY = FOR_EVER.replace(tzinfo=None)  # as it is read


async def test_fifty_spend_at_once_what_lapses_first(crowd: Crowd) -> None:
    wanted = [(wallet, crowd.shop_id, 25) for wallet in crowd.wallets]

    moved = await move(crowd, TransferKind.SPEND, wanted)

    assert None not in moved
    for wallet in crowd.wallets:
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(0, 0), (25, 0)]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_who_has_too_little_gives_nothing_and_spares_the_others(crowd: Crowd) -> None:
    wanted = [
        (wallet, crowd.shop_id, 50 + number % 2) for number, wallet in enumerate(crowd.wallets)
    ]

    moved = await move(crowd, TransferKind.SPEND, wanted)

    assert [transfer is not None for transfer in moved] == [True, False] * 25
    for wallet, transfer in zip(crowd.wallets, moved, strict=True):
        left = (await figures(crowd.session, crowd.community_id, wallet))["posted"]
        assert left == (50 if transfer is None else 0)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_fifty_give_to_their_neighbours_in_a_ring_at_once(crowd: Crowd) -> None:
    ring = zip(crowd.wallets, [*crowd.wallets[1:], crowd.wallets[0]], strict=True)

    moved = await move(crowd, TransferKind.GIFT, [(one, other, 25) for one, other in ring])

    assert None not in moved
    for wallet in crowd.wallets:
        lots = await read_lots(crowd.session, crowd.community_id, wallet)
        there = [(lot.remaining, lot.expires_at, lot.origin_lot_id is None) for lot in lots]
        assert sorted(there) == [
            (0, DECEMBER, True), (5, FEBRUARY, False), (20, DECEMBER, False), (25, FEBRUARY, True),
        ]  # fmt: skip
        balance = await get_balance_row(crowd.session, crowd.community_id, wallet)
        assert (balance.posted, balance.last_spent_at) == (50, crowd.now)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_fifty_save_and_withdraw_at_once(crowd: Crowd) -> None:
    savings = {wallet: await open_savings(crowd, wallet) for wallet in crowd.wallets}

    saved = await move(
        crowd, TransferKind.SAVING, [(*pair, 40) for pair in savings.items()], lapses_at=FOR_EVER
    )
    withdrawn = await move(
        crowd, TransferKind.WITHDRAWAL, [(bank, one, 15) for one, bank in savings.items()],
        lapses_at=DECEMBER,
    )  # fmt: skip

    assert None not in (*saved, *withdrawn)
    for wallet, bank in savings.items():
        assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 25
        assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 25
        balance = await get_balance_row(crowd.session, crowd.community_id, wallet)
        assert balance.last_spent_at is None
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_what_is_owed_is_left_aside(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    await crowd.place_holds([(1, wallet, 50)])
    assert (await deduct(crowd, wallet, 15))[1] == 15
    await crowd.release([1])

    too_much, enough = await move(
        crowd, TransferKind.SPEND, [(wallet, crowd.shop_id, 36)]
    ) + await move(crowd, TransferKind.SPEND, [(wallet, crowd.shop_id, 35)])

    assert too_much is None
    assert enough is not None
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 0, "lots_total": 15, "debt": 15, "held": 0,
    }  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_two_moves_of_one_wallet_in_one_call_share_its_lots_without_overlap(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]

    first, second, third = await move(
        crowd, TransferKind.SPEND, [(wallet, crowd.shop_id, points) for points in (15, 30, 6)]
    )

    assert third is None
    assert first is not None
    assert second is not None
    soon, late = await list_lots(crowd.session, crowd.community_id, wallet)
    assert await list_moves(crowd.session, crowd.community_id, first) == {soon: 15}
    assert await list_moves(crowd.session, crowd.community_id, second) == {soon: 5, late: 25}
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 5
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_two_who_give_to_each_other_at_once_do_not_give_what_they_get(crowd: Crowd) -> None:
    one, other, rich = crowd.wallets[:3]
    await give(crowd, rich, 100, NEVER)

    moved = await move(
        crowd, TransferKind.GIFT, [(one, other, 50), (other, one, 20), (other, rich, 31),
                                   (rich, other, 150)],
    )  # fmt: skip

    assert [transfer is not None for transfer in moved] == [True, True, False, True]
    posted = [
        (await figures(crowd.session, crowd.community_id, wallet))["posted"]
        for wallet in (one, other, rich)
    ]
    assert posted == [20, 230, 0]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_neither_held_nor_lapsed_points_are_moved(crowd: Crowd) -> None:
    holder, late = crowd.wallets[:2]
    await crowd.place_holds([(1, holder, 45)])
    past = replace(crowd, now=DECEMBER)

    refused = [
        *await move(crowd, TransferKind.SPEND, [(holder, crowd.shop_id, 6)]),
        *await move(past, TransferKind.GIFT, [(late, holder, 31)]),
    ]
    done = [
        *await move(crowd, TransferKind.SPEND, [(holder, crowd.shop_id, 5)]),
        *await move(past, TransferKind.GIFT, [(late, holder, 30)]),
    ]

    assert refused == [None, None]
    assert None not in done
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_gift_given_on_names_the_award_it_came_from(crowd: Crowd) -> None:
    first, second, third = crowd.wallets[:3]
    (soon, _) = await list_lots(crowd.session, crowd.community_id, first)
    await spend(crowd, second, 50)
    await spend(crowd, third, 50)

    await move_one(crowd, TransferKind.GIFT, (first, second, 10))
    await move_one(crowd, TransferKind.GIFT, (second, third, 4))

    for wallet, remaining in ((second, 6), (third, 4)):
        (lot,) = [
            lot for lot in await read_lots(crowd.session, crowd.community_id, wallet)
            if lot.remaining > 0
        ]  # fmt: skip
        assert lot.lot_id < 0
        assert (lot.remaining, lot.origin_lot_id, lot.expires_at) == (remaining, soon, DECEMBER)
        assert lot.earned_at == crowd.now
    await assert_ledger_balances(crowd.session, crowd.community_id)


@pytest.mark.parametrize("days", [0, 60])
async def test_withdrawn_points_get_their_own_date_back_or_a_little_time(
    crowd: Crowd, days: int
) -> None:
    wallet, at_least = crowd.wallets[0], DECEMBER + timedelta(days=days)
    await give(crowd, wallet, 10, NEVER)
    await give(crowd, wallet, 9, NEVER, follows_policy=True)
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 69), lapses_at=FOR_EVER)
    kept = await read_lots(crowd.session, crowd.community_id, bank)
    assert [lot.expires_at for lot in kept] == [INFINITY] * 4

    await move_one(
        crowd, TransferKind.WITHDRAWAL, (bank, wallet, 69),
        lapses_at=at_least, policy_lapses_at=FEBRUARY + timedelta(days=1),
    )  # fmt: skip

    lots = [
        lot.expires_at.replace(tzinfo=UTC)
        for lot in await read_lots(crowd.session, crowd.community_id, wallet)
        if lot.remaining > 0
    ]
    assert lots == [at_least, FEBRUARY, FEBRUARY + timedelta(days=1), FOR_EVER]
    balance = await get_balance_row(crowd.session, crowd.community_id, wallet)
    assert balance.next_expiry_at <= at_least
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_points_saved_without_exemption_keep_their_date(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    bank = await open_savings(crowd, wallet)

    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 50))

    there = await read_lots(crowd.session, crowd.community_id, bank)
    assert [(lot.remaining, lot.expires_at) for lot in there] == [(20, DECEMBER), (30, FEBRUARY)]
    row = await get_balance_row(crowd.session, crowd.community_id, bank)
    assert row.next_expiry_at == DECEMBER
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_fund_keeps_one_lot_of_each_donation_for_ever(crowd: Crowd) -> None:
    fund = await open_fund(crowd)

    moved = await move(crowd, TransferKind.DONATION, [(one, fund, 25) for one in crowd.wallets])

    lots = await read_lots(crowd.session, crowd.community_id, fund)
    assert {lot.lot_id for lot in lots} == set(moved)
    assert {(lot.granted, lot.expires_at) for lot in lots} == {(25, INFINITY)}
    row = await get_balance_row(crowd.session, crowd.community_id, fund)
    assert (row.posted, row.lots_total) == (50 * 25, 50 * 25)
    payer = await get_balance_row(crowd.session, crowd.community_id, crowd.wallets[0])
    assert payer.last_spent_at == crowd.now
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_too_few_points_are_named_and_nothing_is_written(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    wanted = Move(7, TransferKind.SPEND, wallet, crowd.shop_id, 51, "买菜", 1, "test", 7)
    await queries.lock_balances(crowd.session, crowd.community_id, [wallet])

    with pytest.raises(InsufficientPoints) as refusal:
        await move_points(crowd.session, crowd.community_id, wanted, now=crowd.now)

    assert refusal.value.extensions == {"available_points": 50, "needed_points": 51}
    assert await count(crowd.session, "transfers", kind="spend") == 0
    await move_points(crowd.session, crowd.community_id, replace(wanted, points=50), now=crowd.now)
    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=crowd.now)
    assert balance.available_points == 0


async def test_a_use_is_not_forgotten_when_an_earlier_one_comes_in_later(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    before = replace(crowd, now=crowd.now - timedelta(seconds=2))
    await crowd.place_holds([(1, wallet, 5)])

    await spend(crowd, wallet, 5)
    await spend(before, wallet, 5)
    await before.capture([1])

    row = await get_balance_row(crowd.session, crowd.community_id, wallet)
    assert row.last_spent_at == crowd.now


async def test_the_balance_tells_of_dates_that_come_with_what_is_given(crowd: Crowd) -> None:
    giver, receiver = crowd.wallets[:2]
    await spend(crowd, receiver, 50)
    await crowd.session.flush()
    soonest = await give(crowd, giver, 1, ONE_MONTH)

    await move_one(crowd, TransferKind.GIFT, (giver, receiver, 21))

    lots = await read_lots(crowd.session, crowd.community_id, receiver)
    assert soonest in {lot.origin_lot_id for lot in lots}
    row = await get_balance_row(crowd.session, crowd.community_id, receiver)
    assert row.next_expiry_at == DECEMBER
