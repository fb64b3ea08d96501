"""Holds captured in part, held longer, captured too late, undone and expired."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.errors import HoldNotOpen
from app.ledger.holds import queries as hold_queries
from app.ledger.holds import service as holds
from app.ledger.holds.service import HoldRef
from app.ledger.lapsing import service as lapsing
from app.ledger.models import HoldState
from app.ledger.salts import new_salt
from tests.ledger.conftest import Crowd
from tests.ledger.dealings import capture, deduct, give_back, spend
from tests.support.book_rows import count, figures, get_balance_row, list_lots, list_moves
from tests.support.books import assert_ledger_balances

HOLD = 900_000
DEADLINE = datetime(2027, 1, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 18, 16, tzinfo=UTC)  # midnight in Shanghai


async def test_fifty_captures_of_a_part_at_once_take_what_lapses_first_and_free_the_rest(
    crowd: Crowd,
) -> None:
    placed = await crowd.place(40)
    rows = [
        {"hold_id": hold, "transfer_id": new_id(crowd.now), "maker_id": 1, "points": 5 + number,
         "credit_account_id": crowd.shop_id, "salt": new_salt()}
        for number, hold in enumerate(list(placed)[:36])
    ]  # fmt: skip
    await queries.lock_balances(crowd.session, crowd.community_id, crowd.wallets)

    captured = await hold_queries.capture_holds(
        crowd.session, crowd.community_id, rows, now=crowd.now
    )

    assert set(captured) == set(list(placed)[:36])
    for number, (hold, wallet) in enumerate(list(placed.items())[:36]):
        points = 5 + number
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(20 - min(points, 20), 0), (30 - max(points - 20, 0), 0)]
        row = await figures(crowd.session, crowd.community_id, wallet)
        assert (row["posted"], row["held"]) == (50 - points, 0)
        moves = await list_moves(crowd.session, crowd.community_id, captured[hold])
        assert sum(moves.values()) == points
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_what_a_partial_capture_frees_can_be_spent_and_lapses(crowd: Crowd) -> None:
    wallet, other = crowd.wallets[:2]
    await crowd.place_holds([(1, wallet, 50), (2, other, 50)])
    await lapsing.expire_points(crowd.session, crowd.community_id, now=DECEMBER)
    past = replace(crowd, now=DECEMBER)

    await capture(past, 1, wallet, 5)
    await capture(crowd, 2, other, 5)

    row = await get_balance_row(crowd.session, crowd.community_id, wallet)
    assert (row.posted, row.held, row.next_expiry_at) == (45, 0, DECEMBER)
    await spend(crowd, other, 45)
    await lapsing.expire_points(crowd.session, crowd.community_id, now=DECEMBER)
    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert list(lots.values()) == [(0, 0), (30, 0)]
    await assert_ledger_balances(crowd.session, crowd.community_id)


@pytest.mark.parametrize("points", [0, -1, 41])
async def test_neither_more_than_was_promised_nor_nothing_is_captured(
    crowd: Crowd, points: int
) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])

    with pytest.raises(HoldNotOpen):
        await capture(crowd, HOLD, wallet, points)

    assert (await figures(crowd.session, crowd.community_id, wallet))["held"] == 40
    assert await count(crowd.session, "transfers", kind="spend") == 0


async def test_a_hold_that_was_extended_meanwhile_does_not_expire(crowd: Crowd) -> None:
    """The job lists holds past their date before it locks anything."""
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])

    expired = await holds.release_holds(
        crowd.session, crowd.community_id, [HoldRef(HOLD, wallet)],
        state=HoldState.EXPIRED, now=crowd.now,
    )  # fmt: skip

    assert expired == set()
    assert (await figures(crowd.session, crowd.community_id, wallet))["held"] == 40


async def test_a_hold_captured_in_part_has_ended(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])
    await capture(crowd, HOLD, wallet, 10)

    for points in (None, 1):
        with pytest.raises(HoldNotOpen):
            await capture(crowd, HOLD, wallet, points)
    with pytest.raises(HoldNotOpen):
        await undo(crowd, HOLD, wallet)
    assert await crowd.release([HOLD]) == set()
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 40
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def undo(crowd: Crowd, hold: int, wallet: int) -> int:
    return await holds.undo_capture(
        crowd.session, crowd.community_id, HoldRef(hold, wallet), maker_id=1, now=crowd.now
    )


async def test_a_capture_of_which_something_was_given_back_is_not_undone(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])
    captured = await capture(crowd, HOLD, wallet)
    await give_back(crowd, captured, wallet, 1)

    with pytest.raises(HoldNotOpen):
        await undo(crowd, HOLD, wallet)

    await give_back(crowd, captured, wallet, 39)
    with pytest.raises(HoldNotOpen):
        await undo(crowd, HOLD, wallet)
    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert list(lots.values()) == [(20, 0), (30, 0)]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_part_captured_is_given_back_where_it_was_taken(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])
    captured = await capture(crowd, HOLD, wallet, 25)

    for points in (10, 15):
        await give_back(crowd, captured, wallet, points)
        await assert_ledger_balances(crowd.session, crowd.community_id)

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert list(lots.values()) == [(20, 0), (30, 0)]


async def test_a_capture_undone_can_be_captured_in_part_and_given_back(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])
    await capture(crowd, HOLD, wallet)
    await undo(crowd, HOLD, wallet)

    second = await capture(crowd, HOLD, wallet, 30)
    await give_back(crowd, second, wallet, 30)

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 50, "lots_total": 50, "debt": 0, "held": 0,
    }  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def extend(crowd: Crowd, until: datetime) -> None:
    await holds.extend_hold(
        crowd.session, crowd.community_id, HoldRef(HOLD, crowd.wallets[0]), until=until,
        now=crowd.now,
    )  # fmt: skip


async def test_a_hold_lasts_longer_but_never_shorter(crowd: Crowd) -> None:
    await crowd.place_holds([(HOLD, crowd.wallets[0], 40)])
    longer = DEADLINE + timedelta(days=1)

    await extend(crowd, longer)

    for until in (DEADLINE, longer - timedelta(microseconds=1), crowd.now):
        with pytest.raises(HoldNotOpen):
            await extend(crowd, until)
    await extend(crowd, longer)  # once more is no harm
    at_its_old_end = replace(crowd, now=DEADLINE)
    await capture(at_its_old_end, HOLD, crowd.wallets[0])


async def test_a_hold_past_its_date_is_neither_extended_nor_captured(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(HOLD, wallet, 40)])
    at_the_end = replace(crowd, now=DEADLINE)

    with pytest.raises(HoldNotOpen):
        await extend(at_the_end, DEADLINE + timedelta(days=9))
    for points in (None, 5):
        with pytest.raises(HoldNotOpen):
            await capture(at_the_end, HOLD, wallet, points)

    a_moment_before = replace(crowd, now=DEADLINE - timedelta(microseconds=1))
    await capture(a_moment_before, HOLD, wallet, 5)


async def test_an_ended_hold_is_not_extended(crowd: Crowd) -> None:
    await crowd.place_holds([(HOLD, crowd.wallets[0], 40)])
    await crowd.release([HOLD])

    with pytest.raises(HoldNotOpen):
        await extend(crowd, DEADLINE + timedelta(days=1))


async def test_holds_expire_at_their_date_but_for_purposes_with_a_job_of_their_own(
    crowd: Crowd,
) -> None:
    placed = await crowd.place(40)

    early = await holds.expire_holds(
        crowd.session, crowd.community_id, not_for=(), now=DEADLINE - timedelta(microseconds=1)
    )
    spared = await holds.expire_holds(
        crowd.session, crowd.community_id, not_for=("booking",), now=DEADLINE
    )
    found = await holds.expire_holds(
        crowd.session, crowd.community_id, not_for=("redemption",), now=DEADLINE
    )
    again = await holds.expire_holds(crowd.session, crowd.community_id, not_for=(), now=DEADLINE)

    assert (early, spared, found, again) == (0, 0, len(placed), 0)
    assert await count(crowd.session, "holds", state="expired") == len(placed)
    # The first of their lots had lapsed meanwhile: it is nobody's any more.
    await lapsing.expire_points(crowd.session, crowd.community_id, now=DEADLINE)
    assert await figures(crowd.session, crowd.community_id, crowd.wallets[0]) == {
        "posted": 30, "lots_total": 30, "debt": 0, "held": 0,
    }  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_deduction_leaves_the_part_that_is_still_held(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await crowd.place_holds([(1, wallet, 20), (2, wallet, 20)])
    await capture(crowd, 1, wallet, 5)

    assert (await deduct(crowd, wallet, 60))[1] == 25

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 20, "lots_total": 20, "debt": 0, "held": 20,
    }  # fmt: skip
    await capture(crowd, 2, wallet, 20)
    await assert_ledger_balances(crowd.session, crowd.community_id)
