"""What is sent: a job, and the bytes of its requests, which every driver puts together alike."""

import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

HOST = "127.0.0.1"
NUMBER = "{number}"
MOST_PHOTOS = 200  # a job sends no more: they are large


class Refused(Exception):
    """An answer that is not an expected one."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to send, as whom, how long, and what every answer must be.

    Request number n is sent with token n modulo their count and, if there are bodies, with one
    body for each round of the tokens; they end when the bodies do, or after `limit`.
    If `is_cycled`, n has body n modulo their count instead; if there are `numbered` requests, it
    has so too, with `numbered_from` + n in the place of `{number}`. A `photo` is sent as a form,
    in each round of the tokens as another file. With a `key`, each has an Idempotency-Key.
    `or_status` may come as well, and is counted.
    """

    method: str
    path: str
    tokens: list[str]
    status: int
    or_status: int | None = None
    contains: str = ""
    bodies: list[str] | None = None
    is_cycled: bool = False
    numbered_from: int = 0
    numbered: int = 0
    photo: str = ""
    key: str = ""
    first: int = 0
    limit: int | None = None
    port: int = 0
    clients: int = 1
    seconds: float = 0.0

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def shown(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answers:
    """How many came, how fast, and what sending them cost; `following` has not been sent yet."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_seconds: float
    following: int
    others: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as bytes: request n is head n modulo their count, key n, and a tail.

    The tail is number n modulo their count, or, `by_laps`, one for each round of the heads.
    `count` says how many there are at most.
    """

    heads: list[bytes]
    key: bytes
    tails: list[bytes]
    by_laps: bool
    count: int | None
    numbered_from: int | None = None

    def request(self, number: int) -> bytes:
        head = self.heads[number % len(self.heads)]
        place = number // len(self.heads) if self.by_laps else number
        tail = self.tails[place % len(self.tails)]
        if self.numbered_from is not None:
            tail = tail.replace(NUMBER.encode(), b"%d" % (self.numbered_from + number))
        return b"%s%s%d%s" % (head, self.key, number, tail) if self.key else head + tail


def plan_of(job: Job) -> Plan:
    """Put together what can be once and for all."""
    line = f"{job.method} {job.path} HTTP/1.1\r\nHost: {HOST}:{job.port}\r\nAuthorization: Bearer "
    heads = [f"{line}{token}".encode() for token in job.tokens]
    key = f"\r\nIdempotency-Key: {job.key}-".encode() if job.key else b""
    turns = len(heads)
    if job.photo:
        laps = range((job.first + MOST_PHOTOS) // turns + 1)
        photo = Path(job.photo).read_bytes()
        forms = [photo_tail(photo, lap) for lap in laps]
        return Plan(heads, key, forms, by_laps=True, count=len(laps) * turns)
    tails = [tail_of(job, body) for body in job.bodies or [""]]
    if job.numbered:
        return Plan(
            heads, key, tails, by_laps=False, count=job.numbered, numbered_from=job.numbered_from
        )
    if job.bodies is None or job.is_cycled:
        return Plan(heads, key, tails, by_laps=False, count=None)
    return Plan(heads, key, tails, by_laps=True, count=turns * len(tails))


def tail_of(job: Job, body: str) -> bytes:
    if job.method == "GET":
        return b"\r\n\r\n"
    content = body.encode()
    length = len(content)
    if job.numbered:
        # Ids of one moment have the same number of digits.
        length += len(str(job.numbered_from)) - len(NUMBER)
    kind = "\r\nContent-Type: application/json" if content else ""
    return f"{kind}\r\nContent-Length: {length}\r\n\r\n".encode() + content


def photo_tail(photo: bytes, lap: int) -> bytes:
    """Return a form with the photo, which a comment of its own makes another file."""
    comment = str(lap).encode()
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    opening = (
        b'--photo\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    form = b"".join((opening, photo[:2], segment, photo[2:], b"\r\n--photo--\r\n"))
    head = (
        "\r\nContent-Type: multipart/form-data; boundary=photo"
        f"\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    return head.encode() + form
