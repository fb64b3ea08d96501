"""The inbox, and what a person accepts through WeChat."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.ids import Id
from app.core.pagination import Page
from app.core.schemas import Input

AppId = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]
TemplateId = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]
PopupResult = Annotated[str, StringConstraints(max_length=32)]
MOST_RESULTS = 20


class InboxMessageRead(BaseModel):
    """Something that a person should know; the subject says what it is about."""

    model_config = ConfigDict(from_attributes=True)

    inbox_message_id: Id
    kind: str
    title: str
    body: str
    subject_kind: str | None
    subject_id: Id | None
    created_at: datetime
    read_at: datetime | None


class Inbox(Page[InboxMessageRead]):
    """A page of the inbox, and how many messages are unread in all of it."""

    unread_count: int


class MessagesRead(BaseModel):
    """How many messages were unread until now."""

    read_count: int


class SubscriptionRead(BaseModel):
    """A template to ask for, what it tells of, and how many messages may still be sent."""

    template_id: str
    kinds: list[str]
    left_count: int


class SubscriptionList(BaseModel):
    """Every template of a mini-program; wx.requestSubscribeMessage takes 5 at a time."""

    items: list[SubscriptionRead]
    next_cursor: None = None


class SubscriptionReport(Input):
    """What wx.requestSubscribeMessage answered, as it is: a result for each template."""

    app_id: AppId = Field(examples=["wx5f2c6d9b1a3e7048"])
    results: Annotated[
        dict[TemplateId, PopupResult],
        Field(
            min_length=1,
            max_length=MOST_RESULTS,
            description="`accept`, `reject`, `ban`, `filter`…",
            examples=[{"xyJ8a7pQw2LsVb0nTz5cR1dF6gHk3mEuYi9oPqXrWst": "accept"}],
        ),
    ]


class SubscriptionsReported(SubscriptionList):
    """What may be sent from now on.

    `is_counted` is false where WeChat itself tells us of every popup: the report then changes
    nothing, lest it count twice.
    """

    is_counted: bool
    unknown_template_ids: list[str]
