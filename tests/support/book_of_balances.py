"""Checks of balances: each figure of each account, from transfers and lots."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tests.support.book_arithmetic import Books, by_owner, column, comparable, differences, sum_by

GUARDED = {"wallet", "savings", "fund"}
USES = ("spend", "donation", "gift")
PUT_BACK = ("deduction", "spend", "expiry", "decay")


def all_accounts_sum_to_zero(books: Books) -> Iterator[str]:
    posted = books.posted()
    stored = {balance.account_id: balance.posted for balance in books.balances}
    total = sum(stored.get(account, posted[account]) for account in books.kinds)
    if total != 0:
        yield f"the book sums to {total}"


def guarded_accounts_have_balances(books: Books) -> Iterator[str]:
    guarded = {account: 1 for account, kind in books.kinds.items() if kind in GUARDED}
    stored = {balance.account_id: 1 for balance in books.balances}
    yield from differences("balance rows of account", stored, guarded)


def posted_points_follow_transfers(books: Books) -> Iterator[str]:
    posted = books.posted()
    expected = {balance.account_id: posted[balance.account_id] for balance in books.balances}
    yield from differences("posted of account", column(books.balances, "posted"), expected)


def nobody_is_below_the_floor(books: Books) -> Iterator[str]:
    for balance in books.balances:
        if balance.posted < balance.floor:
            yield f"account {balance.account_id} is at {balance.posted}, floor {balance.floor}"


def lots_total_is_the_sum_of_lots(books: Books) -> Iterator[str]:
    expected = by_owner(books, books.remaining())
    yield from differences("lots_total of account", column(books.balances, "lots_total"), expected)


def debt_is_what_deductions_lacked(books: Books) -> Iterator[str]:
    """Debt: what was taken and came from no lot, less what was given and went into none."""
    moved, into_lots = books.moved(), sum_by(books.lots, "transfer_id", "granted")
    expected: Counter[int] = Counter()
    taken = [row for row in books.transfers if row.kind == "deduction"]
    for transfer in (*taken, *(row for row, _ in books.reversals_of("award"))):
        expected[transfer.debit_account_id] += transfer.points - moved[transfer.transfer_id]
    given = [row for row in books.transfers if row.kind == "award"]
    for transfer in (*given, *(row for row, _ in books.reversals_of(*PUT_BACK))):
        in_lots = into_lots[transfer.transfer_id] - moved[transfer.transfer_id]
        expected[transfer.credit_account_id] -= transfer.points - in_lots
    yield from differences("debt of account", column(books.balances, "debt"), expected)


def no_lot_lapses_unnoticed(books: Books) -> Iterator[str]:
    """A balance that says "nothing free lapses before X" must not hold a free lot that does."""
    says = column(books.balances, "next_expiry_at")
    for lot in books.lots:
        is_free = lot.remaining > lot.held
        if is_free and comparable(lot.expires_at) < comparable(says[lot.account_id]):
            yield f"lot {lot.lot_id} lapses before next_expiry_at of account {lot.account_id}"


def spending_is_remembered(books: Books) -> Iterator[str]:
    expected = _last_of(books, *USES)
    for account_id, moment in column(books.balances, "last_spent_at").items():
        if moment != expected.get(account_id):
            yield f"last_spent_at of account {account_id}: {moment}"


def decay_is_remembered(books: Books) -> Iterator[str]:
    """It may be later than the last transfer: a percentage can round down to nothing."""
    stored = column(books.balances, "decayed_at")
    for account_id, moment in _last_of(books, "decay").items():
        if stored[account_id] is None or stored[account_id] < moment:
            yield f"decayed_at of account {account_id}: {stored[account_id]}, not {moment}"


def _last_of(books: Books, *kinds: str) -> dict[int, datetime]:
    """Return when each account last gave points by a transfer of these kinds."""
    last: dict[int, datetime] = {}
    for transfer in books.transfers:
        if transfer.kind in kinds:
            before = last.get(transfer.debit_account_id, transfer.posted_at)
            last[transfer.debit_account_id] = max(before, transfer.posted_at)
    return last
