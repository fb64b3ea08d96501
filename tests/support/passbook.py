"""A resident's accounts lived in below HTTP, with what a clerk with a pencil would write down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.ledger import queries
from app.ledger.deductions.service import AwardReversal, Deduction, deduct, reverse_awards
from app.ledger.holds.service import (
    HoldRef,
    HoldRequest,
    capture_hold,
    place_hold,
    release_holds,
    undo_capture,
)
from app.ledger.lapses import NEVER as INFINITY
from app.ledger.lapsing.service import expire_points
from app.ledger.models import AccountKind, HoldState, TransferKind
from app.ledger.moves.service import Move, move_points
from app.ledger.reversals.service import GiveBack, give_back
from tests.support.awards import NEVER, get_terms, give_lots
from tests.support.book_rows import set_floor
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

ZONE = "Asia/Shanghai"
Entry = tuple[str, int, int]


@dataclass(slots=True)
class Passbook:
    """`wallet` and `savings` list (kind, points, balance after), newest first."""

    sessionmaker: async_sessionmaker[AsyncSession]
    here: Neighbourhood
    clock: Clock
    name: str = "resident-1"
    wallet: list[Entry] = field(default_factory=list)
    savings: list[Entry] = field(default_factory=list)
    savings_account: int = 0

    @property
    def account(self) -> int:
        return int(self.here.resident_id(self.name))

    @property
    def community(self) -> int:
        return self.here.community_id

    def write(self, kind: str, points: int) -> None:
        self.wallet.insert(0, (kind, points, points + (self.wallet[0][2] if self.wallet else 0)))

    def write_savings(self, kind: str, points: int) -> None:
        before = self.savings[0][2] if self.savings else 0
        self.savings.insert(0, (kind, points, points + before))

    async def award(self, points: int, expiry: dict[str, Any] = NEVER) -> int:
        """Return the award, whose number is its transfer's as well."""
        async with self.sessionmaker.begin() as session:
            lots = [(self.account, points, expiry)]
            (number,) = await give_lots(session, self.here, lots, now=self.clock.now)
        self.write("award", points)
        return number

    async def take_back(self, award: int, points: int) -> None:
        async with self.sessionmaker.begin() as session:
            terms = await get_terms(session, self.here, "survey", at=self.clock.now)
            await queries.lock_owned(session, self.community, [self.account])
            reversal = AwardReversal(
                withdrawal_id=new_id(self.clock.now),
                reversal_id=(number := new_id(self.clock.now)), transfer_id=award,
                account_id=self.account, points=points, original_points=points, memo="收回",
                rule_version_id=terms.rule_version_id, maker_id=1, checker_id=2,
                source_kind="reversal", source_id=number, occurred_at=self.clock.now,
            )  # fmt: skip
            taken = await reverse_awards(session, self.community, [reversal], now=self.clock.now)
        self.write("reversal", -taken[number])

    async def spend(self, points: int) -> HoldRef:
        now = self.clock.now
        hold = HoldRef(new_id(now), self.account)
        until = now + timedelta(days=30)
        request = HoldRequest(
            hold.hold_id, hold.account_id, points, "redemption", "鸡蛋一盒", until
        )
        async with self.sessionmaker.begin() as session:
            await place_hold(session, self.community, request, now=now)
            await capture_hold(
                session, self.community, hold,
                credit_account_id=self.here.created.shops["canteen"], maker_id=1, now=now,
            )  # fmt: skip
        self.write("spend", -points)
        return hold

    async def undo(self, hold: HoldRef, points: int) -> None:
        async with self.sessionmaker.begin() as session:
            await undo_capture(session, self.community, hold, maker_id=1, now=self.clock.now)
            await release_holds(
                session, self.community, [hold], state=HoldState.RELEASED, now=self.clock.now
            )
        self.write("reversal", points)

    async def fine(self, points: int, *, memo: str = "混投") -> int:
        """Deduct, and return the deduction."""
        now = self.clock.now
        async with self.sessionmaker.begin() as session:
            terms = await get_terms(session, self.here, "survey", at=now)
            deduction = Deduction(
                withdrawal_id=new_id(now), deduction_id=(number := new_id(now)),
                account_id=self.account, points=points,
                source_kind="manual", source_id=number, memo=memo,
                rule_version_id=terms.rule_version_id, maker_id=1, checker_id=2, occurred_at=now,
            )  # fmt: skip
            collected = await deduct(session, self.community, deduction, now=now)
        self.write("deduction", -collected)
        return number

    async def give_back(self, transfer: int, points: int) -> None:
        now = self.clock.now
        async with self.sessionmaker.begin() as session:
            await queries.lock_owned(session, self.community, [self.account])
            wanted = GiveBack(
                reversal_id=(number := new_id(now)), transfer_id=transfer,
                account_id=self.account, points=points, memo="撤销扣分", maker_id=1, checker_id=2,
                source_kind="reversal", source_id=number, is_usable_again=False,
            )  # fmt: skip
            await give_back(session, self.community, wanted, timezone=ZONE, now=now)
        self.write("reversal", points)

    async def save(self, points: int) -> None:
        async with self.sessionmaker.begin() as session:
            if not self.savings_account:
                self.savings_account = new_id(self.clock.now)
                await queries.open_guarded_account(
                    session, self.community, self.savings_account, AccountKind.SAVINGS,
                    owner_id=self.account, now=self.clock.now,
                )  # fmt: skip
            await self._move(session, TransferKind.SAVING, points)
        self.write("saving", -points)
        self.write_savings("saving", points)

    async def withdraw(self, points: int) -> None:
        async with self.sessionmaker.begin() as session:
            await self._move(session, TransferKind.WITHDRAWAL, points)
        self.write("withdrawal", points)
        self.write_savings("withdrawal", -points)

    async def _move(self, session: AsyncSession, kind: TransferKind, points: int) -> None:
        await queries.lock_owned(session, self.community, [self.account])
        ends = [self.account, self.savings_account]
        giver, taker = ends if kind is TransferKind.SAVING else ends[::-1]
        move = Move(
            transfer_id=(number := new_id(self.clock.now)), kind=kind, account_id=giver,
            credit_account_id=taker, points=points, memo=kind.value, maker_id=1,
            source_kind="savings", source_id=number, lapses_at=INFINITY,
            policy_lapses_at=INFINITY,
        )  # fmt: skip
        await move_points(session, self.community, move, now=self.clock.now)

    async def lapse(self, points: int) -> None:
        """Let the job post what has lapsed by now, which is so much."""
        async with self.sessionmaker.begin() as session:
            await expire_points(session, self.community, now=self.clock.now)
        self.write("expiry", -points)

    async def may_owe(self, points: int) -> None:
        async with self.sessionmaker.begin() as session:
            await set_floor(session, self.community, self.account, -points)


async def read_statement(caller: Caller, size: int, **chosen: Any) -> list[dict[str, Any]]:
    """Return every line, page by page; each page but the last is full."""
    lines: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await caller.get("/v1/me/statement", size=size, **chosen, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        lines += page["items"]
        if page["next_cursor"] is None:
            return lines
        assert len(page["items"]) == size
        cursor = {"cursor": page["next_cursor"]}


def entries(lines: Sequence[dict[str, Any]]) -> list[Entry]:
    """Return lines as a passbook has them."""
    return [(line["kind"], line["points"], line["balance_points"]) for line in lines]
