"""The floor: what PostgreSQL alone takes for the same rows, as separate prepared statements.

The scripts in `floor/` are a yardstick, written by hand: they do not follow the service's SQL
when that changes, only the schema. Each begins with `who.sql`, which walks through the residents
so that two clients never meet and no act comes twice.
"""

import importlib.util
import re
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.cli.database import DATABASE
from app.core.calendar import Period, day_in, period_start
from app.core.database import APP_ROLE
from app.core.embedded import ServerAddress
from app.core.embedded.binaries import PACKAGE, Binaries
from app.core.embedded.commands import ENVIRONMENT
from app.core.ids import EPOCH, RANDOM_BITS
from tests.bench.errors import BenchFailed
from tests.bench.hazards import RULE
from tests.bench.processes import cpu_seconds
from tests.bench.town import CHECK_IN_RULE, Town

SCRIPTS = Path(__file__).parent / "floor"
PATIENCE = 180.0  # seconds, with the 120 that a measurement may take
TRANSACTIONS_A_SECOND = 1_000
_done = re.compile(r"transactions actually processed: (\d+)")
_failed = re.compile(r"number of failed transactions: (\d+)")
_rate = re.compile(r"tps = ([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Floor:
    """Transactions a second, and what each cost in pgbench and in PostgreSQL."""

    per_second: float
    pgbench_us: float
    postgres_us: float


@dataclass(frozen=True, slots=True)
class Pgbench:
    """Runs scripts in a community of its own; `folder` is for what it writes."""

    address: ServerAddress
    server_pid: int
    town: Town
    stride: int
    folder: Path

    def run(self, name: str, *, clients: int, seconds: float, now: datetime) -> Floor:
        """Run a script; raises BenchFailed unless every transaction went through."""
        script = self.folder / f"{name}.sql"
        parts = (SCRIPTS / "who.sql", SCRIPTS / f"{name}.sql")
        script.write_text("".join(part.read_text("utf-8") for part in parts), "utf-8")
        return run_scripts(
            self.address, self.server_pid, [script],
            clients=clients, amount=duration(seconds), values=self._values(clients, now),
        )  # fmt: skip

    def _values(self, clients: int, now: datetime) -> dict[str, object]:
        """Return what the scripts call by name; ids count up from this moment's, as the API's."""
        town, hazards = self.town, self.town.hazards
        today = day_in(town.created.timezone, now)
        milliseconds = int((now - EPOCH).total_seconds() * 1000)
        return {
            "turn": 0,
            "base": milliseconds << RANDOM_BITS,
            "clients": clients,
            "seats": town.residents // self.stride // clients,
            "stride": self.stride,
            "community": town.community_id,
            "first_resident": town.first_resident,
            "first_person": town.first_person,
            "first_session": town.first_session,
            "rule": town.created.rules[CHECK_IN_RULE],
            "version": town.check_in_version,
            "reward": town.reward_id,
            "first_photo": hazards.first_photo,
            "hazard_rule": town.created.rules[RULE.code],
            "hazard_version": hazards.rule_version,
            "category": hazards.category_id,
            "grid": hazards.grid_id,
            "worker": hazards.worker,
            "day": today,
            "week": period_start(Period.WEEK, today),
            "month": period_start(Period.MONTH, today),
        }


def run_scripts(
    address: ServerAddress,
    server_pid: int,
    scripts: Sequence[Path],
    *,
    clients: int,
    amount: str,
    values: Mapping[str, object],
) -> Floor:
    """Run scripts, each as often as the others; raises BenchFailed unless all went through."""
    server_before, ours_before = cpu_seconds(server_pid), children_seconds()
    done = subprocess.run(  # noqa: S603 - a program of the installation, no shell
        [
            program(), "--no-vacuum", "--protocol=prepared",
            f"--host={address.socket_dir}", f"--port={address.port}",
            f"--username={APP_ROLE}",
            f"--client={clients}", f"--jobs={min(clients, 2)}",
            amount, *(f"--file={script}" for script in scripts),
            *(f"--define={name}={value}" for name, value in values.items()), DATABASE,
        ],
        check=False,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )  # fmt: skip
    server = cpu_seconds(server_pid) - server_before
    ours = children_seconds() - ours_before
    count, failed, rate = (found(pattern, done.stdout) for pattern in (_done, _failed, _rate))
    if done.returncode != 0 or failed > 0 or count == 0:
        names = ", ".join(script.stem for script in scripts)
        raise BenchFailed(f"pgbench, {names}: {done.stderr.strip() or done.stdout.strip()}")
    return Floor(rate, ours / count * 1e6, server / count * 1e6)


def duration(seconds: float) -> str:
    """Return pgbench's option for it; it has no parts of a second, so about as much work."""
    if seconds < 1:
        return f"--transactions={round(seconds * TRANSACTIONS_A_SECOND)}"
    return f"--time={round(seconds)}"


def found(pattern: re.Pattern[str], output: str) -> float:
    match = pattern.search(output)
    return float(match[1]) if match else 0.0


def children_seconds() -> float:
    """Return what our children that ended have used: between two calls, pgbench alone."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def program() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BenchFailed(f"The package {PACKAGE} is not installed.")
    return Binaries(Path(spec.origin).parent.parent).program("pgbench")
