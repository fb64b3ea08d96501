"""A transfer that was never posted, for what is computed of transfers alone."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

SHANGHAI = timezone(timedelta(hours=8))
COLUMNS: dict[str, Any] = {
    "community_id": 190668865536200001,
    "transfer_id": 190668865536200305,
    "posting_id": 190668865536200304,
    "kind": "award",
    "debit_account_id": 1,
    "credit_account_id": 190668865536200101,
    "points": 50,
    "source_kind": "manual",
    "source_id": 190668865536200303,
    "leg": 0,
    "memo": "义务劳动“楼道”\n\t\\ 😀",
    "rule_version_id": 190668865536200011,
    "reverses_transfer_id": None,
    "maker_id": 190668865536200201,
    "checker_id": 190668865536200202,
    "occurred_at": datetime(2026, 11, 18, 15, 0, tzinfo=SHANGHAI),
    "posted_at": datetime(2026, 11, 18, 7, 0, 1, 20, tzinfo=UTC),
    "salt": bytes(range(16)),
}


def transfer(**changes: Any) -> Any:
    """Return a made-up row of the book."""
    return SimpleNamespace(**(COLUMNS | changes))
