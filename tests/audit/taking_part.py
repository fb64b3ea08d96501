"""What else people do in those two months: they claim and review, and lists are posted."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.contributions.lists.jobs import post_award_lists
from app.core.ids import new_id
from app.rules.models import Campaign
from tests.contributions.claims.desk import LONG_AGO, ClaimDesk, add_claimable_rules
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

Sessions = async_sessionmaker[AsyncSession]
LISTS = "/v1/staff/award-lists"


async def take_part(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    """Leave two claims awarded, one of them with a campaign's last points, and a list posted."""
    await add_claimable_rules(sessions, here.community_id, since=clock.now - LONG_AGO)
    await _open_campaign(here, sessions, clock)
    desk = ClaimDesk(here, sessions)
    swept = await desk.claimed("resident-1", "swept_stairs")
    await desk.approve(swept, "reviewer-1")
    swept = await desk.claimed("resident-6", "swept_stairs")
    await desk.approve(swept, "reviewer-1")
    settled = await desk.claimed("resident-1", "settled_quarrel")
    await desk.approve(settled, "reviewer-1", "committee-1")
    await _post_list(here, sessions, clock)


async def _open_campaign(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    """Double what stairs swept earn, until 12 points are given."""
    async with sessions.begin() as session:
        session.add(
            Campaign(
                community_id=here.community_id,
                campaign_id=new_id(clock.now),
                code="tidy_month",
                name="整洁月",
                rule_codes=["swept_stairs"],
                percent=200,
                bonus_points=0,
                budget_points=12,
                starts_at=clock.now - timedelta(days=1),
                ends_at=clock.now + timedelta(days=1),
            )
        )


async def _post_list(here: Neighbourhood, sessions: Sessions, clock: Clock) -> None:
    day = (clock.now - timedelta(days=1)).date().isoformat()
    rows = "\n".join(
        f"{here.resident_id(name)},council_meeting,{day},参加议事会"
        for name in ("resident-1", "resident-6")
    )
    proposer = await here.caller("committee-1")
    form = {"title": "十一月议事会"}
    file = {"file": ("名单.csv", f"居民编号,规则,日期,事由\n{rows}\n".encode())}
    answer = await here.http.post(LISTS, data=form, files=file, headers=proposer.headers())
    assert answer.status_code == 201, answer.text
    checker = await here.caller("committee-2")
    path = f"{LISTS}/{answer.json()['award_list_id']}/approval"
    approved = await checker.post_once(path, {})
    assert approved.status_code == 200, approved.text
    await post_award_lists(sessions, now=clock.now)
    async with sessions() as session:
        posted = await session.scalar(text("SELECT count(contribution_id) FROM award_list_rows"))
        assert posted == 2
