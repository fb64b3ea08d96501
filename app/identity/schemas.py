"""Sign-in, and what it answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.core.access import Role
from app.core.ids import Id
from app.core.schemas import Input

_app_id = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]
_code = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Membership(BaseModel):
    """A community that a person belongs to, and as what."""

    community_id: Id
    community_name: str
    resident_id: Id | None
    roles: list[Role]


class WeChatSignIn(Input):
    """The code of wx.login, and the mini-program it comes from."""

    app_id: _app_id = Field(examples=["wx5f2c6d9b1a3e7048"])
    code: _code


class LocalSignIn(Input):
    """A name that the local provider believes; the demo prints its names."""

    ticket: Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")] = Field(
        examples=["resident-1"]
    )


class Refresh(Input):
    """The refresh token of the last answer."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ChangeMembership(Input):
    """The community to go on in."""

    community_id: Id


class Tokens(BaseModel):
    """A session: the access token goes into `Authorization: Bearer`, times are in seconds.

    `person_id` is whom an operator gives a role (`gridpoints community grant`).
    """

    person_id: Id
    token_type: Literal["Bearer"]
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    membership: Membership | None
    memberships: list[Membership]


class SignedOut(BaseModel):
    """How many sessions were ended."""

    ended_sessions: int
