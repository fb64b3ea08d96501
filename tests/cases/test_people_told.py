"""Who is told what of a case: nobody who has left, and no neighbour more than neighbours see."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cases.jobs import escalate_cases
from tests.cases.filing import WHY, Watch, make_worker

Sessions = async_sessionmaker[AsyncSession]


async def move_worker_1_away(watch: Watch, sessionmaker: Sessions) -> None:
    """Let the first grid's worker work in the second grid from now on."""
    await watch.caller("worker-1")
    old, new = watch.here.places.grids[:2]
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE role_grants SET grid_id = :new WHERE grid_id = :old"),
            {"new": new, "old": old},
        )


async def test_who_no_longer_works_in_the_grid_is_told_no_more_and_the_committee_is(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file()
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    before = await watch.inbox("worker-1")
    await move_worker_1_away(watch, sessionmaker)
    assert (await watch.say(case_id, "not-fixed", WHY)).status_code == 200
    assert await watch.inbox("worker-1") == before
    assert "仍未解决" in (await watch.inbox("committee-1"))[0]["body"]


async def test_the_ladder_warns_who_works_in_the_grid_and_not_who_did(
    watch: Watch, sessionmaker: Sessions
) -> None:
    await watch.file()
    before = await watch.inbox("worker-1")
    await move_worker_1_away(watch, sessionmaker)
    await watch.caller("resident-6")
    await make_worker(sessionmaker, watch.here, "resident-6")
    watch.let_pass(hours=20)
    assert await escalate_cases(sessionmaker, now=watch.clock()) == 1
    assert await watch.inbox("worker-1") == before
    assert [message["kind"] for message in await watch.inbox("resident-6")] == ["case_overdue"]


async def test_a_reporter_who_has_left_is_written_to_no_more(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file()
    await watch.join(case_id, "resident-2")
    async with sessionmaker.begin() as session:
        await session.execute(
            text(
                "UPDATE residents SET person_id = NULL, state = 'left'"
                " WHERE resident_id = :resident_id"
            ),
            {"resident_id": int(watch.here.resident_id("resident-1"))},
        )
    await watch.do(case_id, "accept")
    async with sessionmaker() as session:
        found = await session.scalars(
            text("SELECT body FROM inbox_messages WHERE kind = 'case_progress'")
        )
        assert found.all() == ["您附议的“安全隐患”已受理，网格员正在处理。"]


async def test_joiners_read_that_a_report_was_withdrawn_and_their_points_with_it(
    watch: Watch,
) -> None:
    case_id = await watch.file()
    await watch.join(case_id, "resident-2")
    await watch.say(case_id, "withdraw")
    assert await watch.inbox("resident-1") == []
    (message,) = await watch.inbox("resident-2")
    assert message["body"] == "您附议的“安全隐患”已由上报人撤回，附议所得积分一并收回。"


async def test_a_message_tells_the_reporter_the_address_and_joiners_not(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file(address="3 号楼 302")
    await watch.join(case_id, "resident-2")
    await watch.caller("worker-1")
    async with sessionmaker.begin() as session:
        await session.execute(
            text(
                "INSERT INTO message_quotas (person_id, app_id, template_id, left_count,"
                " updated_at) SELECT DISTINCT person_id, app_id, 'any', 9, now() FROM identities"
            )
        )
        await session.execute(text("UPDATE identities SET provider = 'wechat'"))
    await watch.do(case_id, "accept")
    async with sessionmaker() as session:
        found = await session.scalars(text("SELECT fields ->> 'place' FROM wechat_messages"))
        assert sorted(found.all()) == ["3 号楼 302", "安全隐患"]
