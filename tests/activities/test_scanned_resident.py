"""The worker scans the resident's personal code."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.codes import read_code, sign_code
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass


async def personal_code(here: Neighbourhood, name: str = "resident-1") -> str:
    resident = await here.caller(name)
    answer = await resident.get("/v1/me/code")
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


async def scan(
    here: Neighbourhood, activity: dict[str, Any], code: str, *, worker: str = "worker-1"
) -> httpx.Response:
    caller = await here.caller(worker)
    body = {"activity_id": activity["activity_id"], "code": code}
    return await caller.post("/v1/staff/check-ins", body)


async def test_the_resident_earns_and_the_worker_sees_a_masked_name(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    activity = await here.announce(clock.now)

    answer = await scan(here, activity, await personal_code(here))

    assert answer.status_code == 201
    told = answer.json()
    assert told["resident_id"] == here.resident_id("resident-1")
    assert (told["masked_name"], told["points_gained"]) == ("王*四", 20)
    assert "王小四" not in answer.text
    resident = await here.caller("resident-1")
    assert (await resident.get("/v1/me/balance")).json()["posted_points"] == 20
    async with sessionmaker() as session:
        recorder, worker = (
            await session.execute(
                text(
                    "SELECT recorded_by, person_id FROM contributions"
                    " JOIN identities ON subject = 'worker-1'"
                )
            )
        ).one()
        assert recorder == worker
        await assert_books_balance(session, here.community_id)


async def test_the_workers_scan_and_the_residents_own_are_one_check_in(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    resident = await here.caller("resident-1")
    await resident.post("/v1/me/check-ins", {"code": await here.poster(activity)})

    answer = await scan(here, activity, await personal_code(here))

    assert (answer.status_code, answer.json()["is_new"]) == (200, False)
    assert answer.json()["balance_points"] == 20


@pytest.mark.parametrize(("seconds", "status"), [(0, 201), (119, 201), (120, 410)])
async def test_a_personal_code_holds_for_two_minutes(
    here: Neighbourhood, clock: Clock, seconds: int, status: int
) -> None:
    activity = await here.announce(clock.now)
    code = await personal_code(here)
    clock.advance(seconds=seconds)
    answer = await scan(here, activity, code)
    assert answer.status_code == status
    if status == 410:
        assert problem_code(answer) == "code_expired"


async def test_a_personal_code_is_fetched_anew_after_a_minute(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    assert (await resident.get("/v1/me/code")).json()["refresh_in_seconds"] == 60


async def test_a_code_scanned_at_a_second_activity_works_once_at_each(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    first, second = await here.announce(clock.now), await here.announce(clock.now)
    code = await personal_code(here)

    answers = [await scan(here, activity, code) for activity in (first, second, first, second)]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 200]
    assert answers[-1].json()["balance_points"] == 40
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_a_grids_activity_is_scanned_by_its_own_worker_and_the_committee(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now, grid_id=str(here.places.grids[0]))
    code = await personal_code(here)

    refused = await scan(here, activity, code, worker="worker-2")

    assert (refused.status_code, problem_code(refused)) == (403, "not_your_activity")
    assert (await scan(here, activity, code)).status_code == 201
    assert (await scan(here, activity, code, worker="committee-1")).status_code == 200


async def test_an_activity_of_the_whole_community_is_scanned_by_any_worker(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    answer = await scan(here, activity, await personal_code(here), worker="worker-2")
    assert answer.status_code == 201


async def test_a_resident_of_another_grid_may_come_to_a_grids_activity(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now, grid_id=str(here.places.grids[0]))
    assert (await scan(here, activity, await personal_code(here, "resident-3"))).status_code == 201


async def test_residents_and_clerks_scan_nobody(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    code = await personal_code(here)
    for name in ("resident-1", "resident-2", "clerk-1"):
        answer = await scan(here, activity, code, worker=name)
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_a_resident_of_another_community_is_refused(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    answer = await scan(here, activity, await personal_code(elsewhere))
    assert (answer.status_code, problem_code(answer)) == (403, "code_of_other_community")


async def test_an_activity_of_another_community_is_not_found(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    activity = await elsewhere.announce(clock.now)
    answer = await scan(here, activity, await personal_code(here))
    assert (answer.status_code, problem_code(answer)) == (404, "activity_not_found")


async def test_an_activitys_own_code_is_not_a_residents(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    for form in ("poster", "rotating"):
        answer = await scan(here, activity, await here.poster(activity, form))
        assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")


async def test_forged_and_unreadable_codes_are_refused(here: Neighbourhood, clock: Clock) -> None:
    activity = await here.announce(clock.now)
    code, key_id = read_code(await personal_code(here))
    stranger = Ed25519PrivateKey.generate()
    forged = await scan(here, activity, sign_code(code, key_id=key_id, private_key=stranger))
    unreadable = await scan(here, activity, "no code")
    assert (forged.status_code, problem_code(forged)) == (403, "code_forged")
    assert (unreadable.status_code, problem_code(unreadable)) == (422, "code_unreadable")


async def test_a_code_of_nobody_earns_nobody_anything(
    here: Neighbourhood, app: FastAPI, clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    code, _ = read_code(await personal_code(here))
    token = app.state.keys.sign_code(replace(code, subject_id=1), now=clock.now)
    answer = await scan(here, activity, token)
    assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")


async def test_a_resident_who_has_left_is_not_checked_in(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    activity = await here.announce(clock.now)
    code = await personal_code(here)
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE residents SET state = 'left' WHERE resident_id = :id"),
            {"id": int(here.resident_id("resident-1"))},
        )

    answer = await scan(here, activity, code)

    assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")
    async with sessionmaker() as session:
        points = await session.scalar(text("SELECT sum(posted) FROM balances"))
        assert points == 0


async def test_a_worker_scans_within_the_activitys_time_only(
    here: Neighbourhood, clock: Clock
) -> None:
    activity = await here.announce(clock.now + timedelta(minutes=31))
    early = await scan(here, activity, await personal_code(here))
    let_pass(here, clock, hours=2, minutes=31)
    late = await scan(here, activity, await personal_code(here))
    called_off = await here.announce(clock.now)
    worker = await here.caller("worker-1")
    await worker.post(f"/v1/staff/activities/{called_off['activity_id']}/cancel")
    cancelled = await scan(here, called_off, await personal_code(here))

    assert [(answer.status_code, problem_code(answer)) for answer in (early, late, cancelled)] == [
        (409, "check_in_not_open"), (409, "check_in_closed"), (409, "activity_is_cancelled"),
    ]  # fmt: skip
