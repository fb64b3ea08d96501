"""The demo community: a past week, sound books, an activity that is open now."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.activities.models import Activity
from app.core.personal import Vault
from app.setup.demo import RESIDENTS, ensure_demo
from tests.support.book_rows import count
from tests.support.books import assert_books_balance
from tests.support.caller import sign_in
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]


async def test_the_demo_has_lived_a_week_and_its_books_balance(
    sessionmaker: Sessions, vault: Vault, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        demo = await ensure_demo(session, vault=vault, now=clock.now)

    async with sessionmaker() as session:
        assert await count(session, "residents", community_id=demo.community_id) == RESIDENTS
        assert await count(session, "transfers", community_id=demo.community_id) > RESIDENTS
        await assert_books_balance(session, demo.community_id)


async def test_everybody_of_the_demo_finds_something_to_do(
    sessionmaker: Sessions, http: httpx.AsyncClient, vault: Vault, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await ensure_demo(session, vault=vault, now=clock.now)

    resident = await sign_in(http, "resident-1")
    home = (await resident.get("/v1/me/home")).json()
    board = (await resident.get("/v1/boards/residents", period="all")).json()
    worker, clerk = await sign_in(http, "worker-1"), await sign_in(http, "clerk-1")
    activity_id = home["activities"][0]["activity_id"]
    code = (await worker.get(f"/v1/staff/activities/{activity_id}/code")).json()["token"]

    assert len(board["items"]) == 20
    assert (await resident.post("/v1/me/check-ins", {"code": code})).status_code == 201
    assert len((await clerk.get("/v1/merchant/shops")).json()["items"]) == 1


async def test_the_demo_is_created_once_and_keeps_its_open_activity(
    sessionmaker: Sessions, vault: Vault, clock: Clock
) -> None:
    demos = []
    for _ in range(2):
        async with sessionmaker.begin() as session:
            demos.append(await ensure_demo(session, vault=vault, now=clock.now))
        clock.advance(hours=1)
    assert demos[0].community_id == demos[1].community_id
    assert demos[0].activity.activity_id == demos[1].activity.activity_id


@pytest.mark.parametrize("hours", [12, 200])
async def test_the_demo_started_again_later_opens_another_activity(
    sessionmaker: Sessions, vault: Vault, clock: Clock, hours: int
) -> None:
    async with sessionmaker.begin() as session:
        first = await ensure_demo(session, vault=vault, now=clock.now)
    clock.advance(hours=hours)
    async with sessionmaker.begin() as session:
        second = await ensure_demo(session, vault=vault, now=clock.now)

    activity: Activity = second.activity
    assert activity.activity_id != first.activity.activity_id
    assert activity.check_in_opens_at <= clock.now < activity.check_in_closes_at
    assert activity.check_in_closes_at - clock.now > timedelta(hours=11)
