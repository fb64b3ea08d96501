"""Public notices, and what is said to them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from app.core.ids import Id
from app.core.schemas import Input
from app.notices.models import NoticeKind, RemarkKind


class NoticeState(StrEnum):
    """Whether one can still say something to it."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class ObjectionState(StrEnum):
    """Whether an objection has been answered."""

    UNANSWERED = "unanswered"
    ANSWERED = "answered"


class NoticeRead(BaseModel):
    """A notice, and how much was said to it.

    What it stands for is found by its number: /v1/rule-changes and the lists of awards name it.
    """

    notice_id: Id
    kind: NoticeKind
    title: str
    state: NoticeState
    opens_at: datetime
    closes_at: datetime
    withdrawn_at: datetime | None
    comments: int
    objections: int
    unanswered_objections: int
    upheld_objections: int


class RemarkCreate(Input):
    """A comment or an objection; `about_id` names the line of a list that it is about."""

    kind: RemarkKind
    text: Annotated[str, StringConstraints(min_length=2, max_length=500)] = Field(
        examples=["每天 80 分的上限太低，周末值守常常超过 8 小时"]
    )
    about_id: Id | None = None


class AnswerCreate(Input):
    """What is answered; an objection is upheld or dismissed, a comment neither."""

    answer: Annotated[str, StringConstraints(min_length=2, max_length=500)] = Field(
        examples=["上限参照去年实际时长制定，暂不调整"]
    )
    is_upheld: bool | None = None


class RemarkRead(BaseModel):
    """What somebody said and what was answered.

    The text is there once it has passed the check, and always for its author; `is_shown` tells
    whether others see it.
    """

    remark_id: Id
    notice_id: Id
    kind: RemarkKind
    text: str | None
    is_shown: bool
    about_id: Id | None
    masked_name: str
    is_own: bool
    written_at: datetime
    answer: str | None
    answered_at: datetime | None
    is_upheld: bool | None


class ObjectionRead(RemarkRead):
    """An objection as those see it who answer it, with the notice it is raised against."""

    notice_title: str
    notice_kind: NoticeKind
    closes_at: datetime
