"""The benchmark of lists does what it says; how fast anything is, no test may depend on."""

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SHORTLY = ("--rows", "30", "60", "--holders", "40")


def test_lists_and_duties_are_measured_beside_their_floor(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "tests.bench.lists", *SHORTLY, "--json", str(file)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(file.read_text("utf-8"))
    few, more = document["lists"]
    assert (few["rows"], more["rows"], document["duties"]["rows"]) == (30, 60, 40)
    assert all(figure > 0 for figures in (few, more, document["duties"]) for figure in
        (figures["post_seconds"], figures["post_statements"]))  # fmt: skip
    # Statements go by thousands of rows, not by rows.
    for name in ("check_statements", "store_statements", "post_statements"):
        assert few[name] == more[name]
    assert "\nAward lists\n" in done.stdout
