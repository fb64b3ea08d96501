"""Twenty thousand random operations from sixteen clients leave the book balanced."""

import random

from app.core.database import make_engine, make_sessionmaker
from tests.concurrency.conftest import Audit
from tests.concurrency.market import open_market
from tests.concurrency.operations import trade
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer

OPERATIONS = 20_000
CLIENTS = 16
RESIDENTS = 60
KINDS = {
    "award", "place", "capture", "undo", "release", "extend", "spend", "donation", "gift",
    "saving", "withdrawal", "deduct", "undo_contribution", "give_back", "expire_holds",
    "expire_points", "decay",
}  # fmt: skip


async def test_random_operations_of_many_clients_leave_the_book_balanced(
    race: MakeRace,
    migrated: DatabaseServer,
    clock: Clock,
    audit: Audit,
) -> None:
    here = await race(RESIDENTS)
    engine = make_engine(migrated.url(RACES), pool_size=CLIENTS)
    dice = random.Random(random.getrandbits(32))  # noqa: S311 - pytest-randomly says the seed
    market = await open_market(here, make_sessionmaker(engine), dice=dice, now=clock.now)

    await trade(market, operations=OPERATIONS, clients=CLIENTS)

    await engine.dispose()
    assert {kind for kind, times in market.done.items() if times} == KINDS
    await audit(here)
