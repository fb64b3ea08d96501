"""The floors: pgbench writes the same rows, statement by statement or with a single one.

A script in `floor/` is written by hand as separate statements; as one statement it is the same,
each a part of a WITH clause. What locks a balance row is left out there: to update it locks it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.calendar import Period, day_in, period_start
from app.core.ids import EPOCH, RANDOM_BITS
from app.core.transactions import system_clock
from tests.bench.ledger.stage import Stage
from tests.bench.pgbench import Floor, duration, run_scripts

SCRIPTS = Path(__file__).parent / "floor"
BATCH = 500
BATCHES_A_SECOND = 20
_statement_end = re.compile(r"(;|\\gset)$")
_picked = re.compile(r":lot\b")


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Scripts run in turn at random; `who` says which wallets, `each` what one writes to."""

    scripts: tuple[str, ...]
    who: str = "who"
    each: int = 1
    is_whole: bool = False


class Floors:
    """Runs yardsticks in a community of their own."""

    def __init__(self, stage: Stage, clients: int) -> None:
        self._stage = stage
        self._clients = clients

    def run(self, yardstick: Yardstick, *, is_one: bool, seconds: float) -> Floor:
        """Measure; per wallet, where a transaction writes to several."""
        amount = duration(seconds)
        if yardstick.is_whole and seconds < 1:
            amount = f"--transactions={max(1, round(seconds * BATCHES_A_SECOND))}"
        clients = 1 if yardstick.is_whole else self._clients
        stage = self._stage
        floor = run_scripts(
            stage.address, stage.server_pid, self._write(yardstick, is_one=is_one),
            clients=clients, amount=amount, values=self._values(clients),
        )  # fmt: skip
        each = min(yardstick.each, stage.scene.wallets.count)
        return Floor(floor.per_second * each, floor.pgbench_us / each, floor.postgres_us / each)

    def _write(self, yardstick: Yardstick, *, is_one: bool) -> list[Path]:
        who = "" if yardstick.is_whole else (SCRIPTS / f"{yardstick.who}.sql").read_text("utf-8")
        written = []
        for name in yardstick.scripts:
            script = (SCRIPTS / f"{name}.sql").read_text("utf-8")
            if not yardstick.is_whole:
                script = as_one(script) if is_one else as_separate(script)
            path = self._stage.folder / f"{name}.sql"
            path.write_text(who + script, "utf-8")
            written.append(path)
        return written

    def _values(self, clients: int) -> dict[str, object]:
        scene, now = self._stage.scene, system_clock()
        town, count = scene.floor, scene.wallets.count
        today = day_in(town.created.timezone, now)
        milliseconds = int((now - EPOCH).total_seconds() * 1000)
        return {
            "turn": 0,
            "base": milliseconds << RANDOM_BITS,
            "clients": clients,
            "seats": count // clients,
            "wallets": count,
            "batches": max(1, count // BATCH),
            "last_of_batch": min(BATCH, count) - 1,
            "community": town.community_id,
            "first_wallet": scene.wallets.first,
            "hot_wallet": scene.wallets.first + count - 1,
            "first_lot": scene.first_lot,
            "first_hold": scene.first_hold,
            "rule": town.terms.rule_id,
            "version": town.terms.rule_version_id,
            "shop": town.shop_id,
            "week": period_start(Period.WEEK, today),
            "month": period_start(Period.MONTH, today),
        }


def as_separate(script: str) -> str:
    """Return a script as a transaction."""
    return f"BEGIN;\n{script}COMMIT;\n"


def as_one(script: str) -> str:
    """Return a script as a single statement, the lot that it picks as a part of that."""
    parts = []
    for number, statement in enumerate(statements_of(script)):
        if "FOR NO KEY UPDATE" in statement:
            continue
        name = "picked" if statement.endswith("\\gset") else f"part_{number}"
        parts.append(f"{name} AS ({_statement_end.sub('', statement).rstrip()})")
    whole = f"WITH {', '.join(parts)} SELECT 1;\n"
    return _picked.sub("(SELECT lot FROM picked)", whole)


def statements_of(script: str) -> Iterator[str]:
    lines: list[str] = []
    for line in script.splitlines():
        if not line.startswith("--"):
            lines.append(line)
        if _statement_end.search(line) and lines:
            yield "\n".join(lines)
            lines = []
