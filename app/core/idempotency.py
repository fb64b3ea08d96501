"""A write that is asked for twice happens once (Idempotency-Key).

The key is claimed, the work done and the answer stored in one transaction, so a crash leaves
either nothing or everything. The same key and body replays the stored answer; another body is
`idempotency_key_reused` (422); a twin still running is waited for, and after the lock timeout
(5 s) it is `request_in_flight` (409).
A refusal stores nothing: nothing happened, so the same key may try again. Kept 48 hours.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core import queries
from app.core.access import Actor
from app.core.database import sqlstate_of
from app.core.models import IdempotencyKey
from app.core.personal import Vault
from app.core.problems import Conflict, Invalid

KEPT_FOR = timedelta(hours=48)
LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKeyMissing(Invalid):
    """Send an Idempotency-Key header with this write."""

    title_zh = "缺少 Idempotency-Key 请求头"
    detail_en = "Make up a fresh value per action and repeat it when you retry."
    detail_zh = "请为每次操作生成一个新值，重试时保持不变。"


class RequestInFlight(Conflict):
    """The same request is still being carried out; ask again in a moment."""

    title_zh = "相同请求正在处理，请稍后再试"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for another request."""

    title_zh = "该 Idempotency-Key 已用于其他请求"


@asynccontextmanager
async def in_flight_refused() -> AsyncIterator[None]:
    """Say `request_in_flight` when a twin holds its claim for longer than the lock timeout."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise RequestInFlight from error
        raise


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is stored under a key; `body` is JSON, and a repeat gets the same bytes."""

    status: int
    body: str
    is_replayed: bool = False

    def response(self) -> Response:
        headers = {"Idempotency-Replayed": "true"} if self.is_replayed else None
        return Response(self.body, self.status, headers, media_type="application/json")


class WrittenJson(JSONResponse):
    """An answer that is JSON text already: what is stored is what is sent."""

    @override
    def render(self, content: str) -> bytes:
        return content.encode()


@dataclass(frozen=True, slots=True)
class Once:
    """What makes one write of one caller unique."""

    operation: str
    key: str
    request_hash: bytes

    def replay(self, request_hash: bytes, status: int, body: str) -> Answer | IdempotencyKeyReused:
        """Return what a request stored under this key gives this one."""
        if request_hash != self.request_hash:
            return IdempotencyKeyReused()
        return Answer(status, body, is_replayed=True)

    async def run(
        self,
        session: AsyncSession,
        actor: Actor,
        now: datetime,
        work: Callable[[], Awaitable[BaseModel]],
        *,
        status: int = 201,
    ) -> JSONResponse:
        """Do the work and store its answer, or return the answer stored before."""
        claim = IdempotencyKey(
            community_id=actor.community_id or 0,
            caller_id=actor.person_id,
            operation=self.operation,
            key=self.key,
            request_hash=self.request_hash,
            created_at=now,
        )
        async with in_flight_refused():
            stored = await queries.claim_key(session, claim)
        if stored is None:
            body = (await work()).model_dump_json()
            await queries.store_answer(session, claim, status=status, body=body)
            return WrittenJson(body, status_code=status)
        if stored.request_hash != self.request_hash:
            raise IdempotencyKeyReused
        return JSONResponse(
            stored.answer,
            status_code=stored.status or status,
            headers={"Idempotency-Replayed": "true"},
        )


async def get_once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=255, description="Fresh per action, the same on retry"),
    ] = None,
) -> Once:
    """Read the header and the body's hash; method and path tell the operation."""
    if idempotency_key is None:
        raise IdempotencyKeyMissing
    # Keyed: a body may hold a phone number, and there are not many of those to try.
    vault: Vault = request.app.state.vault
    body_hash = vault.fingerprint(await request.body())
    return Once(
        operation=f"{request.method} {request.scope['path']}",
        key=idempotency_key,
        request_hash=body_hash,
    )


OnceOnly = Annotated[Once, Depends(get_once)]
