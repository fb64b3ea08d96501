"""Campaigns from a book's words to columns: days become moments of the community's clock."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.book.schemas import CampaignData


def campaign_columns(data: CampaignData, *, timezone: str, since: datetime) -> dict[str, Any]:
    """Return a campaign's columns; nothing begins before `since`. Raises ValueError without days.

    Should all its days be over by then, it stands for a moment and gives nothing.
    """
    if data.starts_on is None or data.ends_on is None:
        raise ValueError(f"campaign {data.code} has no days")
    starts_at = max(midnight(data.starts_on, timezone), since)
    ends_at = midnight(data.ends_on + timedelta(days=1), timezone)
    hours = data.hours
    return {
        "code": data.code,
        "name": data.name,
        "rule_codes": data.rules,
        "categories": data.categories,
        "percent": data.percent,
        "bonus_points": data.bonus_points,
        "starts_at": starts_at,
        "ends_at": max(ends_at, starts_at + timedelta(microseconds=1)),
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
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def _minute(moment: time) -> str:
    return moment.isoformat(timespec="minutes")
