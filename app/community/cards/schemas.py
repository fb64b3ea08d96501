"""Registering residents without a phone, and their cards."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from app.community.models import JoinState
from app.community.residents.schemas import in_international_form
from app.community.schemas import PersonName
from app.core.codes import LONGEST_SCAN
from app.core.ids import Id
from app.core.schemas import Input

MOST_CARDS = 500

# As people write it: E.164, or a mainland mobile without its country.
Phone = Annotated[
    str,
    StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14}|1[3-9][0-9]{9})$"),
    AfterValidator(in_international_form),
]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class ResidentRegister(Input):
    """A resident whom a worker registers; `phone` is for calls, not for signing in."""

    name: PersonName = Field(examples=["周阿婆"])
    building_id: Id
    room: Annotated[str, StringConstraints(min_length=1, max_length=20)] = Field(examples=["1-302"])
    phone: Phone | None = Field(default=None, examples=["13800000000"])


class ResidentRegistered(BaseModel):
    """A resident without an account; the name and phone are not repeated in the clear."""

    resident_id: Id
    masked_name: str
    masked_phone: str | None
    building_id: Id
    room: str
    joined_at: datetime


class WithdrawCard(Input):
    """Why a card no longer holds."""

    reason: Reason = Field(examples=["遗失"])


class CardRead(BaseModel):
    """A paper card; `serial` is printed on it, for people to read out."""

    card_id: Id
    resident_id: Id
    masked_name: str
    serial: str = Field(examples=["A3F7-2K9Q"])
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    reason: str | None


class CardIssued(CardRead):
    """A new card with its code, which the sheet prints."""

    token: str
    link: str


class CardList(BaseModel):
    """A resident's cards, newest first; at most one is in use."""

    items: list[CardRead]
    next_cursor: None = None


class CardSheetAsk(Input):
    """Whose cards to print: some residents, or everybody in a building."""

    resident_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_CARDS)] | None = None
    building_id: Id | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.resident_ids is None) == (self.building_id is None):
            raise ValueError("name either residents or a building")
        return self


class ClaimByCard(Input):
    """What the mini-program scanned."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SCAN)]


class CardClaimRead(BaseModel):
    """A request to be the resident of a card; a finder learns no more than the card says."""

    join_request_id: Id
    community_id: Id
    masked_name: str
    state: JoinState
    asked_at: datetime
