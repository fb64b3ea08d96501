"""Sends one request over and over on kept-alive connections: a process of its own.

It reads a job per line from standard input and answers each with a line. As it takes its share of
the machine it measures, it is made light: no streams, no futures, a request joined from bytes that
are ready, and no more of an answer read than its status, length and body.
"""

import asyncio
import dataclasses
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop
from typing_extensions import override

from tests.bench.plan import HOST, Answers, Job, Refused, plan_of

PATIENCE = 30.0  # seconds beyond the measurement for the last answers
SHOWN = 500
END_OF_HEAD = b"\r\n\r\n"
_length = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Run:
    """One job: what its connections send next, and what has become of it."""

    def __init__(self, job: Job, finished: "asyncio.Future[None]") -> None:
        plan = plan_of(job)
        most = math.inf if plan.count is None else plan.count
        self.last = most if job.limit is None else min(most, job.first + job.limit)
        self.request_of = plan.request
        self.following = job.first
        self.expected = str(job.status).encode()
        self.other = str(job.or_status).encode()
        self.contains = job.contains.encode()
        self.others = 0
        self.latencies: list[float] = []
        self.deadline = time.perf_counter() + job.seconds
        self.busy = job.clients
        self._job = job
        self._finished = finished

    def next_request(self, now: float) -> bytes | None:
        """Return what is to be sent, or nothing when time or requests have run out."""
        number = self.following
        if now >= self.deadline or number >= self.last:
            return None
        self.following = number + 1
        return self.request_of(number)

    def unexpected(self, answer: bytes, body_at: int) -> None:
        """Count an answer with the other status; refuse any third."""
        if answer[9:12] == self.other:
            self.others += 1
            return
        shown = answer[body_at : body_at + SHOWN].decode(errors="replace")
        self.fail(Refused(f"{self._job.shown()} was answered {answer[9:12].decode()}: {shown}"))

    def is_over_for_one(self) -> None:
        self.busy -= 1
        if self.busy == 0 and not self._finished.done():
            self._finished.set_result(None)

    def fail(self, reason: Exception) -> None:
        if not self._finished.done():
            self._finished.set_exception(reason)


class Client(asyncio.Protocol):
    """One connection: whenever the last request was answered it sends the next one."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._received = b""
        self._whole = 0  # how long the answer is, once its head is there
        self._body_at = 0
        self._sent = 0.0
        self._is_over = False
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are one by their methods, not by their class.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._whole:
            self._read_head(received)
        if not self._whole or len(received) < self._whole:
            return
        now = time.perf_counter()
        run = self._run
        run.latencies.append(now - self._sent)
        if received[9:12] != run.expected or run.contains not in received:
            run.unexpected(received, self._body_at)
        self._received, self._whole = b"", 0
        self.send_next(now)

    def _read_head(self, received: bytes) -> None:
        end = received.find(END_OF_HEAD)
        if end < 0:
            return
        length = _length.search(received, 0, end)
        if length is None:
            self._run.fail(Refused(f"no Content-Length: {received[:SHOWN]!r}"))
            return
        self._body_at = end + len(END_OF_HEAD)
        self._whole = self._body_at + int(length[1])

    def send_next(self, now: float) -> None:
        request = self._run.next_request(now)
        if request is None or self._transport is None:
            self._is_over = True
            self._run.is_over_for_one()
            return
        self._sent = now
        self._transport.write(request)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._run.fail(exc or ConnectionResetError("The API closed a connection."))

    def close(self) -> None:
        self._is_over = True
        if self._transport is not None:
            self._transport.close()


async def drive(job: Job) -> Answers:
    """Do a job; raises Refused, TimeoutError, OSError."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    run = Run(job, finished)
    clients = [
        (await loop.create_connection(lambda: Client(run), HOST, job.port))[1]
        for _ in range(job.clients)
    ]
    cpu, began = time.process_time(), time.perf_counter()
    run.deadline = began + job.seconds
    try:
        for client in clients:
            client.send_next(began)
        await asyncio.wait_for(finished, job.seconds + PATIENCE)
    finally:
        for client in clients:
            client.close()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if not run.latencies:
        raise Refused(f"{job.shown()}: there was nothing left to send")
    p50, p95, p99 = percentiles(sorted(run.latencies))
    return Answers(len(run.latencies), seconds, p50, p95, p99, cpu, run.following, run.others)


def percentiles(ordered: list[float]) -> Iterator[float]:
    return (1000 * quantile(ordered, share) for share in (0.5, 0.95, 0.99))


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
