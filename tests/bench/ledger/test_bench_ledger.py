"""The ledger's benchmark does what it says; how fast anything is, no test may depend on."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.ledger.ends import JOBS
from tests.bench.ledger.floors import SCRIPTS, as_one, statements_of
from tests.bench.ledger.operations import NAMES

REPOSITORY = Path(__file__).parents[3]
SHORTLY = (
    "--residents", "20", "--clients", "2", "--seconds", "0.1", "--rounds", "1", "--lots", "5",
)  # fmt: skip
MEASURED = {"requests", "per_second", "app_us", "statements", "round_trips"}
COMPARED = {
    f"{floor}_{figure}" for floor in ("separate", "one") for figure in ("per_second", "rate_ratio")
}


def test_every_operation_is_measured_beside_both_floors(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "tests.bench.ledger", *SHORTLY, "--json", str(file)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    medians = {
        row["request"]: {name: figure["median"] for name, figure in row["summary"].items()}
        for row in json.loads(file.read_text("utf-8"))["results"]
    }
    assert list(medians) == [*NAMES, *JOBS]
    for operation, figures in medians.items():
        assert {name for name, figure in figures.items() if figure > 0} >= MEASURED | COMPARED
        assert f"\n{operation} " in done.stdout


def test_each_script_can_be_sent_as_one_statement() -> None:
    script = (SCRIPTS / "spend.sql").read_text("utf-8")

    statement = as_one(script)

    assert len(list(statements_of(script))) == 7
    assert statement.count(";") == 1
    assert "picked AS (SELECT lot_id AS lot FROM lots" in statement
    assert ":lot" not in statement
