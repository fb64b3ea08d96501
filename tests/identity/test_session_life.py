"""Staying signed in and signing out; the clock is set, nobody sleeps."""

import httpx

from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def refreshed(http: httpx.AsyncClient, caller: Caller) -> Caller:
    answer = await refresh(http, caller.tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    return Caller(http, answer.json())


async def test_an_access_token_holds_for_fifteen_minutes(here: Neighbourhood, clock: Clock) -> None:
    resident = await here.caller("resident-1")
    clock.advance(minutes=14, seconds=59)
    assert (await resident.get("/v1/me")).status_code == 200
    clock.advance(seconds=1)
    late = await resident.get("/v1/me")
    assert late.status_code == 401
    assert problem_code(late) == "token_expired"
    assert late.headers["WWW-Authenticate"] == "Bearer"


async def test_a_refresh_rotates_both_tokens(here: Neighbourhood, clock: Clock) -> None:
    resident = await sign_in(here.http, "resident-1")
    clock.advance(minutes=20)
    fresh = await refreshed(here.http, resident)
    assert fresh.tokens["refresh_token"] != resident.tokens["refresh_token"]
    assert fresh.tokens["membership"] == resident.tokens["membership"]
    assert (await fresh.get("/v1/me")).status_code == 200
    assert problem_code(await resident.get("/v1/me")) == "token_expired"


async def test_a_session_goes_on_from_refresh_to_refresh(here: Neighbourhood, clock: Clock) -> None:
    resident = await sign_in(here.http, "resident-1")
    for _ in range(3):
        clock.advance(days=29)
        resident = await refreshed(here.http, resident)
    assert (await resident.get("/v1/me")).status_code == 200


async def test_a_repeat_within_thirty_seconds_gets_the_same_answer(
    here: Neighbourhood, clock: Clock
) -> None:
    resident = await sign_in(here.http, "resident-1")
    first = await refresh(here.http, resident.tokens["refresh_token"])
    assert (await refresh(here.http, resident.tokens["refresh_token"])).content == first.content
    clock.advance(seconds=30)
    later = await refresh(here.http, resident.tokens["refresh_token"])
    assert later.json()["refresh_token"] == first.json()["refresh_token"]
    assert (await refreshed(here.http, Caller(here.http, later.json()))).tokens["memberships"]


async def test_a_refresh_token_lapses_after_thirty_days(here: Neighbourhood, clock: Clock) -> None:
    resident = await sign_in(here.http, "resident-1")
    clock.advance(days=30)
    late = await refresh(here.http, resident.tokens["refresh_token"])
    assert late.status_code == 401
    assert problem_code(late) == "refresh_token_invalid"


async def test_a_refresh_token_nobody_issued_is_refused(http: httpx.AsyncClient) -> None:
    answer = await refresh(http, "A" * 43)
    assert answer.status_code == 401
    assert problem_code(answer) == "refresh_token_invalid"


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(
    here: Neighbourhood,
) -> None:
    resident = await sign_in(here.http, "resident-1")
    swapped = Caller(here.http, {"access_token": resident.tokens["refresh_token"]})
    assert problem_code(await swapped.get("/v1/me")) == "token_invalid"
    answer = await refresh(here.http, resident.tokens["access_token"][:200])
    assert problem_code(answer) == "refresh_token_invalid"


async def test_signing_out_ends_this_session_at_once_and_no_other(here: Neighbourhood) -> None:
    phone = await sign_in(here.http, "resident-1")
    tablet = await sign_in(here.http, "resident-1")
    assert (await phone.get("/v1/me")).status_code == 200

    assert (await phone.post("/v1/auth/sign-out")).json() == {"ended_sessions": 1}

    assert problem_code(await phone.get("/v1/me")) == "token_invalid"
    stale = await refresh(here.http, phone.tokens["refresh_token"])
    assert problem_code(stale) == "refresh_token_invalid"
    assert (await tablet.get("/v1/me")).status_code == 200


async def test_signing_out_everywhere_ends_all_of_ones_own_sessions(here: Neighbourhood) -> None:
    phone = await sign_in(here.http, "resident-1")
    tablet = await sign_in(here.http, "resident-1")
    neighbour = await sign_in(here.http, "resident-2")

    answer = await phone.post("/v1/auth/sign-out-everywhere")

    assert answer.json() == {"ended_sessions": 2}
    assert problem_code(await phone.get("/v1/me")) == "token_invalid"
    assert problem_code(await tablet.get("/v1/me")) == "token_invalid"
    assert (await neighbour.get("/v1/me")).status_code == 200


async def test_who_signed_out_can_sign_in_again(here: Neighbourhood) -> None:
    before = await sign_in(here.http, "resident-1")
    await before.post("/v1/auth/sign-out-everywhere")
    again = await sign_in(here.http, "resident-1")
    assert (await again.get("/v1/me")).status_code == 200
    assert (await before.get("/v1/me")).status_code == 401
