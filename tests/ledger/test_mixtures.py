"""Any mixture of dealings leaves the books balanced."""

import random
from collections import Counter

import pytest

from tests.ledger.conftest import Crowd
from tests.support.awards import NEVER, give_lots
from tests.support.books import assert_books_balance

STEPS = 40


class Dealer:
    """Deals at random with holds it knows the state of, some of them in a wrong state."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd = crowd
        self.dice = random.Random(seed)  # noqa: S311
        self.holds: dict[str, set[int]] = {"held": set(), "captured": set(), "ended": set()}
        self.asked: set[int] = set()
        self.done: Counter[str] = Counter()

    async def step(self) -> None:
        deal = self.dice.choice([self.give, self.place, self.capture, self.undo, self.release])
        await deal()

    async def give(self) -> None:
        wallets = self.dice.sample(self.crowd.wallets[:8], k=4)
        lots = [(wallet, self.dice.randint(1, 30), NEVER) for wallet in wallets]
        await give_lots(self.crowd.session, self.crowd.here, lots, now=self.crowd.now)

    async def place(self) -> None:
        holds = []
        for wallet in self.dice.choices(self.crowd.wallets[:8], k=5):
            self.done["asked"] += 1
            holds.append((self.done["asked"], wallet, self.dice.randint(1, 40)))
        self.holds["held"] |= await self.crowd.place_holds(holds)

    async def capture(self) -> None:
        self.move(set(await self.crowd.capture(self.some())), "held", "captured")

    async def undo(self) -> None:
        self.move(set(await self.crowd.undo(self.some())), "captured", "held")

    async def release(self) -> None:
        self.move(await self.crowd.release(self.some()), "held", "ended")

    def some(self) -> list[int]:
        """Return half of the holds there are, in whichever state."""
        there = sorted(set.union(*self.holds.values()))
        self.asked = set(self.dice.sample(there, k=len(there) // 2))
        return sorted(self.asked)

    def move(self, done: set[int], before: str, after: str) -> None:
        assert done == self.holds[before] & self.asked
        self.holds[before] -= done
        self.holds[after] |= done
        self.done[f"{before} to {after}"] += len(done)


@pytest.mark.parametrize("seed", range(3))
async def test_random_dealings_leave_the_books_balanced(crowd: Crowd, seed: int) -> None:
    dealer = Dealer(crowd, seed)

    for _ in range(STEPS):
        await dealer.step()

    assert set(dealer.done) == {
        "asked", "held to captured", "captured to held", "held to ended",
    }  # fmt: skip
    assert min(dealer.done.values()) > 0
    await assert_books_balance(crowd.session, crowd.community_id)
