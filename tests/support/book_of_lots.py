"""Checks of lots: where points came from, where they went, and how they come back.

A transfer's points come from lots of whoever gave them, or become debt; they go into lots of
whoever got them if that account is guarded, or repay a debt.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from app.core.database import Record
from tests.support.book_arithmetic import (
    Books,
    column,
    differences,
    first_of,
    pick,
    sum_by,
)

# All of their points come from lots; of a deduction, and of an award taken back, a part may be
# owed instead.
WHOLE_FROM_LOTS = ("spend", "expiry", "decay", "saving", "withdrawal", "donation", "gift")
# A lot for each lot taken; a donation makes one in all.
LOT_FOR_LOT = ("saving", "withdrawal", "gift")
PUT_BACK = ("deduction", "spend", "expiry", "decay")


def transfers_take_their_points_from_lots(books: Books) -> Iterator[str]:
    moved = books.moved()
    whole = {row.transfer_id: row.points for row in books.transfers if row.kind in WHOLE_FROM_LOTS}
    yield from differences("points from lots of transfer", pick(moved, whole), whole)
    put_back = {row.transfer_id for row, _ in books.reversals_of(*PUT_BACK)}
    for transfer in books.transfers:
        sign = -1 if transfer.transfer_id in put_back else 1
        took = sign * moved[transfer.transfer_id]
        if took > (0 if transfer.kind == "award" else transfer.points):
            yield f"{transfer.kind} {transfer.transfer_id} of {transfer.points} moved {took}"
    whose = column(books.lots, "account_id", key="lot_id")
    for move in books.lot_moves:
        transfer = books.transfers_by_id[move.transfer_id]
        does_put_back = transfer.transfer_id in put_back
        if (move.points < 0) != does_put_back:
            yield f"{transfer.kind} {transfer.transfer_id} moves lot {move.lot_id} the other way"
        end = transfer.credit_account_id if does_put_back else transfer.debit_account_id
        if whose.get(move.lot_id) != end:
            yield f"transfer {move.transfer_id} moved lot {move.lot_id} of somebody else"


def points_go_where_they_are_sent(books: Books) -> Iterator[str]:
    """What a guarded account gets lies in its lots; only an award or a reversal repays debt."""
    made, moved = sum_by(books.lots, "transfer_id", "granted"), books.moved()
    put_back = {row.transfer_id for row, _ in books.reversals_of(*PUT_BACK)}
    for transfer in books.transfers:
        new = made[transfer.transfer_id]
        back = -moved[transfer.transfer_id] if transfer.transfer_id in put_back else 0
        if transfer.kind in (*LOT_FOR_LOT, "donation"):
            is_right = new == transfer.points
        elif transfer.kind == "award" or transfer.transfer_id in put_back:
            is_right = 0 <= new + back <= transfer.points
        else:
            is_right = new == 0
        if not is_right:
            yield f"{transfer.kind} {transfer.transfer_id} of {transfer.points} made lots of {new}"


def lots_come_from_transfers(books: Books) -> Iterator[str]:
    """A lot belongs to whom its transfer credits; one with no origin has its transfer's number."""
    there = books.transfers_by_id
    put_back = {row.transfer_id for row, _ in books.reversals_of(*PUT_BACK)}
    for lot in books.lots:
        transfer = there.get(lot.transfer_id)
        if transfer is None or transfer.credit_account_id != lot.account_id:
            yield f"lot {lot.lot_id} comes from no transfer to its account"
        elif lot.origin_lot_id is None:
            makes_roots = transfer.kind in ("award", "donation") or lot.lot_id in put_back
            if not makes_roots or lot.lot_id != lot.transfer_id:
                yield f"lot {lot.lot_id} of {transfer.kind} {lot.transfer_id} names no origin"
        elif transfer.kind not in LOT_FOR_LOT and transfer.transfer_id not in put_back:
            yield f"lot {lot.lot_id} of {transfer.kind} {lot.transfer_id} names an origin"


def derived_lots_name_where_they_came_from(books: Books) -> Iterator[str]:
    """Saved, withdrawn or given, points lie in as much of a root as they were taken from."""
    by_id, moves = books.lots_by_id, books.moves_of()
    derived: dict[int, Counter[int]] = {}
    for lot in books.lots:
        if lot.origin_lot_id is not None:
            root = by_id.get(lot.origin_lot_id)
            if lot.lot_id >= 0 or root is None or root.origin_lot_id is not None:
                yield f"lot {lot.lot_id} has no root in {lot.origin_lot_id}"
            of_transfer = derived.setdefault(lot.transfer_id, Counter())
            of_transfer[lot.origin_lot_id] += lot.granted
    for transfer in books.transfers:
        if transfer.kind in LOT_FOR_LOT:
            taken: Counter[int] = Counter()
            for lot_id, points in moves.get(transfer.transfer_id, {}).items():
                taken[books.root_of(lot_id)] += points
            what = f"granted by {transfer.kind} {transfer.transfer_id} of root"
            yield from differences(what, derived.get(transfer.transfer_id, {}), taken)


def points_return_to_where_they_were(books: Books) -> Iterator[str]:
    """Parts given back are together the first points of: what was owed, then lots, last first."""
    moves = books.moves_of()
    reversals_of: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for reversal, original in books.reversals_of(*PUT_BACK):
        reversals_of[original.transfer_id][reversal.transfer_id] = reversal.points
    for original_id, reversals in reversals_of.items():
        original = books.transfers_by_id[original_id]
        taken = moves.get(original_id, {})
        owed = original.points - sum(taken.values())
        into_lots = max(sum(reversals.values()) - owed, 0)
        back: Counter[int] = Counter()
        for reversal_id in reversals:
            back.subtract(moves.get(reversal_id, {}))
        for lot_id, points in back.items():
            if points > taken.get(lot_id, 0):
                yield f"lot {lot_id} got {points} back of {taken.get(lot_id, 0)}"
        line = [(lot_id, taken[lot_id]) for lot_id in reversed(books.in_spending_order(taken))]
        expected = first_of(line, into_lots)
        yield from _returned_to_roots(books, original, reversals, back, expected)


def _returned_to_roots(
    books: Books,
    original: Record,
    reversals: dict[int, int],
    back: Counter[int],
    expected: dict[int, int],
) -> Iterator[str]:
    """Compare by root: what came back too late lies in a lot that names only its root."""
    stored: Counter[int] = Counter()
    for lot_id, points in back.items():
        stored[books.root_of(lot_id)] += points
    for lot in (lot for reversal_id in reversals for lot in books.lots_of.get(reversal_id, [])):
        if lot.origin_lot_id is not None:
            stored[lot.origin_lot_id] += lot.granted
    should_be: Counter[int] = Counter()
    for lot_id, points in expected.items():
        should_be[books.root_of(lot_id)] += points
    what = f"given back of {original.kind} {original.transfer_id}"
    if len(books.point_policies) == 1:
        yield from differences(f"{what} to root", stored, should_be)
    else:
        # A policy of later may have dated lots meanwhile, and so changed their order.
        sums = {0: sum(stored.values())}, {0: sum(should_be.values())}
        yield from differences(f"{what} to lots", *sums)


def lots_keep_what_moves_left(books: Books) -> Iterator[str]:
    stored = column(books.lots, "remaining", key="lot_id")
    yield from differences("remaining of lot", stored, books.remaining())
