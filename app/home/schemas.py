"""The home page."""

from datetime import datetime

from pydantic import BaseModel

from app.activities.schemas import ActivityRead
from app.core.ids import Id
from app.ledger.schemas import BalanceRead
from app.rewards.schemas import RewardRead
from app.standings.schemas import Place


class HomeGreeting(BaseModel):
    """Who I am, in my own words."""

    resident_id: Id
    display_name: str
    building_name: str
    community_name: str


class Home(BaseModel):
    """My points, my rank and what I can redeem now.

    `next_reward` is the cheapest that I cannot afford yet.
    """

    me: HomeGreeting
    balance: BalanceRead
    month: Place
    all_time: Place
    has_checked_in_today: bool
    can_redeem: list[RewardRead]
    next_reward: RewardRead | None
    activities: list[ActivityRead]
    now: datetime
