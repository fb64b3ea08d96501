"""Reviewers and residents who press at the same time."""

import asyncio
from collections import Counter

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.claims.jobs import publish_award_lists, settle_award_lists
from tests.concurrency.crowd import sign_in_crowd, tally, together
from tests.conftest import NOW, MakeRace
from tests.contributions.claims.desk import CLAIMS, LONG_AGO, REFUSE, ClaimDesk, add_claimable_rules
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.passing import let_pass

Sessions = async_sessionmaker[AsyncSession]
REVIEWERS = ("reviewer-1", "committee-1", "committee-2")
ROUNDS = 4


@pytest.fixture
async def town(race: MakeRace, race_sessionmaker: Sessions, clock: Clock) -> ClaimDesk:
    """A committing neighbourhood with reviewers signed in."""
    here = await race(2)
    await add_claimable_rules(race_sessionmaker, here.community_id, since=NOW - LONG_AGO)
    await sign_in_crowd(here, clock, 2)
    for name in REVIEWERS:
        await here.caller(name)
    return ClaimDesk(here, race_sessionmaker)


def told(answers: list[httpx.Response]) -> Counter[str]:
    """Count answers by state, or by the problem's code."""
    return Counter(
        answer.json()["state"] if answer.is_success else problem_code(answer) for answer in answers
    )


async def test_one_review_is_enough_and_two_at_once_award_once(town: ClaimDesk) -> None:
    for _ in range(2):
        claim_id = await town.claimed("resident-1", "swept_stairs")
        answers = await together(town.review(claim_id, name) for name in REVIEWERS * 2)
        # Whoever was first presses twice and gets the same answer.
        assert told(answers) == {"awarded": 2, "claim_decided": 4}
    assert await town.points("resident-1") == 20
    await town.audit()


async def test_two_reviews_at_once_both_count_and_award_once(town: ClaimDesk) -> None:
    for _ in range(ROUNDS):
        claim_id = await town.claimed("resident-1", "settled_quarrel")
        answers = await together(town.review(claim_id, name) for name in REVIEWERS[:2])
        assert told(answers) == {"in_review": 1, "awarded": 1}
        assert (await town.own("resident-1", claim_id))["approvals"] == 2
    assert await town.points("resident-1") == 30 * ROUNDS
    await town.audit()


async def test_approval_refusal_and_withdrawal_at_once_end_one_way(town: ClaimDesk) -> None:
    resident = await town.resident("resident-1")
    awarded = 0
    for turn in range(ROUNDS):
        claim_id = await town.claimed("resident-1", "planted", effort="low")
        calls = [
            town.review(claim_id, "reviewer-1"),
            town.review(claim_id, "committee-1", REFUSE),
            resident.post(f"{CLAIMS}/{claim_id}/withdrawal"),
        ]
        counts = told(await together(calls[turn % 3 :] + calls[: turn % 3]))
        state = (await town.own("resident-1", claim_id))["state"]
        assert counts == {state: 1, "claim_decided": 2}
        awarded += state == "awarded"
    assert await town.points("resident-1") == 3 * awarded
    await town.audit()


async def test_a_hundred_claims_at_once_never_pass_the_days_cap(town: ClaimDesk) -> None:
    await town.resident("resident-1")
    answers = await together(town.try_claim("resident-1", "read_tips") for _ in range(100))
    assert tally(answers) == {"201": 100}
    filed = [answer.json() for answer in answers]
    assert {claim["state"] for claim in filed} == {"awarded"}
    assert Counter(claim["granted_points"] for claim in filed) == {5: 4, 0: 96}
    assert await town.points("resident-1") == 20
    assert await town.ask("SELECT sum(used_points) FROM cap_usage") == 20
    await town.audit()


async def test_a_list_settled_by_two_workers_while_a_claim_is_taken_back_ends_one_way(
    town: ClaimDesk, race_sessionmaker: Sessions, clock: Clock
) -> None:
    claims = [await town.claimed("resident-1", "saved_someone") for _ in range(4)]
    for claim_id in claims:
        await town.approve(claim_id, "reviewer-1")
    published = await together(
        publish_award_lists(race_sessionmaker, now=clock.now) for _ in range(2)
    )
    assert sorted(published) == [0, 4]
    let_pass(town.here, clock, days=4)
    resident = await town.resident("resident-1")

    settled, also_settled, taken_back = await asyncio.gather(
        settle_award_lists(race_sessionmaker, now=clock.now),
        settle_award_lists(race_sessionmaker, now=clock.now),
        resident.post(f"{CLAIMS}/{claims[3]}/withdrawal"),
    )

    given = 4 - taken_back.is_success
    assert settled + also_settled == given
    assert await town.points("resident-1") == 50 * given
    state = (await town.own("resident-1", claims[3]))["state"]
    assert state == ("withdrawn" if taken_back.is_success else "awarded")
    await town.audit()
