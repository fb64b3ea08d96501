"""Any sequence of operations leaves the ledger where a plain model of its rules says."""

import sys

from tests.ledger_model.run import run_sequences
from tests.support.database import DatabaseServer

SEQUENCES = 500
STEPS = 40


def test_the_ledger_does_what_a_plain_model_of_its_rules_does(migrated: DatabaseServer) -> None:
    bench = run_sequences(migrated.url(), sequences=SEQUENCES, steps=STEPS)
    sys.stdout.write(bench.report())
    assert bench.sequences >= SEQUENCES
    assert bench.steps >= SEQUENCES * STEPS
    assert bench.starved() == []
