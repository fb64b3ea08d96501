"""Who may do what: roles held at a place, permissions, and the dependency that asks.

Every route names its permission through `Require(...)` or is marked `public`; a test walks all
routes and compares them with tests/architecture/access_matrix.txt.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core.problems import Forbidden, Unauthenticated
from app.core.transactions import Now, Session


class Role(StrEnum):
    """What a person is in a community; `signed_in` is everybody with a session."""

    SIGNED_IN = "signed_in"
    RESIDENT = "resident"
    GRID_WORKER = "grid_worker"
    CLERK = "clerk"
    REVIEWER = "reviewer"
    COMMITTEE = "committee"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """`room:action`, alphabetical within a room."""

    ACTIVITIES_CHECK_IN = "activities:check_in"
    ACTIVITIES_MANAGE = "activities:manage"
    ACTIVITIES_READ = "activities:read"
    ACTIVITIES_SCAN = "activities:scan"
    AUDIT_READ = "audit:read"
    CASES_HANDLE = "cases:handle"
    CASES_READ = "cases:read"
    CASES_REPORT = "cases:report"
    CASES_ROUTE = "cases:route"
    COMMUNITY_DECIDE_JOIN = "community:decide_join"
    COMMUNITY_JOIN = "community:join"
    COMMUNITY_MANAGE = "community:manage"
    COMMUNITY_READ_OWN = "community:read_own"
    COMMUNITY_READ_RESIDENTS = "community:read_residents"
    COMMUNITY_REGISTER = "community:register"
    CONTRIBUTIONS_ASSIGN_DUTIES = "contributions:assign_duties"
    CONTRIBUTIONS_CHECK = "contributions:check"
    CONTRIBUTIONS_CLAIM = "contributions:claim"
    CONTRIBUTIONS_ENTER = "contributions:enter"
    CONTRIBUTIONS_POST = "contributions:post"
    CONTRIBUTIONS_READ_OWN = "contributions:read_own"
    CONTRIBUTIONS_READ_SIGNALS = "contributions:read_signals"
    CONTRIBUTIONS_REVIEW = "contributions:review"
    FUNDS_DONATE = "funds:donate"
    FUNDS_MANAGE = "funds:manage"
    FUNDS_READ = "funds:read"
    GOVERNANCE_APPEAL = "governance:appeal"
    GOVERNANCE_DECIDE_APPEALS = "governance:decide_appeals"
    HOME_READ = "home:read"
    IDENTITY_CONSENT = "identity:consent"
    IDENTITY_OWN_SESSION = "identity:own_session"
    IDENTITY_PUBLISH_POLICY = "identity:publish_policy"
    LEDGER_MOVE_OWN = "ledger:move_own"
    LEDGER_PRINT_SEALS = "ledger:print_seals"
    LEDGER_READ_OWN = "ledger:read_own"
    LEDGER_READ_POLICY = "ledger:read_policy"
    LEDGER_SET_POLICY = "ledger:set_policy"
    MEDIA_MODERATE = "media:moderate"
    MEDIA_UPLOAD = "media:upload"
    MERCHANTS_VERIFY = "merchants:verify"
    NOTICES_ANSWER = "notices:answer"
    NOTICES_READ = "notices:read"
    NOTICES_REMARK = "notices:remark"
    NOTIFICATIONS_READ_OWN = "notifications:read_own"
    PRIVACY_OWN = "privacy:own"
    REWARDS_READ = "rewards:read"
    REWARDS_REDEEM = "rewards:redeem"
    RULES_CAMPAIGN = "rules:campaign"
    RULES_DECIDE = "rules:decide"
    RULES_PROPOSE = "rules:propose"
    RULES_READ = "rules:read"
    STANDINGS_READ = "standings:read"
    STANDINGS_READ_OWN = "standings:read_own"


_SIGNED_IN = frozenset(
    {
        Permission.COMMUNITY_JOIN,
        Permission.IDENTITY_CONSENT,
        Permission.IDENTITY_OWN_SESSION,
    }
)
_MEMBER = frozenset(
    {
        Permission.ACTIVITIES_READ,
        Permission.FUNDS_READ,
        Permission.LEDGER_READ_POLICY,
        Permission.NOTICES_READ,
        Permission.NOTIFICATIONS_READ_OWN,
        Permission.REWARDS_READ,
        Permission.RULES_READ,
        Permission.STANDINGS_READ,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SIGNED_IN: _SIGNED_IN,
    Role.RESIDENT: _MEMBER
    | {
        Permission.ACTIVITIES_CHECK_IN,
        Permission.CASES_READ,
        Permission.CASES_REPORT,
        Permission.COMMUNITY_READ_OWN,
        Permission.CONTRIBUTIONS_CLAIM,
        Permission.CONTRIBUTIONS_READ_OWN,
        Permission.FUNDS_DONATE,
        Permission.GOVERNANCE_APPEAL,
        Permission.HOME_READ,
        Permission.LEDGER_MOVE_OWN,
        Permission.LEDGER_READ_OWN,
        Permission.MEDIA_UPLOAD,
        Permission.NOTICES_REMARK,
        Permission.PRIVACY_OWN,
        Permission.REWARDS_REDEEM,
        Permission.STANDINGS_READ_OWN,
    },
    Role.GRID_WORKER: _MEMBER
    | {
        Permission.ACTIVITIES_MANAGE,
        Permission.ACTIVITIES_SCAN,
        Permission.CASES_HANDLE,
        Permission.CASES_READ,
        Permission.COMMUNITY_DECIDE_JOIN,
        Permission.COMMUNITY_READ_RESIDENTS,
        Permission.COMMUNITY_REGISTER,
        Permission.CONTRIBUTIONS_ENTER,
        Permission.CONTRIBUTIONS_REVIEW,
        Permission.LEDGER_PRINT_SEALS,
        Permission.MEDIA_MODERATE,
        Permission.MEDIA_UPLOAD,
    },
    Role.CLERK: _MEMBER | {Permission.MERCHANTS_VERIFY},
    Role.REVIEWER: _MEMBER | {Permission.CONTRIBUTIONS_REVIEW},
    Role.AUDITOR: _MEMBER
    | {
        Permission.AUDIT_READ,
        Permission.CONTRIBUTIONS_READ_SIGNALS,
        Permission.GOVERNANCE_DECIDE_APPEALS,
    },
    Role.COMMITTEE: _MEMBER
    | {
        Permission.ACTIVITIES_MANAGE,
        Permission.ACTIVITIES_SCAN,
        Permission.AUDIT_READ,
        Permission.CASES_HANDLE,
        Permission.CASES_READ,
        Permission.CASES_ROUTE,
        Permission.COMMUNITY_DECIDE_JOIN,
        Permission.COMMUNITY_MANAGE,
        Permission.COMMUNITY_READ_RESIDENTS,
        Permission.COMMUNITY_REGISTER,
        Permission.CONTRIBUTIONS_ASSIGN_DUTIES,
        Permission.CONTRIBUTIONS_CHECK,
        Permission.CONTRIBUTIONS_ENTER,
        Permission.CONTRIBUTIONS_POST,
        Permission.CONTRIBUTIONS_READ_SIGNALS,
        Permission.CONTRIBUTIONS_REVIEW,
        Permission.FUNDS_MANAGE,
        Permission.GOVERNANCE_DECIDE_APPEALS,
        Permission.IDENTITY_PUBLISH_POLICY,
        Permission.LEDGER_PRINT_SEALS,
        Permission.LEDGER_SET_POLICY,
        Permission.MEDIA_MODERATE,
        Permission.MEDIA_UPLOAD,
        Permission.NOTICES_ANSWER,
        Permission.RULES_CAMPAIGN,
        Permission.RULES_DECIDE,
        Permission.RULES_PROPOSE,
    },
}


@dataclass(frozen=True, slots=True)
class Place:
    """A point in the community's tree; both empty is the community itself."""

    grid_id: int | None = None
    shop_id: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held at a place and everywhere below it."""

    role: Role
    at: Place = Place()

    def covers(self, place: Place) -> bool:
        return self.at.grid_id in (None, place.grid_id) and self.at.shop_id in (None, place.shop_id)


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller, detached from the database: a person, and their membership if they have one."""

    person_id: int
    session_id: int
    community_id: int | None
    resident_id: int | None
    grants: tuple[Grant, ...]

    def may(self, permission: Permission, *, at: Place | None = None) -> bool:
        """Tell whether a role of theirs carries this, at this place or (None) anywhere."""
        return any(
            permission in ROLE_PERMISSIONS[grant.role] and (at is None or grant.covers(at))
            for grant in self.grants
        )

    @property
    def community(self) -> int:
        """The community the session is bound to; asked only where a role was required."""
        if self.community_id is None:
            raise Forbidden
        return self.community_id

    @property
    def resident(self) -> int:
        """The caller's own resident number; asked only behind a resident's permission."""
        if self.resident_id is None:
            raise Forbidden
        return self.resident_id


bearer = HTTPBearer(auto_error=False, description="The access token of /v1/auth")


async def get_actor(
    request: Request,
    session: Session,
    now: Now,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Actor:
    """Return the caller, from the bearer token and one query."""
    if credentials is None:
        raise Unauthenticated
    state = request.app.state
    claims = state.keys.sessions.verify(credentials.credentials, now=now)
    # The community room knows who is who and stands above this one; main passes it in.
    actor: Actor = await state.load_actor(session, claims)
    # Who looks at a page scans a code next: then the lanes know them (callers.py).
    state.callers.remember(claims, actor)
    return actor


class Require:
    """Dependency: the caller, who must hold this permission somewhere."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
        if not actor.may(self.permission):
            raise Forbidden
        return actor


async def public() -> None:
    """Mark a route that anybody may call."""
