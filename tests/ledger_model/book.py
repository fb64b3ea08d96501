"""The service's side of the machine: one community's book, worked by the rooms' own functions."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import InitVar, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from app.contributions import reversals as contribution_reversals
from app.contributions import service as contributions
from app.contributions.posting import AwardItem
from app.contributions.service import Act
from app.core.calendar import day_in
from app.core.ids import new_id
from app.ledger import queries as ledger
from app.ledger.deductions import service as deductions
from app.ledger.holds import jobs as hold_jobs
from app.ledger.holds import service as holds
from app.ledger.lapses import end_of, lapse_under
from app.ledger.lapsing import jobs as lapsing_jobs
from app.ledger.lapsing import service as lapsing
from app.ledger.models import HoldState, TransferKind
from app.ledger.moves import service as moves
from app.ledger.reversals import service as reversals
from app.rules.evaluation import Terms
from tests.ledger_model.accounts import GRACE, NEVER, Policy
from tests.ledger_model.opening import RULE_ID, SAVINGS, WALLETS, expiry_of, open_community
from tests.ledger_model.stored import Stored, read_book

TIMEZONE = "Asia/Shanghai"
MAKER, CHECKER = 11, 12
_SET_FLOOR = """
    UPDATE balances SET floor = :floor WHERE community_id = :community_id AND account_id = :account
"""


@dataclass(frozen=True, slots=True)
class _OneSession:
    """Stands for a session maker; nothing is committed, and savepoints would cost time."""

    session: AsyncSession

    def __call__(self) -> nullcontext[AsyncSession]:
        return nullcontext(self.session)

    def begin(self) -> nullcontext[AsyncSession]:
        return nullcontext(self.session)


@dataclass(slots=True)
class Book:
    """A community on a connection whose transaction is undone at the end.

    Every operation returns an answer or raises the Problem that a caller would be told.
    """

    bound: InitVar[AsyncConnection]
    policy: Policy
    now: datetime
    session: AsyncSession = field(init=False)
    driver: Any = None
    community_id: int = 0
    terms: Terms = field(init=False)
    holders: dict[int, int] = field(default_factory=dict)

    def __post_init__(self, bound: AsyncConnection) -> None:
        self.session = AsyncSession(bound, join_transaction_mode="rollback_only")
        self.terms = Terms(
            rule_id=RULE_ID, rule_version_id=RULE_ID, code="help", name="邻里互助", points=1,
            max_units=100, is_earning=True, caps=(), expiry=expiry_of(self.policy.lapse_months),
        )  # fmt: skip

    async def read(self) -> Stored:
        return await read_book(self.driver, self.community_id, self.now)

    async def open(self, code: str, driver: Any) -> None:
        self.driver = driver
        self.community_id = await open_community(self.session, code, self.policy, now=self.now)

    async def award(
        self, number: int, resident: int, points: int, *, months: int | None, acted_at: datetime,
        follows_policy: bool = False, is_stale: bool = False,
    ) -> int | None:  # fmt: skip
        terms = self._lasting(months)
        if follows_policy or is_stale:
            since = self.policy.lapse_since
            terms = replace(self.terms, policy_version=0 if is_stale else 1, expiry_since=since)
        item = self._item(number, resident, points, terms, acted_at)
        outcome = await contributions.award_one(
            self.session, self.community_id, item, timezone=TIMEZONE, now=self.now
        )
        return outcome.posted

    async def award_all(self, lots: Iterable[tuple[int, int, int, int | None]]) -> None:
        """Award many at once: (number, resident, points, months)."""
        items = [self._item(number, resident, points, self._lasting(months), self.now)
                 for number, resident, points, months in lots]  # fmt: skip
        await contributions.award(
            self.session, self.community_id, items, timezone=TIMEZONE, now=self.now
        )

    def _item(
        self, number: int, resident: int, points: int, terms: Terms, acted_at: datetime
    ) -> AwardItem:
        act = Act(
            source_kind="activity", source_id=number, resident_id=resident, occasion="",
            units=points, acted_at=acted_at, timezone=TIMEZONE,
            recorded_by=MAKER, memo="做了好事",
        )  # fmt: skip
        item = contributions.evaluate_act(act, terms, [], now=self.now)
        return replace(item, contribution_id=number)

    def _lasting(self, months: int | None) -> Terms:
        """Return terms with an expiry of their own."""
        return replace(self.terms, expiry=expiry_of(months))

    async def spend(
        self, number: int, resident: int, shop: int, points: int, *, source: int
    ) -> None:
        await self._move(TransferKind.SPEND, number, resident, shop, points, source=source)

    async def donate(self, number: int, resident: int, fund: int, points: int) -> None:
        await self._move(TransferKind.DONATION, number, resident, fund, points)

    async def give(self, number: int, resident: int, neighbour: int, points: int) -> None:
        await self._move(TransferKind.GIFT, number, resident, neighbour, points)

    async def save(self, number: int, resident: int, savings: int, points: int) -> None:
        lapses_at = NEVER if self.policy.is_saving_exempt else None
        await self._move(
            TransferKind.SAVING, number, resident, savings, points, lapses_at=lapses_at
        )

    async def withdraw(self, number: int, savings: int, points: int) -> None:
        today = day_in(TIMEZONE, self.now)
        await self._move(
            TransferKind.WITHDRAWAL, number, savings, SAVINGS[savings], points,
            lapses_at=end_of(today + timedelta(days=GRACE), TIMEZONE),
            policy_lapses_at=lapse_under(
                self.terms.expiry, acted_on=today, since=self.policy.lapse_since,
                timezone=TIMEZONE,
            ),
        )  # fmt: skip

    async def _move(
        self, kind: TransferKind, number: int, account: int, to: int, points: int, *,
        source: int | None = None, lapses_at: datetime | None = None,
        policy_lapses_at: datetime | None = None,
    ) -> None:  # fmt: skip
        await ledger.lock_balances(self.session, self.community_id, [account, to])
        move = moves.Move(
            transfer_id=number, kind=kind, account_id=account, credit_account_id=to,
            points=points, memo="", maker_id=MAKER, source_kind=str(kind),
            source_id=source or number, lapses_at=lapses_at, policy_lapses_at=policy_lapses_at,
        )  # fmt: skip
        await moves.move_points(self.session, self.community_id, move, now=self.now)

    async def place(self, number: int, account: int, points: int, until: datetime) -> None:
        self.holders[number] = account
        request = holds.HoldRequest(number, account, points, "booking", "活动室", until)
        await holds.place_hold(self.session, self.community_id, request, now=self.now)

    async def extend(self, number: int, until: datetime) -> None:
        await holds.extend_hold(
            self.session, self.community_id, self._hold(number), until=until, now=self.now
        )

    async def capture(self, number: int, shop: int, points: int | None) -> None:
        await holds.capture_hold(
            self.session, self.community_id, self._hold(number), credit_account_id=shop,
            maker_id=MAKER, points=points, now=self.now,
        )  # fmt: skip

    async def undo_capture(self, number: int) -> None:
        await holds.undo_capture(
            self.session, self.community_id, self._hold(number), maker_id=MAKER, now=self.now
        )

    async def release(self, number: int) -> bool:
        released = await holds.release_holds(
            self.session, self.community_id, [self._hold(number)], state=HoldState.RELEASED,
            now=self.now,
        )  # fmt: skip
        return number in released

    async def expire_holds(self) -> int:
        return await hold_jobs.expire_holds(self._sessions(), not_for=[], now=self.now)

    def _hold(self, number: int) -> holds.HoldRef:
        return holds.HoldRef(number, self.holders.get(number, WALLETS[0]))

    async def deduct(self, number: int, resident: int, points: int) -> int:
        deduction = deductions.Deduction(
            withdrawal_id=new_id(self.now), deduction_id=number, account_id=resident,
            points=points, source_kind="contribution", source_id=number, memo="",
            rule_version_id=RULE_ID, maker_id=MAKER, checker_id=CHECKER, occurred_at=self.now,
        )  # fmt: skip
        return await deductions.deduct(self.session, self.community_id, deduction, now=self.now)

    async def reverse_award(self, number: int, award: int, points: int | None) -> int:
        undoing = contribution_reversals.Undoing(
            contribution_id=award, points=points, memo="", reason="记错了",
            source=("posting", number), reversed_by=MAKER, checked_by=CHECKER,
        )  # fmt: skip
        taken = await contribution_reversals.undo_contribution(
            self.session, self.community_id, undoing, timezone=TIMEZONE, now=self.now
        )
        return 0 if taken is None else taken.taken_points

    async def give_back(
        self, number: int, transfer_id: int, points: int | None, *, is_usable_again: bool
    ) -> None:
        original = await reversals.get_reversible(self.session, self.community_id, transfer_id)
        account = original.debit_account_id
        await ledger.lock_balances(self.session, self.community_id, [account])
        wanted = reversals.GiveBack(
            reversal_id=number, transfer_id=transfer_id, account_id=account,
            points=points or original.points - original.reversed_points or 1, memo="",
            maker_id=MAKER, checker_id=CHECKER, source_kind="posting", source_id=number,
            is_usable_again=is_usable_again,
        )  # fmt: skip
        await reversals.give_back(
            self.session, self.community_id, wanted, timezone=TIMEZONE, now=self.now
        )

    def _sessions(self) -> async_sessionmaker[AsyncSession]:
        """Hand a job the one session there is, instead of sessions that commit."""
        return cast("async_sessionmaker[AsyncSession]", _OneSession(self.session))

    async def expire_points(self) -> None:
        await lapsing_jobs.expire_points(self._sessions(), now=self.now)

    async def decay_points(self) -> None:
        await lapsing_jobs.decay_points(self._sessions(), now=self.now)

    async def close_accounts(self, owner: int) -> int:
        return await lapsing.close_accounts_of(
            self.session, self.community_id, owner, memo="退出", maker_id=MAKER, now=self.now
        )

    async def change_floor(self, account: int, floor: int) -> None:
        values = {"community_id": self.community_id, "account": account, "floor": floor}
        await self.session.execute(text(_SET_FLOOR), values)

    async def wait(self, until: datetime) -> None:
        self.now = until
