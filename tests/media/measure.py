"""Cleans files in a process of its own and prints what came of each and what it took.

Run as `python -m tests.media.measure FILE...`. A line for each: the problem's code (or
`cleaned`), by how many MiB it raised the peak of resident memory, and the seconds of CPU.
"""

import re
import sys
import time
from pathlib import Path

from app.core.problems import Problem
from app.media.images import clean_photo

# The peak of this program alone; getrusage would tell its parent's too, which it was forked from.
STATUS = Path("/proc/self/status")


def peak_kibibytes() -> int:
    found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def measure(content: bytes) -> str:
    before, started = peak_kibibytes(), time.process_time()
    try:
        clean_photo(content)
        outcome = "cleaned"
    except Problem as problem:
        outcome = problem.code
    seconds = time.process_time() - started
    return f"{outcome} {(peak_kibibytes() - before) // 1024} {seconds:.2f}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(measure(Path(name).read_bytes()) + "\n")
