"""A case that repeats another is joined to it; photos that look alike are flagged."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cases.jobs import compare_photos
from tests.cases.filing import WHY, Watch, make_worker
from tests.support.books import assert_books_balance
from tests.support.caller import problem_code
from tests.support.photos import jpeg, nearly, send_photo

Sessions = async_sessionmaker[AsyncSession]


async def test_reporter_and_joiners_of_a_duplicate_join_the_first_case(
    watch: Watch, sessionmaker: Sessions
) -> None:
    first = await watch.file("resident-1")
    again = await watch.file("resident-2")
    await watch.join(again, "resident-3")
    await watch.join(again, "resident-1")
    await watch.join(first, "resident-3")
    moved = await watch.do(again, "mark-duplicate", {"of_case_id": first})
    assert (moved["state"], moved["points_taken"]) == ("duplicate", 5)
    # resident-1 reported the first one and does not join it; resident-3 had joined already.
    found = await watch.look(first)
    assert found["joined"] == 2
    assert (await watch.look(again))["duplicate_of"] == first
    assert (await watch.read(again, "resident-2"))["points_granted"] == 0
    async with sessionmaker() as session:
        await assert_books_balance(session, watch.here.community_id)


async def test_who_was_joined_to_a_case_shares_its_solution(watch: Watch) -> None:
    first = await watch.file("resident-1", category_code="street_lamp")
    again = await watch.file("resident-2", category_code="street_lamp")
    await watch.do(again, "mark-duplicate", {"of_case_id": first})
    await watch.do(first, "accept")
    await watch.resolve(first)
    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [10, 1]


async def test_who_joined_a_duplicate_keeps_what_joining_is_worth(
    watch: Watch, sessionmaker: Sessions
) -> None:
    first, again = await watch.file("resident-1"), await watch.file("resident-2")
    await watch.join(again, "resident-3")
    await watch.join(first, "resident-4")
    await watch.join(again, "resident-4")
    moved = await watch.do(again, "mark-duplicate", {"of_case_id": first})
    assert (moved["points_taken"], moved["points_given"]) == (5, 2)
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3, 4)] == [3, 1, 1, 1]
    async with sessionmaker() as session:
        await assert_books_balance(session, watch.here.community_id)


async def test_a_chain_of_duplicates_judged_fake_leaves_nobody_paid(watch: Watch) -> None:
    first, second, third = [await watch.file(f"resident-{number}") for number in (1, 2, 3)]
    await watch.do(first, "mark-duplicate", {"of_case_id": second})
    await watch.do(second, "mark-duplicate", {"of_case_id": third})
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3)] == [1, 1, 3]
    await watch.do(third, "judge-fake", WHY)
    assert [await watch.points(f"resident-{number}") for number in (1, 2, 3)] == [0, 0, 0]


async def test_a_worker_makes_no_neighbours_report_a_repetition_of_their_own(
    watch: Watch, sessionmaker: Sessions
) -> None:
    earlier, own = await watch.file("resident-2"), await watch.file("resident-1")
    await make_worker(sessionmaker, watch.here, "resident-1")
    answer = await watch.act(earlier, "mark-duplicate", {"of_case_id": own}, by="resident-1")
    assert problem_code(answer) == "own_case"
    assert await watch.points("resident-2") == 3


async def test_the_reporter_and_joiners_of_a_duplicate_are_told_where_it_goes_on(
    watch: Watch,
) -> None:
    first, again = await watch.file("resident-1"), await watch.file("resident-2")
    await watch.join(again, "resident-3")
    await watch.do(again, "mark-duplicate", {"of_case_id": first})
    for name in ("resident-2", "resident-3"):
        (message,) = await watch.inbox(name)
        assert "已并入该事件" in message["body"]
        # The message leads to the case where it goes on, which both can see.
        assert message["subject_id"] == first
        there = await (await watch.caller(name)).get(f"/v1/cases/{first}")
        assert there.status_code == 200, there.text


async def test_a_case_repeats_no_closed_case_nor_itself_nor_one_unknown(watch: Watch) -> None:
    case_id, closed = await watch.file(), await watch.file()
    elsewhere = await watch.file(building_id=str(watch.here.places.buildings[2]))
    await watch.do(closed, "refuse", WHY)
    before = await watch.look(case_id)
    for other, code in (
        (case_id, "duplicate_of_itself"),
        (closed, "duplicate_of_itself"),
        (elsewhere, "case_not_found"),
        ("1", "case_not_found"),
    ):
        answer = await watch.act(case_id, "mark-duplicate", {"of_case_id": other})
        assert problem_code(answer) == code
    assert await watch.look(case_id) == before
    await watch.do(case_id, "mark-duplicate", {"of_case_id": elsewhere}, by="committee-1")


async def test_a_chain_of_duplicates_ends_at_an_open_case(watch: Watch) -> None:
    first, second, third = [await watch.file(f"resident-{number}") for number in (1, 2, 3)]
    await watch.do(second, "mark-duplicate", {"of_case_id": third})
    refused = await watch.act(first, "mark-duplicate", {"of_case_id": second})
    assert problem_code(refused) == "duplicate_of_itself"
    await watch.do(third, "mark-duplicate", {"of_case_id": first})
    assert (await watch.look(first))["joined"] == 2


async def compare(watch: Watch, sessionmaker: Sessions, case_id: str) -> int:
    community_id = watch.here.community_id
    return await compare_photos(sessionmaker, community_id, int(case_id), now=watch.clock())


async def test_a_photo_that_looks_like_an_earlier_one_is_flagged_for_staff(
    watch: Watch, sessionmaker: Sessions
) -> None:
    picture = jpeg(1_000_001)
    earlier = await send_photo(await watch.agreed("resident-1"), picture)
    first = await watch.file(photo_ids=[earlier])
    later = await send_photo(await watch.agreed("resident-2"), nearly(picture))
    other = await send_photo(await watch.agreed("resident-2"))
    second = await watch.file("resident-2", photo_ids=[later, other])
    assert await compare(watch, sessionmaker, second) == 1
    (flag,) = (await watch.look(second))["flags"]
    assert (flag["photo_id"], flag["other_photo_id"], flag["other_case_id"]) == (
        later, earlier, first,
    )  # fmt: skip
    assert flag["distance"] <= 6
    assert "flags" not in await watch.read(second, "resident-2")


async def test_comparing_again_flags_nothing_twice_and_a_case_is_not_its_own_twin(
    watch: Watch, sessionmaker: Sessions
) -> None:
    picture = jpeg(1_000_002)
    resident = await watch.agreed("resident-1")
    pair = [await send_photo(resident, picture), await send_photo(resident, nearly(picture))]
    case_id = await watch.file(photo_ids=pair)
    assert await compare(watch, sessionmaker, case_id) == 0
    repeated = await send_photo(await watch.agreed("resident-2"), picture)
    second = await watch.file("resident-2", photo_ids=[repeated])
    for _ in range(2):
        await compare(watch, sessionmaker, second)
    assert len((await watch.look(second))["flags"]) == 2


async def test_staff_with_two_grids_join_cases_across_them(
    watch: Watch, sessionmaker: Sessions
) -> None:
    await make_worker(sessionmaker, watch.here, "worker-1", grid=1)
    first = await watch.file("resident-1")
    second = await watch.file("resident-3", building_id=str(watch.here.places.buildings[2]))
    moved = await watch.do(second, "mark-duplicate", {"of_case_id": first})
    assert moved["state"] == "duplicate"
