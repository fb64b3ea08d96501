"""Who decides a posting, what happens if it is decided twice, and what the list shows."""

import pytest

from tests.contributions.by_hand.desk import Desk
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import POSTINGS, Neighbourhood

WAYS = ("approval", "refusal", "withdrawal")


async def test_an_approval_posts_and_says_who_made_and_who_checked_it(
    desk: Desk, clock: Clock
) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    clock.advance(minutes=5)

    answer = await desk.decide(posting_id, "approval")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["decided_at"]) == ("posted", "2026-11-18T07:05:00Z")
    assert told["result"] == {
        "asked_points": 20, "moved_points": 20,
        "contribution_id": told["result"]["transfer_id"],
        "transfer_id": await desk.newest("resident-1", "award"),
    }  # fmt: skip
    assert told == await desk.read(posting_id)
    (line,) = await desk.lines("resident-1")
    assert line["occurred_at"] == told["acted_at"] == "2026-11-18T07:00:00Z"
    assert line["posted_at"] == told["decided_at"]
    people = "SELECT maker_id || ' ' || checker_id FROM transfers"
    recorded = "SELECT recorded_by || ' ' || checked_by FROM contributions"
    both = f"{told['proposed_by']} {told['decided_by']}"
    assert {await desk.scalar(people), await desk.scalar(recorded)} == {both}
    await desk.audit()


@pytest.mark.parametrize("way", ["approval", "refusal"])
async def test_who_proposed_it_does_not_check_it(desk: Desk, way: str) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    answer = await desk.decide(posting_id, way, by="committee-1")
    assert (answer.status_code, problem_code(answer)) == (403, "checker_is_maker")
    assert (await desk.read(posting_id))["state"] == "proposed"
    assert await desk.lines("resident-1") == []


async def test_only_who_proposed_it_withdraws_it(desk: Desk) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    other = await desk.decide(posting_id, "withdrawal", by="committee-2")
    own = await desk.decide(posting_id, "withdrawal", by="committee-1")
    assert (other.status_code, problem_code(other)) == (403, "not_the_proposer")
    assert (own.status_code, own.json()["state"]) == (200, "withdrawn")
    assert await desk.lines("resident-1") == []


async def test_a_refusal_gives_its_reason_and_moves_nothing(desk: Desk) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    told = (await desk.decide(posting_id, "refusal", reason="当天他不在场")).json()
    assert (told["state"], told["decision_reason"]) == ("refused", "当天他不在场")
    assert told["result"] is None
    assert await desk.lines("resident-1") == []


@pytest.mark.parametrize(("way", "by"), [("approval", 2), ("refusal", 2), ("withdrawal", 1)])
async def test_the_same_person_pressing_again_gets_the_same_answer(
    desk: Desk, clock: Clock, way: str, by: int
) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    first = await desk.decide(posting_id, way, by=f"committee-{by}")
    clock.advance(minutes=1)
    again = await desk.decide(posting_id, way, by=f"committee-{by}")
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await desk.balance())["posted_points"] == (20 if way == "approval" else 0)
    await desk.audit()


@pytest.mark.parametrize(("first", "by"), [("approval", 2), ("refusal", 2), ("withdrawal", 1)])
async def test_what_is_decided_is_not_decided_otherwise(desk: Desk, first: str, by: int) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    told = (await desk.decide(posting_id, first, by=f"committee-{by}")).json()
    for way in WAYS:
        for number in (1, 2):
            if (way, number) != (first, by):
                answer = await desk.decide(posting_id, way, by=f"committee-{number}")
                assert (answer.status_code, problem_code(answer)) == (409, "posting_decided")
                assert answer.json()["state"] == told["state"]
    assert await desk.read(posting_id) == told
    assert (await desk.balance())["posted_points"] == (20 if first == "approval" else 0)


async def test_a_posting_of_another_community_is_not_there(
    desk: Desk, elsewhere: Neighbourhood
) -> None:
    proposer = await elsewhere.caller("committee-1")
    body = elsewhere.posting("award", "resident-1", rule_code="mediation", reason="调解")
    posting_id = (await proposer.post_once(POSTINGS, body)).json()["posting_id"]

    checker = await desk.here.caller("committee-2")
    answers = [await desk.decide(posting_id, way) for way in WAYS]
    answers.append(await checker.get(f"{POSTINGS}/{posting_id}"))

    assert {(answer.status_code, problem_code(answer)) for answer in answers} == {
        (404, "posting_not_found")
    }
    assert (await checker.get(POSTINGS)).json()["items"] == []


async def test_the_list_shows_the_newest_first_by_state_and_page(desk: Desk) -> None:
    numbers = [await desk.proposed(desk.under_rule("award")) for _ in range(5)]
    await desk.decide(numbers[0], "approval")
    await desk.decide(numbers[3], "refusal")
    checker = await desk.here.caller("committee-2")

    seen: list[str] = []
    page = (await checker.get(POSTINGS, size=2)).json()
    while page["next_cursor"] is not None:
        seen += [row["posting_id"] for row in page["items"]]
        page = (await checker.get(POSTINGS, size=2, cursor=page["next_cursor"])).json()
    seen += [row["posting_id"] for row in page["items"]]
    by_state = {
        state: [
            row["posting_id"] for row in (await checker.get(POSTINGS, state=state)).json()["items"]
        ]
        for state in ("proposed", "posted", "refused", "withdrawn")
    }

    assert seen == numbers[::-1]
    assert by_state == {
        "proposed": [numbers[4], numbers[2], numbers[1]],
        "posted": [numbers[0]],
        "refused": [numbers[3]],
        "withdrawn": [],
    }
    assert (await checker.get(POSTINGS, state="lost")).status_code == 422


async def test_what_has_changed_since_it_was_proposed_is_looked_at_again(desk: Desk) -> None:
    posting_id = await desk.proposed(desk.under_rule("award"))
    async with desk.sessionmaker.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "UPDATE rule_versions SET effective_until = effective_from + interval '1 day'"
        )
    answer = await desk.decide(posting_id, "approval")
    assert (answer.status_code, problem_code(answer)) == (404, "rule_not_found")
    assert (await desk.read(posting_id))["state"] == "proposed"
    assert (await desk.decide(posting_id, "refusal")).status_code == 200


@pytest.mark.parametrize("kind", ["award", "deduction"])
async def test_nothing_is_posted_for_somebody_who_has_left_meanwhile(desk: Desk, kind: str) -> None:
    posting_id = await desk.proposed(desk.under_rule(kind))
    async with desk.sessionmaker.begin() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "UPDATE residents SET state = 'left' WHERE resident_id = $1",
            (int(desk.here.resident_id("resident-1")),),
        )
    answer = await desk.decide(posting_id, "approval")
    assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")
    assert (await desk.read(posting_id))["state"] == "proposed"
    assert (await desk.decide(posting_id, "refusal")).status_code == 200
