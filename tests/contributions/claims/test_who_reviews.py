"""Nobody reviews what is theirs: refused by the service, and by the database whatever writes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.contributions.claims.errors import AlreadyReviewed, EnteredByYou, OwnClaim, SameHousehold
from app.core.database import constraint_of
from app.core.problem_handlers import problem_of_constraint
from tests.contributions.claims.desk import QUEUE, REFUSE, ClaimDesk
from tests.support.caller import problem_code

DIRECT = """
    INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, reason, claimant_id,
        entered_by, claimant_household_id, reviewer_household_id, reviewed_at)
    SELECT community_id, claim_id, {reviewer}, 'approve', NULL, {claimant}, {entered_by},
        household_id, {household}, claimed_at
    FROM claims LIMIT 1
"""
SOMEBODY = {"reviewer": "1", "claimant": "2", "entered_by": "3", "household": "NULL"}


async def test_nobody_reviews_their_own_claim(desk: ClaimDesk) -> None:
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    await desk.make_reviewer("resident-1")

    for verdict in (None, REFUSE):
        answer = await desk.review(claim_id, "resident-1", verdict)
        assert (answer.status_code, problem_code(answer)) == (403, "own_claim")
    assert await desk.queue("resident-1") == []
    seen = await (await desk.here.caller("resident-1")).get(f"{QUEUE}/{claim_id}")
    assert problem_code(seen) == "claim_not_found"
    assert (await desk.own("resident-1", claim_id))["approvals"] == 0


async def test_nobody_reviews_what_they_have_entered(desk: ClaimDesk) -> None:
    answer = await desk.enter(
        "worker-1", "swept_stairs", resident_id=desk.here.resident_id("resident-1")
    )
    claim_id = answer.json()["claim_id"]
    (listed,) = await desk.queue("worker-1")
    assert (listed["may_review"], listed["is_entered_by_staff"]) == (False, True)
    refused = await desk.review(claim_id, "worker-1")
    assert (refused.status_code, problem_code(refused)) == (403, "entered_by_you")
    assert (await desk.approve(claim_id, "reviewer-1"))["state"] == "awarded"


async def test_nobody_reviews_a_claim_of_their_household_then_or_now(desk: ClaimDesk) -> None:
    await desk.make_reviewer("resident-2")
    before = await desk.claimed("resident-1", "swept_stairs")
    assert [row["may_review"] for row in await desk.queue("resident-2")] == [True]
    await desk.share_a_flat("resident-2", "resident-1")
    since = await desk.claimed("resident-1", "swept_stairs")

    for claim_id in (before, since):
        answer = await desk.review(claim_id, "resident-2")
        assert (answer.status_code, problem_code(answer)) == (403, "same_household")
    assert [row["may_review"] for row in await desk.queue("resident-2")] == [False, False]

    # The claimant moves out: the second claim was made while they lived together.
    await desk.share_a_flat("resident-3", "resident-1")
    assert problem_code(await desk.review(since, "resident-2")) == "same_household"
    assert (await desk.approve(before, "resident-2"))["state"] == "awarded"


async def test_two_of_one_household_are_not_two_reviewers(desk: ClaimDesk) -> None:
    for name in ("resident-2", "resident-3"):
        await desk.make_reviewer(name)
    await desk.share_a_flat("resident-2", "resident-3")
    claim_id = await desk.claimed("resident-1", "settled_quarrel")
    await desk.approve(claim_id, "resident-2")

    assert [row["may_review"] for row in await desk.queue("resident-3")] == [False]
    for verdict in (None, REFUSE):
        answer = await desk.review(claim_id, "resident-3", verdict)
        assert (answer.status_code, problem_code(answer)) == (403, "household_has_reviewed")
    assert (await desk.own("resident-1", claim_id))["state"] == "in_review"
    assert (await desk.approve(claim_id, "reviewer-1"))["state"] == "awarded"


async def test_reviewers_see_the_grids_that_are_theirs(desk: ClaimDesk) -> None:
    first = await desk.claimed("resident-1", "swept_stairs")
    third = await desk.claimed("resident-3", "swept_stairs")

    listed = {
        name: [row["claim_id"] for row in await desk.queue(name)]
        for name in ("worker-1", "worker-2", "reviewer-1", "committee-1")
    }
    assert listed == {
        "worker-1": [first],
        "worker-2": [third],
        "reviewer-1": [first, third],
        "committee-1": [first, third],
    }
    assert problem_code(await desk.review(third, "worker-1")) == "claim_not_found"
    seen = await (await desk.here.caller("worker-1")).get(f"{QUEUE}/{third}")
    assert problem_code(seen) == "claim_not_found"
    assert (await desk.approve(third, "worker-2"))["state"] == "awarded"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"claimant": "1"}, OwnClaim),
        ({"entered_by": "1"}, EnteredByYou),
        ({"household": "household_id"}, SameHousehold),
    ],
)
async def test_the_database_refuses_whoever_is_involved(
    desk: ClaimDesk, changes: dict[str, str], problem: type[Exception]
) -> None:
    await desk.claimed("resident-1", "swept_stairs")
    with pytest.raises(IntegrityError) as refused:
        await desk.do(DIRECT.format(**(SOMEBODY | changes)))
    assert problem_of_constraint(constraint_of(refused.value)) is problem
    await desk.do(DIRECT.format(**SOMEBODY))


async def test_the_database_takes_one_review_of_a_person(desk: ClaimDesk) -> None:
    await desk.claimed("resident-1", "swept_stairs")
    await desk.do(DIRECT.format(**SOMEBODY))
    with pytest.raises(IntegrityError) as refused:
        await desk.do(DIRECT.format(**SOMEBODY))
    assert problem_of_constraint(constraint_of(refused.value)) is AlreadyReviewed


@pytest.mark.parametrize("state", ["approved", "in_notice", "awarded"])
async def test_the_database_lets_no_claim_past_its_reviews(desk: ClaimDesk, state: str) -> None:
    await desk.claimed("resident-1", "settled_quarrel")
    async with desk.sessions() as session:
        with pytest.raises(IntegrityError, match="reviewed_enough"):
            await session.execute(
                text(
                    "UPDATE claims SET state = :state, approvals = 1, public_notice_id = 1,"
                    " contribution_id = CASE WHEN :state = 'awarded' THEN 1 END"
                ),
                {"state": state},
            )
