"""Refusals a caller can act on, told apart by class (RFC 9457).

A room extends one of the categories below and never names a status number. The title comes
from the docstring's first line and from `title_zh`; `detail_en` and `detail_zh` may add a
sentence that says what to do, with the extensions filled in.
"""

import re
from http import HTTPStatus
from typing import Any, ClassVar

from typing_extensions import override

type_prefix = "/problems/"


class Problem(Exception):
    """A refusal the caller can act on."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "problem"
    title: ClassVar[str] = ""
    title_zh: ClassVar[str] = "请求未能完成"
    detail_en: ClassVar[str | None] = None
    detail_zh: ClassVar[str | None] = None

    def __init__(self, **extensions: Any) -> None:
        super().__init__(self.code)
        self.extensions = extensions

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.title = (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")

    def title_in(self, language: str) -> str:
        """Return the title in "zh" or "en"."""
        return self.title_zh if language == "zh" else self.title

    def detail_in(self, language: str) -> str | None:
        """Return the sentence that says what to do, in "zh" or "en"."""
        template = self.detail_zh if language == "zh" else self.detail_en
        return None if template is None else template.format(**self.extensions)


class Unauthenticated(Problem):
    """Sign in first."""

    status = HTTPStatus.UNAUTHORIZED
    title_zh = "请先登录"


class Forbidden(Problem):
    """You may not do this."""

    status = HTTPStatus.FORBIDDEN
    title_zh = "您没有权限进行此操作"


class NotFound(Problem):
    """There is no such thing here."""

    status = HTTPStatus.NOT_FOUND
    title_zh = "没有找到相应内容"


class Conflict(Problem):
    """The present state does not allow this."""

    status = HTTPStatus.CONFLICT
    title_zh = "当前状态不允许此操作"


class Gone(Problem):
    """This is no longer valid."""

    status = HTTPStatus.GONE
    title_zh = "已失效"


class Invalid(Problem):
    """The request is malformed."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title_zh = "提交的内容有误"


class TooManyRequests(Problem):
    """Too many attempts; wait a little."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title_zh = "操作过于频繁，请稍后再试"


class Unavailable(Problem):
    """The service is busy; try again in a moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title_zh = "服务繁忙，请稍后再试"


CATEGORIES = (
    Unauthenticated, Forbidden, NotFound, Conflict, Gone, Invalid, TooManyRequests, Unavailable,
)  # fmt: skip


def all_problems() -> list[type[Problem]]:
    """Return every concrete problem class that has been imported, sorted by code."""
    found: dict[str, type[Problem]] = {}
    waiting = [Problem]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            found[child.code] = child
    return [found[code] for code in sorted(found)]


# Which problem a violated constraint means; rooms add theirs in errors.py.
constraint_problems: dict[str, type[Problem]] = {}
