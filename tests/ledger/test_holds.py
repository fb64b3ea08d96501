"""Holds of many accounts in one statement: placing, capturing, undoing, releasing."""

from datetime import UTC, datetime, timedelta

import pytest

from app.ledger import service
from app.ledger.errors import AccountUnknown, HoldNotOpen, InsufficientPoints
from app.ledger.holds import service as hold_service
from app.ledger.holds.service import HoldRef, HoldRequest
from app.ledger.models import HoldState
from tests.ledger.conftest import Crowd
from tests.support.awards import NEVER, give_lots
from tests.support.book_rows import (
    count,
    figures,
    get_balance_row,
    list_lots,
    list_moves,
    list_pins,
)
from tests.support.books import assert_books_balance

HOLD = 900_000


def request_of(wallet: int, points: int, *, hold_id: int = HOLD) -> HoldRequest:
    return HoldRequest(
        hold_id=hold_id,
        account_id=wallet,
        points=points,
        purpose="booking",
        memo="活动室",
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


async def test_fifty_accounts_are_held_at_once_in_the_lots_that_lapse_first(crowd: Crowd) -> None:
    holds = await crowd.place(25)

    for hold, wallet in holds.items():
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(20, 20), (30, 5)]
        pins = await list_pins(crowd.session, crowd.community_id, hold)
        assert pins == dict(zip(lots, (20, 5), strict=True))
        assert await figures(crowd.session, crowd.community_id, wallet) == {
            "posted": 50, "lots_total": 50, "debt": 0, "held": 25,
        }  # fmt: skip
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_fifty_captures_at_once_move_the_lots_that_were_held(crowd: Crowd) -> None:
    holds = await crowd.place(25)

    captured = await crowd.capture(holds)

    assert set(captured) == set(holds)
    for hold, transfer in captured.items():
        moves = await list_moves(crowd.session, crowd.community_id, transfer)
        assert moves == await list_pins(crowd.session, crowd.community_id, hold)
        assert sum(moves.values()) == 25
    balance = await get_balance_row(crowd.session, crowd.community_id, crowd.wallets[0])
    assert (balance.posted, balance.lots_total, balance.held) == (25, 25, 0)
    assert balance.last_spent_at == crowd.now
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_fifty_captures_undone_at_once_are_held_again_in_the_same_lots(
    crowd: Crowd,
) -> None:
    holds = await crowd.place(25)
    before = [await list_lots(crowd.session, crowd.community_id, one) for one in crowd.wallets]
    captured = await crowd.capture(holds)

    undone = await crowd.undo(holds)

    assert set(undone) == set(holds)
    assert not set(undone.values()) & set(captured.values())
    after = [await list_lots(crowd.session, crowd.community_id, one) for one in crowd.wallets]
    assert after == before
    assert await figures(crowd.session, crowd.community_id, crowd.wallets[-1]) == {
        "posted": 50, "lots_total": 50, "debt": 0, "held": 25,
    }  # fmt: skip
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_fifty_releases_at_once_leave_every_lot_as_it_was(crowd: Crowd) -> None:
    before = [await list_lots(crowd.session, crowd.community_id, one) for one in crowd.wallets]
    holds = await crowd.place(25)

    assert await crowd.release(holds) == set(holds)

    after = [await list_lots(crowd.session, crowd.community_id, one) for one in crowd.wallets]
    assert after == before
    assert await count(crowd.session, "transfers", kind="spend") == 0
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_lots_that_lapse_together_are_taken_in_the_order_of_their_numbers(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    never = [(wallet, 4, NEVER), (wallet, 6, NEVER), (wallet, 8, NEVER)]
    first, second, third = await give_lots(crowd.session, crowd.here, never, now=crowd.now)

    await hold_service.place_hold(
        crowd.session, crowd.community_id, request_of(wallet, 57), now=crowd.now
    )

    pins = await list_pins(crowd.session, crowd.community_id, HOLD)
    assert [pins.get(lot) for lot in (first, second, third)] == [4, 3, None]
    assert sum(pins.values()) == 57


async def test_holds_of_one_account_in_one_call_share_its_lots_without_overlap(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]

    placed = await crowd.place_holds((number, wallet, 15) for number in (1, 2, 3))

    assert placed == {1, 2, 3}
    one, three = (await list_lots(crowd.session, crowd.community_id, wallet)).items()
    assert [await list_pins(crowd.session, crowd.community_id, hold) for hold in (1, 2, 3)] == [
        {one[0]: 15}, {one[0]: 5, three[0]: 10}, {three[0]: 15},
    ]  # fmt: skip
    assert (one[1], three[1]) == ((20, 20), (30, 25))
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_a_hold_that_is_not_covered_pins_nothing_and_spares_its_neighbours(
    crowd: Crowd,
) -> None:
    poor, rich = crowd.wallets[:2]

    assert await crowd.place_holds([(1, poor, 51), (2, rich, 50)]) == {2}

    assert await count(crowd.session, "holds", community_id=crowd.community_id) == 1
    assert (await figures(crowd.session, crowd.community_id, poor))["held"] == 0
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_too_few_points_are_named_with_what_there_is_and_what_it_takes(
    crowd: Crowd,
) -> None:
    wallet = crowd.wallets[0]
    await hold_service.place_hold(
        crowd.session, crowd.community_id, request_of(wallet, 41), now=crowd.now
    )

    with pytest.raises(InsufficientPoints) as refusal:
        await hold_service.place_hold(
            crowd.session, crowd.community_id, request_of(wallet, 10, hold_id=2), now=crowd.now
        )

    assert refusal.value.extensions == {"available_points": 9, "needed_points": 10}


async def test_a_lot_is_spendable_until_its_midnight_and_not_after(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    midnight = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)  # 19 December in Shanghai
    moment_before = midnight - timedelta(microseconds=1)

    available = [
        (await service.get_balance(crowd.session, crowd.community_id, wallet, now=now))
        for now in (moment_before, midnight)
    ]

    assert [balance.available_points for balance in available] == [50, 30]
    with pytest.raises(InsufficientPoints):
        await hold_service.place_hold(
            crowd.session, crowd.community_id, request_of(wallet, 31), now=midnight
        )
    await hold_service.place_hold(
        crowd.session, crowd.community_id, request_of(wallet, 50), now=moment_before
    )
    assert sum((await list_pins(crowd.session, crowd.community_id, HOLD)).values()) == 50


async def test_a_lot_that_lapsed_while_held_can_be_captured_but_not_spent_after_release(
    crowd: Crowd,
) -> None:
    captured, released = crowd.wallets[:2]
    await crowd.place_holds([(1, captured, 50), (2, released, 50)])
    later = crowd.now + timedelta(days=40)

    await hold_service.capture_hold(
        crowd.session, crowd.community_id, HoldRef(1, captured),
        credit_account_id=crowd.shop_id, maker_id=1, now=later,
    )  # fmt: skip
    await hold_service.release_holds(
        crowd.session, crowd.community_id, [HoldRef(2, released)],
        state=HoldState.RELEASED, now=later,
    )  # fmt: skip

    balances = [
        await service.get_balance(crowd.session, crowd.community_id, one, now=later)
        for one in (captured, released)
    ]
    assert [(row.posted_points, row.available_points) for row in balances] == [(0, 0), (50, 30)]
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_a_capture_is_undone_once(crowd: Crowd) -> None:
    holds = await crowd.place(25)
    await crowd.capture(holds)
    await crowd.undo(holds)

    hold, wallet = next(iter(holds.items()))
    with pytest.raises(HoldNotOpen):
        await hold_service.undo_capture(
            crowd.session, crowd.community_id, HoldRef(hold, wallet), maker_id=1, now=crowd.now
        )

    assert await crowd.undo(holds) == {}
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_a_capture_after_an_undo_posts_a_second_transfer_with_the_next_leg(
    crowd: Crowd,
) -> None:
    holds = await crowd.place(25)
    first = await crowd.capture(holds)
    await crowd.undo(holds)

    second = await crowd.capture(holds)

    assert not set(first.values()) & set(second.values())
    for hold in holds:
        legs = [
            await count(crowd.session, "transfers", source_kind="hold", source_id=hold, leg=leg)
            for leg in (1, 2, 3)
        ]
        assert legs == [1, 1, 0]
    assert (await figures(crowd.session, crowd.community_id, crowd.wallets[0]))["posted"] == 25
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_a_capture_can_be_undone_and_repeated_again_and_again(crowd: Crowd) -> None:
    holds = await crowd.place(25)

    for _ in range(3):
        await crowd.capture(holds)
        await crowd.undo(holds)
    await crowd.release(holds)

    assert await figures(crowd.session, crowd.community_id, crowd.wallets[0]) == {
        "posted": 50, "lots_total": 50, "debt": 0, "held": 0,
    }  # fmt: skip
    await assert_books_balance(crowd.session, crowd.community_id)


async def test_only_open_holds_are_captured_and_released(crowd: Crowd) -> None:
    holds = list(await crowd.place(25))
    await crowd.capture(holds[:10])
    await crowd.release(holds[10:20])

    assert set(await crowd.capture(holds[:30])) == set(holds[20:30])
    assert await crowd.release(holds) == set(holds[30:])
    assert await crowd.release([123]) == set()
    await assert_books_balance(crowd.session, crowd.community_id)


@pytest.mark.parametrize("state", [HoldState.RELEASED, HoldState.EXPIRED])
async def test_a_hold_that_ended_is_neither_captured_nor_undone(
    crowd: Crowd, state: HoldState
) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 10)])
    hold = HoldRef(HOLD, wallet)
    at_its_end = datetime(2027, 1, 1, tzinfo=UTC)
    ended = await hold_service.release_holds(
        crowd.session, crowd.community_id, [hold], state=state, now=at_its_end
    )
    assert ended == {HOLD}

    with pytest.raises(HoldNotOpen):
        await hold_service.capture_hold(
            crowd.session, crowd.community_id, hold,
            credit_account_id=crowd.shop_id, maker_id=1, now=crowd.now,
        )  # fmt: skip
    with pytest.raises(HoldNotOpen):
        await hold_service.undo_capture(
            crowd.session, crowd.community_id, hold, maker_id=1, now=crowd.now
        )


async def test_an_account_without_a_balance_holds_nothing(crowd: Crowd) -> None:
    with pytest.raises(AccountUnknown):
        await hold_service.place_hold(
            crowd.session, crowd.community_id, request_of(crowd.shop_id, 1), now=crowd.now
        )
    with pytest.raises(AccountUnknown):
        await service.get_balance(crowd.session, crowd.community_id, 12345, now=crowd.now)
