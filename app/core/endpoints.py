"""What the service says about itself: health, metrics, problems, keys, and the scanned link."""

from asyncio import timeout
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app.core import landing, queries
from app.core.access import public
from app.core.codes import jwks
from app.core.dependencies import Keys
from app.core.metrics import Figure
from app.core.openapi import problem_responses
from app.core.problem_handlers import PathUnknown, ServiceBusy
from app.core.problems import all_problems
from app.core.transactions import Now

# Prometheus gives up after ten.
PATIENCE_SECONDS = 5

router = APIRouter(tags=["service"], dependencies=[Depends(public)])


class Health(BaseModel):
    """Whether the process, or the whole service, is well."""

    status: str


class ProblemDescription(BaseModel):
    """A problem code and its texts."""

    code: str
    status: int
    title: str
    title_zh: str


class ProblemList(BaseModel):
    """Every problem this service can answer."""

    items: list[ProblemDescription]
    next_cursor: None = None


@router.get("/livez")
async def get_liveness() -> Health:
    """Tell that the process answers."""
    return Health(status="ok")


@router.get("/readyz", responses=problem_responses(ServiceBusy))
async def get_readiness(request: Request) -> Health:
    """Tell that the database answers and stands at the schema this code expects."""
    state = request.app.state
    try:
        async with state.sessionmaker() as session:
            is_migrated = await queries.is_migrated(session, state.schema_head)
    except (SQLAlchemyError, OSError) as unreachable:
        raise ServiceBusy from unreachable
    if not is_migrated:
        raise ServiceBusy
    return Health(status="ok")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(request: Request, now: Now) -> Response:
    """Return metrics for Prometheus; keep this path inside at the proxy."""
    state = request.app.state
    figures = await _measure(state, now)
    return Response(state.metrics.render(figures), media_type="text/plain; version=0.0.4")


async def _measure(state: Any, now: datetime) -> list[Figure]:
    """Ask the rooms that main names; without the database their figures are left out."""
    figures: list[Figure] = []
    try:
        async with timeout(PATIENCE_SECONDS), state.sessionmaker() as session:
            await queries.set_read_only(session)
            for measure in state.gauges:
                figures += await measure(session, now=now)
    except (SQLAlchemyError, OSError):
        return []
    return figures


@router.get("/problems")
async def list_problems() -> ProblemList:
    """Return every problem code, to translate by or to write a client from."""
    return ProblemList(items=[_describe(kind) for kind in all_problems()])


@router.get("/problems/{code}", responses=problem_responses(PathUnknown))
async def get_problem(code: str) -> ProblemDescription:
    """Return what a problem's `type` address means."""
    for kind in all_problems():
        if kind.code == code:
            return _describe(kind)
    raise PathUnknown


def _describe(kind: Any) -> ProblemDescription:
    return ProblemDescription(
        code=kind.code, status=int(kind.status), title=kind.title, title_zh=kind.title_zh
    )


@router.get("/v1/public/keys")
async def list_code_keys(keys: Keys) -> JSONResponse:
    """Return the keys that verify codes offline, as a JSON Web Key Set (RFC 7517)."""
    content = jwks(keys.public_code_keys())
    return JSONResponse(content, headers={"Cache-Control": "max-age=60"})


@router.get("/c/{token}", response_class=HTMLResponse)
async def open_scanned_link(token: str, keys: Keys, now: Now) -> HTMLResponse:
    """Show whoever scanned a code outside the mini-program what it is and what to do."""
    page, is_ours = landing.page(token, keys.codes, now=now)
    status = HTTPStatus.OK if is_ours else HTTPStatus.NOT_FOUND
    return HTMLResponse(page, status_code=status, headers=landing.HEADERS)
