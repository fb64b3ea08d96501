"""Sends one request over and over on kept-alive connections: a process of its own.

It reads a job per line from standard input and answers each with a line. Its processor time is
nobody's but its own, and small: raw streams, and no more of an answer is read than its status,
length and body.
"""

import asyncio
import dataclasses
import json
import math
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

HOST = "127.0.0.1"
PATIENCE = 30.0  # seconds beyond the measurement for the last answers
SHOWN = 500
_length = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class Refused(Exception):
    """An answer that is not the expected one."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to send, as whom, how long, and what every answer must be.

    Request number n is sent with token n modulo their count, and, if there are bodies, with one
    body for each round of the tokens; they end when the bodies do, or after `limit`.
    If there are `numbered` requests, n has body n modulo their count instead, with
    `numbered_from` + n in the place of `{number}`. A `photo` is sent as a form, in each round
    of the tokens as another file.
    """

    method: str
    path: str
    tokens: list[str]
    status: int
    contains: str = ""
    bodies: list[str] | None = None
    numbered_from: int = 0
    numbered: int = 0
    photo: str = ""
    has_key: bool = False
    first: int = 0
    limit: int | None = None
    port: int = 0
    clients: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """How many came, how fast, and what sending them cost this process."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_seconds: float


def requests_of(job: Job) -> Iterator[bytes]:
    """Yield whole requests, joined from parts that are encoded once if they can be."""
    line = f"{job.method} {job.path} HTTP/1.1\r\nHost: {HOST}:{job.port}\r\nAuthorization: Bearer "
    heads = [f"{line}{token}\r\n".encode() for token in job.tokens]
    count, tail_of = endings(job)
    last = count if job.limit is None else min(count, job.first + job.limit)
    number = job.first
    while number < last:
        key = f"Idempotency-Key: bench-{number}\r\n".encode() if job.has_key else b""
        yield heads[number % len(heads)] + key + tail_of(number)
        number += 1


def endings(job: Job) -> tuple[float, Callable[[int], bytes]]:
    """Return how many requests there are, and how each ends."""
    turns = len(job.tokens)
    if job.photo:
        photo = Path(job.photo).read_bytes()
        return math.inf, lambda number: photo_ending(photo, number // turns)
    if job.bodies is None:
        tail = ending(job.method, "")
        return math.inf, lambda _: tail
    bodies = job.bodies
    if job.numbered:

        def numbered(number: int) -> bytes:
            body = bodies[number % len(bodies)]
            return ending(job.method, body.replace("{number}", str(job.numbered_from + number)))

        return job.numbered, numbered
    tails = [ending(job.method, body) for body in bodies]
    return turns * len(tails), lambda number: tails[number // turns]


def ending(method: str, body: str) -> bytes:
    if method == "GET":
        return b"\r\n"
    content = body.encode()
    kind = "Content-Type: application/json\r\n" if content else ""
    return f"{kind}Content-Length: {len(content)}\r\n\r\n".encode() + content


def photo_ending(photo: bytes, lap: int) -> bytes:
    """Return a form with the photo, which a comment of its own makes another file."""
    comment = str(lap).encode()
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    opening = (
        b'--photo\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    form = b"".join((opening, photo[:2], segment, photo[2:], b"\r\n--photo--\r\n"))
    head = f"Content-Type: multipart/form-data; boundary=photo\r\nContent-Length: {len(form)}"
    return head.encode() + b"\r\n\r\n" + form


async def drive(job: Job) -> Answers:
    """Do a job; raises Refused, TimeoutError, OSError."""
    streams = [await asyncio.open_connection(HOST, job.port) for _ in range(job.clients)]
    requests = requests_of(job)
    cpu, began = time.process_time(), time.perf_counter()
    deadline = began + job.seconds
    try:
        async with asyncio.timeout(job.seconds + PATIENCE):
            taken = await asyncio.gather(
                *(ask(reader, writer, requests, deadline, job) for reader, writer in streams)
            )
    finally:
        for _, writer in streams:
            writer.close()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    latencies = sorted(latency for of_client in taken for latency in of_client)
    if not latencies:
        raise Refused("there was nothing left to send")
    p50, p95, p99 = (1000 * quantile(latencies, share) for share in (0.5, 0.95, 0.99))
    return Answers(len(latencies), seconds, p50, p95, p99, cpu)


async def ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: Iterator[bytes],
    deadline: float,
    job: Job,
) -> list[float]:
    """Send what comes next whenever the last was answered; return how long each took."""
    expected, contains = str(job.status).encode(), job.contains.encode()
    latencies = []
    while (sent := time.perf_counter()) < deadline:
        request = next(requests, None)
        if request is None:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length.search(head)
        if length is None:
            raise Refused(f"no Content-Length: {head[:SHOWN]!r}")
        body = await reader.readexactly(int(length[1]))
        latencies.append(time.perf_counter() - sent)
        if head[9:12] != expected or contains not in body:
            shown = body[:SHOWN].decode(errors="replace")
            raise Refused(f"{job.method} {job.path} was answered {head[9:12].decode()}: {shown}")
    return latencies


def quantile(ordered: list[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


def main() -> None:
    for line in sys.stdin:
        try:
            answer = dataclasses.asdict(uvloop.run(drive(Job(**json.loads(line)))))
        except (Refused, OSError, EOFError, TimeoutError) as reason:
            answer = {"failed": f"{type(reason).__name__}: {reason}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
