"""Good codes, overtaken: what is taken back is refused from the moment that this was answered."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from app.core.calendar import day_in
from app.privacy.jobs import close_accounts
from app.rules.book.campaigns import midnight
from tests.soak.hostile.scans import (
    CROWD,
    RULE,
    TIMEZONE,
    WORTH,
    announce,
    everybody,
    only,
    perhaps,
    personal,
    scan,
    scan_resident,
    warm,
)
from tests.soak.hostile.town import Scan, Town
from tests.support.caller import sign_in
from tests.support.rules import add_rules

LAST = CROWD[2:]
CARD_HOLDERS = (CROWD[0], CROWD[1], CROWD[3], CROWD[4])  # of the first worker's grid
DRILL = {"category": "helping", "name": "演练", "points": 7}
NEW_WORTH = 9

# No page does this yet; who runs the service does.
_GIVE_GRID = """
    UPDATE role_grants SET grid_id = :grid FROM identities
    WHERE community_id = :community AND role = 'grid_worker' AND subject = :worker
        AND identities.person_id = role_grants.person_id
"""


async def cancelled(town: Town) -> None:
    """The activity is called off while everybody scans."""
    activity = await announce(town)
    poster, own = await town.here.poster(activity), await personal(town, "resident-1")
    await warm(town, poster, activity)
    refused = only("activity_is_cancelled")
    path = f"/v1/staff/activities/{activity['activity_id']}/cancel"
    may = perhaps(*refused)
    before = await everybody(town, poster, activity, may, names=LAST)
    before.append(await scan_resident(town, "worker-2", activity, own, CROWD[0], may))
    after = await everybody(town, poster, activity, refused)
    after.append(await scan_resident(town, "worker-2", activity, own, CROWD[0], refused))
    await town.overtake(before, by=lambda: town.order("worker-1", path), then=after)
    await town.fly(after)


async def revoked(town: Town) -> None:
    """The poster, or the code on the screen, is withdrawn while everybody scans it."""
    activity = await announce(town)
    form, other_form = town.dice.sample(["poster", "rotating"], 2)
    code, other = (
        await town.here.poster(activity, form),
        await town.here.poster(activity, other_form),
    )
    await warm(town, code, activity)
    path = f"/v1/staff/activities/{activity['activity_id']}/revoke-code"
    before = await everybody(town, code, activity, perhaps("code_revoked"), names=LAST)
    after = await everybody(town, code, activity, only("code_revoked"))
    await town.overtake(
        before,
        by=lambda: town.order("worker-1", path, {"code": code}),
        then=[*after, await scan(town, CROWD[0], other, activity)],
    )
    await town.fly([*after, *await everybody(town, other, activity, names=CROWD[:4])])


async def signed_out(town: Town) -> None:
    """Somebody signs out, here or everywhere, while they scan; on their other phone they go on."""
    activity = await announce(town)
    poster = await town.here.poster(activity)
    name = town.dice.choice(LAST)
    await town.fly(await everybody(town, poster, activity, names=CROWD[:2]))
    lost, kept = [await sign_in(front, town.here.prefix + name) for front in town.fronts[:2]]
    bearers = [phone.headers()["Authorization"] for phone in (lost, kept)]
    everywhere = town.dice.random() < 0.5
    for bearer in bearers:  # both ways in know both phones
        await town.fly(
            [await scan(town, name, "?", None, only("code_unreadable"), bearer=bearer)] * 2
        )
    path = "/v1/auth/sign-out-everywhere" if everywhere else "/v1/auth/sign-out"

    async def sign_out() -> None:
        front = town.dice.choice(town.fronts)
        answer = await front.post(path, json={}, headers={"Authorization": bearers[0]})
        assert answer.is_success, answer.text

    may, refused = perhaps("token_invalid"), only("token_invalid")
    before = [await scan(town, name, poster, activity, may, bearer=bearers[0])] * 10
    after = [await scan(town, name, poster, activity, refused, bearer=bearers[0])] * 6
    other = await scan(town, name, poster, activity, refused if everywhere else may - refused,
                       bearer=bearers[1])  # fmt: skip
    await town.overtake(before, by=sign_out, then=[*after, other, other])
    if everywhere:
        town.here.callers.pop(name, None)


async def card_withdrawn(town: Town) -> None:
    """A paper card is withdrawn while two workers scan it; the next card works."""
    activity = await announce(town)
    name = town.dice.choice(CARD_HOLDERS)
    path = f"/v1/staff/residents/{town.here.resident_id(name)}/card/reissue"
    old = await town.order("worker-1", path, {"reason": "首次领取"})
    other = await announce(town)
    workers = ("worker-1", "worker-2")
    await town.fly([await scan_resident(town, worker, other, old["token"], name)
                    for worker in workers * 2])  # fmt: skip
    may, refused = perhaps("code_revoked"), only("code_revoked")
    before = [await scan_resident(town, worker, activity, old["token"], name, may)
              for worker in workers * 5]  # fmt: skip
    after = [await scan_resident(town, worker, activity, old["token"], name, refused)
             for worker in workers * 3]  # fmt: skip
    withdraw = f"/v1/staff/cards/{old['card_id']}/revoke"
    await town.overtake(
        before,
        by=lambda: town.order("worker-1", withdraw, {"reason": "遗失"}),
        then=after,
    )
    new = await town.order("worker-1", path, {"reason": "补办"})
    replaced = await scan_resident(town, "worker-2", activity, new["token"], name)
    await town.fly([*after, replaced, replaced])


async def worker_moved(town: Town) -> None:
    """The worker is given another grid while they scan residents at an activity of their own."""
    first, second = town.here.places.grids
    activity, other = [await announce(town, grid_id=str(first)) for _ in range(2)]
    own = {name: await personal(town, name) for name in CROWD}
    await town.fly([await scan_resident(town, "worker-1", other, own[CROWD[0]], CROWD[0])] * 4)
    may, refused = perhaps("not_your_activity"), only("not_your_activity")
    before = [await scan_resident(town, "worker-1", activity, code, name, may)
              for name, code in own.items()]  # fmt: skip
    after = [await scan_resident(town, "worker-1", activity, code, name, refused)
             for name, code in own.items()]  # fmt: skip
    await town.overtake(before, by=lambda: _give_grid(town, "worker-1", second), then=after)
    await town.fly(after)
    await _give_grid(town, "worker-1", first)
    await town.fly([await scan_resident(town, "worker-1", activity, code, name)
                    for name, code in own.items()])  # fmt: skip


async def _give_grid(town: Town, worker: str, grid_id: int) -> None:
    values = {"community": town.here.community_id, "worker": worker, "grid": grid_id}
    async with town.sessionmaker.begin() as session:
        await session.execute(text(_GIVE_GRID), values)


async def account_closed(town: Town) -> None:
    """An account is closed by the worker's process while its owner scans and is scanned."""
    name = town.spare.pop()
    asked = await town.here.caller(name)
    assert (await asked.post("/v1/me/closure")).status_code == 201
    town.advance(days=7)
    activity, other = await announce(town), await announce(town)
    poster, own = await town.here.poster(activity), await personal(town, name)
    await town.fly([await scan(town, name, await town.here.poster(other), other)] * 4)
    town.closed.add(int(town.here.resident_id(name)))
    gone = only("token_invalid", "forbidden", "resident_not_found")
    may = perhaps(*gone)
    before = [await scan(town, name, poster, activity, may)] * 5
    before += [await scan_resident(town, "worker-1", activity, own, name, may)] * 5
    after = [await scan(town, name, poster, activity, gone)] * 4
    after += [await scan_resident(town, "worker-1", activity, own, name, gone)] * 4

    async def close() -> None:
        assert await close_accounts(town.sessionmaker, now=town.clock.now) == 1

    await town.overtake(before, by=close, then=after)
    town.here.callers.pop(name)
    await town.fly(after)


async def rules_changed(town: Town) -> None:
    """At midnight one rule gives other points and one has ended; everybody scans across it."""
    codes = [f"drill_{town.sent}_{letter}" for letter in "ab"]
    rules = [DRILL | {"code": code} for code in codes]
    await add_rules(town.sessionmaker, town.here.community_id, rules, since=town.clock.now)
    turns_at = await _decide(town, *codes)
    town.set_time(turns_at - timedelta(minutes=2))
    changing, ending = [await announce(town, rule_code=code) for code in codes]
    posters = [await town.here.poster(activity) for activity in (changing, ending)]
    for poster, activity in zip(posters, (changing, ending), strict=True):
        await warm(town, poster, activity, worth=7)
    town.set_time(turns_at - timedelta(seconds=1))
    mixed: list[Scan] = []
    may, ended = perhaps("rule_changed"), only("rule_not_found")
    mixed += await everybody(town, posters[0], changing, may, names=LAST[:3], points=(7, NEW_WORTH))
    mixed += await everybody(town, posters[1], ending, may | ended, names=LAST[:3], points=(7,))

    async def turn() -> None:
        town.clock.now = turns_at

    later = await everybody(town, posters[0], changing, names=LAST[3:], points=(NEW_WORTH,))
    refused = await everybody(town, posters[1], ending, ended, names=LAST[3:])
    await town.overtake(mixed, by=turn, then=[*later, *refused])


async def _decide(town: Town, changing: str, ending: str) -> Any:
    """Let the committee change one rule and end another; return when that comes into force."""
    day = day_in(TIMEZONE, town.clock.now) + timedelta(days=10)
    body = {
        "title": "调整演练积分",
        "reason": "演练改为季度一次",
        "effective_on": day.isoformat(),
        "changes": [
            {"kind": "change", "code": changing, "terms": DRILL | {"points": NEW_WORTH}},
            {"kind": "end", "code": ending},
        ],
    }
    proposed = await town.order("committee-1", "/v1/staff/rule-changes", body)
    town.advance(days=9)
    path = f"/v1/staff/rule-changes/{proposed['rule_change_id']}/adoption"
    await town.order("committee-2", path)
    return midnight(day, TIMEZONE)


async def campaign_run(town: Town) -> None:
    """A campaign doubles points from the moment it was opened, until the moment it was ended."""
    activity = await announce(town)
    poster = await town.here.poster(activity)
    await warm(town, poster, activity)
    days = {"starts_on": f"{day_in(TIMEZONE, town.clock.now)}", "ends_on": "2099-01-01"}
    body = {
        "code": f"double_{town.sent}",
        "name": "打扫双倍",
        "rules": [RULE],
        "percent": 200,
    } | days
    opened: list[dict[str, Any]] = []

    async def open_it() -> None:
        opened.append(await town.order("committee-1", "/v1/staff/campaigns", body))

    first, second, third, fourth, *others = LAST
    both = (WORTH, 2 * WORTH)
    await town.overtake(
        await everybody(town, poster, activity, names=[first, second], points=both),
        by=open_it,
        then=await everybody(town, poster, activity, names=[third], points=both[1:]) * 2,
    )
    town.advance(seconds=2)
    path = f"/v1/staff/campaigns/{opened[0]['campaign_id']}/end"
    await town.overtake(
        await everybody(town, poster, activity, names=[fourth], points=both) * 2,
        by=lambda: town.order("committee-2", path),
        then=await everybody(town, poster, activity, names=others, points=both[:1]) * 2,
    )
