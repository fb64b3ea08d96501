"""Running the machine: for the tests a minute, for the soak as long as one likes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from app.core import ids
from app.core.database import make_engine
from tests.ledger_model.machine import Bench, MoneyMachine

# Plans of a database that is always all but empty need not be made anew for each call.
SESSION = "SET plan_cache_mode = force_generic_plan", "SET jit = off"


def run_sequences(url: str, *, sequences: int, steps: int) -> Bench:
    """Run so many sequences of so many steps; raise AssertionError at the first difference."""
    limits = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    with _bench(url) as bench:

        class OnThisBench(MoneyMachine):
            def __init__(self) -> None:
                super().__init__(bench)

        began = time.perf_counter()
        run_state_machine_as_test(OnThisBench, settings=limits)
        bench.seconds = time.perf_counter() - began
    return bench


@contextmanager
def _bench(url: str) -> Iterator[Bench]:
    """Give the machine an event loop, a connection and a source of ids to itself.

    Its clock runs years ahead, and ids never go back.
    """
    source, loop = ids._source, uvloop.new_event_loop()  # noqa: SLF001
    engine = make_engine(url, pool_size=1)
    event.listen(engine.sync_engine, "connect", _prepare)
    ids._source = ids.IdSource()  # noqa: SLF001
    try:
        yield Bench(engine, loop)
    finally:
        loop.run_until_complete(engine.dispose())
        loop.close()
        ids._source = source  # noqa: SLF001


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for statement in SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()
