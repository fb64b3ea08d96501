"""Publishing privacy policies, version after version."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from tests.conftest import MakeRace
from tests.identity.consents.policies import (
    FIRST,
    PURPOSES,
    TEXT,
    make_silent_community,
    publish,
    purpose,
)
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


async def test_anybody_may_read_the_newest_version_and_who_answers_for_it(
    here: Neighbourhood, clock: Clock
) -> None:
    await publish(here)
    published = await publish(here, text=TEXT + "第二版")
    assert published.status_code == 201
    assert published.json()["version"] == FIRST + 1

    answer = await here.http.get(f"/v1/public/communities/{here.community_id}/privacy")

    assert answer.json() == {
        "community_id": str(here.community_id),
        "version": FIRST + 1,
        "text": TEXT + "第二版",
        "purposes": PURPOSES,
        "published_at": clock.now.isoformat().replace("+00:00", "Z"),
        "responsible": (await here.http.get(f"/v1/public/communities/{here.community_id}")).json()[
            "name"
        ],
    }


async def test_a_community_without_a_policy_says_so(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    silent = await make_silent_community(sessionmaker, now=clock.now)
    for community_id in (silent, silent + 1):
        answer = await here.http.get(f"/v1/public/communities/{community_id}/privacy")
        assert (answer.status_code, problem_code(answer)) == (404, "privacy_policy_not_found")


async def test_a_community_begins_with_the_policy_of_its_preset(here: Neighbourhood) -> None:
    answer = await here.http.get(f"/v1/public/communities/{here.community_id}/privacy")
    assert answer.status_code == 200
    required = {item["code"] for item in answer.json()["purposes"] if item["is_required"]}
    assert (answer.json()["version"], required) == (1, {"service"})


async def test_each_community_counts_its_own_versions(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    assert (await publish(here)).json()["version"] == FIRST
    assert (await publish(here, text=TEXT + "第二版")).json()["version"] == FIRST + 1
    assert (await publish(elsewhere)).json()["version"] == FIRST


async def test_the_same_policy_sent_again_is_no_new_version(here: Neighbourhood) -> None:
    first = await publish(here)
    again = await publish(here)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    # What was replaced may come back, as a version of its own.
    await publish(here, text=TEXT + "第二版")
    assert (await publish(here)).json()["version"] == FIRST + 2


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "太短了"},
        {"text": "长" * 20_001},
        {"purposes": []},
        {"purposes": [purpose("location")]},
        {"purposes": [purpose("service")]},
        {"purposes": [*PURPOSES, purpose("location", name="又一个")]},
        {"purposes": [purpose("service", is_required=True), purpose("Not A Code")]},
        {
            "purposes": [
                purpose("service", is_required=True),
                *(purpose(f"other_{number}") for number in range(20)),
            ]
        },
    ],
)
async def test_a_policy_that_nobody_can_consent_to_is_refused(
    here: Neighbourhood, changes: dict[str, Any]
) -> None:
    answer = await publish(here, **changes)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize("name", ["resident-1", "worker-1", "clerk-1"])
async def test_only_the_committee_publishes(here: Neighbourhood, name: str) -> None:
    caller = await here.caller(name)
    body = {"text": TEXT, "purposes": PURPOSES}
    answer = await caller.post("/v1/staff/privacy-policies", body)
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_versions_published_at_once_are_consecutive(race: MakeRace) -> None:
    here = await race(1)
    await here.caller("committee-1")

    answers = await asyncio.gather(
        *(publish(here, text=f"{TEXT}第 {number} 版") for number in range(8))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 8}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(FIRST, FIRST + 8))


async def test_one_policy_sent_many_times_at_once_is_one_version(race: MakeRace) -> None:
    here = await race(1)
    await here.caller("committee-1")

    answers = await asyncio.gather(*(publish(here) for _ in range(8)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 7}
    assert {answer.json()["version"] for answer in answers} == {FIRST}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy_policies SET text = text",
        "UPDATE privacy_policies SET purposes = purposes",
        "DELETE FROM privacy_policies",
        "TRUNCATE privacy_policies CASCADE",
    ],
)
async def test_a_published_policy_cannot_be_rewritten_even_by_the_service(
    here: Neighbourhood, connection: AsyncConnection, statement: str
) -> None:
    assert (await publish(here)).status_code == 201
    async with connection.begin_nested():
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with connection.begin_nested():
                await connection.execute(text(statement))
