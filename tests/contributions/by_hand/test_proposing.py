"""What may be proposed by hand, and what is refused before anybody has to check it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.community.models import RoleGrant
from app.core.ids import new_id
from tests.contributions.by_hand.desk import RULE, Desk, undoing
from tests.contributions.claims.desk import LONG_AGO, add_claimable_rules
from tests.support.book_rows import count
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood

BOTH = ("award", "deduction")


async def seat_in_committee(desk: Desk, name: str, clock: Clock) -> None:
    """Let a resident be of the committee too."""
    async with desk.sessionmaker.begin() as session:
        person_id = await session.scalar(
            text("SELECT person_id FROM residents WHERE resident_id = :id"),
            {"id": int(desk.here.resident_id(name))},
        )
        session.add(
            RoleGrant(
                community_id=desk.here.community_id, role_grant_id=new_id(clock.now),
                person_id=person_id, role="committee", grid_id=None, shop_id=None,
                sealed_name=None, granted_at=clock.now,
            )
        )  # fmt: skip


async def test_a_proposal_says_what_it_is_and_moves_nothing(desk: Desk) -> None:
    answer = await desk.propose(desk.under_rule("award"))

    assert answer.status_code == 201
    told = answer.json()
    assert told | {"posting_id": "", "proposed_by": ""} == {
        "posting_id": "", "kind": "award", "state": "proposed", "rule_code": "mediation",
        "resident_id": desk.here.resident_id("resident-1"), "units": 1,
        "acted_at": "2026-11-18T07:00:00Z", "transfer_id": None, "points": None,
        "is_our_fault": False, "reason": "街坊反映", "proposed_by": "",
        "proposed_at": "2026-11-18T07:00:00Z", "decided_by": None, "decided_at": None,
        "decision_reason": None, "result": None, "photos": [], "heard_until": None,
        "answer": None, "answered_at": None, "answered_by": None, "repair_task": None,
        "repair_points": None,
    }  # fmt: skip
    assert await desk.lines("resident-1") == []
    assert await desk.score() == 0


async def test_a_reversal_that_leaves_the_points_open_fixes_them(desk: Desk) -> None:
    await desk.here.give("resident-1", "mediation")
    award = await desk.newest("resident-1", "award")
    await desk.undo("reversal", award, points=3)
    told = (await desk.propose(undoing("reversal", award))).json()
    assert (told["points"], told["resident_id"]) == (17, desk.here.resident_id("resident-1"))


@pytest.mark.parametrize("kind", BOTH)
async def test_nobody_posts_for_themselves(desk: Desk, clock: Clock, kind: str) -> None:
    await seat_in_committee(desk, "resident-1", clock)

    own = await desk.propose(desk.under_rule(kind), by="resident-1")
    others = await desk.propose(desk.under_rule(kind, "resident-2"), by="resident-1")

    assert (own.status_code, problem_code(own)) == (403, "own_posting")
    assert others.status_code == 201


async def test_nobody_undoes_or_checks_what_is_their_own(desk: Desk, clock: Clock) -> None:
    await seat_in_committee(desk, "resident-1", clock)
    await desk.here.fine("resident-1")
    await desk.here.give("resident-1", "mediation")
    fine = (await desk.here.fine("resident-1"))["transfer_id"]

    for kind in ("repair", "reversal"):
        own = await desk.propose(undoing(kind, fine), by="resident-1")
        assert (own.status_code, problem_code(own)) == (403, "own_posting")
    posting_id = await desk.proposed(undoing("repair", fine))
    for way in ("approval", "refusal"):
        answer = await desk.decide(posting_id, way, by="resident-1")
        assert (answer.status_code, problem_code(answer)) == (403, "own_posting")
    assert (await desk.read(posting_id))["state"] == "proposed"


async def test_nobody_decides_on_points_of_their_household(desk: Desk, clock: Clock) -> None:
    await seat_in_committee(desk, "resident-2", clock)
    award, fine, other = [
        await desk.proposed(desk.under_rule(kind, name))
        for kind, name in (
            ("award", "resident-1"), ("deduction", "resident-1"), ("award", "resident-3")
        )
    ]  # fmt: skip
    await desk.share_a_flat("resident-1", "resident-2")

    for posting_id, way in ((award, "approval"), (fine, "refusal"), (fine, "approval")):
        answer = await desk.decide(posting_id, way, by="resident-2")
        assert (answer.status_code, problem_code(answer)) == (403, "own_posting")
    assert (await desk.decide(other, "approval", by="resident-2")).status_code == 200
    assert (await desk.decide(award, "approval")).status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [("planted", 422, "effort_missing"), ("taught_youth", 409, "not_for_you")],
)
async def test_what_its_rule_would_not_award_is_not_proposed(
    desk: Desk, clock: Clock, rule: str, status: int, code: str
) -> None:
    await add_claimable_rules(desk.sessionmaker, desk.here.community_id, since=clock.now - LONG_AGO)
    answer = await desk.propose(desk.under_rule("award", rule_code=rule))
    assert (answer.status_code, problem_code(answer)) == (status, code)


@pytest.mark.parametrize("kind", BOTH)
async def test_only_residents_of_this_community_are_posted_for(
    desk: Desk, elsewhere: Neighbourhood, kind: str
) -> None:
    fund = str(desk.here.created.funds["elder_meals"])
    shop = desk.here.shop_id("canteen")
    for stranger in (elsewhere.resident_id("resident-1"), shop, fund, "1", "3", "99"):
        answer = await desk.propose(desk.under_rule(kind, resident_id=stranger))
        assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")


@pytest.mark.parametrize("kind", BOTH)
async def test_an_act_in_the_future_is_refused(desk: Desk, clock: Clock, kind: str) -> None:
    future = (clock.now + timedelta(microseconds=1)).isoformat()
    answer = await desk.propose(desk.under_rule(kind, acted_at=future))
    assert (answer.status_code, problem_code(answer)) == (422, "act_in_the_future")
    just_now = desk.under_rule(kind, acted_at=clock.now.isoformat())
    assert (await desk.propose(just_now)).status_code == 201


@pytest.mark.parametrize("kind", BOTH)
async def test_a_rule_of_the_other_direction_is_refused(desk: Desk, kind: str) -> None:
    other = RULE["deduction" if kind == "award" else "award"]
    answer = await desk.propose(desk.under_rule(kind, rule_code=other))
    assert (answer.status_code, problem_code(answer)) == (422, "rule_of_other_direction")


@pytest.mark.parametrize("kind", BOTH)
async def test_a_rule_that_was_not_in_force_is_refused(desk: Desk, clock: Clock, kind: str) -> None:
    before = (clock.now - timedelta(days=31)).isoformat()
    for changes in ({"rule_code": "no_such_rule"}, {"acted_at": before}):
        answer = await desk.propose(desk.under_rule(kind, **changes))
        assert (answer.status_code, problem_code(answer)) == (404, "rule_not_found")


@pytest.mark.parametrize(("kind", "most"), [("award", 1), ("deduction", 4)])
async def test_more_units_than_the_rule_allows_are_refused(
    desk: Desk, kind: str, most: int
) -> None:
    answer = await desk.propose(desk.under_rule(kind, units=most + 1))
    assert (answer.status_code, problem_code(answer)) == (422, "too_many_units")
    assert answer.json()["max_units"] == most
    assert (await desk.propose(desk.under_rule(kind, units=most))).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 0},
        {"units": 1001},
        {"units": "many"},
        {"reason": "短"},
        {"reason": "长" * 201},
        {"reason": None},
        {"resident_id": "resident-1"},
        {"rule_code": "Mediation"},
        {"acted_at": "2026-11-18T07:00:00"},
        {"acted_at": "0001-01-01T00:00:00+14:00"},
        {"points": 1000},
        {"kind": "present"},
        {"kind": "repair"},
        {"kind": None},
    ],
    ids=str,
)
async def test_a_malformed_proposal_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    answer = await desk.propose(desk.under_rule("award") | changes)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


@pytest.mark.parametrize(
    "changes",
    [{"points": 0}, {"points": -5}, {"points": 1_000_001}, {"is_our_fault": None}, {"units": 1}],
    ids=str,
)
async def test_a_malformed_reversal_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    answer = await desk.propose(undoing("reversal", "1", **changes))
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_what_cannot_be_undone_is_refused_at_once(
    desk: Desk, elsewhere: Neighbourhood
) -> None:
    await desk.here.give("resident-1", "legal_advice")
    resident = await desk.here.caller("resident-1")
    fund = desk.here.created.funds["elder_meals"]
    await resident.post_once(f"/v1/funds/{fund}/donations", {"points": 10})
    theirs = (await elsewhere.give("resident-1", "mediation"))["transfer_id"]
    award = await desk.newest("resident-1", "award")
    donation = await desk.newest("resident-1", "donation")
    await desk.undo("reversal", award, points=1)
    reversal = await desk.newest("resident-1", "reversal")

    for body, code in (
        (undoing("reversal", "99"), "transfer_unknown"),
        (undoing("reversal", theirs), "transfer_unknown"),
        (undoing("repair", theirs), "transfer_unknown"),
        (undoing("reversal", donation), "not_reversible"),
        (undoing("reversal", reversal), "not_reversible"),
        (undoing("repair", award), "not_a_deduction"),
        (undoing("repair", donation), "not_a_deduction"),
        (undoing("reversal", award, points=50), "more_than_original"),
    ):
        answer = await desk.propose(body)
        assert problem_code(answer) == code, body
    assert answer.json()["left_points"] == 49


@pytest.mark.parametrize("name", ["resident-2", "worker-1", "clerk-1"])
async def test_only_the_committee_proposes_checks_and_reads(desk: Desk, name: str) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    caller = await desk.here.caller(name)
    answers = [
        await desk.propose(desk.under_rule("award"), by=name),
        *[await desk.decide(posting_id, way, by=name) for way in
          ("approval", "refusal", "withdrawal")],
        await caller.get(POSTINGS),
        await caller.get(f"{POSTINGS}/{posting_id}"),
    ]  # fmt: skip
    assert {(answer.status_code, problem_code(answer)) for answer in answers} == {
        (403, "forbidden")
    }
    assert (await desk.read(posting_id))["state"] == "proposed"


async def test_a_proposal_repeated_with_its_key_is_made_once(desk: Desk) -> None:
    key = fresh_key()

    first = await desk.propose(desk.under_rule("deduction"), key=key)
    again = await desk.propose(desk.under_rule("deduction"), key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    async with desk.sessionmaker() as session:
        assert await count(session, "manual_postings", community_id=desk.here.community_id) == 1
