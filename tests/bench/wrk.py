"""wrk as the driver: lighter than ours, but it sees no more of an answer than whether it is good.

A script (drive.lua) lets its threads walk through tokens and bodies as plan.py has it. wrk tells a
status from 400 on apart from a lower one, nothing finer; what the answers say is looked at where
our own driver sends the same requests, before anything is measured. Its percentiles are corrected
for what a slow answer kept from being sent, and it measures whole seconds.
"""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.errors import BenchFailed
from tests.bench.plan import HOST, Answers, Job, Plan, plan_of
from tests.bench.processes import children_seconds

SCRIPT = Path(__file__).parent / "drive.lua"
MOST_THREADS = 2
PATIENCE = 60.0
_told = re.compile(r"^bench: (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wrk:
    """The program, and a folder for what it is to read."""

    program: str
    folder: Path

    def do(self, job: Job) -> Answers:
        """Do a job; raises BenchFailed if an answer is not as good, or as bad, as expected."""
        parts = self.folder / "requests"
        parts.write_bytes(b"".join(parts_of(plan_of(job))))
        before = children_seconds()
        done = subprocess.run(  # noqa: S603 - a program of the machine, no shell
            arguments(self.program, job, parts),
            check=False,
            capture_output=True,
            text=True,
            timeout=job.seconds + PATIENCE,
        )
        if done.returncode != 0:
            raise BenchFailed(f"wrk, {job.shown()}: {done.stderr.strip() or done.stdout.strip()}")
        return answers_of(job, done.stdout, children_seconds() - before)


def found(path: str | None) -> str | None:
    """Return the wrk to use: the one named, or one on PATH; raises BenchFailed if it is not there.

    Without a name, and without any, there is none.
    """
    program = shutil.which(path or "wrk")
    if program is None and path is not None:
        raise BenchFailed(f"There is no wrk at {path}.")
    return program


def version_of(program: str) -> str:
    """Return what it calls itself, like `wrk 4.1.0`."""
    told = subprocess.run(  # noqa: S603 - a program of the machine, no shell
        [program, "--version"], check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    words = (told.stdout or told.stderr).split()
    return " ".join(words[:2]) if words[:1] == ["wrk"] else "wrk"


def threads_of(job: Job) -> int:
    """Return how many share the connections evenly: wrk would leave out what is over."""
    return MOST_THREADS if job.clients % MOST_THREADS == 0 else 1


def arguments(program: str, job: Job, parts: Path) -> Sequence[str]:
    seconds = math.ceil(job.seconds)
    return [
        program, f"--threads={threads_of(job)}", f"--connections={job.clients}",
        f"--duration={seconds}s", f"--timeout={PATIENCE:.0f}s", f"--script={SCRIPT}",
        f"http://{HOST}:{job.port}{job.path}", "--", str(parts), str(threads_of(job)),
        str(job.first),
    ]  # fmt: skip


def parts_of(plan: Plan) -> Iterator[bytes]:
    """Yield a plan as drive.lua reads it: numbers, and pieces after their lengths."""
    yield f"{-1 if plan.count is None else plan.count} {int(plan.by_laps)}\n".encode()
    base = "" if plan.numbered_from is None else str(plan.numbered_from)
    yield from (_part(base.encode()), _part(plan.key))
    for pieces in (plan.heads, plan.tails):
        yield b"%d\n" % len(pieces)
        yield from map(_part, pieces)


def _part(piece: bytes) -> bytes:
    return b"%d\n%s\n" % (len(piece), piece)


def answers_of(job: Job, output: str, cpu_seconds: float) -> Answers:
    """Read what drive.lua says at the end."""
    told = _told.search(output)
    if told is None:
        raise BenchFailed(f"wrk, {job.shown()}: {output.strip()}")
    figures = json.loads(told[1])
    requests = figures["requests"]
    refused = requests if job.status >= 400 else 0
    if requests == 0 or figures["broken"] or figures["refused"] != refused:
        raise BenchFailed(
            f"{job.shown()}: of {requests} answers {figures['refused']} were refusals,"
            f" {figures['broken']} did not come"
        )
    p50, p95, p99 = (figures[name] / 1000 for name in ("p50", "p95", "p99"))
    return Answers(
        requests, figures["microseconds"] / 1e6, p50, p95, p99, cpu_seconds, figures["following"]
    )
