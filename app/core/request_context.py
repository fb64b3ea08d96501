"""The id of the request being served, for answers and log lines alike."""

import re
import secrets
from contextvars import ContextVar

NO_REQUEST = "-"
_current: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
_acceptable = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id() -> str:
    return _current.get()


def begin_request(offered: str | None) -> str:
    """Take the caller's X-Request-ID if it is well-formed, else make one; return it."""
    is_usable = offered is not None and _acceptable.fullmatch(offered) is not None
    identifier = offered if is_usable and offered is not None else secrets.token_hex(8)
    _current.set(identifier)
    return identifier
