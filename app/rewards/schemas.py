"""The catalogue and vouchers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.core.ids import Id
from app.rewards.models import VoucherState


class RewardRead(BaseModel):
    """Something points buy; `stock_left` is null when there is no end to it."""

    model_config = ConfigDict(from_attributes=True)

    reward_id: Id
    kind: str
    name: str
    description: str
    price_points: int
    stock_left: int | None
    per_resident_limit: int | None
    voucher_days: int


class VoucherRead(BaseModel):
    """A voucher: show the QR code of `link`, or read out `typed_code`."""

    voucher_id: Id
    reward_id: Id
    reward_name: str
    points: int
    state: VoucherState
    typed_code: str
    token: str
    link: str
    issued_at: datetime
    valid_until: datetime
    used_at: datetime | None
