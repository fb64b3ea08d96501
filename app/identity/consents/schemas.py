"""Policies and consents."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, field_validator

from app.core.ids import Id
from app.core.schemas import Input

SERVICE = "service"
POLICY_EXAMPLE = (
    "本社区使用网格积分小程序，由社区居民委员会负责处理您的个人信息。我们只收集办理积分、签到、"
    "上报和兑换所必需的信息；姓名和手机号加密保存，其他居民只能看到打码后的姓名。"
)

PurposeCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"), Field(examples=["location"])
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Version = Annotated[int, Field(ge=1, le=1_000_000)]


class Purpose(Input):
    """Why personal data is used; `keeps` says in words what is kept and for how long."""

    code: PurposeCode
    name: Name = Field(examples=["位置"])
    description: Sentence = Field(examples=["上报事件时记录拍照地点，便于网格员找到现场。"])
    is_required: bool
    keeps: Sentence = Field(examples=["经纬度，事件办结后保留 1 年"])


class PolicyPublish(Input):
    """The next version: its text and the purposes, of which `service` is one and required."""

    text: Annotated[str, StringConstraints(min_length=50, max_length=20_000)] = Field(
        examples=[POLICY_EXAMPLE]
    )
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=20)]

    @field_validator("purposes")
    @classmethod
    def _has_service(cls, purposes: list[Purpose]) -> list[Purpose]:
        is_required = {purpose.code: purpose.is_required for purpose in purposes}
        if len(is_required) < len(purposes):
            raise ValueError("a code stands for one purpose")
        if not is_required.get(SERVICE, False):
            raise ValueError(f"{SERVICE} must be among the purposes, and required")
        return purposes


class PolicyRead(BaseModel):
    """A version of a community's policy."""

    community_id: Id
    version: int
    text: str
    purposes: list[Purpose]
    published_at: datetime


class PublicPolicy(PolicyRead):
    """The newest policy, and the name of who answers for it."""

    responsible: str


class ConsentGive(Input):
    """What I agree to: some purposes of the version I read, in the app I read it in."""

    community_id: Id
    version: Version
    purposes: Annotated[list[PurposeCode], Field(min_length=1, max_length=20)]
    app_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class ConsentRead(Purpose):
    """A purpose of the newest policy and my consent to it.

    `standing` is true when I agreed to the newest version; `needs_renewal` when I agreed to an
    older one, which `granted_version` names.
    """

    granted_version: int | None
    granted_at: datetime | None
    standing: bool
    needs_renewal: bool


class ConsentList(BaseModel):
    """My consents in one community, by the purposes of its newest policy."""

    version: int
    items: list[ConsentRead]
    next_cursor: None = None


class ConsentWithdrawn(BaseModel):
    """A purpose I no longer agree to; `was_standing` is false if I had not agreed."""

    purpose: str
    was_standing: bool
