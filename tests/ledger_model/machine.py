"""The state machine: every operation of the ledger, in any order, on the model and for real.

After every step all figures are compared and the invariants checked by the rows alone. Where the
model refuses, the service must refuse by the same Problem and have changed nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from app.core.database import constraint_of
from app.core.problems import Problem, constraint_problems
from app.ledger.errors import AlreadyPosted, BalanceRefused
from tests.ledger_model.accounts import NEVER, WAYS_BACK, Account, Policy
from tests.ledger_model.book import Book
from tests.ledger_model.comparison import assert_same
from tests.ledger_model.model import Model
from tests.ledger_model.opening import FLOOR, FUND, GUARDED, SAVINGS, SHOP, WALLETS
from tests.ledger_model.stored import Stored, assert_sound

START = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
NOBODY = 1999
AWARDS, HOLDS, OTHERS = 10_000, 20_000, 30_000
Answer = TypeVar("Answer")

POLICIES = st.builds(
    Policy,
    lapse_months=st.sampled_from((6, None, 1)),
    lapse_since=st.sampled_from((None, START)),
    decay_months=st.sampled_from((3, 12)),
    decay_percent=st.sampled_from((50, 33)),
    decay_since=st.sampled_from((None, START)),
    is_saving_exempt=st.booleans(),
)
RESIDENTS = st.sampled_from(WALLETS)
ANYBODY = st.sampled_from((*WALLETS, NOBODY))
PAIRS = st.sampled_from(tuple(permutations(WALLETS, 2)))
SAVED = st.sampled_from(tuple(SAVINGS))
FIRST_LOTS = ((10, 1), (12, 2), (8, None), (9, 1))
POINTS = st.integers(1, 40)
ALL = 39
SOME_OR_ALL = st.sampled_from((None, 1, 3, 10, 25))
LASTING = st.sampled_from((1, None, 2, 12))  # months
DAYS = st.sampled_from((1, 2, 8, 25, 35, 100, 380))
DAYS_AGO = st.sampled_from((0, 0, 5, 40))
WHICH = st.integers(0, 30)
FLOORS = st.sampled_from((0, -10, -30, -200))
RARELY = st.sampled_from((False,) * 9 + (True,))
OFTEN = st.sampled_from((True,) * 9 + (False,))
# What the database alone refuses, by a constraint.
BY_CONSTRAINT = (AlreadyPosted, BalanceRefused)


OPERATIONS = (
    "award", "deduct", "spend", "donate", "give", "save", "withdraw", "place", "extend", "capture",
    "undo_capture", "release", "expire_holds", "reverse_award", "give_back", "expire_points",
    "decay_points", "close_accounts", "change_floor",
)  # fmt: skip


class Bench:
    """What the sequences share: a database, an event loop, and counts of what was done."""

    def __init__(self, engine: AsyncEngine, loop: asyncio.AbstractEventLoop) -> None:
        self.engine = engine
        self.loop = loop
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.sequences = 0
        self.seconds = 0.0

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run_until_complete(work)

    @property
    def steps(self) -> int:
        return self.done.total() + self.refused.total()

    def starved(self, *, least: int = 5) -> list[str]:
        """Return what was done, or refused, hardly ever: not much was shown of it."""
        often = {
            *(f"{name} done" for name, times in self.done.items() if times >= least),
            *(f"{name} refused" for name, times in self.refused.items() if times >= least),
        }
        return sorted(
            {f"{name} {how}" for name in OPERATIONS for how in ("done", "refused")} - often
        )

    def report(self) -> str:
        """Return how long it took and how often each operation was done and refused."""
        rate = self.steps / self.seconds
        lines = [
            f"{name:>16} {self.done[name]:>7} done {self.refused[name]:>7} refused"
            for name in (*OPERATIONS, "wait")
        ]
        head = f"{self.sequences} sequences, {self.steps} steps, {self.seconds:.1f} s, {rate:.0f}/s"
        return "\n".join([head, *lines])


class MoneyMachine(RuleBasedStateMachine):
    """One sequence: two communities with the same numbers, of which only one is worked on."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.numbers = {kind: count(kind + 1) for kind in (AWARDS, HOLDS, OTHERS)}
        self.is_broken = True
        self.connection = bench.run(self._connect())

    async def _connect(self) -> AsyncConnection:
        """Connect; the transaction begins by itself and is never committed."""
        return await self.bench.engine.connect()

    @initialize(policy=POLICIES)
    def open(self, policy: Policy) -> None:
        """Everybody starts with a few small lots, so that most operations take several."""
        quiet = replace(policy, lapse_months=None, decay_months=None)
        accounts = [Account(*row, floor=FLOOR if row[1] == "wallet" else 0) for row in GUARDED]
        self.model = Model(policy, accounts, START)
        lots = [(next(self.numbers[AWARDS]), wallet, points, months)
                for wallet in WALLETS for points, months in FIRST_LOTS]  # fmt: skip
        for number, wallet, points, months in lots:
            self.model.award(number, wallet, points, months=months, acted_at=START)
        self.book = Book(self.connection, policy, START)
        self.elsewhere = Book(self.connection, quiet, START)
        self.bench.run(self._open(lots))
        self.bench.sequences += 1
        self.is_broken = False

    async def _open(self, lots: list[tuple[int, int, int, int | None]]) -> None:
        raw = await self.connection.get_raw_connection()
        await self.book.open("here", raw.driver_connection)
        await self.book.award_all(lots)
        await self.elsewhere.open("elsewhere", raw.driver_connection)
        await self.elsewhere.award_all([(*lot[:3], None) for lot in lots])
        # The same numbers as the first holds and transfers here will have.
        for number, wallet in enumerate(WALLETS[:2], 1):
            await self.elsewhere.place(HOLDS + number, wallet, 7, START.replace(year=2200))
        await self.elsewhere.spend(OTHERS + 1, WALLETS[1], SHOP, 4, source=OTHERS + 1)
        self.before = await self.elsewhere.read()

    @override
    def teardown(self) -> None:
        self.bench.run(self._leave())

    async def _leave(self) -> None:
        try:
            if not self.is_broken:  # else the transaction may be, and hide what happened
                assert await self.elsewhere.read() == self.before, "another community was touched"
        finally:
            await self.connection.rollback()
            await self.connection.close()

    # One step

    def do(self, operation: str, *arguments: Any, **named: Any) -> None:
        """Do the same to the model and the service's book, and compare."""
        self.is_broken = True
        expected = self._predict(operation, arguments, named)
        answer, stored = self.bench.run(self._act(operation, arguments, named, expected))
        if isinstance(expected, Problem):
            assert type(answer) is type(expected), answer
            assert answer.extensions == expected.extensions
        elif answer is not None:
            assert answer == expected
        is_refused = isinstance(expected, Problem) or expected == 0
        (self.bench.refused if is_refused else self.bench.done)[operation] += 1
        assert_sound(stored)
        assert_same(self.model, stored)
        self.is_broken = False

    def _predict(self, operation: str, arguments: Any, named: Any) -> Any:
        try:
            return getattr(self.model, operation)(*arguments, **named)
        except Problem as problem:
            return problem

    async def _act(
        self, operation: str, arguments: Any, named: Any, expected: Any
    ) -> tuple[Any, Stored]:
        """Return what the service answers or refuses, and its book after that."""
        act = getattr(self.book, operation)
        try:
            if isinstance(expected, BY_CONSTRAINT):
                async with self.book.session.begin_nested():
                    answer = await act(*arguments, **named)
            else:
                answer = await act(*arguments, **named)
        except Problem as problem:
            answer = problem
        except IntegrityError as error:
            if not isinstance(expected, BY_CONSTRAINT):
                raise
            answer = constraint_problems[constraint_of(error)]()
        return answer, await self.book.read()

    # What can be done

    @rule(resident=RESIDENTS, points=st.integers(5, 40), months=LASTING)
    def reward(self, resident: int, points: int, months: int | None) -> None:
        """Most of what happens is good, and without it there would be nothing to take."""
        number = next(self.numbers[AWARDS])
        self.do("award", number, resident, points, months=months, acted_at=self.model.now)

    @rule(resident=ANYBODY, points=POINTS, months=LASTING, days_ago=DAYS_AGO,
          follows_policy=st.booleans(), is_stale=RARELY)  # fmt: skip
    def award(
        self, resident: int, points: int, months: int | None, days_ago: int, *,
        follows_policy: bool, is_stale: bool,
    ) -> None:  # fmt: skip
        acted_at = self.model.now - timedelta(days=days_ago)
        self.do("award", next(self.numbers[AWARDS]), resident, points, months=months,
                acted_at=acted_at, follows_policy=follows_policy, is_stale=is_stale)  # fmt: skip

    @rule(resident=ANYBODY, points=st.integers(1, 90))
    def deduct(self, resident: int, points: int) -> None:
        self.do("deduct", next(self.numbers[OTHERS]), resident, points)

    @rule(resident=RESIDENTS, points=POINTS, again=RARELY)
    def spend(self, resident: int, points: int, *, again: bool) -> None:
        number = next(self.numbers[OTHERS])
        source = max(self.model.sources, default=number) if again else number
        self.do("spend", number, resident, SHOP, self.amount(resident, points), source=source)

    @rule(resident=RESIDENTS, points=POINTS)
    def donate(self, resident: int, points: int) -> None:
        amount = self.amount(resident, points)
        self.do("donate", next(self.numbers[OTHERS]), resident, FUND, amount)

    @rule(pair=PAIRS, points=POINTS)
    def give(self, pair: tuple[int, int], points: int) -> None:
        self.do("give", next(self.numbers[OTHERS]), *pair, self.amount(pair[0], points))

    @rule(pair=PAIRS, points=POINTS)
    def help_out(self, pair: tuple[int, int], points: int) -> None:
        """Give to somebody who owes, and who would spend what is owed."""
        if not self.model.accounts[pair[1]].debt:
            self.deduct(pair[1], 90)
        self.give(pair, points)
        self.spend(pair[1], ALL + 1, again=False)

    @rule(savings=SAVED, points=POINTS)
    def save(self, savings: int, points: int) -> None:
        resident = SAVINGS[savings]
        amount = self.amount(resident, points)
        self.do("save", next(self.numbers[OTHERS]), resident, savings, amount)

    @rule(savings=SAVED, points=POINTS, is_ready=OFTEN)
    def withdraw(self, savings: int, points: int, *, is_ready: bool) -> None:
        if is_ready and not self.model.accounts[savings].available(self.model.now):
            self.save(savings, points)
        amount = self.amount(savings, points)
        self.do("withdraw", next(self.numbers[OTHERS]), savings, amount)

    @rule(resident=ANYBODY, points=POINTS, days=DAYS)
    def place(self, resident: int, points: int, days: int) -> None:
        until = self.model.now + timedelta(days=days)
        amount = self.amount(resident, points)
        self.do("place", next(self.numbers[HOLDS]), resident, amount, until)

    @rule(which=WHICH, days=st.sampled_from((0, 3, 40, -1)))
    def extend(self, which: int, days: int) -> None:
        hold = self.open_hold(which)
        there = self.model.holds.get(hold)
        until = (self.model.now if there is None else there.expires_at) + timedelta(days=days)
        self.do("extend", hold, until)

    @rule(which=WHICH, points=st.sampled_from((None, 0, 1, 5, 15, 25)))
    def capture(self, which: int, points: int | None) -> None:
        self.do("capture", self.open_hold(which), SHOP, points)

    @rule(which=WHICH, is_ready=OFTEN, is_spoiled=RARELY)
    def undo_capture(self, which: int, *, is_ready: bool, is_spoiled: bool) -> None:
        if is_ready and not self.holds("captured"):
            self.capture(which, None)
        number = self.one_of(self.holds("captured"), self.holds("held"), which)
        hold = self.model.holds.get(number)
        if is_spoiled and hold is not None and hold.capture is not None:
            self.do("give_back", next(self.numbers[OTHERS]), hold.capture.number, 1,
                    is_usable_again=False)  # fmt: skip
        self.do("undo_capture", number)

    @rule(which=WHICH)
    def release(self, which: int) -> None:
        self.do("release", self.open_hold(which))

    @rule(is_ready=OFTEN)
    def expire_holds(self, *, is_ready: bool) -> None:
        if is_ready:
            self.open_hold(0)
            self.wait_for([hold.expires_at for hold in self.model.holds.values()
                           if hold.state == "held"])  # fmt: skip
        self.do("expire_holds")

    @rule(which=WHICH, points=SOME_OR_ALL)
    def reverse_award(self, which: int, points: int | None) -> None:
        awards = [item.number for item in self.model.transfers if item.kind == "award"]
        number = awards[-1 - which % len(awards)]
        self.do("reverse_award", next(self.numbers[OTHERS]), number, points)

    @rule(which=WHICH, parts=st.lists(SOME_OR_ALL, min_size=1, max_size=3),
          is_usable_again=st.booleans())  # fmt: skip
    def give_back(self, which: int, parts: list[int | None], *, is_usable_again: bool) -> None:
        """Give a transfer back in parts, with grace and without by turns."""
        if which < 25 and not any(item.kind in WAYS_BACK for item in self.model.transfers):
            self.deduct(WALLETS[which % len(WALLETS)], 2 * which + 1)
        number = self.transfer(which)
        for points in parts:
            self.do("give_back", next(self.numbers[OTHERS]), number, points,
                    is_usable_again=is_usable_again)  # fmt: skip
            is_usable_again = not is_usable_again

    @rule(is_ready=OFTEN)
    def expire_points(self, *, is_ready: bool) -> None:
        if is_ready:
            self.wait_for([lot.expires_at for lot in self.model.lots if lot.remaining])
        self.do("expire_points")

    @rule(resident=RESIDENTS, is_ready=OFTEN)
    def decay_points(self, resident: int, *, is_ready: bool) -> None:
        if is_ready:
            self.wait_for([self.model.unused_from(resident)])
        self.do("decay_points")

    @rule(owner=ANYBODY, is_wanted=st.sampled_from((True, False, False, False)))
    def close_accounts(self, owner: int, *, is_wanted: bool) -> None:
        """Few leave; instead of the others somebody earns."""
        if is_wanted:
            self.do("close_accounts", owner)
        else:
            self.reward(WALLETS[owner % len(WALLETS)], owner % 37 + 1, None)

    @rule(account=RESIDENTS, floor=FLOORS, is_owing=st.booleans())
    def change_floor(self, account: int, floor: int, *, is_owing: bool) -> None:
        if is_owing and not self.model.accounts[account].debt:
            self.deduct(account, 90)
        self.do("change_floor", account, floor)

    @rule(days=DAYS)
    def wait(self, days: int) -> None:
        self.do("wait", self.model.now + timedelta(days=days))

    def wait_for(self, moments: Sequence[datetime]) -> None:
        """Come to the very next of these moments."""
        now = self.model.now
        self.do("wait", min((moment for moment in moments if now < moment < NEVER), default=now))

    # What to do it with: mostly something that can be done, sometimes not, or nothing at all

    def open_hold(self, which: int) -> int:
        """Name an open hold, placing one if there is none."""
        if which < 25 and not self.holds("held"):
            self.place(WALLETS[which % len(WALLETS)], 1 + which, 1 + 3 * which)
        ended = self.holds("captured") + self.holds("released") + self.holds("expired")
        return self.one_of(self.holds("held"), ended, which)

    def holds(self, state: str) -> list[int]:
        return [hold.number for hold in self.model.holds.values() if hold.state == state]

    def transfer(self, which: int) -> int:
        """Name a transfer of which something can be given back."""
        transfers = [item for item in self.model.transfers if item.kind != "award"]
        wanted = [item.number for item in transfers if item.kind in WAYS_BACK and item.left]
        others = [item.number for item in transfers if item.kind not in WAYS_BACK or not item.left]
        return self.one_of(wanted, others, which)

    def amount(self, account: int, points: int) -> int:
        """Let the two highest numbers stand for all that is available, and for one more."""
        if points < ALL or account not in self.model.accounts:
            return points
        return max(self.model.accounts[account].available(self.model.now) + points - ALL, 1)

    def one_of(self, wanted: Sequence[int | None], others: Sequence[int | None], which: int) -> int:
        numbers = [0, *others[-1:], *wanted]
        return numbers[-1 - which % len(numbers)] or 0
