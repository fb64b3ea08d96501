"""A resident gets a phone: their card is scanned, a worker approves, the points are still there."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.codes import Code, CodeKind
from tests.community.cards.holders import (
    NAME,
    cards_of,
    decide,
    issue,
    register,
    reissue,
    revoke,
    scan,
)
from tests.conftest import MakeRace
from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree
from tests.support.neighbourhood import Neighbourhood

LEAVE = "UPDATE residents SET state = 'left' WHERE resident_id = :resident_id"


@pytest.fixture
async def newcomer(here: Neighbourhood) -> Caller:
    newcomer = await sign_in(here.http, "newcomer")
    await agree(newcomer, here.community_id)
    return newcomer


async def test_who_claims_their_card_signs_in_and_sees_the_old_points(
    here: Neighbourhood, newcomer: Caller
) -> None:
    resident_id = await register(here)
    here.residents["newcomer"] = int(resident_id)
    card = await issue(here, resident_id)
    posted = await here.give("newcomer", "survey")

    asked = await scan(newcomer, card)
    assert asked.status_code == 201, asked.text
    approved = await decide(here, asked)
    assert approved.status_code == 200, approved.text

    claimed = await sign_in(here.http, "newcomer")
    me = (await claimed.get("/v1/me")).json()
    assert (me["resident_id"], me["display_name"], me["room"]) == (resident_id, NAME, "5-501")
    balance = (await claimed.get("/v1/me/balance")).json()
    assert balance["posted_points"] == posted["granted_points"] > 0
    [old_card] = await cards_of(here, resident_id)
    assert old_card["reason"] == "已绑定微信"
    assert old_card["revoked_at"] is not None
    # The community has gained an account and no resident.
    found = await (await here.caller("worker-1")).get("/v1/staff/residents", name=NAME)
    assert [row["resident_id"] for row in found.json()["items"]] == [resident_id]


async def test_the_worker_sees_whom_the_request_is_about(
    here: Neighbourhood, newcomer: Caller
) -> None:
    resident_id = await register(here)
    asked = await scan(newcomer, await issue(here, resident_id))
    waiting = await (await here.caller("worker-1")).get("/v1/staff/join-requests")
    [request] = waiting.json()["items"]
    assert request["join_request_id"] == asked.json()["join_request_id"]
    assert request["claims_resident_id"] == resident_id
    assert (request["display_name"], request["room"]) == (NAME, "5-501")


async def test_a_stolen_card_opens_nothing_and_tells_no_name(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    card = await issue(here, await register(here))
    asked = await scan(newcomer, card)
    assert asked.json() == {
        "join_request_id": asked.json()["join_request_id"],
        "community_id": str(here.community_id),
        "masked_name": "周*兰",
        "state": "pending",
        "asked_at": clock.now.isoformat().replace("+00:00", "Z"),
    }
    thief = await sign_in(here.http, "newcomer")
    assert (await thief.get("/v1/me")).status_code == 403
    own = await thief.get("/v1/join-requests")
    assert NAME not in own.text
    assert "5-501" not in own.text
    assert own.json()["items"][0]["display_name"] == "周*兰"

    assert (await decide(here, asked, "refuse")).status_code == 200
    assert NAME not in (await thief.get("/v1/join-requests")).text
    assert (await (await sign_in(here.http, "newcomer")).get("/v1/me")).status_code == 403


async def test_of_two_who_claim_one_card_the_second_is_refused(here: Neighbourhood) -> None:
    resident_id = await register(here)
    card = await issue(here, resident_id)
    first = await scan(await sign_in(here.http, "daughter"), card)
    second = await scan(await sign_in(here.http, "stranger"), card)

    assert (await decide(here, first)).status_code == 200
    answer = await decide(here, second)

    assert (answer.status_code, problem_code(answer)) == (409, "resident_claimed")
    me = await (await sign_in(here.http, "daughter")).get("/v1/me")
    assert me.json()["resident_id"] == resident_id
    assert (await (await sign_in(here.http, "stranger")).get("/v1/me")).status_code == 403


async def test_two_approvals_at_once_give_the_resident_to_one(race: MakeRace) -> None:
    here = await race(1)
    card = await issue(here, await register(here))
    names = [f"claimer-{number}" for number in range(5)]
    asked = [await scan(await sign_in(here.http, name), card) for name in names]
    await here.caller("worker-1")

    answers = await asyncio.gather(*(decide(here, request) for request in asked))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 4}
    codes = {problem_code(answer) for answer in answers if answer.status_code == 409}
    assert codes == {"resident_claimed"}
    callers = [await sign_in(here.http, name) for name in names]
    mine = [(await caller.get("/v1/me")).status_code for caller in callers]
    assert Counter(mine) == {200: 1, 403: 4}


async def test_a_card_reported_lost_after_it_was_scanned_is_not_claimed(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    resident_id = await register(here)
    asked = await scan(newcomer, await issue(here, resident_id))
    clock.advance(minutes=1)
    new = (await reissue(here, resident_id)).json()

    answer = await decide(here, asked)

    assert (answer.status_code, problem_code(answer)) == (409, "claimed_card_withdrawn")
    newest, _ = await cards_of(here, resident_id)
    assert (newest["card_id"], newest["revoked_at"]) == (new["card_id"], None)
    assert (await (await sign_in(here.http, "newcomer")).get("/v1/me")).status_code == 403
    # With the request out of the way, the new card can be claimed by whoever holds it.
    await decide(here, asked, "refuse")
    again = await scan(newcomer, new)
    assert (await decide(here, again)).status_code == 200


async def test_only_the_workers_of_the_grid_decide(here: Neighbourhood, newcomer: Caller) -> None:
    asked = await scan(newcomer, await issue(here, await register(here)))
    answer = await decide(here, asked, by="worker-2")
    assert (answer.status_code, problem_code(answer)) == (404, "join_request_not_found")


async def test_a_worker_who_scans_a_card_does_not_approve_themselves(here: Neighbourhood) -> None:
    worker = await here.caller("worker-1")
    asked = await scan(worker, await issue(here, await register(here)))
    answer = await decide(here, asked)
    assert (answer.status_code, problem_code(answer)) == (403, "own_join_request")


async def test_a_card_of_somebody_with_an_account_cannot_be_claimed(
    here: Neighbourhood, newcomer: Caller
) -> None:
    # Residents with an account may have a card as well.
    card = await issue(here, here.resident_id("resident-1"))
    answer = await scan(newcomer, card)
    assert (answer.status_code, problem_code(answer)) == (409, "resident_claimed")


async def test_residents_claim_no_second_self(here: Neighbourhood) -> None:
    card = await issue(here, await register(here))
    answer = await scan(await here.caller("resident-1"), card)
    assert (answer.status_code, problem_code(answer)) == (409, "already_a_resident")


async def test_one_may_be_a_resident_elsewhere_already(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    card = await issue(here, await register(here))
    asked = await scan(await elsewhere.caller("resident-1"), card)
    assert asked.status_code == 201
    assert asked.json()["community_id"] == str(here.community_id)


async def test_one_request_waits_at_a_time(here: Neighbourhood, newcomer: Caller) -> None:
    card = await issue(here, await register(here))
    await scan(newcomer, card)
    answer = await scan(newcomer, card)
    assert (answer.status_code, problem_code(answer)) == (409, "join_request_pending")


async def test_a_card_that_no_longer_holds_cannot_be_claimed(
    here: Neighbourhood, newcomer: Caller, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    withdrawn = await issue(here, await register(here))
    await revoke(here, withdrawn)
    answer = await scan(newcomer, withdrawn)
    assert (answer.status_code, problem_code(answer)) == (410, "code_revoked")
    resident_id = await register(here)
    of_one_who_left = await issue(here, resident_id)
    async with sessionmaker.begin() as session:
        await session.execute(text(LEAVE), {"resident_id": int(resident_id)})
    answer = await scan(newcomer, of_one_who_left)
    assert (answer.status_code, problem_code(answer)) == (410, "card_holder_left")


async def test_only_cards_can_be_claimed(
    here: Neighbourhood, newcomer: Caller, app: FastAPI, clock: Clock
) -> None:
    personal = Code(
        CodeKind.RESIDENT,
        here.community_id,
        int(here.resident_id("resident-1")),
        clock.now + timedelta(minutes=2),
    )
    token = app.state.keys.sign_code(personal, now=clock.now)
    answer = await scan(newcomer, {"link": token})
    assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")
    garbled = await scan(newcomer, {"link": "https://example.cn/c/nothing"})
    assert problem_code(garbled) == "code_unreadable"
    forged = token[:30] + ("B" if token[30] == "A" else "A") + token[31:]
    assert problem_code(await scan(newcomer, {"link": forged})) == "code_forged"
