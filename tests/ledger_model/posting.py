"""How the model writes a transfer down: who may pay, which lots give, where the points end."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from app.ledger.errors import InsufficientPoints, TransferUnknown
from tests.ledger_model.accounts import (
    GRACE,
    Account,
    Hold,
    Lot,
    Policy,
    Share,
    Transfer,
    end_of,
    lapse_after,
    local_day,
    share_out,
    whole,
)

Expiry = Callable[[Lot], datetime]


class Posting:
    """One community's book; `now` moves when the machine says so."""

    def __init__(self, policy: Policy, accounts: Iterable[Account], now: datetime) -> None:
        self.policy = policy
        self.now = now
        self.accounts = {account.number: account for account in accounts}
        self.transfers: list[Transfer] = []
        self.holds: dict[int, Hold] = {}
        self.sources: set[int] = set()

    @property
    def lots(self) -> list[Lot]:
        return [lot for account in self.accounts.values() for lot in account.lots]

    def find(self, number: int) -> Transfer:
        for transfer in self.transfers:
            if transfer.number == number:
                return transfer
        raise TransferUnknown

    def able(self, number: int, points: int) -> Account:
        account = self.accounts[number]
        available = account.available(self.now)
        if points > available:
            raise InsufficientPoints(available_points=available, needed_points=points)
        return account

    def move(
        self, kind: str, account: Account, to: int, points: int, *, number: int | None = None
    ) -> Transfer:
        shares = share_out(points, whole(account.free_lots(self.now)))
        return self.post(kind, account.number, to, points, number=number, shares=shares)

    def derive(
        self, account: int, transfer: Transfer, expiry: Expiry, *, keeps_age: bool = False
    ) -> None:
        for share in transfer.shares:
            self.add_lot(
                self.accounts[account], transfer, share, expiry(share.lot),
                follows_policy=share.lot.follows_policy,
                earned_at=share.lot.earned_at if keeps_age else self.now,
            )  # fmt: skip

    def add_lot(
        self, account: Account, transfer: Transfer, share: Share, lapse: datetime, *,
        follows_policy: bool, earned_at: datetime | None = None,
    ) -> None:  # fmt: skip
        account.lots.append(
            Lot(account.number, transfer, share.points, share.points, earned_at or self.now, lapse,
                follows_policy=follows_policy, origin=share.lot.root)
        )  # fmt: skip

    def post(
        self, kind: str, debit: int, credit: int, points: int, *, number: int | None = None,
        shares: Sequence[Share] = (), reverses: Transfer | None = None,
    ) -> Transfer:  # fmt: skip
        """Write a transfer down, and take its points out of the lots it names."""
        for share in shares:
            share.lot.remaining -= share.points
        for account, change in ((debit, -points), (credit, points)):
            if account in self.accounts:
                self.accounts[account].posted += change
        if reverses is not None:
            reverses.reversed_points += points
        transfer = Transfer(kind, debit, credit, points, number, list(shares), reverses)
        self.transfers.append(transfer)
        return transfer

    def policy_lapse(self, acted_at: datetime) -> datetime:
        """Return when points lapse by the policy: not before it has stood for its whole time."""
        months, since = self.policy.lapse_months, self.policy.lapse_since
        day = local_day(acted_at if since is None else max(acted_at, since))
        return lapse_after(day, months)

    @property
    def grace(self) -> datetime:
        return end_of(local_day(self.now + timedelta(days=GRACE)))
