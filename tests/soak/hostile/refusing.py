"""Codes that nobody may check in with: others', of other kinds, too old or too early, forged."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.core.codes import LARGEST_SUBJECT_ID, CodeKind
from tests.soak.hostile.bearers import bad_bearers
from tests.soak.hostile.forging import FORGERIES, forge
from tests.soak.hostile.scans import (
    CROWD,
    announce,
    everybody,
    only,
    perhaps,
    personal,
    scan,
    scan_resident,
    signed,
    warm,
)
from tests.soak.hostile.town import DAILY, SCAN, Scan, Town
from tests.soak.hostile.wrapping import (
    BODIES,
    DOUBTFUL,
    EMPTY_BODIES,
    EMPTY_TEXTS,
    READ,
    UNREAD,
)  # fmt: skip

ODD_NUMBERS: tuple[Any, ...] = (
    "0", "1", str(2**63 - 1), str(2**63), "9" * 40, "-1", "1e3", "0x1", "\u0663", " 1", "", 1.5, -1,
    True, None, [], {"activity_id": "1"}, "NaN", "1; DROP TABLE contributions",
)  # fmt: skip
FORGED = only("code_forged", "code_unreadable", "request_invalid")


async def foreign(town: Town) -> None:
    """Codes, activities, residents of another community, also put under our name."""
    ours = await announce(town)
    theirs = await town.elsewhere.announce(town.clock.now)
    poster, code = await town.here.poster(ours), await personal(town, "resident-1")
    other = only("code_of_other_community")
    await warm(town, poster, ours)
    them = [
        await scan(town, name, await town.elsewhere.poster(theirs, form), theirs, at=town.elsewhere)
        for name in ("resident-1", "resident-2")
        for form in ("poster", "rotating")
    ]
    scans = [*them]
    for form in ("poster", "rotating"):
        their_code = await town.elsewhere.poster(theirs, form)
        renamed = signed(town, their_code, community_id=town.here.community_id)
        for name in town.dice.sample(CROWD, 3):
            scans.append(await scan(town, name, their_code, None, other))
            scans.append(await scan(town, name, renamed, None, only("activity_not_found")))
    for name in ("resident-1", "resident-3"):
        scans.append(await scan(town, name, poster, None, other, at=town.elsewhere))
        their_own = await personal(town, name, at=town.elsewhere)
        renamed = signed(town, their_own, community_id=town.here.community_id)
        for worker in ("worker-1", "worker-2"):
            scans.append(await scan_resident(town, worker, ours, their_own, None, other))
            gone = only("resident_not_found")
            scans.append(await scan_resident(town, worker, ours, renamed, None, gone))
            missing = only("activity_not_found")
            scans.append(await scan_resident(town, worker, theirs, code, None, missing))
    await town.fly(scans)


async def of_other_kinds(town: Town) -> None:
    """Vouchers, verifications, cards and residents where an activity is to be scanned, and back."""
    activity = await announce(town)
    poster, own = await town.here.poster(activity), await personal(town, "resident-1")
    other = only("code_of_other_kind")
    scans = []
    for kind in CodeKind:
        name = town.dice.choice(CROWD)
        for code in (signed(town, poster, kind=kind), signed(town, own, kind=kind)):
            if kind not in (CodeKind.ACTIVITY_POSTER, CodeKind.ACTIVITY_ROTATING):
                scans.append(await scan(town, name, code, None, other))
            if kind is CodeKind.PAPER_CARD:
                revoked = only("code_revoked")  # no card has this number
                scans.append(await scan_resident(town, "worker-1", activity, code, None, revoked))
            elif kind is not CodeKind.RESIDENT:
                scans.append(await scan_resident(town, "worker-1", activity, code, None, other))
    await town.fly(scans)


async def out_of_time(town: Town) -> None:
    """Codes that held until just now, and activities that nobody may check in to yet, or more."""
    soon = (town.clock.now + timedelta(seconds=60)).isoformat()
    closing = await announce(town, check_in_closes_at=soon)
    opening = await announce(town, starts_at=(town.clock.now + timedelta(minutes=32)).isoformat(),
                             ends_at=(town.clock.now + timedelta(hours=1)).isoformat())  # fmt: skip
    lasting = await announce(town)
    rotating = await town.here.poster(lasting, "rotating")
    own = await personal(town, "resident-1")
    early, late = await town.here.poster(opening), await town.here.poster(closing)
    for code, activity in ((rotating, lasting), (late, closing)):
        await warm(town, code, activity)
    await town.fly(await everybody(town, early, opening, only("check_in_not_open")))
    for seconds in (30, 30, 60):
        town.advance(seconds=seconds)
        await town.fly([await scan(town, name, rotating, lasting, only("code_expired"))
                        for name in town.dice.sample(CROWD, 3)])  # fmt: skip
    await town.fly(await everybody(town, late, closing, only("check_in_closed")))
    expired = only("code_expired")
    late_scan = await scan_resident(town, "worker-1", lasting, own, "resident-1", expired)
    await town.fly([late_scan] * 4)
    await town.fly(await everybody(town, early, opening, names=CROWD[:3]))


async def forged(town: Town) -> None:
    """What only looks as if we had signed it."""
    activity, other = await announce(town), await announce(town)
    poster, own = await town.here.poster(activity), await personal(town, "resident-2")
    others = await town.here.poster(other)
    # A good code that is remembered must not open the door to a bad one.
    await warm(town, poster, activity)
    scans = []
    for way in FORGERIES:
        name = town.dice.choice(CROWD[2:])
        code = forge(way, poster, others, keys=town.keys, dice=town.dice, now=town.clock.now)
        scans.append(await scan(town, name, code, None, FORGED))
        code = forge(way, own, others, keys=town.keys, dice=town.dice, now=town.clock.now)
        scans.append(await scan_resident(town, "worker-1", activity, code, None, FORGED))
    session = (await town.bearer("resident-3")).removeprefix("Bearer ")
    sessions = [await scan(town, "resident-3", code, None, FORGED)
                for code in (session, session.partition(".")[2])]  # fmt: skip
    await town.fly([*scans, *sessions])


async def wrapped(town: Town) -> None:
    """A good code in links and texts: however it is read, it earns once."""
    activity = await announce(town)
    poster = await town.here.poster(activity)
    refused = only("code_unreadable", "request_invalid", "body_too_large")
    ways = ((READ, perhaps()), (UNREAD, refused), (DOUBTFUL, perhaps(*refused)))
    scans: list[Scan] = []
    for texts, may in ways:
        scans += [
            await scan(town, town.dice.choice(CROWD), wrap(poster), activity, may) for wrap in texts
        ]
    nothing = await scan(town, "resident-1", "", None, refused)
    scans += [replace(nothing, body={"code": empty}) for empty in EMPTY_TEXTS]
    bodies = [*EMPTY_BODIES, *(body(poster) for body in BODIES)]
    scans += [replace(nothing, body=body) for body in bodies]
    await town.fly(scans)


async def unauthorised(town: Town) -> None:
    """Good codes under bearer tokens that are forged, of somebody else, too old, or none."""
    activity = await announce(town)
    poster = await town.here.poster(activity)
    old = [await town.bearer(name) for name in CROWD[:2]]
    await warm(town, poster, activity)
    scans: list[Scan] = []
    for bearer, may in await bad_bearers(town):
        scans.append(Scan(SCAN, {"code": poster}, bearer, may))
        scans.append(Scan(DAILY, {}, bearer, may))
    await town.fly(scans)
    town.advance(minutes=15)
    poster = await town.here.poster(activity)
    expired = only("token_expired")
    await town.fly([Scan(path, {"code": poster}, bearer, expired)
                    for path in (SCAN, DAILY) for bearer in old])  # fmt: skip


async def trespassing(town: Town) -> None:
    """Workers of another grid, residents who play the worker, staff who play the resident."""
    grid_id = str(town.here.places.grids[0])
    activity = await announce(town, grid_id=grid_id)
    poster = await town.here.poster(activity)
    own = {name: await personal(town, name) for name in CROWD[:3]}
    scans: list[Scan] = []
    for name, code in own.items():
        for worker, refusal in (("worker-2", "not_your_activity"), ("clerk-1", "forbidden"),
                                (name, "forbidden"), ("reviewer-1", "forbidden")):  # fmt: skip
            may = only(refusal)
            scans.append(await scan_resident(town, worker, activity, code, None, may))
        scans.append(await scan_resident(town, "worker-1", activity, code, name))
    for name in ("worker-1", "clerk-1", "committee-1", "auditor-1"):
        bearer, may = await town.bearer(name), only("forbidden")
        bodies: tuple[tuple[str, dict[str, Any]], ...] = ((SCAN, {"code": poster}), (DAILY, {}))
        scans += [Scan(path, body, bearer, may) for path, body in bodies]
    await town.fly(scans)


async def odd_numbers(town: Town) -> None:
    """Activities and residents of numbers that nothing has, amid a crowd that must not notice."""
    activity = await announce(town)
    poster, own = await town.here.poster(activity), await personal(town, "resident-1")
    missing = only("activity_not_found", "request_invalid")
    scans = await everybody(town, poster, activity)
    for number in ODD_NUMBERS:
        odd = await scan_resident(town, "worker-1", activity, own, None, missing)
        scans.append(replace(odd, body={"activity_id": number, "code": own}))
    for subject_id in (0, 1, LARGEST_SUBJECT_ID):
        code = signed(town, own, subject_id=subject_id)
        gone = only("resident_not_found")
        scans.append(await scan_resident(town, "worker-2", activity, code, None, gone))
        code = signed(town, poster, subject_id=subject_id)
        scans.append(await scan(town, "resident-2", code, None, only("activity_not_found")))
    await town.fly(scans)
