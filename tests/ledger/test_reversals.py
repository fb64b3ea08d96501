"""Awards given back: an award's own lot first, then other free points, then debt to the floor."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.deductions import service as deductions
from app.ledger.deductions.service import AwardReversal
from app.ledger.holds import service as holds
from app.ledger.holds.service import HoldRef
from app.ledger.models import TransferKind
from tests.ledger.conftest import ONE_MONTH, THREE_MONTHS, Crowd
from tests.ledger.dealings import deduct, move_one, open_savings, reverse_award, spend
from tests.ledger.dealings import give as give_one
from tests.support.awards import NEVER, get_terms, give_lots
from tests.support.book_rows import count, figures, list_lots, list_moves, set_floor
from tests.support.books import assert_ledger_balances


async def give(crowd: Crowd, wallet: int, *points: int) -> list[int]:
    """Award so much, in one batch; return the awards."""
    lots = [(wallet, one, NEVER) for one in points]
    return await give_lots(crowd.session, crowd.here, lots, now=crowd.now)


async def reverse(
    crowd: Crowd, awards: Sequence[tuple[int, int, int]], *, of: int | None = None
) -> list[int]:
    """Take awards back, as (award, wallet, points); return what was collected of each.

    `of` is what each award gave, where that is more.
    """
    terms = await get_terms(crowd.session, crowd.here, "survey", at=crowd.now)
    reversals = [
        AwardReversal(
            withdrawal_id=new_id(crowd.now),
            reversal_id=new_id(crowd.now),
            transfer_id=award,
            account_id=wallet,
            points=points,
            original_points=points if of is None else of,
            memo="收回",
            rule_version_id=terms.rule_version_id,
            maker_id=1,
            checker_id=None,
            source_kind="reversal",
            source_id=new_id(crowd.now),
            occurred_at=crowd.now,
        )
        for award, wallet, points in awards
    ]
    wallets = [wallet for _, wallet, _ in awards]
    await queries.lock_owned(crowd.session, crowd.community_id, wallets)
    collected = await deductions.reverse_awards(
        crowd.session, crowd.community_id, reversals, now=crowd.now
    )
    return [collected[reversal.reversal_id] for reversal in reversals]


async def test_an_award_given_back_empties_its_own_lot_and_no_other(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)

    assert await reverse(crowd, [(award, wallet, 7)]) == [7]

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert lots[award] == (0, 0)
    assert sorted(lots.values()) == [(0, 0), (20, 0), (30, 0)]
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 50, "lots_total": 50, "debt": 0, "held": 0,
    }  # fmt: skip


async def test_what_its_own_lot_no_longer_has_comes_from_the_others(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    # The two older lots lapse sooner and are spent first, so 54 leave 3 of the award.
    await crowd.place_holds([(1, wallet, 54)])
    await crowd.capture([1])
    (later,) = await give(crowd, wallet, 10)

    assert await reverse(crowd, [(award, wallet, 7)]) == [7]

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert (lots[award], lots[later]) == ((0, 0), (6, 0))


async def test_points_spent_are_gone_where_the_wallet_may_not_owe(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    await crowd.place_holds([(1, wallet, 55)])
    await crowd.capture([1])

    assert await reverse(crowd, [(award, wallet, 7)]) == [2]

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 0, "lots_total": 0, "debt": 0, "held": 0,
    }  # fmt: skip


async def test_points_spent_become_debt_down_to_the_floor(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -4)
    (award,) = await give(crowd, wallet, 7)
    await crowd.place_holds([(1, wallet, 55)])
    await crowd.capture([1])

    assert await reverse(crowd, [(award, wallet, 7)]) == [6]

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": -4, "lots_total": 0, "debt": 4, "held": 0,
    }  # fmt: skip


async def test_held_points_are_not_touched(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    await crowd.place_holds([(1, wallet, 57)])

    assert await reverse(crowd, [(award, wallet, 7)]) == [0]

    captured = await holds.capture_hold(
        crowd.session, crowd.community_id, HoldRef(1, wallet),
        credit_account_id=crowd.shop_id, maker_id=1, now=crowd.now,
    )  # fmt: skip
    assert sum((await list_moves(crowd.session, crowd.community_id, captured)).values()) == 57


async def test_where_nothing_is_left_no_transfer_says_so(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    await crowd.place_holds([(1, wallet, 57)])
    await crowd.capture([1])
    before = await count(crowd.session, "transfers", community_id=crowd.community_id)

    assert await reverse(crowd, [(award, wallet, 7)]) == [0]

    assert await count(crowd.session, "transfers", community_id=crowd.community_id) == before
    assert await count(crowd.session, "reversed_points", transfer_id=award) == 0


async def test_several_awards_of_one_wallet_go_back_in_one_call(crowd: Crowd) -> None:
    wallet, other = crowd.wallets[:2]
    first, second = await give(crowd, wallet, 3, 4)
    (third,) = await give(crowd, other, 5)

    taken = await reverse(crowd, [(first, wallet, 3), (second, wallet, 4), (third, other, 5)])

    assert taken == [3, 4, 5]
    for one in (wallet, other):
        assert (await figures(crowd.session, crowd.community_id, one))["posted"] == 50


async def test_fifty_wallets_give_back_at_once(crowd: Crowd) -> None:
    lots = [(wallet, 7, NEVER) for wallet in crowd.wallets]
    awards = await give_lots(crowd.session, crowd.here, lots, now=crowd.now)

    taken = await reverse(
        crowd, [(award, wallet, 7) for award, wallet in zip(awards, crowd.wallets, strict=True)]
    )

    assert taken == [7] * len(crowd.wallets)
    for award, wallet in zip(awards, crowd.wallets, strict=True):
        assert (await list_lots(crowd.session, crowd.community_id, wallet))[award] == (0, 0)


async def test_the_reversal_goes_the_awards_way_back_and_is_counted(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    await reverse(crowd, [(award, wallet, 7)])

    statement = text(
        "SELECT back.kind, back.points, back.debit_account_id = award.credit_account_id AS a,"
        " back.credit_account_id = award.debit_account_id AS b, original_points,"
        " reversed_points.points AS counted"
        " FROM transfers AS back"
        " JOIN transfers AS award ON award.community_id = back.community_id"
        " AND award.transfer_id = back.reverses_transfer_id"
        " JOIN reversed_points ON reversed_points.community_id = back.community_id"
        " AND reversed_points.transfer_id = award.transfer_id"
        " WHERE award.transfer_id = :award"
    )
    row = (await crowd.session.execute(statement, {"award": award})).one()
    assert tuple(row) == ("reversal", 7, True, True, 7, 7)


async def test_an_award_cannot_be_given_back_twice(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    (award,) = await give(crowd, wallet, 7)
    await reverse(crowd, [(award, wallet, 7)])

    with pytest.raises(Exception, match=r"reversed_points|reverses"):
        await reverse(crowd, [(award, wallet, 7)])


async def test_lapsed_lots_are_left_to_lapse(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    one_month = {"kind": "months", "months": 1}
    (award,) = await give_lots(crowd.session, crowd.here, [(wallet, 7, one_month)], now=crowd.now)
    later = Crowd(crowd.session, crowd.here, crowd.wallets, crowd.now + timedelta(days=40))

    assert await reverse(later, [(award, wallet, 7)]) == [7]

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert lots[award] == (7, 0)
    assert sum(remaining for remaining, _ in lots.values()) == 50


async def test_an_award_of_saved_and_withdrawn_points_is_taken_back_from_what_is_free(
    crowd: Crowd,
) -> None:
    wallet, other = crowd.wallets[:2]
    await spend(crowd, wallet, 50)
    award = await give_one(crowd, wallet, 10, THREE_MONTHS)
    later_award = await give_one(crowd, wallet, 5, ONE_MONTH)
    bank = await open_savings(crowd, wallet)
    await move_one(crowd, TransferKind.SAVING, (wallet, bank, 12))
    await move_one(crowd, TransferKind.GIFT, (wallet, other, 1))

    # 2 of its own lot, then the 7 in savings that lapse last and the 5 of the other award.
    assert await reverse_award(crowd, award, wallet, 10, of=10) == 10

    assert (await figures(crowd.session, crowd.community_id, bank))["posted"] == 4
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 0
    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert (lots[award], lots[later_award]) == ((0, 0), (0, 0))
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_an_award_is_taken_back_in_parts(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    award = await give_one(crowd, wallet, 10, NEVER)

    assert [await reverse_award(crowd, award, wallet, points, of=10) for points in (4, 6)] == [4, 6]

    lots = await list_lots(crowd.session, crowd.community_id, wallet)
    assert list(lots.values()) == [(20, 0), (30, 0), (0, 0)]
    with pytest.raises(Exception, match="not_more_than_original"):
        await reverse_award(crowd, award, wallet, 1, of=10)


async def test_awards_of_somebody_in_debt_repay_and_can_be_taken_back(crowd: Crowd) -> None:
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    assert (await deduct(crowd, wallet, 65))[1] == 65
    award = await give_one(crowd, wallet, 25, NEVER)
    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": 10, "lots_total": 10, "debt": 0, "held": 0,
    }  # fmt: skip

    assert await reverse_award(crowd, award, wallet, 25, of=25) == 25

    assert await figures(crowd.session, crowd.community_id, wallet) == {
        "posted": -15, "lots_total": 0, "debt": 15, "held": 0,
    }  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)
