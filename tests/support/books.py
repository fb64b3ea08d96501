"""The auditor of the tests: recomputes a community's books from what was posted, in plain Python.

Nothing of the application's arithmetic is used, so that a fault in it cannot hide itself.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from tests.support.book_arithmetic import (
    Books,
    by_owner,
    column,
    comparable,
    differences,
    first_day,
    pick,
    read_books,
    scored,
    sum_by,
)

GUARDED = {"wallet", "savings", "fund"}
# From which kind of account to which; a reversal goes its original's way back.
WAYS = {
    "award": ("issuer", "wallet"),
    "deduction": ("wallet", "penalty"),
    "spend": ("wallet", "merchant"),
    "expiry": ("wallet", "expired"),
}
VOUCHER_OF_HOLD = {
    "held": "issued",
    "captured": "used",
    "released": "cancelled",
    "expired": "expired",
}

Check = Callable[[Books], Iterator[str]]


async def assert_books_balance(session: AsyncSession, community_id: int) -> None:
    """Raise AssertionError with the first difference between what is stored and what follows."""
    books = await read_books(session, community_id)
    for check in CHECKS:
        for difference in check(books):
            name = check.__name__.replace("_", " ")
            raise AssertionError(f"community {community_id}, {name}: {difference}")


def every_transfer_goes_its_way(books: Books) -> Iterator[str]:
    by_id = {transfer.transfer_id: transfer for transfer in books.transfers}
    for transfer in books.transfers:
        ends = (transfer.debit_account_id, transfer.credit_account_id)
        original = by_id.get(transfer.reverses_transfer_id)
        if original is not None:
            back = (original.credit_account_id, original.debit_account_id)
            is_right = transfer.kind == "reversal" and ends == back
        else:
            way = tuple(books.kinds.get(end) for end in ends)
            is_right = WAYS.get(transfer.kind) == way
        if not is_right:
            yield f"{transfer.kind} {transfer.transfer_id} goes from {ends[0]} to {ends[1]}"


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


def reversals_are_counted_once(books: Books) -> Iterator[str]:
    reversals = [row for row in books.transfers if row.reverses_transfer_id is not None]
    expected = sum_by(reversals, "reverses_transfer_id")
    stored = {row.transfer_id: row.points for row in books.reversed_points}
    yield from differences("reversed points of transfer", stored, expected)
    points = {transfer.transfer_id: transfer.points for transfer in books.transfers}
    originals = {row.transfer_id: row.original_points for row in books.reversed_points}
    yield from differences("original points of transfer", originals, pick(points, originals))


def transfers_take_their_points_from_lots(books: Books) -> Iterator[str]:
    moved, taken_back = books.moved(), books.taken_back
    spends = {row.transfer_id: row.points for row in books.transfers if row.kind == "spend"}
    yield from differences("points from lots of spend", pick(moved, spends), spends)
    for transfer in books.transfers:
        took, kind = moved[transfer.transfer_id], transfer.kind
        may_take = kind in ("spend", "deduction", "expiry") or transfer.transfer_id in taken_back
        if took > (transfer.points if may_take else 0):
            yield f"{kind} {transfer.transfer_id} of {transfer.points} took {took} from lots"
    from_whom = {transfer.transfer_id: transfer.debit_account_id for transfer in books.transfers}
    owner = column(books.lots, "account_id", key="lot_id")
    for move in books.lot_moves:
        if owner.get(move.lot_id) != from_whom.get(move.transfer_id):
            yield f"transfer {move.transfer_id} took from lot {move.lot_id} of somebody else"


def lots_come_from_awards(books: Books) -> Iterator[str]:
    awards = {row.transfer_id: row for row in books.transfers if row.kind == "award"}
    for lot in books.lots:
        award = awards.get(lot.transfer_id)
        if award is None or award.credit_account_id != lot.account_id:
            yield f"lot {lot.lot_id} comes from no award to its account"
        elif lot.granted > award.points:
            yield f"lot {lot.lot_id} has {lot.granted} of an award of {award.points}"


def lots_keep_what_moves_left(books: Books) -> Iterator[str]:
    stored = column(books.lots, "remaining", key="lot_id")
    yield from differences("remaining of lot", stored, books.remaining())


def lots_total_is_the_sum_of_lots(books: Books) -> Iterator[str]:
    expected = by_owner(books, books.remaining())
    yield from differences("lots_total of account", column(books.balances, "lots_total"), expected)


def debt_is_what_deductions_lacked(books: Books) -> Iterator[str]:
    """Debt: what deductions could not take from lots, less what awards did not put into one."""
    moved, into_lots = books.moved(), sum_by(books.lots, "transfer_id", "granted")
    taken_back = books.taken_back
    expected: Counter[int] = Counter()
    for transfer in books.transfers:
        if transfer.kind == "deduction" or transfer.transfer_id in taken_back:
            expected[transfer.debit_account_id] += transfer.points - moved[transfer.transfer_id]
        if transfer.kind == "award":
            repaid = transfer.points - into_lots[transfer.transfer_id]
            expected[transfer.credit_account_id] -= repaid
    yield from differences("debt of account", column(books.balances, "debt"), expected)


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
    legs: defaultdict[int, list[Record]] = defaultdict(list)
    for transfer in sorted(books.transfers, key=lambda row: row.leg):
        if transfer.source_kind == "hold":
            legs[transfer.source_id].append(transfer)
    for hold in books.holds:
        captures = legs.pop(hold.hold_id, [])
        standing = [row for row in captures if row.transfer_id not in books.reversed_ids]
        facts: dict[str, tuple[object, object]] = {
            "legs": ([row.leg for row in captures], list(range(1, hold.captures + 1))),
            "standing captures": (standing, captures[-1:] if hold.state == "captured" else []),
            "captured_points": (hold.captured_points, sum(row.points for row in standing)),
            "points": ({row.points for row in captures} | {hold.points}, {hold.points}),
            "payer": ({row.debit_account_id for row in captures} | {hold.account_id},
                      {hold.account_id}),
            "has ended": (hold.ended_at is not None, hold.state != "held"),
        }  # fmt: skip
        for name, (stored, expected) in facts.items():
            if stored != expected:
                yield f"{name} of hold {hold.hold_id} ({hold.state}): {stored}, not {expected}"
    yield from (f"transfers of hold {hold_id}, which is not there" for hold_id in legs)


def captures_take_the_lots_they_held(books: Books) -> Iterator[str]:
    pins: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for pin in books.hold_lots:
        pins[pin.hold_id][pin.lot_id] = pin.points
    moves: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for move in books.lot_moves:
        moves[move.transfer_id][move.lot_id] = move.points
    for transfer in books.transfers:
        if transfer.source_kind == "hold":
            held, took = pins[transfer.source_id], moves[transfer.transfer_id]
            if held != took:
                yield f"capture {transfer.transfer_id} took {took}, its hold pinned {held}"


def vouchers_stand_where_their_holds_do(books: Books) -> Iterator[str]:
    stored = {
        row.voucher_id: (row.resident_id, row.points, row.state, row.used_shop_id)
        for row in books.vouchers
    }
    paid_to = {
        row.source_id: row.credit_account_id
        for row in books.transfers
        if row.source_kind == "hold" and row.transfer_id not in books.reversed_ids
    }
    expected = {
        row.hold_id: (row.account_id, row.points, VOUCHER_OF_HOLD[row.state],
                      paid_to.get(row.hold_id))
        for row in books.holds if row.purpose == "redemption"
    }  # fmt: skip
    yield from differences("owner, points, state, shop of voucher", stored, expected)


def contributions_and_transfers_agree(books: Books) -> Iterator[str]:
    stored = {
        row.contribution_id: (row.resident_id, row.granted_points, row.rule_version_id,
                              row.acted_at)
        for row in books.contributions if row.granted_points != 0
    }  # fmt: skip
    expected = {
        row.transfer_id: (resident, points, row.rule_version_id, row.occurred_at)
        for row, resident, points in scored(books)
    }
    yield from differences("resident, points, version, time of contribution", stored, expected)
    for transfer, _, _ in scored(books):
        if (transfer.source_kind, transfer.source_id) != ("contribution", transfer.transfer_id):
            yield f"source of {transfer.kind} {transfer.transfer_id} is not its contribution"


def lost_on_boards(books: Books) -> Iterator[tuple[int, datetime, int]]:
    """Yield what an award taken back loses: all of it, on the day it was for."""
    acts = {row.contribution_id: row for row in books.contributions}
    for row in books.contribution_reversals:
        act = acts[row.contribution_id]
        yield act.resident_id, act.acted_at, -row.asked_points


def standings_follow_awards_and_deductions(books: Books) -> Iterator[str]:
    expected: Counter[tuple[str, date, int]] = Counter()
    acts = [(resident, transfer.occurred_at, points)
            for transfer, resident, points in scored(books)]  # fmt: skip
    for resident_id, moment, points in (*acts, *lost_on_boards(books)):
        day = books.local_day(moment)
        for period in ("week", "month", "all"):
            expected[period, first_day(period, day), resident_id] += points
    stored = {(row.period, row.starts_on, row.resident_id): row.score for row in books.standings}
    yield from differences("score of", stored, expected)


def cap_usage_follows_contributions(books: Books) -> Iterator[str]:
    capped = {row.rule_version_id: {cap["period"] for cap in row.caps}
              for row in books.rule_versions}  # fmt: skip
    points: Counter[tuple[int, int, str, date]] = Counter()
    times: Counter[tuple[int, int, str, date]] = Counter()
    for row in books.contributions:
        for period in capped[row.rule_version_id] if row.granted_points > 0 else ():
            start = first_day(period, books.local_day(row.acted_at))
            key = (row.rule_id, row.resident_id, period, start)
            points[key] += row.granted_points
            times[key] += 1
    usage = {(row.rule_id, row.resident_id, row.period, row.starts_on): row
             for row in books.cap_usage}  # fmt: skip
    stored_points = {key: row.used_points for key, row in usage.items()}
    stored_times = {key: row.used_times for key, row in usage.items()}
    yield from differences("used_points of", stored_points, points)
    yield from differences("used_times of", stored_times, times)


def every_transfer_waits_to_be_sealed_once(books: Books) -> Iterator[str]:
    queued = Counter(row.transfer_id for row in books.seal_queue)
    posted = Counter(row.transfer_id for row in books.transfers)
    yield from differences("seal queue rows of transfer", queued, posted)


def no_lot_lapses_unnoticed(books: Books) -> Iterator[str]:
    """A balance that says "nothing lapses before X" must not hold a lot that does."""
    says = column(books.balances, "next_expiry_at")
    for lot in books.lots:
        if lot.remaining > 0 and comparable(lot.expires_at) < comparable(says[lot.account_id]):
            yield f"lot {lot.lot_id} lapses before next_expiry_at of account {lot.account_id}"


def spending_is_remembered(books: Books) -> Iterator[str]:
    expected: dict[int, datetime] = {}
    for transfer in books.transfers:
        if transfer.kind == "spend":
            before = expected.get(transfer.debit_account_id, transfer.posted_at)
            expected[transfer.debit_account_id] = max(before, transfer.posted_at)
    stored = column(books.balances, "last_spent_at")
    for account_id, moment in stored.items():
        if moment != expected.get(account_id):
            yield f"last_spent_at of account {account_id}: {moment}"


CHECKS: tuple[Check, ...] = (
    every_transfer_goes_its_way,
    transfers_take_their_points_from_lots,
    lots_come_from_awards,
    debt_is_what_deductions_lacked,
    all_accounts_sum_to_zero,
    guarded_accounts_have_balances,
    posted_points_follow_transfers,
    reversals_are_counted_once,
    lots_keep_what_moves_left,
    lots_total_is_the_sum_of_lots,
    captures_take_the_lots_they_held,
    holds_pin_what_they_promise,
    held_points_are_those_of_open_holds,
    holds_follow_their_captures,
    vouchers_stand_where_their_holds_do,
    contributions_and_transfers_agree,
    standings_follow_awards_and_deductions,
    cap_usage_follows_contributions,
    every_transfer_waits_to_be_sealed_once,
    no_lot_lapses_unnoticed,
    spending_is_remembered,
)
