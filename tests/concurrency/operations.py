"""Random operations on one community's ledger from many clients at once, several at a time.

Every client picks a kind of operation, some wallets or some of what others have done before, and
runs it in a transaction of its own; others may pick the same at the same moment. Time goes on
with every operation, so that lots and holds lapse on the way.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.by_hand import under_rules
from app.contributions.models import ManualPosting, PostingKind
from app.contributions.reversals import Undoing, undo_contribution
from app.core.ids import new_id
from app.core.problems import Problem
from app.ledger import queries
from app.ledger.holds import queries as holds
from app.ledger.holds.service import expire_holds
from app.ledger.lapses import NEVER
from app.ledger.lapsing import service as lapsing
from app.ledger.models import TransferKind
from app.ledger.moves import queries as moves
from app.ledger.moves.service import Move, row_of
from app.ledger.reversals.service import GiveBack, give_back
from app.ledger.salts import new_salt
from app.rules.evaluation import Terms
from tests.support.awards import award, make_item
from tests.support.neighbourhood import Neighbourhood

MOST_AT_ONCE = 20
REMEMBERED = 500
LASTS = timedelta(days=730)
ZONE = "Asia/Shanghai"
EXPIRIES: tuple[dict[str, Any], ...] = (
    {"kind": "never"}, {"kind": "months", "months": 1}, {"kind": "months", "months": 12},
)  # fmt: skip


@dataclass
class Market:
    """What clients trade with, and what they have left for each other."""

    here: Neighbourhood
    terms: Terms
    wallets: Sequence[int]
    savings: dict[int, int]
    fund_id: int
    sessionmaker: async_sessionmaker[AsyncSession]
    began: datetime
    dice: random.Random
    pace: timedelta = timedelta(0)
    open_holds: list[tuple[int, int]] = field(default_factory=list)
    captured: list[tuple[int, int]] = field(default_factory=list)
    spent: list[tuple[int, int]] = field(default_factory=list)
    contributions: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def community_id(self) -> int:
        return self.here.community_id

    @property
    def shop_id(self) -> int:
        return self.here.created.shops["canteen"]

    @property
    def operations(self) -> int:
        return self.done.total() + self.refused.total()

    @property
    def now(self) -> datetime:
        return self.began + self.operations * self.pace

    def some_wallets(self) -> list[int]:
        return self.dice.sample(self.wallets, k=self.dice.randint(1, MOST_AT_ONCE))

    def some_of(self, left: list[tuple[int, int]]) -> dict[int, int]:
        """Return a few of what was left, one for each wallet: thing by wallet."""
        some = self.dice.sample(left, k=min(len(left), self.dice.randint(1, MOST_AT_ONCE)))
        return {wallet: thing for thing, wallet in some}

    def count(self, kind: str, done: int, of: int) -> None:
        self.done[kind] += done
        self.refused[kind] += of - done

    def remember(self, left: list[Any], things: Sequence[Any]) -> None:
        """Keep the newest; older ones stay as they are."""
        left.extend(things)
        del left[:-REMEMBERED]


class Client:
    """One of many who deal on the market."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.dice = market.dice
        self.deeds: dict[Callable[[AsyncSession], Awaitable[None]], int] = {
            self.award: 10, self.place: 8, self.capture: 6, self.undo: 2, self.release: 3,
            self.extend: 2, self.spend: 8, self.donate: 3, self.give: 4, self.save: 4,
            self.withdraw: 4, self.deduct: 3, self.undo_contribution: 4, self.give_back: 4,
            self.expire_holds: 1, self.expire_points: 1, self.decay: 1,
        }  # fmt: skip

    async def deal(self) -> None:
        (deed,) = self.dice.choices(list(self.deeds), weights=list(self.deeds.values()))
        try:
            async with self.market.sessionmaker.begin() as session:
                await deed(session)
        except Problem:
            self.market.count(deed.__name__, 0, 1)

    async def award(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        items = [
            make_item(
                replace(
                    market.terms, points=self.dice.randint(1, 40), policy_version=None,
                    expiry=self.dice.choice(EXPIRIES),
                ),
                wallet, now=now,
            )
            for wallet in market.some_wallets()
        ]  # fmt: skip
        await award(session, market.here, items, now=now)
        market.remember(market.contributions, [item.contribution_id for item in items])
        market.count("award", len(items), len(items))

    async def place(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        rows: list[dict[str, Any]] = [
            {"item_id": new_id(now), "account_id": wallet, "points": self.dice.randint(1, 60),
             "purpose": "booking", "memo": "活动室",
             "expires_at": (now + timedelta(days=self.dice.randint(20, 200))).isoformat()}
            for wallet in market.some_wallets()
        ]  # fmt: skip
        await self.lock(session, [row["account_id"] for row in rows])
        placed = await holds.place_holds(session, market.community_id, rows, now=now)
        market.remember(
            market.open_holds,
            [(row["item_id"], row["account_id"]) for row in rows if row["item_id"] in placed],
        )
        market.count("place", len(placed), len(rows))

    async def capture(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        some = market.some_of(market.open_holds)
        rows = [
            {"hold_id": hold, "transfer_id": new_id(now), "credit_account_id": market.shop_id,
             "points": self.dice.choice((None, self.dice.randint(1, 20))), "maker_id": 1,
             "salt": new_salt()}
            for hold in some.values()
        ]  # fmt: skip
        await self.lock(session, list(some))
        captured = await holds.capture_holds(session, market.community_id, rows, now=now)
        wallets = {hold: wallet for wallet, hold in some.items()}
        market.remember(market.captured, [(hold, wallets[hold]) for hold in captured])
        market.remember(market.spent, [(captured[hold], wallets[hold]) for hold in captured])
        market.count("capture", len(captured), len(rows))

    async def undo(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        some = market.some_of(market.captured)
        rows = [
            {"hold_id": hold, "transfer_id": new_id(now), "maker_id": 1, "salt": new_salt()}
            for hold in some.values()
        ]
        await self.lock(session, list(some))
        undone = await holds.undo_captures(session, market.community_id, rows, now=now)
        market.count("undo", len(undone), len(rows))

    async def release(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        some = market.some_of(market.open_holds)
        await self.lock(session, list(some))
        released = await holds.release_holds(
            session, market.community_id, list(some.values()), state="released", now=now
        )
        market.count("release", len(released), len(some))

    async def extend(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        some = market.some_of(market.open_holds)
        until = now + timedelta(days=self.dice.randint(20, 200))
        rows = [{"hold_id": hold, "expires_at": until.isoformat()} for hold in some.values()]
        await self.lock(session, list(some))
        extended = await holds.extend_holds(session, market.community_id, rows, now=now)
        market.count("extend", len(extended), len(rows))

    async def spend(self, session: AsyncSession) -> None:
        market = self.market
        pairs = [(wallet, market.shop_id) for wallet in market.some_wallets()]
        await self._move(session, TransferKind.SPEND, pairs)

    async def donate(self, session: AsyncSession) -> None:
        market = self.market
        pairs = [(wallet, market.fund_id) for wallet in market.some_wallets()]
        await self._move(session, TransferKind.DONATION, pairs)

    async def give(self, session: AsyncSession) -> None:
        """Give in a ring, so that most give and receive in the same statement."""
        wallets = self.market.some_wallets()
        pairs = zip(wallets, wallets[1:] + wallets[:1], strict=True)
        await self._move(session, TransferKind.GIFT, [one for one in pairs if one[0] != one[1]])

    async def save(self, session: AsyncSession) -> None:
        market = self.market
        pairs = [(wallet, market.savings[wallet]) for wallet in market.some_wallets()]
        lapses_at = self.dice.choice((NEVER, None))
        await self._move(session, TransferKind.SAVING, pairs, lapses_at=lapses_at)

    async def withdraw(self, session: AsyncSession) -> None:
        market = self.market
        pairs = [(market.savings[wallet], wallet) for wallet in market.some_wallets()]
        until = market.now + timedelta(days=30)
        await self._move(
            session, TransferKind.WITHDRAWAL, pairs, lapses_at=until, policy_lapses_at=NEVER
        )

    async def _move(
        self,
        session: AsyncSession,
        kind: TransferKind,
        pairs: Sequence[tuple[int, int]],
        **lapses: datetime | None,
    ) -> None:
        market, now = self.market, self.market.now
        rows = []
        for payer, receiver in pairs:
            transfer_id = new_id(now)
            move = Move(
                transfer_id, kind, payer, receiver, self.dice.randint(1, 30), "忙碌的集市", 1,
                "test", transfer_id, **lapses,
            )  # fmt: skip
            rows.append(row_of(move, now))
        if not rows:
            return
        await self.lock(session, [account for pair in pairs for account in pair])
        moved = await moves.move(session, market.community_id, kind, rows, now=now)
        if kind is TransferKind.SPEND:
            market.remember(
                market.spent,
                [(row["item_id"], row["account_id"]) for row in rows if row["item_id"] in moved],
            )
        market.count(str(kind), len(moved), len(rows))

    async def deduct(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        posting = ManualPosting(
            community_id=market.community_id,
            manual_posting_id=new_id(now),
            kind=PostingKind.DEDUCTION,
            resident_id=self.dice.choice(market.wallets),
            rule_code="sorted_wrongly",
            units=self.dice.randint(1, 4),
            acted_at=now,
            reason="乱投垃圾",
            proposed_by=1,
            proposed_at=now,
        )
        posted = await under_rules.post(session, posting, checker_id=2, now=now)
        market.remember(market.contributions, [posted.contribution_id])
        market.count("deduct", 1, 1)

    async def undo_contribution(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        if not market.contributions:
            return
        undoing = Undoing(
            contribution_id=self.dice.choice(market.contributions),
            points=self.dice.choice((None, self.dice.randint(1, 10))),
            memo="收回",
            reason="有误",
            source=("reversal", 0),
            reversed_by=1,
            checked_by=2,
        )
        done = await undo_contribution(
            session, market.community_id, undoing, timezone=ZONE, now=now
        )
        market.count("undo_contribution", done is not None, 1)

    async def give_back(self, session: AsyncSession) -> None:
        market, now = self.market, self.market.now
        if not market.spent:
            return
        transfer_id, wallet = self.dice.choice(market.spent)
        wanted = GiveBack(
            reversal_id=(reversal_id := new_id(now)),
            transfer_id=transfer_id,
            account_id=wallet,
            points=self.dice.randint(1, 15),
            memo="退回",
            maker_id=1,
            checker_id=2,
            source_kind="reversal",
            source_id=reversal_id,
            is_usable_again=self.dice.random() < 0.5,
        )
        await self.lock(session, [wallet])
        await give_back(session, market.community_id, wanted, timezone=ZONE, now=now)
        market.count("give_back", 1, 1)

    async def expire_holds(self, session: AsyncSession) -> None:
        market = self.market
        ended = await expire_holds(session, market.community_id, not_for=(), now=market.now)
        market.count("expire_holds", ended, max(ended, 1))

    async def expire_points(self, session: AsyncSession) -> None:
        market = self.market
        ended = await lapsing.expire_points(session, market.community_id, now=market.now)
        market.count("expire_points", ended, max(ended, 1))

    async def decay(self, session: AsyncSession) -> None:
        market = self.market
        decay = lapsing.Decay(
            market.community_id, 50, None, market.now - timedelta(days=self.dice.randint(2, 20))
        )
        last = await lapsing.decay_points(session, decay, after=0, now=market.now)
        market.count("decay", last > 0, 1)

    async def lock(self, session: AsyncSession, accounts: Sequence[int]) -> None:
        await queries.lock_balances(session, self.market.community_id, accounts)


async def trade(market: Market, *, operations: int, clients: int) -> None:
    """Let so many clients deal for two years, until so many operations are done or refused."""
    market.pace = LASTS / operations

    async def go_on() -> None:
        client = Client(market)
        while market.operations < operations:
            await client.deal()

    await asyncio.gather(*(go_on() for _ in range(clients)))
