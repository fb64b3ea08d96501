"""The auditor of the tests: recomputes a community's books from what was posted, in plain Python.

Nothing of the application's arithmetic is used, so that a fault in it cannot hide itself.
"""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from tests.support import book_of_acts as acts
from tests.support import book_of_balances as balances
from tests.support import book_of_holds as holds
from tests.support import book_of_lots as lots
from tests.support import book_of_transfers as transfers
from tests.support.book_arithmetic import Books, read_books

Check = Callable[[Books], Iterator[str]]

LEDGER_CHECKS: tuple[Check, ...] = (
    transfers.every_transfer_goes_its_way,
    transfers.reversals_are_counted,
    lots.transfers_take_their_points_from_lots,
    lots.points_go_where_they_are_sent,
    lots.lots_come_from_transfers,
    lots.derived_lots_name_where_they_came_from,
    lots.points_return_to_where_they_were,
    balances.debt_is_what_deductions_lacked,
    balances.all_accounts_sum_to_zero,
    balances.guarded_accounts_have_balances,
    balances.posted_points_follow_transfers,
    balances.nobody_is_below_the_floor,
    lots.lots_keep_what_moves_left,
    balances.lots_total_is_the_sum_of_lots,
    holds.captures_take_the_lots_they_held,
    holds.holds_pin_what_they_promise,
    holds.held_points_are_those_of_open_holds,
    holds.holds_follow_their_captures,
    transfers.every_transfer_waits_to_be_sealed_or_is_once,
    balances.no_lot_lapses_unnoticed,
    balances.spending_is_remembered,
    balances.decay_is_remembered,
)
# What stands beside the ledger: contributions, boards, caps, vouchers, papers.
ROOM_CHECKS: tuple[Check, ...] = (
    holds.vouchers_stand_where_their_holds_do,
    acts.contributions_and_transfers_agree,
    acts.undone_contributions_and_reversals_agree,
    acts.what_is_posted_by_hand_was_checked,
    acts.standings_follow_awards_and_deductions,
    acts.cap_usage_follows_contributions,
    acts.campaigns_give_what_awards_say,
    acts.claims_were_reviewed_and_awarded_once,
)
CHECKS = (*LEDGER_CHECKS, *ROOM_CHECKS)


async def assert_books_balance(session: AsyncSession, community_id: int) -> None:
    """Raise AssertionError with the first difference between what is stored and what follows."""
    await _assert_quiet(session, community_id, CHECKS)


async def assert_ledger_balances(session: AsyncSession, community_id: int) -> None:
    """Do the same for the ledger alone, where a test moves points without a contribution."""
    await _assert_quiet(session, community_id, LEDGER_CHECKS)


async def _assert_quiet(session: AsyncSession, community_id: int, checks: Sequence[Check]) -> None:
    books = await read_books(session, community_id)
    for check in checks:
        for difference in check(books):
            name = check.__name__.replace("_", " ")
            raise AssertionError(f"community {community_id}, {name}: {difference}")
