"""The book of a community: accounts, transfers, balances, lots and holds.

Hot tables carry no foreign keys (29 % there); one lock order holds everywhere: balance rows in
account order, then their lots.
"""

from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, Sequence, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model

MACHINE = 0  # the maker of what a job posts, nobody having asked
# Lots made of other lots have numbers below 0, so they never meet an award's, in their own order.
derived_lots = Sequence("derived_lots", minvalue=-(2**62), maxvalue=-1, metadata=Model.metadata)


class SystemAccount(IntEnum):
    """The same four numbers in every community; no row of theirs stands in the write path."""

    ISSUER = 1
    EXPIRED = 2
    PENALTY = 3
    CORRECTION = 4


class AccountKind(StrEnum):
    """Whom an account belongs to; a wallet or shop account carries its owner's number."""

    WALLET = "wallet"
    SAVINGS = "savings"
    FUND = "fund"
    MERCHANT = "merchant"
    ISSUER = "issuer"
    EXPIRED = "expired"
    PENALTY = "penalty"
    CORRECTION = "correction"


class TransferKind(StrEnum):
    """Why points moved."""

    AWARD = "award"
    DEDUCTION = "deduction"
    SPEND = "spend"
    REVERSAL = "reversal"
    EXPIRY = "expiry"
    DECAY = "decay"
    SAVING = "saving"
    WITHDRAWAL = "withdrawal"
    DONATION = "donation"
    GIFT = "gift"
    SETTLEMENT = "settlement"
    CORRECTION = "correction"


class HoldState(StrEnum):
    """Where a hold stands; only `held` pins lots."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


def _known(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Account(Model):
    """Who owns an account of the book."""

    __tablename__ = "accounts"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    owner_id: Mapped[int]
    opened_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_known("kind", AccountKind), name="kind_known"),
        Index("uq_accounts_owner", "community_id", "kind", "owner_id", unique=True),
    )


class Balance(Model):
    """What a guarded account holds: posted = lots - debt; available = posted - held - lapsed.

    No point that is free lapses before `next_expiry_at`; it may be earlier than the first does.
    """

    __tablename__ = "balances"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    posted: Mapped[int] = mapped_column(server_default="0")
    lots_total: Mapped[int] = mapped_column(server_default="0")
    debt: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    floor: Mapped[int] = mapped_column(server_default="0")
    last_spent_at: Mapped[datetime | None]
    decayed_at: Mapped[datetime | None]
    next_expiry_at: Mapped[datetime] = mapped_column(server_default=text("'infinity'"))

    __table_args__ = (
        CheckConstraint("posted = lots_total - debt", name="posted_is_lots_less_debt"),
        CheckConstraint("debt >= 0", name="debt_not_negative"),
        CheckConstraint("held BETWEEN 0 AND lots_total", name="held_within_lots"),
        CheckConstraint("debt <= -floor", name="debt_within_floor"),
        Index(
            "ix_balances_lapse",
            "community_id",
            "next_expiry_at",
            postgresql_where=text("next_expiry_at < 'infinity'"),
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )


class Transfer(Model):
    """Points moved from one account to another: balanced by construction, never changed.

    `memo` says in the words of that day what it was for. The salt, and nothing else, may be
    erased later (seals/).
    """

    __tablename__ = "transfers"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)
    posting_id: Mapped[int]
    kind: Mapped[str]
    debit_account_id: Mapped[int]
    credit_account_id: Mapped[int]
    points: Mapped[int]
    source_kind: Mapped[str]
    source_id: Mapped[int]
    leg: Mapped[int] = mapped_column(SmallInteger)
    memo: Mapped[str]
    rule_version_id: Mapped[int | None]
    reverses_transfer_id: Mapped[int | None]
    maker_id: Mapped[int]
    checker_id: Mapped[int | None]
    occurred_at: Mapped[datetime]
    posted_at: Mapped[datetime]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        CheckConstraint(_known("kind", TransferKind), name="kind_known"),
        CheckConstraint("checker_id <> maker_id", name="checker_is_another"),
        CheckConstraint(
            "checker_id IS NOT NULL OR (source_kind <> 'manual' AND kind <> 'correction')",
            name="manual_is_checked",
        ),
        Index(
            "uq_transfers_source", "community_id", "source_kind", "source_id", "leg", unique=True
        ),
        # System accounts (numbers below 1000) are never listed: half the entries saved.
        Index(
            "ix_transfers_debit",
            "community_id",
            "debit_account_id",
            "transfer_id",
            postgresql_where=text("debit_account_id > 999"),
        ),
        Index(
            "ix_transfers_credit",
            "community_id",
            "credit_account_id",
            "transfer_id",
            postgresql_where=text("credit_account_id > 999"),
        ),
    )


class Lot(Model):
    """Points that arrived together and lapse together; an award's lot has its transfer's number.

    A lot made of another (saved, given on, given back too late) names where it came from first:
    the lot of an award. `follows_policy` says that the community's policy set its expiry.
    """

    __tablename__ = "lots"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    transfer_id: Mapped[int]
    origin_lot_id: Mapped[int | None]
    granted: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int] = mapped_column(server_default="0")
    earned_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(server_default=text("'infinity'"))
    follows_policy: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint("remaining BETWEEN 0 AND granted", name="remaining_within_granted"),
        CheckConstraint("held BETWEEN 0 AND remaining", name="held_within_remaining"),
        Index(
            "ix_lots_spending_order",
            "community_id",
            "account_id",
            "expires_at",
            "lot_id",
            postgresql_where=text("remaining > 0"),
        ),
        # An award's lot is found by its own number.
        Index(
            "ix_lots_derived",
            "community_id",
            "transfer_id",
            postgresql_where=text("lot_id < 0"),
        ),
    )


class LotMove(Model):
    """What a transfer took from a lot, or put back into it (negative): a refund knows where."""

    __tablename__ = "lot_moves"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]

    __table_args__ = (CheckConstraint("points <> 0", name="points_not_zero"),)


class Hold(Model):
    """Points promised to somebody: pinned in their lots, posted only when captured.

    A capture may take less than was promised; the rest is free again. `captures` counts how often
    it was captured, so that a capture undone can be done again.
    """

    __tablename__ = "holds"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    purpose: Mapped[str]
    memo: Mapped[str]
    points: Mapped[int]
    captured_points: Mapped[int] = mapped_column(server_default="0")
    captures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    state: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("points > 0", name="points_positive"),
        CheckConstraint("captured_points BETWEEN 0 AND points", name="captured_within_points"),
        CheckConstraint(_known("state", HoldState), name="state_known"),
        Index(
            "ix_holds_open",
            "community_id",
            "expires_at",
            postgresql_where=text("state = 'held'"),
        ),
    )


class HoldLot(Model):
    """How much of a lot a hold pins (or pinned)."""

    __tablename__ = "hold_lots"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]

    __table_args__ = (CheckConstraint("points > 0", name="points_positive"),)


class ReversedPoints(Model):
    """How much of a transfer has been reversed; never more than it moved."""

    __tablename__ = "reversed_points"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)
    original_points: Mapped[int]
    points: Mapped[int]

    __table_args__ = (
        CheckConstraint("points BETWEEN 1 AND original_points", name="not_more_than_original"),
    )


class SealQueueEntry(Model):
    """A transfer that waits to be sealed, written in the statement that posts it."""

    __tablename__ = "seal_queue"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)


class PointPolicy(Model):
    """What a community does with points that lie unused, are owed, saved or given away.

    A version is never changed, only followed by another. `expiry` is for rules that follow the
    policy; `decay`, `savings` and `gifts` are off where empty (point_policy/schemas.py reads
    them). `expiry_since` and `decay_since` say from when a part counts that was switched on
    later; nothing lapses by it before one full period is over.
    """

    __tablename__ = "point_policies"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    expiry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    expiry_since: Mapped[datetime | None]
    decay: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decay_since: Mapped[datetime | None]
    savings: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    gifts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    lowest_points: Mapped[int]
    notice_days: Mapped[list[int]] = mapped_column(JSONB)
    published_at: Mapped[datetime]
    published_by: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("lowest_points BETWEEN -10000 AND 0", name="lowest_points_in_reach"),
    )


class LapseNotice(Model):
    """A resident was told that points will lapse or halve in a month: once for each lead time."""

    __tablename__ = "lapse_notices"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    days_ahead: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    points: Mapped[int]
    lapses_at: Mapped[datetime]
    told_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("kind IN ('expiry', 'decay')", name="kind_known"),)
