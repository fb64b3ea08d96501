"""The benchmark of seals does what it says; how fast anything is, no test may depend on."""

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SHORTLY = ("--transfers", "1000", "--batch", "150")
MEASURED = {
    "floor": {"requests", "per_second", "postgres_us", "p50_ms", "p99_ms"},
    "seal": {"requests", "per_second", "app_us", "postgres_us", "p50_ms", "p99_ms"},
    "tables": {"seals_bytes", "tree_nodes_bytes", "checkpoints_bytes"},
    "receipt": {"make_p50_ms", "check_p50_ms", "most_bytes"},
    "consistency": {"make_p50_ms", "check_p50_ms", "most_hashes"},
    "audit": {"seconds", "per_second", "rows", "before_mb", "most_mb"},
}
PROCESSOR_TIMES = {"app_us", "postgres_us"}


def test_a_book_is_sealed_proved_and_audited(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "tests.bench.seals", *SHORTLY, "--json", str(file)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(file.read_text("utf-8"))
    assert document["size"] == {"transfers": 1000, "residents": 20, "batch": 150}
    results = document["results"]
    assert list(results) == list(MEASURED)
    for name, figures in results.items():
        assert set(figures) >= MEASURED[name]
        # So short a run may take less processor time than the system's clock can tell.
        assert all(figures[figure] > 0 for figure in MEASURED[name] - PROCESSOR_TIMES)
    assert results["floor"]["requests"] == results["seal"]["requests"] == 1000
    assert "\nsealing " in done.stdout
