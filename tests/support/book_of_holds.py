"""Checks of holds: what they pin, what was captured, and the vouchers that stand on them."""

from collections import defaultdict
from collections.abc import Iterator

from app.core.database import Record
from tests.support.book_arithmetic import (
    Books,
    by_owner,
    column,
    differences,
    first_of,
    nested,
    sum_by,
)

VOUCHER_OF_HOLD = {
    "held": "issued",
    "captured": "used",
    "released": "cancelled",
    "expired": "expired",
}


def holds_pin_what_they_promise(books: Books) -> Iterator[str]:
    promised = column(books.holds, "points", key="hold_id")
    yield from differences("pinned points of hold", sum_by(books.hold_lots, "hold_id"), promised)
    whose = column(books.holds, "account_id", key="hold_id")
    owner = column(books.lots, "account_id", key="lot_id")
    for pin in books.hold_lots:
        if owner.get(pin.lot_id) != whose.get(pin.hold_id):
            yield f"hold {pin.hold_id} pins lot {pin.lot_id} of somebody else"


def held_points_are_those_of_open_holds(books: Books) -> Iterator[str]:
    is_open = {hold.hold_id for hold in books.holds if hold.state == "held"}
    by_lot = sum_by([pin for pin in books.hold_lots if pin.hold_id in is_open], "lot_id")
    yield from differences("held of lot", column(books.lots, "held", key="lot_id"), by_lot)
    expected = by_owner(books, by_lot)
    yield from differences("held of account", column(books.balances, "held"), expected)


def holds_follow_their_captures(books: Books) -> Iterator[str]:
    """Each capture but the one that stands was whole, and was undone whole."""
    reversed_points = sum_by(
        [row for row in books.transfers if row.reverses_transfer_id is not None],
        "reverses_transfer_id",
    )
    legs = _captures(books)
    for hold in books.holds:
        captures = legs.pop(hold.hold_id, [])
        standing = captures[-1:] if hold.state == "captured" else []
        undone = captures[: len(captures) - len(standing)]
        most = max((row.points for row in standing), default=0)
        facts: dict[str, tuple[object, object]] = {
            "legs": ([row.leg for row in captures], list(range(1, hold.captures + 1))),
            "standing captures": (len(standing), int(hold.state == "captured")),
            "captured_points": (hold.captured_points, sum(row.points for row in standing)),
            "points": ({row.points for row in undone} | {hold.points}, {hold.points}),
            "is within its promise": (most <= hold.points, True),
            "undone points": ([reversed_points[row.transfer_id] for row in undone],
                              [hold.points for _ in undone]),
            "payer": ({row.debit_account_id for row in captures} | {hold.account_id},
                      {hold.account_id}),
            "has ended": (hold.ended_at is not None, hold.state != "held"),
        }  # fmt: skip
        for name, (stored, expected) in facts.items():
            if stored != expected:
                yield f"{name} of hold {hold.hold_id} ({hold.state}): {stored}, not {expected}"
    yield from (f"transfers of hold {hold_id}, which is not there" for hold_id in legs)


def captures_take_the_lots_they_held(books: Books) -> Iterator[str]:
    """A capture of a part takes what lapses first."""
    pins, moves = nested(books.hold_lots, "hold_id"), books.moves_of()
    promised = column(books.holds, "points", key="hold_id")
    for hold_id, captures in _captures(books).items():
        held = pins.get(hold_id, {})
        line = [(lot_id, held[lot_id]) for lot_id in books.in_spending_order(held)]
        for transfer in captures:
            took = moves.get(transfer.transfer_id, {})
            is_whole = transfer.points == promised.get(hold_id)
            # Pins that were dated since (by a policy) may stand in another order now.
            expected = held if is_whole else first_of(line, transfer.points)
            if took != expected:
                yield f"capture {transfer.transfer_id} took {took}, its hold pinned {held}"


def _captures(books: Books) -> dict[int, list[Record]]:
    """Return the captures of each hold, in order."""
    legs: defaultdict[int, list[Record]] = defaultdict(list)
    for transfer in sorted(books.transfers, key=lambda row: row.leg):
        if transfer.source_kind == "hold":
            legs[transfer.source_id].append(transfer)
    return legs


def vouchers_stand_where_their_holds_do(books: Books) -> Iterator[str]:
    stored = {
        row.voucher_id: (row.resident_id, row.points, row.state, row.used_shop_id)
        for row in books.vouchers
    }
    captures = _captures(books)
    expected = {
        row.hold_id: (row.account_id, row.points, VOUCHER_OF_HOLD[row.state],
                      captures[row.hold_id][-1].credit_account_id
                      if row.state == "captured" else None)
        for row in books.holds if row.purpose == "redemption"
    }  # fmt: skip
    yield from differences("owner, points, state, shop of voucher", stored, expected)
