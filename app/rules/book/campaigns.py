"""Campaigns from a book's words to columns: days become moments of the community's clock."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core.calendar import day_in, in_zone
from app.rules.book.schemas import CampaignData
from app.rules.models import SHORTEST, Campaign


def campaign_columns(data: CampaignData, *, timezone: str, since: datetime) -> dict[str, Any]:
    """Return a campaign's columns; nothing begins before `since`. Raises ValueError without days.

    Should all its days be over by then, it stands for a moment and gives nothing.
    """
    if data.starts_on is None or data.ends_on is None:
        raise ValueError(f"campaign {data.code} has no days")
    hours = data.hours
    first, last = time(), time()
    if hours is not None and hours.until < hours.begins:
        # Its nights are those that begin on its days: the last is over in the morning after.
        first, last = hours.begins, hours.until
    starts_at = max(_moment(data.starts_on, first, timezone), since)
    ends_at = _moment(data.ends_on + timedelta(days=1), last, timezone)
    return {
        "code": data.code,
        "name": data.name,
        "rule_codes": data.rules,
        "categories": data.categories,
        "percent": data.percent,
        "bonus_points": data.bonus_points,
        "starts_at": starts_at,
        "ends_at": max(ends_at, starts_at + SHORTEST),
        "hours": None
        if hours is None
        else {"from": _minute(hours.begins), "until": _minute(hours.until)},
        "weekdays": data.weekdays,
        "audience": data.audience,
        "newcomer_days": data.newcomer_days,
        "per_person_points": data.per_person_points,
        "budget_points": data.budget_points,
    }


def midnight(day: date, timezone: str) -> datetime:
    """Return the moment at which a day begins there."""
    return _moment(day, time(), timezone)


def last_day(campaign: Campaign, timezone: str) -> date:
    """Return the last day of a campaign; a night over midnight is of the day it began on."""
    ends = in_zone(timezone, campaign.ends_at) - SHORTEST
    hours = campaign.hours
    if hours is not None and hours["until"] < hours["from"]:
        until = time.fromisoformat(hours["until"])
        ends -= timedelta(hours=until.hour, minutes=until.minute)
    return max(ends.date(), day_in(timezone, campaign.starts_at))


def _moment(day: date, at: time, timezone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(timezone)).astimezone(UTC)


def _minute(moment: time) -> str:
    return moment.isoformat(timespec="minutes")
