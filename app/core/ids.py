"""Numbers that callers see: 63 bits, ordered by time, not to be guessed.

42 bits of milliseconds since 2024 and 21 bits that start at random and count up within a
millisecond. Eight bytes fit a QR code's subject and a bigint key alike, so one number names a
thing on paper, in the API (as a string) and in the database. See README, decisions.
"""

import re
import secrets
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
RANDOM_BITS = 21
MAX_ID = 2**63 - 1
_id = re.compile(r"[0-9]{1,19}")


class IdSource:
    """Makes ids that rise within one process; two processes differ by their random part."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, now: datetime) -> int:
        milliseconds = int((now - EPOCH).total_seconds() * 1000)
        fresh = milliseconds << RANDOM_BITS | secrets.randbits(RANDOM_BITS - 1)
        with self._lock:
            same_millisecond = self._last >> RANDOM_BITS >= milliseconds
            self._last = self._last + 1 if same_millisecond else fresh
            return self._last


_source = IdSource()


def new_id(now: datetime) -> int:
    """Return the next id of this process."""
    return _source.next(now)


def _parse_id(value: object) -> int:
    is_id = isinstance(value, (int, str)) and _id.fullmatch(str(value)) is not None
    number = int(str(value)) if is_id else -1
    if not 0 <= number <= MAX_ID:
        msg = "an id is a string of up to 19 digits"
        raise ValueError(msg)
    return number


Id = Annotated[
    int,
    BeforeValidator(_parse_id),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,19}$", "examples": ["181930429120512"]}),
]
