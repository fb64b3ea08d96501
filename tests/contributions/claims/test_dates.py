"""Version, campaigns and caps are those of the day of the act, whenever it is claimed."""

from datetime import UTC, datetime, timedelta

import pytest

from app.contributions.claims.errors import ClaimNotFound, ClaimNotRefused
from app.contributions.claims.service import award_on_appeal
from app.rules.models import Campaign, Effort
from tests.conftest import NOW
from tests.contributions.claims.desk import REFUSE, ClaimDesk
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

ACTED = NOW - timedelta(days=3)


async def test_the_version_of_the_act_counts_however_often_it_changes(
    desk: ClaimDesk, clock: Clock
) -> None:
    # Between the act and the claim.
    await desk.follow_up("swept_stairs", NOW - timedelta(days=2), points=99, review_level=0)
    filed = await desk.claim("resident-1", "swept_stairs", acted_at=ACTED.isoformat())
    assert (filed["state"], filed["worth_points"]) == ("in_review", 10)
    # Between the claim and the review.
    let_pass(desk.here, clock, hours=1)
    await desk.follow_up("swept_stairs", NOW + timedelta(minutes=30), points=1, review_level=2)

    assert (await desk.approve(filed["claim_id"], "reviewer-1"))["state"] == "awarded"

    assert await desk.points("resident-1") == 10
    later = await desk.claim("resident-2", "swept_stairs")
    assert (later["worth_points"], later["review_level"]) == (1, 2)
    await desk.audit()


async def test_a_rule_can_be_claimed_for_as_long_as_it_stood(desk: ClaimDesk) -> None:
    await desk.do(
        "UPDATE rule_versions SET effective_until = :ended WHERE rule_id IN"
        " (SELECT rule_id FROM rules WHERE code = 'swept_stairs')",
        ended=ACTED,
    )
    answer = await desk.try_claim("resident-1", "swept_stairs", acted_at=ACTED.isoformat())
    assert problem_code(answer) == "rule_not_found"
    before = (ACTED - timedelta(seconds=1)).isoformat()
    claim_id = await desk.claimed("resident-1", "swept_stairs", acted_at=before)
    assert (await desk.approve(claim_id, "reviewer-1"))["state"] == "awarded"


async def test_a_campaign_of_the_day_of_the_act_counts(desk: ClaimDesk, clock: Clock) -> None:
    async with desk.sessions.begin() as session:
        session.add(
            Campaign(
                community_id=desk.community, campaign_id=1, code="safe_month", name="平安月",
                rule_codes=[], categories=[], percent=200, bonus_points=0, weekdays=[],
                grid_ids=[], audience=[], starts_at=ACTED - timedelta(days=1),
                ends_at=ACTED + timedelta(days=1),
            )
        )  # fmt: skip
    then = await desk.claim("resident-1", "swept_stairs", acted_at=ACTED.isoformat())
    now = await desk.claim("resident-2", "swept_stairs")
    let_pass(desk.here, clock, days=1)
    for filed in (then, now):
        await desk.approve(filed["claim_id"], "reviewer-1")
    assert (then["worth_points"], await desk.points("resident-1")) == (20, 20)
    assert (now["worth_points"], await desk.points("resident-2")) == (10, 10)


async def test_caps_go_by_the_day_of_the_act(desk: ClaimDesk) -> None:
    midnight = datetime(2026, 11, 16, 16, 0, tzinfo=UTC)
    acts = [midnight - timedelta(minutes=1)] * 3 + [midnight] * 2
    granted = []
    for acted_at in acts:
        claim_id = await desk.claimed("resident-1", "swept_stairs", acted_at=acted_at.isoformat())
        await desk.approve(claim_id, "reviewer-1")
        granted.append((await desk.own("resident-1", claim_id))["granted_points"])
    assert granted == [10, 10, 5, 10, 10]
    assert (await desk.told("resident-1"))[2] == (
        "您申报的“打扫楼道”已通过，应得 10 分，因达到积分上限，实得 5 分。"
    )
    # The board of the week in which it was done, not of the one before.
    rank = await desk.read("resident-1", "/v1/me/rank", period="week")
    assert rank["points"] == 45
    await desk.audit()


async def test_a_refused_claim_is_awarded_on_appeal_once_by_its_own_day(
    desk: ClaimDesk, elsewhere: Neighbourhood, clock: Clock
) -> None:
    claim_id = await desk.claimed("resident-1", "planted", effort="low", acted_at=ACTED.isoformat())
    await desk.review(claim_id, "reviewer-1", REFUSE)
    await desk.follow_up("planted", NOW - timedelta(days=1), points=1)
    decider = await desk.person("auditor-1")
    clock.advance(minutes=1)

    async def uphold(community_id: int) -> int:
        async with desk.sessions.begin() as session:
            outcome = await award_on_appeal(
                session, community_id, int(claim_id),
                units=None, effort=Effort.MEDIUM, decided_by=decider, now=clock.now,
            )  # fmt: skip
        return outcome.decision.granted_points

    with pytest.raises(ClaimNotFound):
        await uphold(elsewhere.community_id)
    assert await uphold(desk.community) == 6
    with pytest.raises(ClaimNotRefused):
        await uphold(desk.community)

    claim = await desk.own("resident-1", claim_id)
    assert (claim["state"], claim["granted_points"]) == ("awarded_on_appeal", 6)
    assert await desk.ask("SELECT checked_by FROM contributions") == decider
    assert await desk.ask("SELECT acted_at FROM contributions") == ACTED
    await desk.audit()
