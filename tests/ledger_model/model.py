"""The rules of money, as plainly as they can be said. See design.md, "Ledger".

Every method is one operation: it changes the model and returns the answer, or raises the refusal
and changes nothing. Whatever the service does must come to the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from app.community.errors import ResidentNotFound
from app.contributions.errors import RuleChanged
from app.ledger.errors import (
    AccountUnknown,
    AlreadyPosted,
    BalanceRefused,
    HoldNotOpen,
    MoreThanOriginal,
    NotReversible,
)
from tests.ledger_model.accounts import (
    NEVER,
    WAYS_BACK,
    Account,
    Hold,
    Lot,
    Share,
    Transfer,
    lapse_after,
    local_day,
    months_on,
    share_out,
    stretch,
    total,
    whole,
)
from tests.ledger_model.posting import Posting

ISSUER, EXPIRED, PENALTY = 1, 2, 3


class Model(Posting):
    """One community's book."""

    # Earning

    def award(
        self, number: int, resident: int, points: int, *, months: int | None, acted_at: datetime,
        follows_policy: bool = False, is_stale: bool = False,
    ) -> int:  # fmt: skip
        """Debt is repaid first, only the rest becomes a lot. Return what the wallet then has."""
        if resident not in self.accounts:
            raise ResidentNotFound
        if is_stale:
            raise RuleChanged
        wallet = self.accounts[resident]
        repaid = min(points, wallet.debt)
        wallet.debt -= repaid
        transfer = self.post("award", ISSUER, resident, points, number=number)
        if points > repaid:
            lapse = self._award_lapse(acted_at, months, follows_policy=follows_policy)
            if lapse <= self.now:  # it comes too late for that, and is as if earned today
                lapse = self._award_lapse(self.now, months, follows_policy=follows_policy)
            wallet.lots.append(
                Lot(resident, transfer, points - repaid, points - repaid, acted_at, lapse,
                    follows_policy=follows_policy, number=number)
            )  # fmt: skip
        return wallet.posted

    def _award_lapse(
        self, earned_at: datetime, months: int | None, *, follows_policy: bool
    ) -> datetime:
        if follows_policy:
            return self.policy_lapse(earned_at)
        return lapse_after(local_day(earned_at), months)

    # Using points: whole or not at all, lots that lapse first

    def spend(self, number: int, resident: int, shop: int, points: int, *, source: int) -> None:
        """A source pays once, whoever asks again."""
        wallet = self.able(resident, points)
        if source in self.sources:
            raise AlreadyPosted
        self.sources.add(source)
        wallet.last_spent_at = self.now
        self.move("spend", wallet, shop, points, number=number)

    def donate(self, number: int, resident: int, fund: int, points: int) -> None:
        """A fund's points never lapse."""
        wallet = self.able(resident, points)
        wallet.last_spent_at = self.now
        transfer = self.move("donation", wallet, fund, points, number=number)
        lot = Lot(fund, transfer, points, points, self.now, NEVER, number=number)
        self.accounts[fund].lots.append(lot)

    def give(self, number: int, resident: int, neighbour: int, points: int) -> None:
        """What is given lapses as before, and is as old; it repays nobody's debt."""
        wallet = self.able(resident, points)
        wallet.last_spent_at = self.now
        transfer = self.move("gift", wallet, neighbour, points, number=number)
        self.derive(neighbour, transfer, lambda lot: lot.expires_at, keeps_age=True)

    def save(self, number: int, resident: int, savings: int, points: int) -> None:
        """Saved points do not lapse where the policy exempts them; saving is not using."""
        transfer = self.move("saving", self.able(resident, points), savings, points, number=number)
        exempt = self.policy.is_saving_exempt
        self.derive(savings, transfer, lambda lot: NEVER if exempt else lot.expires_at)

    def withdraw(self, number: int, savings: int, points: int) -> None:
        """What savings kept gets its own date back, or at least 30 days."""
        account = self.able(savings, points)
        transfer = self.move("withdrawal", account, account.owner, points, number=number)
        self.derive(account.owner, transfer, self._date_after_saving)

    def _date_after_saving(self, lot: Lot) -> datetime:
        if lot.expires_at < NEVER:
            return lot.expires_at
        if lot.root.expires_at < NEVER:
            return max(lot.root.expires_at, self.grace)
        return self.policy_lapse(self.now) if lot.follows_policy else NEVER

    # Holds

    def place(self, number: int, account: int, points: int, until: datetime) -> None:
        if account not in self.accounts:
            raise AccountUnknown
        wallet = self.able(account, points)
        pins = share_out(points, whole(wallet.free_lots(self.now)))
        for pin in pins:
            pin.lot.held += pin.points
        self.holds[number] = Hold(number, account, points, until, pins)

    def extend(self, number: int, until: datetime) -> None:
        """An open hold lasts longer, never shorter."""
        hold = self._open_hold(number)
        if until < hold.expires_at:
            raise HoldNotOpen
        hold.expires_at = until

    def capture(self, number: int, shop: int, points: int | None) -> None:
        """Take some from the pinned lots that lapse first; the rest is free again."""
        hold = self._open_hold(number)
        points = hold.points if points is None else points
        if not 1 <= points <= hold.points:
            raise HoldNotOpen
        self._unpin(hold)
        pins = sorted(hold.pins, key=lambda pin: pin.lot.spending_order)
        shares = share_out(points, pins)
        self.accounts[hold.account].last_spent_at = self.now
        hold.capture = self.post("spend", hold.account, shop, points, shares=shares)
        hold.state, hold.captured = "captured", points

    def undo_capture(self, number: int) -> None:
        """Pin the same lots again: only a whole capture of which nothing was given back."""
        hold = self.holds.get(number)
        if hold is None or hold.capture is None or hold.captured != hold.points:
            raise HoldNotOpen
        if hold.capture.reversed_points:
            raise HoldNotOpen
        capture = hold.capture
        self.post("reversal", capture.credit, hold.account, hold.points, reverses=capture)
        for pin in hold.pins:
            pin.lot.remaining += pin.points
            pin.lot.held += pin.points
        hold.state, hold.captured, hold.capture = "held", 0, None

    def release(self, number: int) -> bool:
        """Free what a hold pins, whatever its date; return whether it was open."""
        hold = self.holds.get(number)
        if hold is None or hold.state != "held":
            return False
        self._unpin(hold)
        hold.state = "released"
        return True

    def expire_holds(self) -> int:
        late = [hold for hold in self.holds.values()
                if hold.state == "held" and hold.expires_at <= self.now]  # fmt: skip
        for hold in late:
            self._unpin(hold)
            hold.state = "expired"
        return len(late)

    def _open_hold(self, number: int) -> Hold:
        hold = self.holds.get(number)
        if hold is None or hold.state != "held" or hold.expires_at <= self.now:
            raise HoldNotOpen
        return hold

    def _unpin(self, hold: Hold) -> None:
        for pin in hold.pins:
            pin.lot.held -= pin.points

    # Taking points, as far as there are any

    def deduct(self, number: int, resident: int, points: int) -> int:
        """Take free lots, then savings, then run into debt down to the floor, and no further."""
        if resident not in self.accounts:
            raise AccountUnknown
        return self._collect(self.accounts[resident], points, number, "deduction", PENALTY)

    def reverse_award(self, _source: int, award_number: int, points: int | None) -> int:
        """Ask for part of an award, or what still stands of it: its own lot first.

        What could not be taken is not asked for again.
        """
        award = self.find(award_number)
        standing = award.points - award.asked_back
        if standing == 0:
            return 0
        if points is not None and points > standing:
            raise MoreThanOriginal(left_points=standing, asked_points=points)
        points = points or standing
        award.asked_back += points
        wallet = self.accounts[award.credit]
        return self._collect(wallet, points, None, "reversal", ISSUER, award)

    def _collect(
        self, wallet: Account, points: int, number: int | None, kind: str, to: int,
        award: Transfer | None = None,
    ) -> int:  # fmt: skip
        self._reach_into_savings(wallet, points)
        lots = wallet.free_lots(self.now)
        lots.sort(key=lambda lot: award is None or lot.transfer is not award)
        shares = share_out(points, whole(lots))
        owed = min(points - total(shares), max(-wallet.floor - wallet.debt, 0))
        wallet.debt += owed
        collected = total(shares) + owed
        if collected:
            self.post(kind, wallet.number, to, collected, number=number, shares=shares,
                       reverses=award)  # fmt: skip
        return collected

    def _reach_into_savings(self, wallet: Account, points: int) -> None:
        for savings in self.accounts.values():
            if savings.kind == "savings" and savings.owner == wallet.number:
                lacking = min(points - wallet.free(self.now), savings.free(self.now))
                if lacking > 0:
                    withdrawal = self.move("withdrawal", savings, wallet.number, lacking)
                    self.derive(wallet.number, withdrawal, self._date_when_taken)

    def _date_when_taken(self, lot: Lot) -> datetime:
        """What savings are reached for gets its own date back, or at least a day."""
        if lot.expires_at < NEVER or lot.root.expires_at == NEVER:
            return lot.expires_at
        return max(lot.root.expires_at, self.now + timedelta(days=1))

    # Giving points back

    def give_back(
        self, number: int, transfer_number: int, points: int | None, *, is_usable_again: bool
    ) -> None:
        """Give back what was owed, then lots that lapse last; each with its own date.

        With grace, what could be used for less than 30 days more is given 30.
        """
        original = self.find(transfer_number)
        if original.kind not in WAYS_BACK:
            raise NotReversible
        points = points or original.left or 1
        if points > original.left:
            raise MoreThanOriginal(left_points=original.left, asked_points=points)
        account = self.accounts[original.debit]
        owed = original.points - total(original.shares)
        from_debt = min(points, max(owed - original.reversed_points, 0))
        start = max(original.reversed_points - owed, 0)
        last_first = sorted(original.shares, key=lambda share: share.lot.spending_order)[::-1]
        back = stretch(last_first, start, points - from_debt)
        transfer = self.post("reversal", original.credit, account.number, points, number=number,
                              reverses=original)  # fmt: skip
        self._repay(account, from_debt, transfer)
        for share in back:
            if is_usable_again and share.lot.expires_at < self.grace:
                self.add_lot(account, transfer, share, self.grace, follows_policy=False)
            else:
                share.lot.remaining += share.points

    def _repay(self, account: Account, points: int, transfer: Transfer) -> None:
        """What was debt and has been repaid since is a new lot."""
        repaid = min(points, account.debt)
        account.debt -= repaid
        if points > repaid:
            account.lots.append(
                Lot(account.number, transfer, points - repaid, points - repaid, self.now,
                    self.policy_lapse(self.now), follows_policy=True, number=transfer.number)
            )  # fmt: skip

    # Points that come to their end

    def expire_points(self) -> int:
        """Everything free whose date has come lapses; what is pinned stays. Return accounts."""
        lapsed = 0
        for account in self.accounts.values():
            lots = [lot for lot in account.lots if lot.expires_at <= self.now]
            lapsed += self._lapse(account, lots) > 0
        return lapsed

    def close_accounts(self, owner: int) -> int:
        """All free points of wallet and savings lapse. Return how many."""
        owned = [account for account in self.accounts.values() if account.owner == owner]
        return sum(self._lapse(account, account.lots) for account in owned)

    def _lapse(self, account: Account, lots: Iterable[Lot]) -> int:
        shares = [share for share in whole(lots) if share.points > 0]
        if shares:
            self.post("expiry", account.number, EXPIRED, total(shares), shares=shares)
        return total(shares)

    def decay_points(self) -> int:
        """Unused wallets lose a percentage of what has lain there so long. Return wallets.

        Rounded down for the wallet as a whole; what the lots that lapse first lose is rounded
        down too.
        """
        decayed = 0
        since = self._months_on(self.now, -(self.policy.decay_months or 0))
        for wallet in self.accounts.values():
            old = [lot for lot in wallet.free_lots(self.now) if lot.earned_at <= since]
            if wallet.kind != "wallet" or self._last_used(wallet, since) > since or not old:
                continue
            wallet.decayed_at = self.now
            shares = self._percentage(old)
            if shares:
                decayed += 1
                self.post("decay", wallet.number, EXPIRED, total(shares), shares=shares)
        return decayed

    def unused_from(self, resident: int) -> datetime:
        """Return when a wallet may halve next, if nobody uses it until then."""
        wallet = self.accounts[resident]
        earned = min((lot.earned_at for lot in wallet.free_lots(self.now)), default=NEVER)
        if earned == NEVER:
            return NEVER
        used = self._last_used(wallet, earned)
        return self._months_on(max(used, earned), self.policy.decay_months or 0)

    def _last_used(self, wallet: Account, default: datetime) -> datetime:
        moments = (wallet.last_spent_at, wallet.decayed_at, self.policy.decay_since)
        return max((moment for moment in moments if moment), default=default)

    @staticmethod
    def _months_on(moment: datetime, months: int) -> datetime:
        return datetime.combine(months_on(moment.date(), months), moment.timetz())

    def _percentage(self, lots: Sequence[Lot]) -> list[Share]:
        shares, upto, cut = [], 0, 0
        for lot in lots:
            upto += lot.free
            share = upto * self.policy.decay_percent // 100 - cut
            cut += share
            if share > 0:
                shares.append(Share(lot, share))
        return shares

    # The rest

    def wait(self, until: datetime) -> None:
        self.now = until

    def change_floor(self, account: int, floor: int) -> None:
        """Nobody may already be below a new floor."""
        if self.accounts[account].debt > -floor:
            raise BalanceRefused
        self.accounts[account].floor = floor
