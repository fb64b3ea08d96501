"""The demo community: a past week, sound books, an activity that is open now."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.activities.models import Activity
from app.audit.models import AuditState
from app.audit.service import run_audit
from app.core.personal import Vault
from app.rules import service as rules
from app.setup import community, demo, demo_cases
from app.setup.demo import RESIDENTS, ensure_demo
from app.setup.presets import read_preset
from tests.support.book_rows import count
from tests.support.books import assert_books_balance
from tests.support.caller import sign_in
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]
AWARDS = """
    SELECT count(*), count(*) FILTER (WHERE EXISTS (
        SELECT FROM manual_postings AS posting
        WHERE posting.community_id = :community AND manual_posting_id = source_id
            AND posting.resident_id = contribution.resident_id AND posting.state = 'posted'
            AND CAST(posting.result ->> 'contribution_id' AS bigint) = contribution_id))
    FROM contributions AS contribution
    WHERE community_id = :community AND source_kind = 'committee'
"""


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


async def test_three_hazards_wait_for_the_demos_workers(
    sessionmaker: Sessions, http: httpx.AsyncClient, vault: Vault, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await ensure_demo(session, vault=vault, now=clock.now)

    resident, worker = await sign_in(http, "resident-1"), await sign_in(http, "worker-1")
    published = (await resident.get("/v1/cases")).json()["items"]
    handled = (await worker.get("/v1/staff/cases", chosen="mine")).json()["items"]
    near = await resident.get(
        "/v1/cases/nearby", category_code="public_facility", coordinate_system="wgs84",
        latitude=30.5921, longitude=114.3018,
    )  # fmt: skip

    assert [case["status_name"] for case in published] == ["待受理"] * 3
    assert all(case["description"] and case["place"] for case in published)
    assert {case["grid_name"] for case in handled} == {"第一网格"}
    assert [case["category_name"] for case in near.json()["items"]] == ["路灯不亮"]


async def test_every_award_of_the_past_week_was_posted_by_two_people(
    sessionmaker: Sessions, http: httpx.AsyncClient, vault: Vault, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        made = await ensure_demo(session, vault=vault, now=clock.now)

    async with sessionmaker() as session:
        awards = await session.execute(text(AWARDS), {"community": made.community_id})
        contributions, posted = awards.one()
    committee = await sign_in(http, "committee-2")
    newest = (await committee.get("/v1/staff/postings", state="posted")).json()["items"][0]

    assert contributions == posted > RESIDENTS
    assert newest["proposed_by"] != newest["decided_by"]
    assert newest["result"]["moved_points"] > 0
    audited = await run_audit(
        sessionmaker, made.community_id, clock=lambda: clock.now, anew=True,
        on_progress=lambda _: None,
    )  # fmt: skip
    assert audited.state == AuditState.CLEAN, audited.difference


async def test_helping_counts_more_just_now_and_somebody_reviews_and_audits(
    sessionmaker: Sessions, http: httpx.AsyncClient, vault: Vault, clock: Clock
) -> None:
    running = []
    for days in (0, 1, 20):
        clock.advance(days=days)
        async with sessionmaker.begin() as session:
            made = await ensure_demo(session, vault=vault, now=clock.now)
            bonuses = await rules.list_bonuses(session, made.community_id, at=clock.now)
        running.append(
            [(bonus.code, bonus.percent, "volunteer_hour" in bonus.rule_codes) for bonus in bonuses]
        )

    assert running == [
        [("helping_20261118", 150, True)],
        [("helping_20261118", 150, True)],
        [("helping_20261209", 150, True)],
    ]
    for ticket, role in (("reviewer-1", "reviewer"), ("auditor-1", "auditor")):
        staff = await sign_in(http, ticket)
        assert staff.tokens["membership"]["roles"] == [role]


async def test_the_demo_starts_again_when_its_committee_has_ended_the_campaign_of_the_day(
    sessionmaker: Sessions, http: httpx.AsyncClient, vault: Vault, clock: Clock
) -> None:
    async with sessionmaker.begin() as session:
        await ensure_demo(session, vault=vault, now=clock.now)
    clock.advance(minutes=5)
    committee = await sign_in(http, "committee-1")
    [campaign] = (await committee.get("/v1/campaigns")).json()["items"]
    ended = await committee.post(f"/v1/staff/campaigns/{campaign['campaign_id']}/end", {})
    assert ended.status_code == 200, ended.text
    clock.advance(minutes=1)

    async with sessionmaker.begin() as session:
        await ensure_demo(session, vault=vault, now=clock.now)
    assert (await committee.get("/v1/campaigns")).json()["items"] == []


async def test_a_demo_of_an_older_version_is_given_what_it_lacks_once(
    sessionmaker: Sessions,
    http: httpx.AsyncClient,
    vault: Vault,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(*_: object, **__: object) -> None:
        """Stand for what the older version did not know."""

    of_old = read_preset("sunshine")
    of_old.rules = [rule for rule in of_old.rules if not rule.code.startswith("hazard")]
    of_old.funds = []
    with monkeypatch.context() as old:
        old.setattr(demo, "read_preset", lambda _: of_old)
        old.setattr(demo, "_complete_demo", nothing)
        old.setattr(demo_cases, "add_hazards", nothing)
        old.setattr(community, "_add_cases", nothing)
        async with sessionmaker.begin() as session:
            await ensure_demo(session, vault=vault, now=clock.now)
    resident = await sign_in(http, "resident-1")
    assert (await resident.get("/v1/case-categories")).json()["items"] == []

    for _ in range(2):
        async with sessionmaker.begin() as session:
            await ensure_demo(session, vault=vault, now=clock.now)

    assert len((await resident.get("/v1/case-categories")).json()["items"]) == 7
    assert len((await resident.get("/v1/funds")).json()["items"]) == 1
    assert len((await resident.get("/v1/cases")).json()["items"]) == 3
    rules = [rule["code"] for rule in (await resident.get("/v1/rules")).json()["items"]]
    assert len(rules) == len(set(rules)) == len(read_preset("sunshine").rules)
