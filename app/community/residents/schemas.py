"""Residents as staff see them, and what they see of staff."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from app.core.access import Role
from app.core.ids import Id
from app.core.schemas import Input

_written_without_country = re.compile(r"1[0-9]{10}")


def in_international_form(written: str) -> str:
    """Return a number in E.164; eleven digits from 1 on are a Chinese mobile's."""
    if _written_without_country.fullmatch(written):
        return f"+86{written}"
    # An unescaped plus arrives as a space.
    return "+" + written.lstrip("+ ")


Purpose = Annotated[
    str, StringConstraints(min_length=2, max_length=200), Field(examples=["通知停水，电话联系"])
]


class PersonalField(StrEnum):
    """What of a resident is kept sealed."""

    NAME = "name"
    PHONE = "phone"


class ResidentRead(BaseModel):
    """A resident, as staff see them when they look for somebody.

    Without `has_phone_account` they take part with a paper card. `audience` are the groups they
    belong to, which rules and campaigns may be for.
    """

    resident_id: Id
    masked_name: str
    masked_phone: Annotated[str | None, Field(examples=["138****0001"])]
    building_name: str
    room: str | None
    has_phone_account: bool
    audience: list[str]


AudienceCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class AudiencePut(Input):
    """All the groups a resident belongs to, in place of those before; empty for none."""

    audience: Annotated[
        list[AudienceCode],
        Field(max_length=20, examples=[["elder", "volunteer"]]),
        AfterValidator(lambda codes: sorted(set(codes))),
    ]


class AudienceRead(BaseModel):
    """The groups a resident belongs to."""

    resident_id: Id
    audience: list[str]


class Reveal(Input):
    """Which values are needed in the clear, and what for: the resident will read it."""

    fields: Annotated[
        list[PersonalField],
        Field(min_length=1, max_length=2),
        AfterValidator(lambda fields: list(dict.fromkeys(fields))),
    ]
    purpose: Purpose


class Revealed(BaseModel):
    """The values that were asked for; null if not asked for or not known."""

    resident_id: Id
    name: str | None
    phone: str | None


class PersonalDataReadRead(BaseModel):
    """Somebody of the staff saw my name or phone in the clear.

    The role and the masked name are null once they have left the staff.
    """

    personal_data_read_id: Id
    reader_role: Role | None
    reader_masked_name: str | None
    fields: list[str]
    purpose: str
    read_at: datetime


class PhoneGive(Input):
    """The code of WeChat's phone number button in one of our mini-programs."""

    app_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        examples=["wx5f2c6d9b1a3e7048"]
    )
    code: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class OwnPhone(BaseModel):
    """My phone as others see it; null if I gave none."""

    masked_phone: str | None
