"""What residents read about points that will lapse or be cut: pure."""

from datetime import datetime, timedelta

from app.core.calendar import in_zone
from app.core.database import Record
from app.ledger.models import AccountKind
from app.notifications.service import Notice
from app.wechat.message_fields import date_text

EXPIRY = "points_expiry"
DECAY = "points_decay"
_MINUTE = timedelta(minutes=1)


def expiry_notice(row: Record, timezone: str) -> Notice:
    """Tell of points that lapse; the last day is the one on which they can still be used."""
    first, last = (in_zone(timezone, moment - _MINUTE) for moment in (row.first_at, row.last_at))
    days = f"{_day(first)}到期"
    if first.date() != last.date():
        days = f"{_day(first)}至 {last.day} 日陆续到期"
    is_saved = row.kind == AccountKind.SAVINGS
    body = (
        f"您存在积分银行的 {row.points} 分将于 {days}，请尽快取出使用。"
        if is_saved
        else f"您有 {row.points} 分将于 {days}，请尽快使用。"
    )
    note = f"{row.points} 分{first.month}月{first.day}日到期"
    return _notice(row.person_id, EXPIRY, "积分即将到期", body, note, first)


def decay_notice(row: Record, timezone: str, *, percent: int) -> Notice:
    """Tell of points that are cut unless some are used before the day."""
    cut = in_zone(timezone, row.first_at)
    body = (
        f"您的积分已很久没有使用。如在 {_day(cut)}前仍不使用，"
        f"将减少 {percent}%，约 {row.points} 分；兑换或捐赠任意积分即可保留。"
    )
    note = f"{row.points} 分将因久未使用而减少"
    return _notice(row.person_id, DECAY, "积分即将减少", body, note, cut - _MINUTE)


def _notice(person_id: int, kind: str, title: str, body: str, note: str, until: datetime) -> Notice:
    # A WeChat message shows the beginning of a note only, so it is a short one.
    fields = {"title": title, "status": "待使用", "time": date_text(until), "note": note}
    return Notice(person_id, kind, title, body, None, None, fields)


def _day(local: datetime) -> str:
    return f"{local.year} 年 {local.month} 月 {local.day} 日"
