"""Agreeing, renewing and withdrawing: by oneself, for one purpose each."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.identity.consents import service
from app.identity.consents.errors import ConsentRequired
from tests.identity.consents.policies import (
    FIRST,
    PURPOSES,
    TEXT,
    agree,
    consents_of,
    make_silent_community,
    publish,
    purpose,
    withdraw,
)
from tests.support.caller import Caller, problem_code, sign_in
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

PROOF = """
    SELECT purpose, version, app_id, granted_at, withdrawn_at FROM consents
    WHERE community_id = :community_id ORDER BY consent_id
"""

Deleted = list[tuple[int, int, str, datetime]]


@pytest.fixture
async def newcomer(here: Neighbourhood) -> Caller:
    """Somebody who has not joined yet, in a community that has a policy."""
    await publish(here)
    return await sign_in(here.http, "newcomer")


@pytest.fixture
def deleted(app: FastAPI) -> Iterator[Deleted]:
    """What the rooms above are asked to delete."""
    asked: Deleted = []

    async def delete_data(
        _session: AsyncSession, community_id: int, person_id: int, code: str, *, now: datetime
    ) -> None:
        asked.append((community_id, person_id, code, now))

    before = getattr(app.state, "on_consent_withdrawn", None)
    app.state.on_consent_withdrawn = delete_data
    yield asked
    app.state.on_consent_withdrawn = before


async def proof(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood
) -> list[tuple[Any, ...]]:
    async with sessionmaker() as session:
        rows = await session.execute(text(PROOF), {"community_id": here.community_id})
        return [tuple(row) for row in rows]


async def test_one_may_agree_before_joining(
    here: Neighbourhood, newcomer: Caller, clock: Clock
) -> None:
    answer = await agree(newcomer, here, "service", "location")
    assert answer.status_code == 200, answer.text
    moment = clock.now.isoformat().replace("+00:00", "Z")
    standing = {
        "granted_version": FIRST,
        "granted_at": moment,
        "standing": True,
        "needs_renewal": False,
    }
    none = {"granted_version": None, "granted_at": None, "standing": False, "needs_renewal": False}
    assert answer.json() == {
        "version": FIRST,
        "items": [PURPOSES[0] | standing, PURPOSES[1] | standing, PURPOSES[2] | none],
        "next_cursor": None,
    }
    listed = await newcomer.get("/v1/consents", community_id=str(here.community_id))
    assert listed.json() == answer.json()


async def test_agreeing_again_keeps_the_first_consent(
    here: Neighbourhood,
    newcomer: Caller,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    first = clock.now
    await agree(newcomer, here, "service", app_id="wx1111111111111111")
    clock.advance(minutes=5)
    answer = await agree(newcomer, here, "service", "service", "phone")
    assert answer.status_code == 200
    assert await proof(sessionmaker, here) == [
        ("service", FIRST, "wx1111111111111111", first, None),
        ("phone", FIRST, None, clock.now, None),
    ]


async def test_a_new_version_asks_again_and_the_old_consent_is_kept_as_proof(
    here: Neighbourhood,
    newcomer: Caller,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    first = clock.now
    await agree(newcomer, here, "service", "location")
    clock.advance(minutes=5)
    await publish(here, text=TEXT + "第二版")

    before = await consents_of(newcomer, here)
    assert before["service"]["needs_renewal"]
    assert not before["service"]["standing"]
    assert before["service"]["granted_version"] == FIRST
    assert not before["phone"]["needs_renewal"]

    await agree(newcomer, here, "service", version=FIRST + 1)
    after = await consents_of(newcomer, here)
    assert after["service"]["standing"]
    assert after["location"]["needs_renewal"]
    assert await proof(sessionmaker, here) == [
        ("location", FIRST, None, first, None),
        ("service", FIRST, None, first, clock.now),
        ("service", FIRST + 1, None, clock.now, None),
    ]


async def test_only_the_newest_version_can_be_agreed_to(
    here: Neighbourhood, newcomer: Caller
) -> None:
    await publish(here, text=TEXT + "第二版")
    replaced = await agree(newcomer, here, "service", version=FIRST)
    assert (replaced.status_code, problem_code(replaced)) == (409, "policy_replaced")
    assert replaced.json()["newest_version"] == FIRST + 1
    unknown = await agree(newcomer, here, "service", version=FIRST + 2)
    assert (unknown.status_code, problem_code(unknown)) == (422, "policy_version_unknown")
    assert not (await consents_of(newcomer, here))["service"]["standing"]


async def test_only_purposes_of_the_policy_can_be_agreed_to(
    here: Neighbourhood, newcomer: Caller
) -> None:
    answer = await agree(newcomer, here, "service", "face", "blood")
    assert (answer.status_code, problem_code(answer)) == (422, "purpose_unknown")
    assert answer.json()["purposes"] == ["blood", "face"]
    assert not (await consents_of(newcomer, here))["service"]["standing"]


async def test_where_there_is_no_policy_there_is_nothing_to_agree_to(
    newcomer: Caller, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    silent = str(await make_silent_community(sessionmaker, now=clock.now))
    consent = {"community_id": silent, "version": 1, "purposes": ["service"]}
    path = f"/v1/consents/{silent}/location"
    for answer in (
        await newcomer.post("/v1/consents", consent),
        await newcomer.get("/v1/consents", community_id=silent),
        await newcomer.http.delete(path, headers=newcomer.headers()),
    ):
        assert (answer.status_code, problem_code(answer)) == (404, "privacy_policy_not_found")


async def test_a_withdrawn_consent_is_kept_as_proof_and_its_data_deleted(
    here: Neighbourhood,
    newcomer: Caller,
    clock: Clock,
    deleted: Deleted,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    first = clock.now
    await agree(newcomer, here, "service", "location")
    clock.advance(minutes=5)

    answer = await withdraw(newcomer, here, "location")

    assert answer.status_code == 200
    assert answer.json() == {"purpose": "location", "was_standing": True}
    assert not (await consents_of(newcomer, here))["location"]["standing"]
    assert (await consents_of(newcomer, here))["service"]["standing"]
    assert await proof(sessionmaker, here) == [
        ("location", FIRST, None, first, clock.now),
        ("service", FIRST, None, first, None),
    ]
    assert [(row[0], row[2], row[3]) for row in deleted] == [
        (here.community_id, "location", clock.now)
    ]


async def test_withdrawing_what_was_never_agreed_to_still_deletes_what_is_there(
    here: Neighbourhood, newcomer: Caller, deleted: Deleted
) -> None:
    answer = await withdraw(newcomer, here, "phone")
    assert answer.json() == {"purpose": "phone", "was_standing": False}
    assert [row[2] for row in deleted] == ["phone"]


async def test_one_may_agree_again_after_withdrawing(here: Neighbourhood, newcomer: Caller) -> None:
    await agree(newcomer, here, "location")
    await withdraw(newcomer, here, "location")
    await agree(newcomer, here, "location")
    assert (await consents_of(newcomer, here))["location"]["standing"]


async def test_what_the_service_needs_ends_with_the_account_only(
    here: Neighbourhood, newcomer: Caller, deleted: Deleted
) -> None:
    await agree(newcomer, here, "service")
    answer = await withdraw(newcomer, here, "service")
    assert (answer.status_code, problem_code(answer)) == (409, "purpose_required")
    assert "Closing the account" in answer.json()["detail"]
    assert (await consents_of(newcomer, here))["service"]["standing"]
    assert deleted == []


async def test_a_purpose_that_the_newest_version_dropped_can_still_be_withdrawn(
    here: Neighbourhood, newcomer: Caller
) -> None:
    await agree(newcomer, here, "location")
    await publish(here, purposes=[purpose("service", is_required=True)])
    first = await withdraw(newcomer, here, "location")
    assert first.json() == {"purpose": "location", "was_standing": True}
    again = await withdraw(newcomer, here, "location")
    assert (again.status_code, problem_code(again)) == (422, "purpose_unknown")


async def test_nobody_sees_or_changes_what_another_agreed_to(
    here: Neighbourhood, elsewhere: Neighbourhood, newcomer: Caller
) -> None:
    await publish(elsewhere)
    await agree(newcomer, here, "service", "location")
    for stranger in (
        await here.caller("resident-1"),
        await here.caller("committee-1"),
        await elsewhere.caller("committee-1"),
    ):
        found = await consents_of(stranger, here)
        assert {item["granted_version"] for item in found.values()} == {None}
        await withdraw(stranger, here, "location")
    assert (await consents_of(newcomer, here))["location"]["standing"]
    in_other = await consents_of(newcomer, elsewhere)
    assert not in_other["location"]["standing"]


async def test_consents_are_of_somebody_who_signed_in(here: Neighbourhood) -> None:
    await publish(here)
    nobody = Caller(here.http)
    for answer in (
        await agree(nobody, here, "service"),
        await nobody.get("/v1/consents", community_id=str(here.community_id)),
        await withdraw(nobody, here, "location"),
    ):
        assert answer.status_code == 401


async def test_other_rooms_ask_for_a_consent_to_the_newest_version(
    here: Neighbourhood, newcomer: Caller, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    async def is_refused(code: str) -> bool:
        async with sessionmaker() as session:
            person_id = await session.scalar(
                text("SELECT person_id FROM identities WHERE subject = 'newcomer'")
            )
            assert person_id is not None
            if await service.has_consent(session, here.community_id, person_id, code):
                await service.require_consent(session, here.community_id, person_id, code)
                return False
            with pytest.raises(ConsentRequired) as refusal:
                await service.require_consent(session, here.community_id, person_id, code)
            assert refusal.value.extensions["purpose"] == code
            return True

    assert await is_refused("location")
    await agree(newcomer, here, "location")
    assert not await is_refused("location")
    assert await is_refused("phone")
    await publish(here, text=TEXT + "第二版")
    assert await is_refused("location")
    await agree(newcomer, here, "location", version=FIRST + 1)
    assert not await is_refused("location")
    await withdraw(newcomer, here, "location")
    assert await is_refused("location")
    # What the policy does not name needs no consent.
    assert not await is_refused("messages")
    await publish(here, purposes=[purpose("service", is_required=True)])
    assert not await is_refused("location")


async def test_without_a_policy_nothing_is_required(
    sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    silent = await make_silent_community(sessionmaker, now=clock.now)
    async with sessionmaker() as session:
        await service.require_consent(session, silent, 1, "location")
        assert await service.has_consent(session, silent, 1, "service")
