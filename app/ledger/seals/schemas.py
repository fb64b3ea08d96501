"""Checkpoints, proofs and keys as anybody may read them; times are UTC, hashes base64."""

from datetime import datetime

from pydantic import BaseModel, Field


class CheckpointSummary(BaseModel):
    """The signed head of the tree over the first `size` transfers.

    `note` is a C2SP signed note, a checkpoint, as the log signed it.
    """

    size: int = Field(examples=[1024])
    root: str = Field(examples=["G7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU="])
    made_at: datetime
    note: str


class Countersignature(BaseModel):
    """Which witness has checked that the checkpoint continues every earlier one, and when."""

    witness: str
    signed_at: datetime


class CheckpointRead(CheckpointSummary):
    """One checkpoint; the lines of witnesses follow the log's own in `note`.

    `origin` names the tree, and its keys. `printed_root` is the root as the notice board shows
    it: 64 hexadecimal digits in groups of four.
    """

    origin: str = Field(examples=["points.example.cn/communities/181930429120512"])
    printed_root: str
    witnesses: list[Countersignature]


class ConsistencyProof(BaseModel):
    """Hashes that prove the larger tree to begin with the smaller one (RFC 6962, 2.1.2)."""

    from_size: int
    to_size: int
    path: list[str]


class SealKey(BaseModel):
    """A key that signs checkpoints, written `name+id+key` (C2SP vkey), with our number of it.

    It signs from `active_from` on until two younger ones do. After `revoked_at` its signature
    proves nothing, whatever the date: only notes that somebody outside has held since before,
    or that a witness countersigned before, still stand.
    """

    number: int
    verifier_key: str
    active_from: datetime
    revoked_at: datetime | None


class SealKeys(BaseModel):
    """Keys of a community's tree, oldest first, and of those who may countersign for it."""

    origin: str
    keys: list[SealKey]
    witnesses: list[str]


class SealedBook(BaseModel):
    """What the whole book came to when the local day began.

    `circulating_points`, which residents and funds hold, are `issued_points` (less awards taken
    back) without what lapsed or halved, was taken as penalty, went to corrections or was paid
    to shops. By the day, so that nobody can read off what a neighbour was just given or fined.
    """

    as_of: datetime
    issued_points: int
    expired_points: int
    penalty_points: int
    corrected_points: int
    shops_points: int
    circulating_points: int
