"""The ledger's operations, one at a time: each call is the work of one transaction.

An operation that undoes another takes what that has left on a list, and raises IndexError when
there is nothing left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions import reversals as undoing
from app.contributions.models import SourceKind
from app.contributions.posting import Verdict
from app.contributions.service import Act, award_one, evaluate_act
from app.core.ids import new_id
from app.ledger import queries
from app.ledger.holds import service as holds
from app.ledger.models import TransferKind
from app.ledger.moves import service as moves
from app.ledger.reversals import service as reversals
from tests.bench.errors import BenchFailed
from tests.bench.ledger.floors import Yardstick
from tests.bench.ledger.town import Town

AWARD, SPEND, GIVE_BACK, HOLD, CAPTURE, GIFT, MANY, HOT, TAKE_BACK = NAMES = (
    "award", "spend", "give back", "hold", "capture", "gift", "spend, many lots", "one wallet",
    "take back",
)  # fmt: skip
CLERK = 1
SPENT, GIVEN_BACK = 10, 5
A_MONTH = timedelta(days=30)
A_YEAR = {"kind": "months", "months": 12}


@dataclass(frozen=True, slots=True)
class Turn:
    """Which wallet is next, another one of the same client, and how often it was its turn."""

    number: int
    wallet: int
    other: int


@dataclass(slots=True)
class Operations:
    """What one community's wallets go through, and what can still be undone of it."""

    town: Town
    awarded: list[int] = field(default_factory=list)
    spent: list[tuple[int, int]] = field(default_factory=list)
    held: list[holds.HoldRef] = field(default_factory=list)

    async def award(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Give 20 points that last a year."""
        town, timezone = self.town, self.town.created.timezone
        act = Act(
            source_kind=SourceKind.ACTIVITY,
            source_id=new_id(now),
            resident_id=turn.wallet,
            occasion="",
            units=1,
            acted_at=now,
            timezone=timezone,
            recorded_by=CLERK,
            memo=town.terms.name,
        )
        item = evaluate_act(act, replace(town.terms, expiry=A_YEAR), (), now=now)
        outcome = await award_one(session, town.community_id, item, timezone=timezone, now=now)
        if outcome.decision.verdict != Verdict.GRANTED:
            raise BenchFailed(f"An award was {outcome.decision.verdict}.")
        self.awarded.append(item.contribution_id)

    async def spend(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Pay 10 points to the shop."""
        spent = await self._move(session, TransferKind.SPEND, turn.wallet, self.town.shop_id, now)
        self.spent.append((spent, turn.wallet))

    async def spend_many(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Pay 10 points out of one of many lots, as a wallet has them after years."""
        await self._move(session, TransferKind.SPEND, turn.wallet, self.town.shop_id, now)

    async def give_back(self, session: AsyncSession, _: Turn, now: datetime) -> None:
        """Reverse half of a spend."""
        transfer_id, wallet = self.spent.pop()
        reversal_id = new_id(now)
        wanted = reversals.GiveBack(
            reversal_id=reversal_id,
            transfer_id=transfer_id,
            account_id=wallet,
            points=GIVEN_BACK,
            memo="退还",
            maker_id=CLERK,
            checker_id=None,
            source_kind="reversal",
            source_id=reversal_id,
            is_usable_again=False,
        )
        community, timezone = self.town.community_id, self.town.created.timezone
        await queries.lock_balances(session, community, [wallet])
        await reversals.give_back(session, community, wanted, timezone=timezone, now=now)

    async def hold(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Pin 10 points for a month."""
        request = holds.HoldRequest(
            hold_id=new_id(now),
            account_id=turn.wallet,
            points=SPENT,
            purpose="bench",
            memo="社区食堂午餐一份",
            expires_at=now + A_MONTH,
        )
        await holds.place_hold(session, self.town.community_id, request, now=now)
        self.held.append(holds.HoldRef(request.hold_id, turn.wallet))

    async def capture(self, session: AsyncSession, _: Turn, now: datetime) -> None:
        """Post what a hold pins to the shop."""
        await holds.capture_hold(
            session, self.town.community_id, self.held.pop(),
            credit_account_id=self.town.shop_id, maker_id=CLERK, now=now,
        )  # fmt: skip

    async def gift(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Give 10 points to another wallet."""
        await self._move(session, TransferKind.GIFT, turn.wallet, turn.other, now)

    async def award_or_spend(self, session: AsyncSession, turn: Turn, now: datetime) -> None:
        """Award or pay, in turn: what all clients do to one wallet."""
        kinds = (self.award, self.spend_many)
        await kinds[turn.number % 2](session, turn, now)

    async def take_back(self, session: AsyncSession, _: Turn, now: datetime) -> None:
        """Reverse a whole award, the points of which may have been spent."""
        wanted = undoing.Undoing(
            contribution_id=self.awarded.pop(),
            points=None,
            memo="收回",
            reason="登记有误",
            source=("reversal", 0),
            reversed_by=CLERK,
            checked_by=None,
        )
        community, timezone = self.town.community_id, self.town.created.timezone
        taken = await undoing.undo_contribution(
            session, community, wanted, timezone=timezone, now=now
        )
        if taken is None:
            raise BenchFailed("An award was taken back already.")

    async def _move(
        self, session: AsyncSession, kind: TransferKind, payer: int, receiver: int, now: datetime
    ) -> int:
        transfer_id = new_id(now)
        move = moves.Move(
            transfer_id=transfer_id,
            kind=kind,
            account_id=payer,
            credit_account_id=receiver,
            points=SPENT,
            memo="社区食堂",
            maker_id=CLERK,
            source_kind="bench",
            source_id=transfer_id,
        )
        community = self.town.community_id
        await queries.lock_balances(session, community, [payer, receiver])
        await moves.move_points(session, community, move, now=now)
        return transfer_id


Operation = Callable[[AsyncSession, Turn, datetime], Awaitable[None]]


def operations_of(work: Operations) -> dict[str, Operation]:
    """Return them in the order in which each finds what it needs."""
    return {
        AWARD: work.award,
        SPEND: work.spend,
        GIVE_BACK: work.give_back,
        HOLD: work.hold,
        CAPTURE: work.capture,
        GIFT: work.gift,
        MANY: work.spend_many,
        HOT: work.award_or_spend,
        TAKE_BACK: work.take_back,
    }


YARDSTICKS = {
    AWARD: Yardstick(("award",)),
    SPEND: Yardstick(("spend",)),
    GIVE_BACK: Yardstick(("give_back",)),
    HOLD: Yardstick(("hold",)),
    CAPTURE: Yardstick(("capture",)),
    GIFT: Yardstick(("gift",)),
    MANY: Yardstick(("spend",)),
    HOT: Yardstick(("award", "spend"), who="who_hot"),
    TAKE_BACK: Yardstick(("take_back",)),
}
