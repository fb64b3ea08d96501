"""Nobody decides on what they took part in, nor for their own household: at the desk and below."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.problem_handlers import problem_of_constraint
from app.governance.appeals.errors import OwnHouseholdAppeal, YouWereInvolved
from tests.conftest import MakeRace
from tests.governance.appeals.desk import DESK, AppealDesk
from tests.support.awards import award, get_terms, make_item
from tests.support.caller import problem_code
from tests.support.clock import Clock

DECIDE = """
    UPDATE appeals SET state = 'dismissed', decided_at = filed_at, outcome = '维持原扣分决定。',
        decided_by = :person, decider_household_id = :household
    WHERE appeal_id = :appeal
"""


async def appealed(desk: AppealDesk) -> str:
    fine = (await desk.here.fine("resident-1"))["contribution_id"]
    return await desk.file("resident-1", "deduction", fine)


async def make_decider(desk: AppealDesk, name: str) -> None:
    """Let a resident sit on the committee."""
    await desk.do(
        "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
        " VALUES (:community, 4711, :person, 'committee', now())",
        person=await desk.person(name),
    )
    desk.here.callers.clear()


async def test_who_proposed_checked_or_appealed_does_not_decide(desk: AppealDesk) -> None:
    appeal_id = await appealed(desk)
    await make_decider(desk, "resident-1")
    for name in ("committee-1", "committee-2", "resident-1"):
        seen = await desk.read(name, f"{DESK}/{appeal_id}")
        assert not seen["may_decide"]
        answer = await desk.try_decide(appeal_id, by=name)
        assert (answer.status_code, problem_code(answer)) == (403, "you_were_involved")
    assert (await desk.read("auditor-1", f"{DESK}/{appeal_id}"))["may_decide"]
    assert (await desk.try_decide(appeal_id)).status_code == 200


async def test_who_took_part_after_it_was_filed_does_not_decide_either(desk: AppealDesk) -> None:
    await make_decider(desk, "resident-2")
    await desk.here.give("resident-1", "survey")
    appeal_id = await appealed(desk)
    proposer = await desk.here.caller("resident-2")
    fine = (await desk.read("auditor-1", f"{DESK}/{appeal_id}"))["subject_id"]
    repair = {"kind": "repair", "transfer_id": fine, "points": 1, "reason": "参加值守"}
    proposed = await proposer.post_once("/v1/staff/postings", repair)
    assert (await desk.here.approve(proposed.json()["posting_id"])).status_code == 200

    answer = await desk.try_decide(appeal_id, by="resident-2")

    assert (answer.status_code, problem_code(answer)) == (403, "you_were_involved")


SOURCES = {
    "award_list": (
        "INSERT INTO award_lists (community_id, award_list_id, title, file_hash, row_count,"
        " asked_points, state, proposed_by, proposed_at, decided_by, decided_at, posted_at)"
        " VALUES (:community, 4711, '名单', '', 1, 5, 'posted', 31, :now, 32, :now, :now)"
    ),
    "duty": (
        "INSERT INTO duties (community_id, duty_id, rule_id, resident_id, starts_on, ends_on,"
        " assigned_by, assigned_at, ended_by)"
        " VALUES (:community, 4711, 1, 1, '2026-01-01', '2026-10-01', 31, :now, 32)"
    ),
    "case": (
        "INSERT INTO case_events (community_id, case_event_id, case_id, action, state,"
        " status_code, person_id, details, created_at)"
        " SELECT :community, number, 4711, 'accept', 'open', 'open', 30 + number, '{}', :now"
        " FROM generate_series(1, 2) AS number"
    ),
}


@pytest.mark.parametrize("source_kind", SOURCES)
async def test_all_who_stood_behind_an_award_are_involved(
    desk: AppealDesk, clock: Clock, source_kind: str
) -> None:
    await desk.do(SOURCES[source_kind], now=clock.now)
    async with desk.sessions.begin() as session:
        terms = await get_terms(session, desk.here, "survey", at=clock.now)
        item = make_item(
            terms, int(desk.here.resident_id("resident-1")), now=clock.now,
            source_kind=source_kind, source_id=4711, recorded_by=21, checked_by=22,
        )  # fmt: skip
        await award(session, desk.here, [item], now=clock.now)

    await desk.file("resident-1", "award", str(item.contribution_id))

    own = await desk.person("resident-1")
    assert await desk.ask("SELECT involved FROM appeals") == [21, 22, 31, 32, own]


async def test_who_objected_to_a_claim_or_answered_that_is_involved(
    desk: AppealDesk, clock: Clock
) -> None:
    claim_id = await desk.refused_claim("resident-1")
    await desk.do(
        "INSERT INTO public_notices (community_id, public_notice_id, kind, title, opens_at,"
        " closes_at, published_by)"
        " VALUES (:community, 4711, 'award_list', '公示', :now, :later, 21)",
        now=clock.now, later=clock.now + timedelta(days=1),
    )  # fmt: skip
    await desk.do("UPDATE claims SET public_notice_id = 4711")
    await desk.do(
        "INSERT INTO notice_remarks (community_id, remark_id, public_notice_id, about_id, kind,"
        " text, resident_id, person_id, written_at, answer, answered_by, answered_at, is_upheld)"
        " VALUES (:community, 1, 4711, :claim, 'objection', '不属实', 1, 31, :now, '成立', 32,"
        " :now, true)",
        claim=int(claim_id), now=clock.now,
    )  # fmt: skip

    await desk.file("resident-1", "refusal", claim_id)

    people = {await desk.person("resident-1"), await desk.person("worker-1"), 31, 32}
    assert set(await desk.ask("SELECT involved FROM appeals")) == people


async def test_who_objected_to_a_line_of_a_list_or_to_all_of_it_is_involved(
    desk: AppealDesk, clock: Clock
) -> None:
    await desk.do(SOURCES["award_list"], now=clock.now)
    await desk.do("UPDATE award_lists SET public_notice_id = 4712")
    await desk.do(
        "INSERT INTO public_notices (community_id, public_notice_id, kind, title, opens_at,"
        " closes_at, published_by)"
        " VALUES (:community, 4712, 'award_list', '公示', :now, :later, 31)",
        now=clock.now, later=clock.now + timedelta(days=1),
    )  # fmt: skip
    remarks = [(41, 7, "objection"), (43, None, "objection"), (45, 8, "objection"),
               (47, None, "comment")]  # fmt: skip
    for person, line, kind in remarks:
        await desk.do(
            "INSERT INTO notice_remarks (community_id, remark_id, public_notice_id, about_id, kind,"
            " text, resident_id, person_id, written_at, answer, answered_by, answered_at,"
            " is_upheld) VALUES (:community, :person, 4712, :line, :kind, '不属实', 1, :person,"
            " :now, '不成立', :answerer, :now, CASE WHEN CAST(:kind AS text) = 'objection'"
            " THEN false END)",
            person=person, answerer=person + 1, line=line, kind=kind, now=clock.now,
        )  # fmt: skip
    async with desk.sessions.begin() as session:
        terms = await get_terms(session, desk.here, "survey", at=clock.now)
        item = make_item(
            terms, int(desk.here.resident_id("resident-1")), now=clock.now,
            source_kind="award_list", source_id=4711, occasion="7", recorded_by=21, checked_by=22,
        )  # fmt: skip
        await award(session, desk.here, [item], now=clock.now)

    await desk.file("resident-1", "award", str(item.contribution_id))

    own = await desk.person("resident-1")
    assert await desk.ask("SELECT involved FROM appeals") == [21, 22, 31, 32, 41, 42, 43, 44, own]


async def test_who_gave_the_first_award_does_not_decide_on_the_second_one(
    desk: AppealDesk,
) -> None:
    first = (await desk.here.give("resident-1", "survey"))["contribution_id"]
    appeal_id = await desk.file("resident-1", "award", first)
    effects = await desk.decide(appeal_id, correction={"rule_code": "mediation"})

    again = await desk.file("resident-1", "award", effects["contribution_id"])

    answer = await desk.try_decide(again, "dismissed", by="committee-1")
    assert (answer.status_code, problem_code(answer)) == (403, "you_were_involved")


@pytest.mark.parametrize("moved_in_with", ["resident-1", "resident-2"])
async def test_nobody_decides_for_their_own_household(desk: AppealDesk, moved_in_with: str) -> None:
    appeal_id = await appealed(desk)
    await make_decider(desk, "resident-2")
    # The flat that it was filed from counts, and the one that the resident lives in now.
    await desk.share_a_flat(moved_in_with, "resident-1", "resident-2")

    answer = await desk.try_decide(appeal_id, by="resident-2")

    assert (answer.status_code, problem_code(answer)) == (403, "own_household_appeal")
    (waiting,) = (await desk.read("resident-2", DESK))["items"]
    assert not waiting["may_decide"]


@pytest.mark.parametrize("name", ["resident-1", "committee-1", "committee-2"])
async def test_the_database_refuses_a_decider_who_took_part(desk: AppealDesk, name: str) -> None:
    values = {"appeal": int(await appealed(desk)), "household": None}
    constraint = "ck_appeals_decided_by_uninvolved"
    async with desk.sessions() as session:
        with pytest.raises(IntegrityError, match=constraint):
            await session.execute(text(DECIDE), values | {"person": await desk.person(name)})
    assert problem_of_constraint(constraint) is YouWereInvolved


async def test_the_database_refuses_a_decider_of_the_household_and_lets_others_in(
    desk: AppealDesk,
) -> None:
    appeal_id = int(await appealed(desk))
    household = await desk.ask("SELECT household_id FROM appeals")
    values = {"appeal": appeal_id, "person": await desk.person("auditor-1")}
    constraint = "ck_appeals_not_of_the_household"
    async with desk.sessions() as session:
        with pytest.raises(IntegrityError, match=constraint):
            await session.execute(text(DECIDE), values | {"household": household})
    assert problem_of_constraint(constraint) is OwnHouseholdAppeal
    async with desk.sessions() as session:
        await session.execute(text(DECIDE), values | {"household": None})


@pytest.mark.parametrize("round_", range(3))
async def test_an_appeal_and_a_repair_decided_at_once_give_points_back_once(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession], round_: int
) -> None:
    desk = AppealDesk(await race(1), race_sessionmaker)
    await desk.here.give("resident-1", "mediation")
    body = desk.here.posting(
        "deduction", "resident-1", rule_code="sorted_wrongly", units=1, reason="混投"
    )
    await desk.here.post_by_hand(body | {"repair_task": "参加一次分类值守"})
    task = await desk.ask("SELECT repair_task_id FROM repair_tasks")
    fine = await desk.ask("SELECT contribution_id FROM repair_tasks")
    resident = await desk.here.caller("resident-1")
    report = {"report": "周六上午值守两小时"}
    assert (await resident.post_once(f"/v1/me/repairs/{task}/report", report)).is_success
    appeal_id = await desk.file("resident-1", "deduction", str(fine))
    checker = await desk.here.caller("committee-2")
    await desk.here.caller("auditor-1")

    both = [
        desk.try_decide(appeal_id),
        checker.post(f"/v1/staff/repairs/{task}/acceptance"),
        resident.post(f"/v1/me/appeals/{appeal_id}/withdrawal"),
    ]
    answers = await asyncio.gather(*both[round_:], *both[:round_])

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await desk.points("resident-1") == 20
    states = (
        await desk.ask("SELECT state FROM repair_tasks"),
        await desk.ask("SELECT state FROM appeals"),
    )
    assert states in (("done", "upheld"), ("lapsed", "upheld"), ("done", "withdrawn"))
    await desk.check_books()


async def test_several_deciders_at_once_give_points_back_once(
    race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    desk = AppealDesk(await race(1), race_sessionmaker)
    await desk.here.give("resident-1", "mediation")
    filed = await asyncio.gather(
        *(
            desk.try_file("resident-1", "deduction", fine)
            for fine in [(await desk.here.fine("resident-1"))["contribution_id"]] * 4
        )
    )
    assert Counter(answer.status_code for answer in filed) == {201: 1, 409: 3}
    (appeal_id,) = (one.json()["appeal_id"] for one in filed if one.is_success)
    await desk.do(
        "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
        " VALUES (:community, 1, :person, 'auditor', now())",
        person=await desk.person("reviewer-1"),
    )
    for name in ("auditor-1", "reviewer-1"):
        await desk.here.caller(name)

    answers = await asyncio.gather(
        *(desk.try_decide(appeal_id, by=name) for name in ("auditor-1", "reviewer-1") * 3)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 3, 409: 3}
    assert await desk.points("resident-1") == 20
    await desk.check_books()
