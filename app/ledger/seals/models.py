"""What is sealed: leaves, kept nodes and checkpoints of each community's tree; never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Tree(Model):
    """A community's log: its name in checkpoints, and how many transfers it seals.

    Whoever seals holds this row, so there is one sealer for each community at a time.
    """

    __tablename__ = "trees"

    community_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str]
    size: Mapped[int] = mapped_column(server_default="0")
    opened_at: Mapped[datetime]
    sealed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("size >= 0", name="size_not_negative"),)


class Seal(Model):
    """A leaf: which transfer was sealed at which place, and the hash of what it said."""

    __tablename__ = "seals"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    leaf_index: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int]
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("leaf_index >= 0", name="leaf_index_not_negative"),
        CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_is_sha256"),
        Index("uq_seals_transfer", "community_id", "transfer_id", unique=True),
    )


class TreeNode(Model):
    """A complete subtree of every fourth level above the leaves."""

    __tablename__ = "tree_nodes"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    node_hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("level > 0 AND level % 4 = 0", name="level_is_kept"),
        CheckConstraint("octet_length(node_hash) = 32", name="node_hash_is_sha256"),
    )


class SealedCheckpoint(Model):
    """The signed head of a tree at one of its sizes."""

    __tablename__ = "checkpoints"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]
    made_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)


class WitnessSignature(Model):
    """The line by which a witness countersigned a checkpoint."""

    __tablename__ = "cosignatures"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True)
    witness: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str]
    signed_at: Mapped[datetime]


class AccountRollup(Model):
    """What an unguarded account (the system's, a shop's) holds by the transfers sealed so far."""

    __tablename__ = "account_rollups"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    posted: Mapped[int]
    transfers: Mapped[int]

    __table_args__ = (CheckConstraint("transfers > 0", name="transfers_positive"),)


class UnlinkedTransfer(Model):
    """A sealed transfer whose salt was erased, and what is left of each hidden field.

    `kept` has a hash for what nobody can open any more, a salt for what still can be. Nothing of
    it ever changes but a salt into its hash.
    """

    __tablename__ = "unlinked_transfers"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(primary_key=True)
    kept: Mapped[dict[str, Any]] = mapped_column(JSONB)
    unlinked_at: Mapped[datetime]


class SaltErasure(Model):
    """A resident who has left: the salts of their transfers go as soon as all are sealed.

    `done_at` is when none had one left; transfers may still come after it.
    """

    __tablename__ = "salt_erasures"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("done_at >= asked_at", name="done_after_asked"),
        Index("ix_salt_erasures_open", "community_id", postgresql_where=text("done_at IS NULL")),
    )
