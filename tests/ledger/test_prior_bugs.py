"""Bugs that users reported of other ledgers and points systems, and that must not be ours.

Each test names where the bug was reported and says in our words what went wrong there.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.contributions.posting import Verdict
from app.core.problems import Problem
from app.ledger import service
from app.ledger.errors import AccountUnknown, HoldNotOpen
from app.ledger.holds import service as holds
from app.ledger.lapsing import service as lapsing
from app.ledger.models import TransferKind
from app.ledger.moves import queries as move_queries
from app.ledger.moves.service import Move, row_of
from tests.ledger.conftest import ONE_MONTH, Crowd
from tests.ledger.dealings import (
    capture,
    deduct,
    give,
    give_back,
    move,
    reverse_award,
    spend,
)
from tests.support.awards import NEVER, award, get_terms, make_item
from tests.support.book_rows import count, figures, list_lots, list_moves, set_floor
from tests.support.books import assert_ledger_balances
from tests.support.caller import fresh_key
from tests.support.neighbourhood import Neighbourhood

LATER = timedelta(days=40)  # the first of a wallet's two lots has lapsed by then


def payment(crowd: Crowd, wallet: int, transfer_id: int, source_id: int) -> Move:
    return Move(transfer_id, TransferKind.SPEND, wallet, crowd.shop_id, 5, "买菜", 1, "till",
                source_id)  # fmt: skip


async def pay(crowd: Crowd, wallet: int, transfer_id: int, source_id: int) -> None:
    row = row_of(payment(crowd, wallet, transfer_id, source_id), crowd.now)
    await move_queries.move(
        crowd.session, crowd.community_id, TransferKind.SPEND, [row], now=crowd.now
    )


async def test_a_retry_names_the_same_hold(here: Neighbourhood) -> None:
    """formancehq/wallets#109: a retried hold got another number than the first answer said."""
    await here.give("resident-1", "legal_advice")
    resident, key = await here.caller("resident-1"), fresh_key()
    path = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"

    first, second = [await resident.post(path, key=key) for _ in range(2)]

    assert first.json()["voucher_id"] == second.json()["voucher_id"]
    balance = (await resident.get("/v1/me/balance")).json()
    assert balance["held_points"] == first.json()["points"]


async def test_one_payment_is_applied_once(crowd: Crowd) -> None:
    """formancehq/stack#1464: how not to apply a payment twice. Its source is unique."""
    wallet = crowd.wallets[0]
    await pay(crowd, wallet, 11, 77)

    with pytest.raises(IntegrityError, match="uq_transfers_source"):
        async with crowd.session.begin_nested():
            await pay(crowd, wallet, 12, 77)

    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 45


async def test_one_number_posts_one_transfer(crowd: Crowd) -> None:
    """pgr0ss/pgledger: no idempotency, so a client that retries pays twice. A number is a key."""
    wallet = crowd.wallets[0]
    await pay(crowd, wallet, 11, 77)

    with pytest.raises(IntegrityError, match=r"pk_(transfers|lot_moves)"):
        async with crowd.session.begin_nested():
            await pay(crowd, wallet, 11, 78)

    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 45


async def test_a_source_may_come_up_in_two_communities(
    crowd: Crowd, elsewhere: Neighbourhood
) -> None:
    """formancehq/stack#1638: a key used in one ledger could not be used in another."""
    wallet = min(elsewhere.residents.values())
    other = Crowd(crowd.session, elsewhere, [wallet], crowd.now)
    await give(other, wallet, 5, NEVER)

    for one, payer in ((crowd, crowd.wallets[0]), (other, wallet)):
        await pay(one, payer, 11, 77)

    assert await count(crowd.session, "transfers", source_kind="till", source_id=77) == 2


async def test_an_account_that_is_not_there_is_no_empty_one(crowd: Crowd) -> None:
    """formancehq/ledger#1416: a question that could not be answered got an empty balance."""
    for account in (12345, crowd.shop_id):
        with pytest.raises(AccountUnknown):
            await service.get_balance(crowd.session, crowd.community_id, account, now=crowd.now)


async def test_what_is_reserved_cannot_be_spent(crowd: Crowd) -> None:
    """blnkfinance/blnk#181: the check of a balance did not count what was in flight."""
    wallet = crowd.wallets[0]
    await crowd.place_holds([(1, wallet, 45)])

    assert await move(crowd, TransferKind.SPEND, [(wallet, crowd.shop_id, 6)]) == [None]
    assert await crowd.place_holds([(2, wallet, 6)]) == set()
    assert (await deduct(crowd, wallet, 50))[1] == 5
    await capture(crowd, 1, wallet)
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_a_hold_let_go_stays_so(crowd: Crowd) -> None:
    """blnkfinance/blnk#42: what had been voided could be committed after all."""
    wallet = crowd.wallets[0]
    await crowd.place_holds([(1, wallet, 40)])
    await crowd.release([1])

    assert await crowd.capture([1]) == {}
    assert await crowd.undo([1]) == {}
    assert await crowd.release([1]) == set()
    assert (await figures(crowd.session, crowd.community_id, wallet))["held"] == 0


async def test_a_reversal_says_what_it_reverses(crowd: Crowd) -> None:
    """blnkfinance/blnk#158: a refund could not be traced to what it refunded."""
    wallet = crowd.wallets[0]
    spent = await spend(crowd, wallet, 40)
    reversals = [await give_back(crowd, spent, wallet, points) for points in (5, 7)]

    statement = text(
        "SELECT transfer_id FROM transfers WHERE reverses_transfer_id = :id ORDER BY transfer_id"
    )
    found = await crowd.session.scalars(statement, {"id": spent})
    assert list(found) == sorted(reversals)


async def test_a_hold_is_not_captured_by_itself_when_its_date_comes(crowd: Crowd) -> None:
    """blnkfinance/blnk#279: what was to be committed on a date was committed on a wrong one."""
    wallet, end = crowd.wallets[0], datetime.fromisoformat("2027-01-01T00:00:00Z")
    await crowd.place_holds([(1, wallet, 40), (2, wallet, 5)])

    await capture(replace(crowd, now=end - timedelta(seconds=1)), 2, wallet)
    with pytest.raises(HoldNotOpen):
        await capture(replace(crowd, now=end), 1, wallet)

    await holds.expire_holds(crowd.session, crowd.community_id, not_for=(), now=end)
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 45


async def test_numbers_of_another_community_move_nothing(
    crowd: Crowd, elsewhere: Neighbourhood
) -> None:
    """tigerbeetle/tigerbeetle#2525: a filter left out whose ledger it was."""
    wallet = crowd.wallets[0]
    await crowd.place_holds([(1, wallet, 10)])
    spent = await spend(crowd, wallet, 10)
    stranger = Crowd(crowd.session, elsewhere, crowd.wallets, crowd.now)

    assert await stranger.capture([1]) == {}
    assert await stranger.release([1]) == set()
    assert await move(stranger, TransferKind.SPEND, [(wallet, stranger.shop_id, 1)]) == [None]
    with pytest.raises(Problem):
        await give_back(stranger, spent, wallet, 1)
    with pytest.raises(AccountUnknown):
        await deduct(stranger, wallet, 1)
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 40


async def test_a_hold_past_its_date_is_shown_no_longer(crowd: Crowd) -> None:
    """tigerbeetle/tigerbeetle#2118: what had expired was still shown as pending."""
    wallet, end = crowd.wallets[0], datetime.fromisoformat("2027-01-01T00:00:00Z")
    await crowd.place_holds([(1, wallet, 40)])

    await holds.expire_holds(crowd.session, crowd.community_id, not_for=(), now=end)

    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=end)
    assert (balance.held_points, balance.available_points) == (0, 30)
    assert await count(crowd.session, "holds", hold_id=1, state="expired") == 1


async def posted_at(crowd: Crowd, wallet: int, moment: datetime) -> int:
    """Return what a wallet held at a moment, by what had been posted until then."""
    statement = text(
        "SELECT coalesce(sum(CASE WHEN credit_account_id = :wallet THEN points ELSE -points END),"
        " 0) FROM transfers WHERE community_id = :id AND posted_at <= :moment"
        " AND :wallet IN (credit_account_id, debit_account_id)"
    )
    values = {"id": crowd.community_id, "wallet": wallet, "moment": moment}
    return int(await crowd.session.scalar(statement, values) or 0)


async def test_balances_of_any_moment_follow_from_what_was_posted(crowd: Crowd) -> None:
    """tigerbeetle/tigerbeetle#357: what was there at a moment could not be found out.

    flash-oss/medici#117: a void changed balances of before it was made.
    """
    wallet, seen = crowd.wallets[0], {}
    spent = await spend(crowd, wallet, 10)
    for day in range(1, 6):
        later = replace(crowd, now=crowd.now + timedelta(days=day))
        await (give_back(later, spent, wallet, 2) if day % 2 else spend(later, wallet, 3))
        row = await figures(crowd.session, crowd.community_id, wallet)
        seen[later.now] = row["posted"]

    assert list(seen.values()) == [42, 39, 41, 38, 40]
    assert {moment: await posted_at(crowd, wallet, moment) for moment in seen} == seen


async def test_what_is_reversed_whole_is_as_if_it_had_not_been(crowd: Crowd) -> None:
    """flash-oss/medici#22: a void put some figures back and forgot others."""
    wallet = crowd.wallets[0]
    before = await list_lots(crowd.session, crowd.community_id, wallet)
    spent = await spend(crowd, wallet, 33)

    reversal = await give_back(crowd, spent, wallet, 33)

    assert await list_lots(crowd.session, crowd.community_id, wallet) == before
    took = await list_moves(crowd.session, crowd.community_id, spent)
    back = await list_moves(crowd.session, crowd.community_id, reversal)
    assert back == {lot: -points for lot, points in took.items()}
    await assert_ledger_balances(crowd.session, crowd.community_id)


@pytest.mark.parametrize("table", ["transfers", "lot_moves"])
async def test_what_was_posted_cannot_be_changed_afterwards(crowd: Crowd, table: str) -> None:
    """envato/double_entry#168: nobody knew why balances no longer followed from their lines."""
    await spend(crowd, crowd.wallets[0], 5)
    for change in (f"UPDATE {table} SET points = 1", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(DBAPIError, match="permission denied"):
            async with crowd.session.begin_nested():
                await crowd.session.execute(text(change))


async def test_who_gives_the_deed_back_does_not_keep_its_points(crowd: Crowd) -> None:
    """odoo/odoo#257854: a purchase was refunded and the points earned by it stayed.

    CRMEB takes no more back than is left, and forgets the rest: here it is owed.
    """
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, -20)
    award_id = await give(crowd, wallet, 15, NEVER)
    await spend(crowd, wallet, 65)

    assert await reverse_award(crowd, award_id, wallet, 15, of=15) == 15

    row = await figures(crowd.session, crowd.community_id, wallet)
    assert (row["posted"], row["debt"]) == (-15, 15)
    await give(crowd, wallet, 18, NEVER)
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 3


@pytest.mark.parametrize(("floor", "collected"), [(0, 50), (-20, 70)])
async def test_a_deduction_goes_no_lower_than_the_floor(
    crowd: Crowd, floor: int, collected: int
) -> None:
    """alphajiang/hyena#3: points fell below zero; and users wanted to be able to owe some."""
    wallet = crowd.wallets[0]
    await set_floor(crowd.session, crowd.community_id, wallet, floor)

    assert (await deduct(crowd, wallet, 500))[1] == collected

    row = await figures(crowd.session, crowd.community_id, wallet)
    assert (row["posted"], row["debt"]) == (floor, -floor)


async def test_only_what_has_lapsed_lapses(crowd: Crowd) -> None:
    """alphajiang/hyena#3: the job ended lots, too, whose date had not come."""
    await lapsing.expire_points(crowd.session, crowd.community_id, now=crowd.now + LATER)

    for wallet in crowd.wallets:
        lots = await list_lots(crowd.session, crowd.community_id, wallet)
        assert list(lots.values()) == [(0, 0), (30, 0)]
    await assert_ledger_balances(crowd.session, crowd.community_id)


async def test_what_has_lapsed_is_not_spent_before_the_job_has_come(crowd: Crowd) -> None:
    """linlinjava/litemall: the job runs by the hour, and until then lapsed things are good."""
    wallet, later = crowd.wallets[0], replace(crowd, now=crowd.now + LATER)

    balance = await service.get_balance(crowd.session, crowd.community_id, wallet, now=later.now)

    assert (balance.posted_points, balance.available_points) == (50, 30)
    assert await move(later, TransferKind.SPEND, [(wallet, crowd.shop_id, 31)]) == [None]


async def test_an_act_taken_back_does_not_earn_a_second_time(crowd: Crowd) -> None:
    """TruthHun/DocHub#40: earn, delete, and earn again with the same document."""
    wallet = crowd.wallets[0]
    terms = await get_terms(crowd.session, crowd.here, "survey", at=crowd.now)
    item = make_item(terms, wallet, now=crowd.now, source_id=77)
    await award(crowd.session, crowd.here, [item], now=crowd.now)
    await reverse_award(crowd, item.contribution_id, wallet, item.points, of=item.points)

    again = make_item(terms, wallet, now=crowd.now, source_id=77)
    (outcome,) = await award(crowd.session, crowd.here, [again], now=crowd.now)

    assert outcome.decision.verdict is Verdict.ALREADY_THERE
    assert (await figures(crowd.session, crowd.community_id, wallet))["posted"] == 50


async def test_a_deduction_that_finds_too_little_is_on_record(here: Neighbourhood) -> None:
    """YunaiV/ruoyi-vue-pro: a clawback that found too little was a line in a log, and lost."""
    await here.give("resident-1", "survey")

    fined = await here.fine("resident-1", units=4)

    assert (fined["asked_points"], fined["moved_points"]) == (-20, -5)
    resident = await here.caller("resident-1")
    assert (await resident.get("/v1/me/balance")).json()["posted_points"] == 0


async def test_numbers_that_were_never_used_leave_no_transfer_out(crowd: Crowd) -> None:
    """python-accounting links a line to the one numbered before it, and breaks on a gap."""
    wallet = crowd.wallets[0]
    for number in (11, 15, 12):
        await pay(crowd, wallet, number, number)
    undone = await crowd.session.begin_nested()
    await pay(crowd, wallet, 13, 13)
    await undone.rollback()

    assert [await count(crowd.session, "seal_queue", transfer_id=number)
            for number in (11, 12, 13, 14, 15)] == [1, 1, 0, 0, 1]  # fmt: skip
    await assert_ledger_balances(crowd.session, crowd.community_id)
    assert await give(crowd, wallet, 1, ONE_MONTH) > 15
