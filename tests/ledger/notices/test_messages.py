"""What a notice says, also in the fields of a WeChat message."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from app.ledger.notices.messages import decay_notice, expiry_notice
from app.notifications.service import Notice
from app.wechat.message_fields import format_fields

SHANGHAI = "Asia/Shanghai"
NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """What the database says of somebody's points."""

    points: int
    first_at: datetime = NEW_YEAR
    last_at: datetime = NEW_YEAR
    kind: str = "wallet"
    person_id: int = 7


def in_wechat(notice: Notice) -> dict[str, str]:
    """Return the fields as WeChat shows them."""
    names = {"thing1": "title", "phrase2": "status", "time3": "time", "thing4": "note"}
    return format_fields({field: notice.fields[name] for field, name in names.items()})


def test_the_last_day_is_the_one_on_which_the_points_can_still_be_used() -> None:
    notice = expiry_notice(cast("Any", Row(35)), SHANGHAI)
    assert notice.body == "您有 35 分将于 2026 年 12 月 31 日到期，请尽快使用。"
    assert in_wechat(notice) == {
        "thing1": "积分即将到期",
        "phrase2": "待使用",
        "time3": "2026年12月31日 23:59",
        "thing4": "35 分12月31日到期",
    }


def test_points_that_lapse_on_several_days_are_told_of_with_both_ends() -> None:
    row = Row(35, first_at=datetime(2026, 12, 5, 16, tzinfo=UTC))
    notice = expiry_notice(cast("Any", row), SHANGHAI)
    assert notice.body == "您有 35 分将于 2026 年 12 月 5 日至 31 日陆续到期，请尽快使用。"


def test_a_cut_is_told_of_with_the_day_before_which_to_use_something() -> None:
    row = Row(17, first_at=datetime(2026, 12, 22, 3, tzinfo=UTC))
    notice = decay_notice(cast("Any", row), SHANGHAI, percent=33)
    assert notice.body == (
        "您的积分已很久没有使用。如在 2026 年 12 月 22 日前仍不使用，"
        "将减少 33%，约 17 分；兑换或捐赠任意积分即可保留。"
    )
    assert in_wechat(notice)["thing4"] == "17 分将因久未使用而减少"


def test_a_million_points_still_fit_a_wechat_message() -> None:
    notice = expiry_notice(cast("Any", Row(1_000_000)), SHANGHAI)
    assert in_wechat(notice)["thing4"] == "1000000 分12月31日到期"
