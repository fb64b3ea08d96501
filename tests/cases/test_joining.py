"""Cases nearby, offered before one reports another; and "me too" to them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.coordinates import Position, distance_meters, to_gcj02
from app.rules.models import Campaign
from tests.cases.filing import IN_FIRST, WHY, Watch, draw_grids, make_worker, read
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import let_check_pass

HERE = Position(31.210, 121.410)  # IN_FIRST
Sessions = async_sessionmaker[AsyncSession]
METER = 1 / 111_195  # of latitude, in degrees


def north(meters: float) -> dict[str, object]:
    return IN_FIRST | {"latitude": HERE.latitude + meters * METER}


@pytest.fixture
async def watch(watch: Watch) -> Watch:
    await draw_grids(watch.here)
    return watch


async def nearby(
    watch: Watch, category: str = "safety", *, by: str = "resident-2", at: Position = HERE
) -> list[dict[str, object]]:
    place = {"latitude": at.latitude, "longitude": at.longitude, "coordinate_system": "wgs84"}
    page = await read(await watch.caller(by), "/v1/cases/nearby", category_code=category, **place)
    items: list[dict[str, object]] = page["items"]
    return items


async def test_open_cases_within_the_categorys_radius_are_offered_nearest_first(
    watch: Watch,
) -> None:
    far = await watch.file(position=north(115))
    near = await watch.file(position=north(60))
    await watch.file(position=north(230))
    # 60 m north; cells are 0.001 degree, so the next begins 51 m further and the third at 162.
    found = await nearby(watch, at=Position(HERE.latitude + 60 * METER, 121.4105))
    assert [case["case_id"] for case in found] == [near, far]
    assert [case["distance_meters"] for case in found] == [0, 51]


async def test_the_distance_is_the_one_on_the_ground_to_the_edge_of_the_cell(watch: Watch) -> None:
    await watch.file(position=IN_FIRST | {"longitude": 121.4113})
    place, edge = Position(31.2105, 121.4105), Position(31.2105, 121.411)
    (found,) = await nearby(watch, at=place)
    assert found["distance_meters"] == round(distance_meters(place, edge)) == 48


async def test_asking_from_many_places_tells_no_more_than_the_cell(watch: Watch) -> None:
    """Two cases of one cell are near, and so far away, from everywhere alike."""
    cases = [await watch.file(position=north(meters)) for meters in (3, 108)]
    seen = set()
    for step in range(-10, 25):
        found = await nearby(watch, at=Position(HERE.latitude + 10 * step * METER, 121.4105))
        assert [case["case_id"] for case in found] in ([], cases[::-1])
        assert len({case["distance_meters"] for case in found}) <= 1
        seen.add(len(found))
    assert seen == {0, 2}


async def test_a_branch_finds_the_cases_of_its_children_by_its_own_radius(watch: Watch) -> None:
    child = await watch.file(category_code="traffic_safety", position=north(120))
    at = Position(HERE.latitude + 30 * METER, 121.4105)
    assert [case["case_id"] for case in await nearby(watch, "safety", at=at)] == [child]
    assert await nearby(watch, "traffic_safety", at=at) == []
    assert await nearby(watch, "quiet", at=at) == []


async def test_a_category_that_is_not_there_finds_none(watch: Watch) -> None:
    resident = await watch.caller("resident-1")
    answer = await resident.get(
        "/v1/cases/nearby", category_code="dragons", latitude=31, longitude=121
    )
    assert problem_code(answer) == "category_not_found"


async def test_what_is_over_is_not_offered(watch: Watch) -> None:
    solved, refused = [await watch.file(position=north(5)) for _ in range(2)]
    await watch.do(solved, "accept")
    await watch.resolve(solved)
    await watch.do(refused, "refuse", WHY)
    withdrawn = await watch.file(position=north(5))
    assert (await watch.say(withdrawn, "withdraw")).status_code == 200
    assert await nearby(watch) == []


async def test_the_five_nearest_are_shown_and_none_older_than_ninety_days(watch: Watch) -> None:
    far = await watch.file(position=north(-20))
    cases = [await watch.file(position=north(meters)) for meters in (5, 120, 7, 8, 9)]
    found = await nearby(watch, at=Position(HERE.latitude + 50 * METER, 121.4105))
    # The same cell first, the newest first in it; 50 m to the cell behind, 61 to the one ahead.
    assert [case["case_id"] for case in found] == [*[cases[n] for n in (4, 3, 2, 0)], far]
    watch.let_pass(days=90)
    assert await nearby(watch) == []


async def test_a_neighbour_sees_a_blurred_place_and_nothing_unchecked(watch: Watch) -> None:
    case_id = await watch.file(position=north(10))
    (found,) = await nearby(watch)
    assert (found["description"], found["photos"]) == (None, [])
    centre = to_gcj02(Position(31.2105, 121.4105))
    assert found["place"] == {
        "latitude": round(centre.latitude, 6), "longitude": round(centre.longitude, 6),
        "coordinate_system": "gcj02",
    }  # fmt: skip
    await let_check_pass(await watch.caller("worker-1"), case_id)
    (found,) = await nearby(watch)
    assert found["description"] == "楼道里堆满了纸箱"


async def test_another_community_s_cases_are_not_near(
    watch: Watch, elsewhere: Neighbourhood
) -> None:
    await watch.file(position=IN_FIRST)
    stranger = await elsewhere.caller("resident-1")
    page = await read(stranger, "/v1/cases/nearby", category_code="safety", **IN_FIRST)
    assert page["items"] == []


async def test_me_too_counts_once_and_pays_by_its_rule(watch: Watch) -> None:
    case_id = await watch.file()
    first = await watch.join(case_id, "resident-2")
    assert first.json() == {
        "case_id": case_id, "joined": 1, "is_new": True, "points_gained": 1,
    }  # fmt: skip
    again = await watch.join(case_id, "resident-2")
    assert again.json() == {
        "case_id": case_id, "joined": 1, "is_new": False, "points_gained": 0,
    }  # fmt: skip
    assert (await watch.join(case_id, "resident-3")).json()["joined"] == 2
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3)] == [3, 1, 1]


async def test_nobody_joins_their_own_report(watch: Watch) -> None:
    case_id = await watch.file()
    assert problem_code(await watch.join(case_id, "resident-1")) == "own_case_joined"
    assert await watch.points("resident-1") == 3


async def test_what_is_solved_can_no_longer_be_joined(watch: Watch) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    answer = await watch.join(case_id, "resident-2")
    assert problem_code(answer) == "case_moved_on"
    assert (answer.json()["state"], answer.json()["stands_at"]) == ("resolved", "已解决")


async def test_what_neighbours_do_not_see_cannot_be_joined(watch: Watch) -> None:
    withdrawn, fake = await watch.file(), await watch.file()
    await watch.say(withdrawn, "withdraw")
    await watch.do(fake, "judge-fake", WHY)
    for case_id in (withdrawn, fake, "1"):
        assert problem_code(await watch.join(case_id, "resident-2")) == "case_not_found"


async def test_who_joined_shares_when_it_is_solved(watch: Watch) -> None:
    case_id = await watch.file(category_code="street_lamp")
    assert (await watch.join(case_id, "resident-2")).json()["points_gained"] == 0
    assert (await watch.do(case_id, "accept"))["points_given"] == 5
    assert (await watch.resolve(case_id))["points_given"] == 6
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [10, 1]


async def test_a_worker_who_joined_earns_nothing_by_solving_it(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file(category_code="street_lamp")
    for name in ("resident-2", "resident-3"):
        await watch.join(case_id, name)
    await make_worker(sessionmaker, watch.here, "resident-2")
    await watch.do(case_id, "accept", by="resident-2")
    await watch.resolve(case_id, by="resident-2")
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3)] == [10, 0, 1]


async def test_joining_counts_on_the_day_one_joins(watch: Watch) -> None:
    cases = [await watch.file() for _ in range(4)]
    watch.let_pass(days=1)
    gained = [(await watch.join(case, "resident-2")).json()["points_gained"] for case in cases]
    assert gained == [1, 1, 1, 0]
    watch.let_pass(days=1)
    later = await watch.file()
    assert (await watch.join(later, "resident-2")).json()["points_gained"] == 1


async def test_who_joined_on_another_day_earns_in_the_week_of_that_day(watch: Watch) -> None:
    case_id = await watch.file(category_code="street_lamp")
    watch.let_pass(days=7)
    await watch.join(case_id, "resident-2")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    board = await read(await watch.caller("resident-2"), "/v1/boards/residents", period="week")
    assert [row["points"] for row in board["items"]] == [1]


async def test_who_joins_earns_by_the_rule_of_that_day(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file(category_code="street_lamp")
    await watch.join(case_id, "resident-2")
    watch.let_pass(days=1)
    await change_rule(sessionmaker, "hazard_joined", points=3, since=watch.clock.now)
    await change_rule(sessionmaker, "hazard_resolved", points=50, since=watch.clock.now)
    await watch.join(case_id, "resident-3")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3)] == [10, 1, 3]
    async with sessionmaker() as session:
        await assert_books_balance(session, watch.here.community_id)


async def test_a_campaign_that_began_after_the_report_adds_nothing_to_a_joining(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file()
    watch.let_pass(hours=1)
    async with sessionmaker.begin() as session:
        session.add(
            Campaign(
                community_id=watch.here.community_id, campaign_id=1, code="safe_month",
                name="平安月", rule_codes=["seen_too"], percent=300, bonus_points=0,
                starts_at=watch.clock.now, ends_at=watch.clock.now + timedelta(days=9),
            )
        )  # fmt: skip
    assert (await watch.join(case_id, "resident-2")).json()["points_gained"] == 1
    later = await watch.file()
    assert (await watch.join(later, "resident-2")).json()["points_gained"] == 3


async def change_rule(sessionmaker: Sessions, code: str, *, points: int, since: datetime) -> None:
    """Put a next version of a rule into force."""
    values = {"code": code, "points": points, "since": since}
    async with sessionmaker.begin() as session:
        await session.execute(
            text(
                "INSERT INTO rule_versions SELECT (jsonb_populate_record(old, jsonb_build_object("
                "'rule_version_id', old.rule_version_id + 500, 'version', 2,"
                " 'points', CAST(:points AS bigint),"
                " 'effective_from', CAST(:since AS timestamptz)))).*"
                " FROM rule_versions AS old JOIN rules USING (community_id, rule_id)"
                " WHERE code = :code AND version = 1"
            ),
            values,
        )
        await session.execute(
            text(
                "UPDATE rule_versions SET effective_until = :since FROM rules"
                " WHERE rules.community_id = rule_versions.community_id"
                " AND rules.rule_id = rule_versions.rule_id AND code = :code AND version = 1"
            ),
            {"code": code, "since": since},
        )


async def test_the_reporter_sees_how_many_joined_and_joiners_are_told_of_the_end(
    watch: Watch,
) -> None:
    case_id = await watch.file()
    await watch.join(case_id, "resident-2")
    assert (await watch.read(case_id))["joined"] == 1
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    messages = await watch.inbox("resident-2")
    assert [message["title"] for message in messages] == [
        "安全隐患：已解决", "安全隐患：处理中",
    ]  # fmt: skip
    assert messages[0]["body"].startswith("您附议的“安全隐患”已处理：已清理楼道")
