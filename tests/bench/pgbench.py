"""The floor: what PostgreSQL alone takes for the same rows, and the same reads.

The scripts in `floor/` are a yardstick, written by hand: they do not follow the service's SQL
when that changes, only the schema. Each begins with `who.sql`, which walks through the callers
so that two clients never meet and no act comes twice.
"""

import importlib.util
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.database import DATABASE, in_transaction, urls_of
from app.core.calendar import Period, day_in, period_start
from app.core.database import APP_ROLE
from app.core.embedded import ServerAddress
from app.core.embedded.binaries import PACKAGE, Binaries
from app.core.embedded.commands import ENVIRONMENT
from app.core.ids import EPOCH, RANDOM_BITS
from tests.bench.crowd import MIDDLE
from tests.bench.errors import BenchFailed
from tests.bench.floors import as_function, read_script
from tests.bench.hazards import RULE
from tests.bench.processes import children_seconds, cpu_seconds, own_seconds
from tests.bench.town import Town

WARM_UP = 1  # second
PATIENCE = 180.0  # seconds, with the 120 that a measurement may take
TRANSACTIONS_A_SECOND = 1_000
# Later than the points that all begin with, at most the next year's end and 90 days of grace: these
# pay for what is redeemed, here as in the service, whatever day it is.
LASTING = timedelta(days=730)
_done = re.compile(r"transactions actually processed: (\d+)")
_failed = re.compile(r"number of failed transactions: (\d+)")
_progress = re.compile(r"progress: ([0-9.]+) s, ([0-9.]+) tps")
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
    folder: Path

    def add_functions(self, names: Sequence[str]) -> None:
        """Make functions of scripts, for `run` to call."""

        async def add(session: AsyncSession) -> None:
            connection = await session.connection()
            for name in names:
                function = as_function(name, read_script(name))
                await connection.exec_driver_sql(function.definition)

        in_transaction(urls_of(self.address).owner, add, role=None)

    def run(
        self, name: str, *, clients: int, seconds: float, now: datetime, is_function: bool = False
    ) -> Floor:
        """Run a script; raises BenchFailed unless every transaction went through."""
        script = read_script(name)
        file = self.folder / f"{name}.sql"
        file.write_text(as_function(name, script).call if is_function else script.text, "utf-8")
        is_short = seconds < 1
        run = run_scripts if is_short else run_warmed_up
        return run(
            self.address, self.server_pid, [file],
            clients=clients, amount=duration(seconds if is_short else seconds + WARM_UP),
            values=self._values(clients, now),
        )  # fmt: skip

    def _values(self, clients: int, now: datetime) -> dict[str, object]:
        """Return what the scripts call by name; ids count up from this moment's, as the API's."""
        town, crowd, hazards = self.town, self.town.crowd, self.town.hazards
        today = day_in(town.created.timezone, now)
        milliseconds = int((now - EPOCH).total_seconds() * 1000)
        return {
            "turn": 0,
            "base": milliseconds << RANDOM_BITS,
            "clients": clients,
            "seats": crowd.callers // clients,
            "stride": crowd.stride,
            "community": town.community_id,
            "first_resident": crowd.first_resident,
            "middle": MIDDLE,
            "first_person": crowd.first_person,
            "first_session": crowd.first_session,
            "rule": town.check_in_terms.rule_id,
            "version": town.check_in_terms.rule_version_id,
            "hung": town.activities[0].activity_id,
            "reward": town.reward_id,
            "sale": town.sale_id,
            "first_photo": hazards.first_photo,
            "hazard_rule": town.created.rules[RULE.code],
            "hazard_version": hazards.rule_version,
            "category": hazards.category_id,
            "grid": hazards.grid_id,
            "worker": hazards.worker,
            "day": today,
            "week": period_start(Period.WEEK, today),
            "month": period_start(Period.MONTH, today),
            "lapses": today + LASTING,
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
        command(address, scripts, clients, [amount], values),
        check=False,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )
    server = cpu_seconds(server_pid) - server_before
    ours = children_seconds() - ours_before
    count = counted(done.returncode, done.stdout, done.stderr, scripts)
    return Floor(found(_rate, done.stdout), ours / count * 1e6, server / count * 1e6)


def run_warmed_up(
    address: ServerAddress,
    server_pid: int,
    scripts: Sequence[Path],
    *,
    clients: int,
    amount: str,
    values: Mapping[str, object],
) -> Floor:
    """Do the same, and measure from the first progress on: what comes before is no floor.

    To connect, to prepare and to fill the caches of 64 connections takes a second of processor
    time, which the API has behind it.
    """
    ours_before = children_seconds()
    words = command(address, scripts, clients, [amount, f"--progress={WARM_UP}"], values)
    with subprocess.Popen(  # noqa: S603 - a program of the installation, no shell
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        told = []
        for line in process.stderr or ():
            told.append(line)
            if _progress.match(line):
                break
        began, server_before = time.perf_counter(), cpu_seconds(server_pid)
        ours_warm = own_seconds(psutil.Process(process.pid))
        output, rest = process.communicate(timeout=PATIENCE)
        seconds = time.perf_counter() - began
    server = cpu_seconds(server_pid) - server_before
    ours = children_seconds() - ours_before - ours_warm
    count = counted(process.returncode, output, "".join(told) + rest, scripts)
    warm = _progress.match(told[-1])
    count -= 0 if warm is None else round(float(warm[1]) * float(warm[2]))
    if count <= 0:
        raise BenchFailed("pgbench did nothing after its first second.")
    return Floor(count / seconds, ours / count * 1e6, server / count * 1e6)


def command(
    address: ServerAddress,
    scripts: Sequence[Path],
    clients: int,
    amount: Sequence[str],
    values: Mapping[str, object],
) -> list[str]:
    return [
        str(program()), "--no-vacuum", "--protocol=prepared",
        f"--host={address.socket_dir}", f"--port={address.port}", f"--username={APP_ROLE}",
        f"--client={clients}", f"--jobs={min(clients, 2)}",
        *amount, *(f"--file={script}" for script in scripts),
        *(f"--define={name}={value}" for name, value in values.items()), DATABASE,
    ]  # fmt: skip


def counted(status: int, output: str, errors: str, scripts: Sequence[Path]) -> float:
    """Return how many transactions there were; raises BenchFailed unless all went through."""
    count, failed = found(_done, output), found(_failed, output)
    if status != 0 or failed > 0 or count == 0:
        names = ", ".join(script.stem for script in scripts)
        raise BenchFailed(f"pgbench, {names}: {errors.strip() or output.strip()}")
    return count


def duration(seconds: float) -> str:
    """Return pgbench's option for it; it has no parts of a second, so about as much work."""
    if seconds < 1:
        return f"--transactions={round(seconds * TRANSACTIONS_A_SECOND)}"
    return f"--time={round(seconds)}"


def found(pattern: re.Pattern[str], output: str) -> float:
    match = pattern.search(output)
    return float(match[1]) if match else 0.0


def program() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BenchFailed(f"The package {PACKAGE} is not installed.")
    return Binaries(Path(spec.origin).parent.parent).program("pgbench")
