"""Good codes, but again and again: each act earns once."""

from datetime import timedelta

from app.core.calendar import day_in
from app.rules.book.campaigns import midnight
from tests.soak.hostile.scans import (
    CROWD,
    TIMEZONE,
    announce,
    daily,
    everybody,
    personal,
    scan,
    scan_resident,
)
from tests.soak.hostile.town import Town


async def replayed(town: Town) -> None:
    """One resident scans one poster twelve times at once, and then again and again."""
    activity = await announce(town)
    code = await town.here.poster(activity)
    again = await scan(town, town.dice.choice(CROWD), code, activity)
    await town.fly([again] * 12)
    for _ in range(6):
        town.advance(seconds=town.dice.randint(1, 20))
        await town.fly([again])


async def raced(town: Town) -> None:
    """One resident scans poster and screen while two workers scan the resident, all at once."""
    activity = await announce(town)
    name = town.dice.choice(CROWD)
    own = await personal(town, name)
    scans = [
        await scan(town, name, await town.here.poster(activity, form), activity)
        for form in ("poster", "rotating")
    ]
    scans += [
        await scan_resident(town, worker, activity, own, name)
        for worker in ("worker-1", "worker-2")
    ]
    await town.fly(scans * 6)


async def crowded(town: Town) -> None:
    """Everybody scans one poster three times, all at once."""
    activity = await announce(town)
    await town.fly(await everybody(town, await town.here.poster(activity), activity) * 3)


async def around_midnight(town: Town) -> None:
    """A resident asks for the day twenty times at once, while it becomes the next one."""
    today = day_in(TIMEZONE, town.clock.now)
    tomorrow = today + timedelta(days=1)
    name = town.dice.choice(CROWD)
    town.set_time(midnight(tomorrow, TIMEZONE) - timedelta(seconds=1))
    await town.fly([await daily(town, name, today)] * 6)

    async def turn() -> None:
        town.advance(seconds=1)

    either = await daily(town, name, today, tomorrow)
    await town.overtake([either] * 20, by=turn, then=[await daily(town, name, tomorrow)] * 4)
