"""Comparing the model with the service's book, figure by figure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Any

from tests.ledger_model.accounts import NEVER, Account, Hold, Lot, Transfer
from tests.ledger_model.model import Model
from tests.ledger_model.stored import Row, Stored

Figures = dict[Any, Any]


def assert_same(model: Model, stored: Stored) -> None:
    """Compare everything; take over the numbers of what only the service could number."""
    _learn(model.transfers, stored.transfers, _transfer_figures, width=6)
    _learn(model.lots, stored.lots, _lot_key, width=6)
    pairs: dict[str, tuple[Figures, Figures]] = {
        "transfers": (
            {row[0]: row[1:7] for row in stored.transfers},
            {transfer.number: [*_transfer_figures(transfer), transfer.reversed_points]
             for transfer in model.transfers},
        ),
        "lots": (
            {row[0]: row[1:10] for row in stored.lots},
            {lot.number: _lot_figures(lot) for lot in model.lots},
        ),
        "holds": (
            {row[0]: [*row[1:6], sorted(row[6])] for row in stored.holds},
            {hold.number: _hold_figures(hold) for hold in model.holds.values()},
        ),
        "accounts": (
            {row[0]: row[1:9] for row in stored.accounts},
            {account.number: _account_figures(account, model.now)
             for account in model.accounts.values()},
        ),
    }  # fmt: skip
    for name, (found, expected) in pairs.items():
        if found != expected:
            raise AssertionError("\n".join(_differences(name, found, expected)))


def _learn(things: Iterable[Any], rows: Iterable[Row], figures: Any, *, width: int) -> None:
    """Number what has no number yet: the next row with its figures that nobody else is."""
    things = list(things)
    nameless = [thing for thing in things if thing.number is None]
    if not nameless:
        return
    known = {thing.number for thing in things}
    free: defaultdict[Hashable, list[int]] = defaultdict(list)
    for row in rows:
        if row[0] not in known:
            free[tuple(row[1:width])].append(row[0])
    for thing in nameless:
        numbers = free[tuple(figures(thing))]
        if numbers:
            thing.number = numbers.pop()


def _transfer_figures(transfer: Transfer) -> Row:
    reverses = None if transfer.reverses is None else transfer.reverses.number
    return [transfer.kind, transfer.debit, transfer.credit, transfer.points, reverses]


def _lot_key(lot: Lot) -> Row:
    origin = None if lot.origin is None else lot.origin.number
    return [lot.account, lot.transfer.number, origin, lot.granted, _stamp(lot.expires_at)]


def _lot_figures(lot: Lot) -> Row:
    return [*_lot_key(lot), lot.remaining, lot.held, _stamp(lot.earned_at), lot.follows_policy]


def _hold_figures(hold: Hold) -> Row:
    pins = sorted([pin.lot.number, pin.points] for pin in hold.pins)
    return [hold.account, hold.points, hold.captured, hold.state, _stamp(hold.expires_at), pins]


def _account_figures(account: Account, now: datetime) -> Row:
    return [
        account.posted, account.debt, account.held, account.lots_total, account.floor,
        account.available(now), _stamp(account.last_spent_at), _stamp(account.decayed_at),
    ]  # fmt: skip


def _stamp(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return "infinity" if moment == NEVER else moment.isoformat()


def _differences(name: str, found: Figures, expected: Figures) -> Iterable[str]:
    for number in sorted({*found, *expected}, key=str):
        if found.get(number) != expected.get(number):
            yield f"{name} {number}: {found.get(number)}, should be {expected.get(number)}"
