"""Races: whatever comes at once ends one way, with points to match, and nobody waits for ever."""

from collections import Counter

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.cases.filing import WHY, Watch, make_worker
from tests.concurrency.crowd import sign_in_crowd, tally, together
from tests.conftest import MakeRace
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import send_photo

Sessions = async_sessionmaker[AsyncSession]
ROUNDS = 12


async def audit(sessionmaker: Sessions, here: Neighbourhood) -> None:
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


@pytest.fixture
async def town(race: MakeRace, clock: Clock) -> Watch:
    """A committing neighbourhood of 21 with everybody signed in."""
    here = await race(21)
    await sign_in_crowd(here, clock, 21)
    watch = Watch(here, clock)
    for name in ("worker-1", "worker-2", "committee-1"):
        await here.caller(name)
    return watch


def code_of(answer: httpx.Response) -> str:
    return str(answer.status_code) if answer.is_success else problem_code(answer)


async def test_twenty_me_too_at_once_count_and_pay_each_once(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    case_id = await town.file()
    for number in range(2, 22):
        await town.agreed(f"resident-{number}")

    # Everybody taps twice.
    answers = await together(
        town.join(case_id, f"resident-{number}") for _ in range(2) for number in range(2, 22)
    )

    assert tally(answers) == {"200": 40}
    assert Counter(answer.json()["is_new"] for answer in answers) == {True: 20, False: 20}
    assert max(answer.json()["joined"] for answer in answers) == 20
    assert (await town.look(case_id))["joined"] == 20
    assert [await town.points(f"resident-{number}") for number in range(2, 22)] == [1] * 20
    await audit(race_sessionmaker, town.here)


async def test_two_workers_accept_at_once_and_one_has_it(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    await make_worker(race_sessionmaker, town.here, "worker-2")
    for _ in range(ROUNDS):
        case_id = await town.file(category_code="street_lamp")
        answers = await together(town.act(case_id, "accept", by=f"worker-{n}") for n in (1, 2))
        assert tally(answers) == {"200": 1, "case_moved_on": 1}
        history = [line["action"] for line in (await town.read(case_id))["history"]]
        assert history == ["report", "accept"]
    # Five points for being accepted, three times a day at most.
    assert await town.points("resident-1") == 15
    await audit(race_sessionmaker, town.here)


async def test_a_report_withdrawn_while_the_worker_accepts_ends_one_way(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    ends: Counter[str] = Counter()
    for turn in range(ROUNDS):
        name = f"resident-{turn + 1}"
        case_id = await town.file(name)
        calls = [town.say(case_id, "withdraw", by=name), town.act(case_id, "accept")]
        answers = await together(calls if turn % 2 else reversed(calls))
        withdrawn, accepted = answers if turn % 2 else reversed(answers)
        assert sorted(map(code_of, answers)) == ["200", "case_moved_on"]
        state = (await town.read(case_id, name))["state"]
        assert state == ("withdrawn" if withdrawn.is_success else "accepted")
        assert accepted.is_success is (state == "accepted")
        assert await town.points(name) == (0 if state == "withdrawn" else 3)
        ends[state] += 1
    assert sum(ends.values()) == ROUNDS
    await audit(race_sessionmaker, town.here)


async def test_two_cases_made_duplicates_of_each_other_at_once_leave_one_open(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    for _ in range(ROUNDS):
        first, second = await town.file("resident-1"), await town.file("resident-2")
        answers = await together(
            [
                town.act(first, "mark-duplicate", {"of_case_id": second}, "worker-1"),
                town.act(second, "mark-duplicate", {"of_case_id": first}, "committee-1"),
            ]
        )
        assert tally(answers) in (
            {"200": 1, "duplicate_of_itself": 1},
            {"200": 1, "case_moved_on": 1},
        )
        states = sorted([(await town.look(case_id))["state"] for case_id in (first, second)])
        assert states == ["duplicate", "reported"]
    await audit(race_sessionmaker, town.here)


async def test_a_ring_of_duplicates_at_once_does_not_hang(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    for _ in range(ROUNDS // 2):
        ring = [await town.file(f"resident-{number}") for number in (1, 2, 3)]
        answers = await together(
            town.act(one, "mark-duplicate", {"of_case_id": other}, by)
            for one, other, by in zip(
                ring, ring[1:] + ring[:1], ("worker-1", "committee-1", "worker-1"), strict=True
            )
        )
        assert set(tally(answers)) <= {"200", "duplicate_of_itself", "case_moved_on"}
        states = Counter([(await town.look(case_id))["state"] for case_id in ring])
        assert states["reported"] >= 1
        assert states["duplicate"] == tally(answers)["200"] >= 1
    await audit(race_sessionmaker, town.here)


async def test_a_case_judged_fake_while_others_join_leaves_nobody_paid(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    case_id = await town.file()
    for number in range(2, 12):
        await town.agreed(f"resident-{number}")
    joins = [town.join(case_id, f"resident-{number}") for number in range(2, 12)]
    judged = town.act(case_id, "judge-fake", WHY)

    answers = await together([*joins[:5], judged, *joins[5:]])

    assert answers[5].status_code == 200
    assert set(tally(answers)) <= {"200", "case_not_found"}
    assert [await town.points(f"resident-{number}") for number in range(1, 12)] == [0] * 11
    await audit(race_sessionmaker, town.here)


async def test_one_request_sent_ten_times_at_once_files_one_case(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    resident, body, key = await town.agreed("resident-1"), await town.case_of("resident-1"), ""
    key = fresh_key()
    answers = await together(resident.post("/v1/cases", body, key=key) for _ in range(10))
    assert tally(answers) == {"201": 10}
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert await town.points("resident-1") == 3
    await audit(race_sessionmaker, town.here)


async def test_a_photo_sent_with_several_reports_at_once_belongs_to_one(town: Watch) -> None:
    resident = await town.agreed("resident-1")
    photo_id = await send_photo(resident)
    body = await town.case_of("resident-1", photo_ids=[photo_id])
    answers = await together(resident.post_once("/v1/cases", body) for _ in range(6))
    assert tally(answers) == {"201": 1, "photo_in_use": 5}
    assert await town.points("resident-1") == 3


async def test_a_photo_deleted_while_it_is_reported_is_in_the_report_or_gone(
    town: Watch,
) -> None:
    for turn in range(ROUNDS):
        name = f"resident-{turn + 1}"
        resident = await town.agreed(name)
        photo_id = await send_photo(resident)
        body = await town.case_of(name, photo_ids=[photo_id])
        calls = [
            resident.post_once("/v1/cases", body),
            resident.delete(f"/v1/photos/{photo_id}"),
        ]
        answers = await together(calls if turn % 2 else reversed(calls))
        filed, deleted = answers if turn % 2 else reversed(answers)
        assert (code_of(filed), code_of(deleted)) in (
            ("201", "photo_still_used"),
            ("case_photo_not_found", "200"),
        )


async def test_solved_and_judged_fake_at_once_ends_without_points(
    town: Watch, race_sessionmaker: Sessions
) -> None:
    for _ in range(ROUNDS // 2):
        case_id = await town.file()
        await town.do(case_id, "accept")
        answers = await together(
            [
                town.act(case_id, "resolve", {"result": "已处理"}),
                town.act(case_id, "judge-fake", WHY, "committee-1"),
            ]
        )
        assert answers[1].status_code == 200
        assert (await town.read(case_id))["state"] == "fake"
        assert await town.points("resident-1") == 0
    await audit(race_sessionmaker, town.here)
