"""Exceptions to `application/problem+json`, in one place for every route."""

import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.core.database import constraint_of, sqlstate_of
from app.core.problems import (
    Conflict,
    Invalid,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
    constraint_problems,
    type_prefix,
)
from app.core.request_context import request_id

MEDIA_TYPE = "application/problem+json"
LONGEST_SHARD_SUFFIX = 20
# PostgreSQL's ways to say "not now": locks, serialization, shutdown, connections.
BUSY_STATES = ("55P03", "57014", "40001", "40P01", "57P0", "08", "53")
# Text that PostgreSQL cannot store: a null character in it.
UNSTORABLE_STATES = ("22021", "22P05")
# One language of Accept-Language with its weight (RFC 9110).
_language = re.compile(
    r"\s*(zh|en)(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", re.IGNORECASE
)

Handler = Callable[[Request, Exception], Awaitable[JSONResponse]]

logger = structlog.get_logger()


class ServiceBusy(Unavailable):
    """The service is busy; try again in a moment."""

    title_zh = "服务繁忙，请稍后再试"


class DataConflict(Conflict):
    """This contradicts what is stored."""

    title_zh = "与已有数据冲突"


class RequestInvalid(Invalid):
    """The request is malformed."""

    title_zh = "提交的内容有误"


class PathUnknown(NotFound):
    """There is nothing at this address."""

    title_zh = "没有这个地址"


class MethodNotOffered(Problem):
    """This address does not offer this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    title_zh = "该地址不支持此请求方法"


class BodyTooLarge(Problem):
    """The request body is too large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title_zh = "提交的内容过大"
    detail_en = "At most {max_bytes} bytes."
    detail_zh = "最多 {max_bytes} 字节。"


class ServerFault(Problem):
    """Something went wrong on our side."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title_zh = "服务出现故障"
    detail_en = "Tell the operator the request id."
    detail_zh = "请将 request_id 告知管理员。"


def language_of(accept_language: str | None) -> str:
    """Return "zh" or "en": the one preferred, Chinese when neither is."""
    offers = [_language.fullmatch(part) for part in (accept_language or "").split(",")]
    wishes = [(float(offer[2] or 1), offer[1].lower()) for offer in offers if offer is not None]
    weight, language = max(wishes, key=lambda wish: wish[0], default=(0, "zh"))
    return language if weight > 0 else "zh"


def problem_body(
    problem: Problem, language: str, errors: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the answer's body; `message` is the text for people."""
    title = problem.title_in(language)
    detail = problem.detail_in(language)
    body: dict[str, Any] = {
        "type": type_prefix + problem.code,
        "title": title,
        "status": int(problem.status),
        "code": problem.code,
        "message": title if detail is None else f"{title}. {detail}",
        "request_id": request_id(),
        **problem.extensions,
    }
    if language == "zh" and detail is not None:
        body["message"] = f"{title}。{detail}"
    if detail is not None:
        body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    return body


def problem_response(
    problem: Problem, accept_language: str | None, errors: Sequence[dict[str, Any]] = ()
) -> JSONResponse:
    language = language_of(accept_language)
    headers = {"Content-Language": "zh-CN" if language == "zh" else "en"}
    retry_after = problem.extensions.get("retry_after_seconds")
    if retry_after is None and isinstance(problem, (TooManyRequests, Unavailable)):
        retry_after = 1
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem_body(problem, language, errors),
        status_code=problem.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def problem_of_constraint(name: str) -> type[Problem]:
    """Return what a violated constraint means; a Citus shard's suffix does not matter."""
    known = constraint_problems.get(name)
    stem, _, suffix = name.rpartition("_")
    if known is None and suffix.isdecimal() and len(suffix) < LONGEST_SHARD_SUFFIX:
        known = constraint_problems.get(stem)
    return known or DataConflict


async def on_problem(request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, Problem):
        raise problem
    return problem_response(problem, request.headers.get("accept-language"))


async def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        {"pointer": "/" + "/".join(str(part) for part in item["loc"]), "detail": item["msg"]}
        for item in found
    ]
    return problem_response(RequestInvalid(), request.headers.get("accept-language"), errors)


async def on_database_error(request: Request, error: Exception) -> JSONResponse:
    """Name what the database refused; what it could not do just now may be tried again."""
    language = request.headers.get("accept-language")
    if isinstance(error, IntegrityError):
        name = constraint_of(error)
        problem = problem_of_constraint(name)
        if problem is DataConflict:
            logger.warning("unmapped constraint", constraint=name)
        return problem_response(problem(), language)
    is_busy = isinstance(error, PoolTimeout)
    if isinstance(error, DBAPIError):
        is_busy = error.connection_invalidated or sqlstate_of(error).startswith(BUSY_STATES)
        if sqlstate_of(error) in UNSTORABLE_STATES:
            return problem_response(RequestInvalid(), language)
    if is_busy:
        # One short line each: an outage refuses hundreds of requests a second.
        logger.warning("database busy", error=type(error).__name__)
        return problem_response(ServiceBusy(), language)
    return await on_fault(request, error)


async def on_connection_error(request: Request, error: Exception) -> JSONResponse:
    """The database cannot be reached: the caller may try again, nothing was half-done."""
    logger.error("database unreachable", error=str(error))
    return problem_response(ServiceBusy(), request.headers.get("accept-language"))


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router itself refuses."""
    status = error.status_code if isinstance(error, StarletteHTTPException) else 500
    known: dict[int, Problem] = {404: PathUnknown(), 405: MethodNotOffered()}
    problem = known.get(status, RequestInvalid())
    response = problem_response(problem, request.headers.get("accept-language"))
    if isinstance(error, StarletteHTTPException):
        response.headers.update(error.headers or {})  # Allow, of a method not offered
    return response


async def on_fault(request: Request, error: Exception) -> JSONResponse:
    logger.error("fault", path=request.url.path, exc_info=error)
    return problem_response(ServerFault(), request.headers.get("accept-language"))


# The first that fits; FastAPI and the lean routes answer by the same table.
HANDLERS: tuple[tuple[type[Exception], Handler], ...] = (
    (Problem, on_problem),
    (RequestValidationError, on_invalid_request),
    (DBAPIError, on_database_error),
    (PoolTimeout, on_database_error),
    (OSError, on_connection_error),
    (StarletteHTTPException, on_http_error),
    (Exception, on_fault),
)


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an exception as the framework would."""
    handler = next(handler for kind, handler in HANDLERS if isinstance(error, kind))
    return await handler(request, error)


def install(app: FastAPI) -> None:
    """Attach every handler."""
    for kind, handler in HANDLERS:
        app.add_exception_handler(kind, handler)
