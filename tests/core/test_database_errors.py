"""What the database refuses is named; what it cannot do just now may be tried again."""

import asyncio

from fastapi import FastAPI
from sqlalchemy import text

from app.core.database import make_engine, make_sessionmaker
from tests.conftest import MakeRace
from tests.support.caller import problem_code, sign_in
from tests.support.consenting import agree
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import Neighbourhood


def request_for(here: Neighbourhood, **changes: str) -> dict[str, str]:
    body = {
        "community_id": str(here.community_id),
        "display_name": "赵新来",
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }
    return body | changes


async def test_a_violated_constraint_is_a_problem_by_its_name(here: Neighbourhood) -> None:
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    unknown = await newcomer.post("/v1/join-requests", request_for(here, building_id="1"))
    assert (unknown.status_code, problem_code(unknown)) == (404, "building_not_found")
    assert "fk_" not in unknown.text
    await newcomer.post("/v1/join-requests", request_for(here))
    again = await newcomer.post("/v1/join-requests", request_for(here))
    assert (again.status_code, problem_code(again)) == (409, "join_request_pending")
    assert "uq_" not in again.text


async def test_a_violated_constraint_of_a_shard_is_the_same_problem(
    race: MakeRace, migrated: DatabaseServer
) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    await newcomer.post("/v1/join-requests", request_for(here))
    owner = make_engine(migrated.url(RACES, "gridpoints_owner"), pool_size=1, role=None)
    rename = "ALTER INDEX {} RENAME TO {}"
    name = "uq_join_requests_pending"
    async with owner.begin() as connection:
        await connection.execute(text(rename.format(name, f"{name}_102140")))
    try:
        again = await newcomer.post("/v1/join-requests", request_for(here))
    finally:
        async with owner.begin() as connection:
            await connection.execute(text(rename.format(f"{name}_102140", name)))
        await owner.dispose()
    assert (again.status_code, problem_code(again)) == (409, "join_request_pending")


async def test_a_refused_statement_undoes_the_whole_request(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    asked = await newcomer.post("/v1/join-requests", request_for(here))
    path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
    assert (await worker.post(path)).status_code == 200
    assert (await worker.post(path)).status_code == 409
    public = await here.http.get(f"/v1/public/communities/{here.community_id}")
    assert public.json()["residents"] == 7


async def test_a_lock_that_is_not_given_in_time_may_be_tried_again(
    race: MakeRace, app_of_session: FastAPI, migrated: DatabaseServer
) -> None:
    here = await race(1)
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    impatient = make_engine(migrated.url(RACES), pool_size=2, lock_timeout="50ms")
    patient = app_of_session.state.sessionmaker
    async with patient() as other:
        await other.execute(text("LOCK TABLE join_requests IN ACCESS EXCLUSIVE MODE"))
        app_of_session.state.sessionmaker = make_sessionmaker(impatient)
        answer = await newcomer.post("/v1/join-requests", request_for(here))
        await other.rollback()
    assert (answer.status_code, problem_code(answer)) == (503, "service_busy")
    assert answer.headers["Retry-After"] == "1"
    assert (await newcomer.post("/v1/join-requests", request_for(here))).status_code == 201
    await impatient.dispose()


async def test_a_connection_that_was_cut_may_be_tried_again(
    race: MakeRace, app_of_session: FastAPI, migrated: DatabaseServer
) -> None:
    here = await race(1)
    single = make_engine(migrated.url(RACES), pool_size=1)
    app_of_session.state.sessionmaker = make_sessionmaker(single)
    assert (await here.http.get("/v1/public/communities")).status_code == 200
    superuser = make_engine(migrated.url("postgres", "postgres"), pool_size=1, role=None)
    async with single.connect() as connection:
        number = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with superuser.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
    await superuser.dispose()

    cut = await here.http.get("/v1/public/communities")
    again = await here.http.get("/v1/public/communities")

    assert (cut.status_code, problem_code(cut)) == (503, "service_busy")
    assert again.status_code == 200
    await single.dispose()


async def test_a_crowd_waits_for_its_turn_at_the_connections(race: MakeRace) -> None:
    here = await race(1)
    resident = await here.caller("resident-1")
    answers = await asyncio.gather(*(resident.get("/v1/me/home") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
