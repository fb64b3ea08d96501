"""Who is behind a token, remembered by this process.

Asking the database costs more than the rest of a lean request. Whoever goes by what is
remembered asks again in the statement that does the work (the lanes compare session, membership
and roles there), and forgets who has changed: so signing out still takes effect at once.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials
from typing_extensions import override

from app.core.access import Actor, Permission, Require, bearer
from app.core.problems import Forbidden, Unauthenticated
from app.core.tokens import Claims
from app.core.transactions import Now

REMEMBERED = 10_000


class Callers:
    """The callers that this process has seen, the latest `REMEMBERED` of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[Claims, Actor] = OrderedDict()

    def recall(self, claims: Claims) -> Actor | None:
        return self._known.get(claims)

    def remember(self, claims: Claims, actor: Actor) -> None:
        self._known[claims] = actor
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, claims: Claims) -> None:
        """Forget a caller who may no longer be who they were."""
        self._known.pop(claims, None)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody as they were when last asked about, and what they showed."""

    claims: Claims
    actor: Actor


class RequireRemembered(Require):
    """Dependency: the caller as remembered, who held this permission somewhere.

    Only for work that compares the actor again in its own transaction.
    """

    @override
    async def __call__(  # type: ignore[override]
        self,
        request: Request,
        now: Now,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Caller:
        if credentials is None:
            raise Unauthenticated
        claims = request.app.state.keys.sessions.verify(credentials.credentials, now=now)
        return await find_caller(request.app.state, claims, self.permission)


async def find_caller(state: Any, claims: Claims, permission: Permission) -> Caller:
    """Return who holds verified claims and a permission; the state is the application's.

    Raises TokenInvalid when signed out, and Forbidden. Neither is ever from memory.
    """
    callers: Callers = state.callers
    actor = callers.recall(claims)
    if actor is None or not actor.may(permission):
        callers.forget(claims)
        async with state.sessionmaker() as session:
            actor = await state.load_actor(session, claims)
        callers.remember(claims, actor)
        if not actor.may(permission):
            raise Forbidden
    return Caller(claims, actor)
