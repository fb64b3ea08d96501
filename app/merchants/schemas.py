"""Voucher verification, in the shape that tills know (prepare, consume, cancel)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.ids import Id
from app.core.schemas import Input
from app.rewards.models import VoucherState

RequestNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z_-]{6,40}$"),
    Field(description="Made up by the shop, unique within it; repeat it on retry"),
]
VoucherCode = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    Field(description="What was scanned or typed, or the verify_token of prepare"),
]


class VoucherPrepare(Input):
    """Look at a voucher before confirming it."""

    shop_id: Id
    code: VoucherCode


class VoucherConsume(Input):
    """Confirm a voucher."""

    shop_id: Id
    out_request_no: RequestNumber
    code: VoucherCode


class VerificationCancel(Input):
    """Take a confirmation back."""

    shop_id: Id
    out_request_no: RequestNumber
    verification_id: Id
    reason: Annotated[str, StringConstraints(min_length=2, max_length=200)]


class VoucherPreview(BaseModel):
    """A voucher as a shop sees it: what it is for, and whose, masked."""

    voucher_id: Id
    reward_name: str
    reward_kind: str
    points: int
    state: VoucherState
    valid_until: datetime
    holder: str


class Prepared(BaseModel):
    """`reason` is the code of the problem that consume would answer."""

    voucher: VoucherPreview
    can_consume: bool
    reason: str | None
    verify_token: str | None
    expires_in: int


class VerificationRead(BaseModel):
    """A confirmation, or one taken back."""

    verification_id: Id
    out_request_no: str
    operation: Literal["consume", "cancel"]
    shop_id: Id
    voucher: VoucherPreview
    at: datetime


class VerificationLine(BaseModel):
    """One line of a shop's record."""

    model_config = ConfigDict(from_attributes=True)

    verification_id: Id
    out_request_no: str
    operation: Literal["consume", "cancel"]
    reward_name: str
    points: int
    at: datetime


class ShopRead(BaseModel):
    """A shop I am a clerk of."""

    model_config = ConfigDict(from_attributes=True)

    shop_id: Id
    name: str
    void_minutes: int


class ShopList(BaseModel):
    """My shops."""

    items: list[ShopRead]
    next_cursor: None = None
