"""A request whose twin is still running is told so, and does nothing."""

import jwt
from fastapi import FastAPI

from app.core.database import make_engine, make_sessionmaker
from app.core.models import IdempotencyKey
from tests.conftest import MakeRace
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer


async def test_a_request_whose_twin_is_still_running_is_refused_as_in_flight(
    race: MakeRace, app_of_session: FastAPI, migrated: DatabaseServer, clock: Clock
) -> None:
    here = await race(1)
    await here.give("resident-1", "legal_advice")
    resident = await here.caller("resident-1")
    path = f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem"
    person_id = _person_in(resident.tokens["access_token"])
    impatient = make_engine(migrated.url(RACES), pool_size=2, lock_timeout="100ms")
    patient = app_of_session.state.sessionmaker
    async with patient() as twin:
        twin.add(
            IdempotencyKey(
                community_id=here.community_id,
                caller_id=person_id,
                operation=f"POST {path}",
                key="the-same-key",
                request_hash=b"",
                created_at=clock.now,
            )
        )
        await twin.flush()
        app_of_session.state.sessionmaker = make_sessionmaker(impatient)

        answer = await resident.post(path, key="the-same-key")

        assert (answer.status_code, problem_code(answer)) == (409, "request_in_flight")
        await twin.rollback()

    app_of_session.state.sessionmaker = patient
    assert (await resident.post(path, key="the-same-key")).status_code == 201
    await impatient.dispose()


def _person_in(access_token: str) -> int:
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return int(claims["sub"])
