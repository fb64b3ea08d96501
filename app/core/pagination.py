"""Lists: `{items, next_cursor}`, by keyset and never by offset."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from app.core.problems import Invalid

DEFAULT_SIZE = 20
MAX_SIZE = 100

PageSize = Annotated[int, Query(ge=1, le=MAX_SIZE, description="How many items, at most")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before")
]


class CursorUnreadable(Invalid):
    """This cursor was not made by this list."""

    title_zh = "翻页参数无效"


Item = TypeVar("Item")
Row = TypeVar("Row")
Schema = TypeVar("Schema", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def cut_page(
    rows: Sequence[Row], size: int, key: Callable[[Row], tuple[int, ...]]
) -> tuple[list[Row], str | None]:
    """Cut `size` rows off a query for size + 1; the last row's key becomes the cursor."""
    items = list(rows[:size])
    return items, write_cursor(*key(items[-1])) if len(rows) > size else None


def page_of(
    schema: type[Schema], rows: Sequence[Row], size: int, key: Callable[[Row], tuple[int, ...]]
) -> Page[Schema]:
    """Turn the rows of a query for size + 1 into a page of this schema."""
    items, next_cursor = cut_page(rows, size, key)
    read = [schema.model_validate(row, from_attributes=True) for row in items]
    return Page(items=read, next_cursor=next_cursor)


def write_cursor(*key: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, length: int) -> tuple[int, ...] | None:
    """Read a cursor of so many numbers; None for the first page."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as unreadable:
        raise CursorUnreadable from unreadable
    is_key = isinstance(key, list) and len(key) == length
    if not is_key or not all(type(part) is int and abs(part) < 2**63 for part in key):
        raise CursorUnreadable
    return tuple(key)
