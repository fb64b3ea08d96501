"""The smallest community that has a book: a rule, a policy, accounts."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.models import SystemAccount
from tests.ledger_model.accounts import Policy

RULE_ID = 5
FUND, SHOP = 9001, 9002
WALLETS = (2001, 2002, 2003, 2004)
SAVINGS = {3001: 2001, 3002: 2002, 3003: 2003}
FLOOR = -30
LONG_AGO = timedelta(days=400)
# (number, kind, owner) of what has lots, and so a balance row.
GUARDED = (
    *((number, "wallet", number) for number in WALLETS),
    *((number, "savings", owner) for number, owner in SAVINGS.items()),
    (FUND, "fund", FUND),
)
ACCOUNTS = (
    *GUARDED,
    *((account.value, account.name.lower(), account.value) for account in SystemAccount),
    (SHOP, "merchant", SHOP),
)

_OPEN = """
    WITH community AS (
        INSERT INTO communities (code, name, timezone, created_at)
        VALUES (:code, '阳光社区', 'Asia/Shanghai', :opened_at) RETURNING community_id),
    rule AS (
        INSERT INTO rules (community_id, rule_id, code)
        SELECT community_id, :rule_id, 'help' FROM community),
    version AS (
        INSERT INTO rule_versions (community_id, rule_version_id, rule_id, version, name,
            category, direction, unit, points, max_units, caps, expiry, effective_from)
        SELECT community_id, :rule_id, :rule_id, 1, '邻里互助', 'help', 'earn', 'time', 1, 100,
            '[]', '{}', :opened_at
        FROM community),
    policy AS (
        INSERT INTO point_policies (community_id, version, expiry, expiry_since, decay,
            decay_since, lowest_points, notice_days, published_at)
        SELECT community_id, 1, CAST(:expiry AS jsonb), :lapse_since, CAST(:decay AS jsonb),
            :decay_since, :floor, '[30]', :opened_at
        FROM community),
    account AS (
        INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
        SELECT community_id, account_id, kind, owner_id, :opened_at
        FROM community, json_to_recordset(CAST(:accounts AS json)) AS row(
            account_id bigint, kind text, owner_id bigint)
        RETURNING community_id, account_id, kind),
    balance AS (
        INSERT INTO balances (community_id, account_id, floor)
        SELECT community_id, account_id, CASE kind WHEN 'wallet' THEN :floor ELSE 0 END
        FROM account WHERE kind IN ('wallet', 'savings', 'fund'))
    SELECT community_id FROM community
"""
_NAMES = ("account_id", "kind", "owner_id")


def expiry_of(months: int | None) -> dict[str, Any]:
    """Return an expiry as rules and policies state it; None is for ever."""
    return {"kind": "never"} if months is None else {"kind": "months", "months": months}


async def open_community(session: AsyncSession, code: str, policy: Policy, *, now: datetime) -> int:
    """Open a community with its policy, four wallets, three savings, a fund and a shop."""
    decay = None
    if policy.decay_months is not None:
        decay = json.dumps({"months": policy.decay_months, "percent": policy.decay_percent})
    values = {
        "code": code,
        "rule_id": RULE_ID,
        "opened_at": now - LONG_AGO,
        "expiry": json.dumps(expiry_of(policy.lapse_months)),
        "lapse_since": policy.lapse_since,
        "decay": decay,
        "decay_since": policy.decay_since,
        "floor": FLOOR,
        "accounts": json.dumps([dict(zip(_NAMES, row, strict=True)) for row in ACCOUNTS]),
    }
    community_id: int = (await session.execute(text(_OPEN), values)).scalar_one()
    return community_id
