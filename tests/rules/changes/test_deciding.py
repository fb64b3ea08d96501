"""Who decides a change of rules, when, and what the database itself refuses."""

import asyncio

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.notices import queries as notices
from app.notices.models import NoticeRemark
from tests.conftest import MakeRace
from tests.rules.changes.proposing import Assembly, change
from tests.support.caller import problem_code
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]
REASON = {"reason": "居民意见较大"}


async def test_somebody_else_than_the_proposer_decides(assembly: Assembly) -> None:
    proposed = await assembly.propose()
    assembly.end_notice()
    for decision, body in (("adoption", {}), ("rejection", REASON)):
        answer = await assembly.decide(proposed, decision, by="committee-1", **body)
        assert problem_code(answer) == "decider_is_proposer"
    foreign = await assembly.decide(proposed, "withdrawal", by="committee-2")
    assert problem_code(foreign) == "not_your_rule_change"


async def test_an_upheld_objection_means_that_it_must_be_rejected(assembly: Assembly) -> None:
    proposed = await assembly.propose()
    upheld, dismissed = [await assembly.object(proposed) for _ in range(2)]
    # Before the notice is over nothing is decided, rejected neither.
    early = await assembly.decide(proposed, "rejection", **REASON)
    assert problem_code(early) == "notice_still_open"
    assembly.end_notice()
    await assembly.answer(proposed, upheld, is_upheld=True)
    waiting = await assembly.decide(proposed, "rejection", **REASON)
    assert problem_code(waiting) == "objections_unanswered"
    await assembly.answer(proposed, dismissed, is_upheld=False)
    assert problem_code(await assembly.decide(proposed, "adoption")) == "objection_upheld"

    rejected = await assembly.decide(proposed, "rejection", **REASON)
    assert rejected.json()["state"] == "rejected"
    assert rejected.json()["decision_reason"] == "居民意见较大"
    assert (await assembly.decide(proposed, "rejection", **REASON)).json() == rejected.json()
    assert problem_code(await assembly.decide(proposed, "adoption")) == "rule_change_decided"
    assert await points_of(assembly, "survey") == [5]


async def points_of(assembly: Assembly, code: str) -> list[int]:
    history = await assembly.read(f"/v1/rules/{code}/versions")
    return [version["points"] for version in history["items"]]


async def test_what_was_withdrawn_takes_no_remarks_and_is_not_decided(assembly: Assembly) -> None:
    proposed = await assembly.propose()
    await assembly.object(proposed)
    for _ in range(2):
        withdrawn = await assembly.decide(proposed, "withdrawal", by="committee-1")
        assert withdrawn.json()["state"] == "withdrawn"
    assert problem_code(await assembly.try_remark(proposed)) == "notice_withdrawn"
    notice = await assembly.read(f"/v1/notices/{proposed['notice_id']}")
    assert notice["state"] == "withdrawn"
    queue = await assembly.read("/v1/staff/notices/remarks", by="committee-2")
    assert queue["items"] == []
    assembly.end_notice()
    assert problem_code(await assembly.decide(proposed, "adoption")) == "rule_change_decided"


async def test_a_day_that_has_come_is_too_late_and_only_a_later_one_will_do(
    assembly: Assembly,
) -> None:
    proposed = await assembly.propose()
    assembly.let_pass(days=9)
    past = await assembly.decide(proposed, "adoption")
    assert past.json().items() >= {
        "code": "effective_too_early", "earliest_on": "2026-11-28"}.items()  # fmt: skip
    sooner = await assembly.decide(proposed, "adoption", effective_on="2026-11-26")
    assert problem_code(sooner) == "effective_too_early"
    adopted = await assembly.adopt(proposed, effective_on="2026-11-28")
    assert adopted["effective_from"] == "2026-11-27T16:00:00Z"


async def test_a_rule_that_changed_meanwhile_is_not_overwritten(
    assembly: Assembly, sessionmaker: Sessions
) -> None:
    proposed = await assembly.propose(
        change(), change("fresh", "new", name="新规则", category="safety")
    )
    assembly.end_notice()
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE rule_versions SET effective_until = :at WHERE rule_id = :rule"),
            {"at": assembly.clock.now, "rule": assembly.here.created.rules["survey"]},
        )
    refused = await assembly.decide(proposed, "adoption")
    assert refused.json().items() >= {
        "code": "rule_changed_meanwhile", "rule_code": "survey"}.items()  # fmt: skip
    resident = await assembly.here.caller("resident-1")
    # Nothing of it was adopted.
    assert problem_code(await resident.get("/v1/rules/fresh/versions")) == "rule_not_found"


FORBIDDEN = [
    ("decided_by = proposed_by, decided_at = notice_until", "ck_rule_changes_decided_by_another"),
    ("decided_at = notice_until - interval '1 second'", "ck_rule_changes_adopted_after_notice"),
    ("decided_at = effective_from", "ck_rule_changes_never_back_in_time"),
]


@pytest.mark.parametrize(("setting", "constraint"), FORBIDDEN)
async def test_the_database_itself_lets_no_change_be_adopted_wrongly(
    assembly: Assembly, sessionmaker: Sessions, setting: str, constraint: str
) -> None:
    await assembly.propose()
    statement = f"UPDATE rule_changes SET state = 'adopted', decided_by = 0, {setting}"  # noqa: S608
    statement = statement.replace("decided_by = 0, decided_by", "decided_by")
    with pytest.raises(IntegrityError, match=constraint):
        async with sessionmaker.begin() as session:
            await session.execute(text(statement))


async def test_the_database_itself_lets_no_version_begin_before_it_was_adopted(
    assembly: Assembly, sessionmaker: Sessions
) -> None:
    await assembly.propose()
    assembly.end_notice()
    statement = """
        INSERT INTO rule_versions (community_id, rule_version_id, rule_id, version, name, category,
            direction, unit, points, max_units, caps, expiry, adopted_at, effective_from)
        SELECT community_id, 1, rule_id, 2, name, category, direction, unit, points, max_units,
            caps, expiry, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
        FROM rule_versions LIMIT 1
    """
    with pytest.raises(IntegrityError, match="ck_rule_versions_never_back_in_time"):
        async with sessionmaker.begin() as session:
            await session.execute(text(statement), {"now": assembly.clock.now})


# Races.


async def test_of_two_who_decide_at_once_one_wins(race: MakeRace, clock: Clock) -> None:
    assembly = Assembly(await race(1), clock)
    proposed = await assembly.propose(by="committee-1")
    assembly.end_notice()
    first, second = await asyncio.gather(
        assembly.decide(proposed, "adoption"), assembly.decide(proposed, "adoption")
    )
    assert first.json() == second.json()
    other = await assembly.propose(change("story_evening", "end"), effective_on="2026-12-20")
    assembly.end_notice()
    answers = await asyncio.gather(
        assembly.decide(other, "adoption"), assembly.decide(other, "rejection", **REASON)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await points_of(assembly, "survey") == [8, 5]


async def test_of_two_proposals_for_one_rule_at_once_one_is_put_to_notice(
    race: MakeRace, clock: Clock
) -> None:
    assembly = Assembly(await race(1), clock)
    answers = await asyncio.gather(
        *(assembly.try_propose(by=f"committee-{number}") for number in (1, 2))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_adoption_waits_for_an_objection_on_its_way(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    assembly = Assembly(await race(1), clock)
    proposed = await assembly.propose()
    community_id, number = assembly.here.community_id, int(proposed["notice_id"])
    objected_at = clock.now
    assembly.end_notice()
    await assembly.here.caller("committee-2")
    async with race_sessionmaker.begin() as session:
        # Written in time, and not committed yet.
        await notices.share_notice(session, community_id, number)
        resident_id = int(assembly.here.resident_id("resident-1"))
        session.add(
            NoticeRemark(
                community_id=community_id, remark_id=1, public_notice_id=number, kind="objection",
                text="八分太多了", resident_id=resident_id, person_id=1, written_at=objected_at,
            )
        )  # fmt: skip
        await session.flush()
        adoption = asyncio.create_task(assembly.decide(proposed, "adoption"))
        await until_it_waits(race_sessionmaker, adoption)
    assert problem_code(await adoption) == "objections_unanswered"


async def test_an_objection_that_waited_behind_the_adoption_is_too_late(
    assembly: Assembly, clock: Clock
) -> None:
    proposed = await assembly.propose()
    in_time = clock.now
    assembly.end_notice()
    await assembly.adopt(proposed)
    # Its clock was read before it had to wait.
    clock.now = in_time
    assembly.here.callers.clear()
    answer = await assembly.try_remark(proposed)
    assert problem_code(answer) == "notice_closed"


async def until_it_waits(sessionmaker: Sessions, work: asyncio.Task[httpx.Response]) -> None:
    """Return as soon as the work waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(20), sessionmaker() as watching:
        while not await watching.scalar(waiting):
            assert not work.done()
            await watching.rollback()
