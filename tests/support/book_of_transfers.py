"""Checks of what was posted: each transfer's way, what was reversed, what waits to be sealed."""

from collections import Counter
from collections.abc import Iterator

from app.core.database import Record
from tests.support.book_arithmetic import Books, differences, pick, sum_by

# From which kind of account to which; a reversal goes its original's way back.
WAYS = {
    "award": {("issuer", "wallet")},
    "deduction": {("wallet", "penalty")},
    "spend": {("wallet", "merchant")},
    "expiry": {("wallet", "expired"), ("savings", "expired")},
    "decay": {("wallet", "expired"), ("savings", "expired")},
    "saving": {("wallet", "savings")},
    "withdrawal": {("savings", "wallet")},
    "donation": {("wallet", "fund")},
    "gift": {("wallet", "wallet")},
}
BETWEEN_ONE_OWNERS = ("saving", "withdrawal")
REVERSIBLE = ("award", "deduction", "spend", "expiry", "decay")


def every_transfer_goes_its_way(books: Books) -> Iterator[str]:
    by_id = books.transfers_by_id
    for transfer in books.transfers:
        ends = (transfer.debit_account_id, transfer.credit_account_id)
        if transfer.reverses_transfer_id is None:
            is_right = _goes_its_way(books, transfer)
        else:
            is_right = _goes_back(transfer, by_id.get(transfer.reverses_transfer_id))
        if not is_right:
            yield f"{transfer.kind} {transfer.transfer_id} goes from {ends[0]} to {ends[1]}"


def _goes_its_way(books: Books, transfer: Record) -> bool:
    ends = (transfer.debit_account_id, transfer.credit_account_id)
    way = tuple(books.kinds.get(end) for end in ends)
    if way not in WAYS.get(transfer.kind, set()):
        return False
    one, other = (books.owners[end] for end in ends)
    if transfer.kind in BETWEEN_ONE_OWNERS:
        return one == other
    return transfer.kind != "gift" or one != other


def _goes_back(transfer: Record, original: Record | None) -> bool:
    """Tell whether a reversal reverses something else, which is no reversal itself."""
    if original is None or original.kind not in REVERSIBLE or transfer.kind != "reversal":
        return False
    ends = (transfer.debit_account_id, transfer.credit_account_id)
    return ends == (original.credit_account_id, original.debit_account_id)


def reversals_are_counted(books: Books) -> Iterator[str]:
    """Several may reverse a part each, but never more than there was."""
    reversals = [row for row in books.transfers if row.reverses_transfer_id is not None]
    expected = sum_by(reversals, "reverses_transfer_id")
    stored = {row.transfer_id: row.points for row in books.reversed_points}
    yield from differences("reversed points of transfer", stored, expected)
    points = {transfer.transfer_id: transfer.points for transfer in books.transfers}
    originals = {row.transfer_id: row.original_points for row in books.reversed_points}
    yield from differences("original points of transfer", originals, pick(points, originals))
    for transfer_id, reversed_points in expected.items():
        if reversed_points > points.get(transfer_id, 0):
            yield f"{reversed_points} of {points.get(transfer_id)} of {transfer_id} are reversed"


def every_transfer_waits_to_be_sealed_or_is_once(books: Books) -> Iterator[str]:
    found = Counter(row.transfer_id for row in (*books.seal_queue, *books.seals))
    posted = Counter(row.transfer_id for row in books.transfers)
    yield from differences("seals and seal queue rows of transfer", found, posted)
