"""Gathering the home page."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import service as activities
from app.activities.check_ins import has_checked_in_today
from app.community import service as community
from app.core.access import Actor
from app.core.calendar import Period
from app.core.personal import Vault
from app.home.schemas import Home, HomeGreeting
from app.ledger import service as ledger
from app.rewards import service as rewards
from app.standings import service as standings

SHOWN = 5
LOOKED_AT = 50


async def get_home(session: AsyncSession, actor: Actor, *, vault: Vault, now: datetime) -> Home:
    """Return the calling resident's home page."""
    me = await community.get_me(session, actor, vault=vault)
    balance = await ledger.get_balance(session, actor.community, actor.resident, now=now)
    month, all_time = (
        standings.board_key(actor.community, me.timezone, period, now)
        for period in (Period.MONTH, Period.ALL)
    )
    offers = await rewards.list_open_to_me(session, actor, size=LOOKED_AT)
    affordable = [row for row in offers if row.price_points <= balance.available_points]
    coming = await activities.list_activities(session, actor, cursor=None, size=SHOWN, now=now)
    return Home(
        me=HomeGreeting(
            resident_id=me.resident_id,
            display_name=me.display_name,
            building_name=me.building_name,
            community_name=me.community_name,
        ),
        balance=balance,
        month=await standings.get_place(session, month, actor.resident),
        all_time=await standings.get_place(session, all_time, actor.resident),
        has_checked_in_today=await has_checked_in_today(
            session, actor, timezone=me.timezone, now=now
        ),
        can_redeem=affordable[::-1][:SHOWN],
        next_reward=next((row for row in offers if row not in affordable), None),
        activities=coming.items,
        now=now,
    )
