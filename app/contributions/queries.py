"""SQL of contributions, first of all the award statement."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.contributions.limits import queries as limits
from app.contributions.posting import AwardItem, JudgedAt, Locked, Recorded, Usage, UsageKey
from app.core.calendar import Period
from app.core.database import Record
from app.ledger import queries as ledger
from app.standings import queries as standings

Rows = list[dict[str, Any]]

# Read after the balance rows are locked, so that its snapshot holds what earlier lock holders
# committed: what is recorded already, caps used, and which rule versions stand at the act.
# LIMIT as in ledger.queries: it tells the planner how many rows come.
_READ_UNDER_LOCK = text("""
    SELECT
        (SELECT json_agg(json_build_array(there.source_kind, there.source_id::text,
                there.resident_id::text, there.occasion, contribution_id::text, granted_points))
            FROM (SELECT * FROM json_to_recordset(CAST(:items AS json)) AS row(
                    source_kind text, source_id bigint, resident_id bigint, occasion text)
                LIMIT json_array_length(CAST(:items AS json))) AS item
            JOIN contributions AS there ON there.community_id = :community_id
                AND there.source_kind = item.source_kind AND there.source_id = item.source_id
                AND there.resident_id = item.resident_id AND there.occasion = item.occasion
        ) AS recorded,
        (SELECT json_agg(json_build_array(there.rule_id::text, there.resident_id::text,
                there.period, there.starts_on, used_points, used_times))
            FROM (SELECT * FROM json_to_recordset(CAST(:usage AS json)) AS row(
                    rule_id bigint, resident_id bigint, period text, starts_on date)
                LIMIT json_array_length(CAST(:usage AS json))) AS usage
            JOIN cap_usage AS there ON there.community_id = :community_id
                AND there.rule_id = usage.rule_id AND there.resident_id = usage.resident_id
                AND there.period = usage.period AND there.starts_on = usage.starts_on
        ) AS usage,
        (SELECT json_agg(number)
            FROM (SELECT * FROM json_to_recordset(CAST(:versions AS json)) AS row(
                    number bigint, rule_version_id bigint, acted_at timestamptz,
                    policy_version bigint)
                LIMIT json_array_length(CAST(:versions AS json))) AS version
            JOIN rule_versions AS there ON there.community_id = :community_id
                AND there.rule_version_id = version.rule_version_id
                AND effective_from <= acted_at
                AND (effective_until IS NULL OR effective_until > acted_at)
                AND (policy_version IS NULL OR policy_version = (SELECT max(version)
                    FROM point_policies WHERE community_id = :community_id))
        ) AS versions
""")

INSERT_CONTRIBUTIONS = """
    INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
        occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
        reason, recorded_by, checked_by, acted_at, is_spaced, longitude, latitude, created_at)
    SELECT :community_id, contribution_id, source_kind, source_id, resident_id, occasion, rule_id,
        rule_version_id, state, units, asked_points, granted_points, breakdown, reason,
        recorded_by, checked_by, acted_at, coalesce(is_spaced, false), longitude, latitude, :now
    FROM json_to_recordset(CAST(:contributions AS json)) AS row(
        contribution_id bigint, source_kind text, source_id bigint, resident_id bigint,
        occasion text, rule_id bigint, rule_version_id bigint, state text, units bigint,
        asked_points bigint, granted_points bigint, breakdown jsonb, reason text,
        recorded_by bigint, checked_by bigint, acted_at timestamptz, is_spaced boolean,
        longitude double precision, latitude double precision)
"""

_ADD_USAGE = """
    INSERT INTO cap_usage (community_id, rule_id, resident_id, period, starts_on,
        used_points, used_times)
    SELECT :community_id, rule_id, resident_id, period, starts_on, used_points, used_times
    FROM json_to_recordset(CAST(:usage AS json)) AS row(
        rule_id bigint, resident_id bigint, period text, starts_on date,
        used_points bigint, used_times bigint)
    ON CONFLICT (community_id, rule_id, resident_id, period, starts_on) DO UPDATE
        SET used_points = cap_usage.used_points + excluded.used_points,
            used_times = cap_usage.used_times + excluded.used_times
"""

_LIST_AWARDED_RESIDENTS = """
    SELECT DISTINCT resident_id FROM contributions
    WHERE community_id = :community_id AND source_kind = :source_kind AND source_id = :source_id
        AND granted_points > 0
"""

# What has not been undone yet of contributions, as positive points.
_STANDING = """
    SELECT contribution_id, resident_id, rule_version_id, granted_points, acted_at,
        breakdown ->> 'name' AS name, abs(granted_points) - undone.points AS left_points
    FROM contributions CROSS JOIN LATERAL (
        SELECT coalesce(sum(asked_points), 0)::bigint AS points
        FROM contribution_reversals AS reversal
        WHERE reversal.community_id = contributions.community_id
            AND reversal.contribution_id = contributions.contribution_id) AS undone
    WHERE contributions.community_id = :community_id
        AND abs(granted_points) > undone.points
"""

_LIST_STANDING_AWARDS = f"""
    {_STANDING} AND granted_points > 0
        AND source_kind = :source_kind AND source_id = :source_id
    ORDER BY contribution_id
"""

# What was asked back of an award, and was not there to take.
_GET_OUTSTANDING = """
    SELECT coalesce(sum(reversal.asked_points - taken_points), 0)::bigint AS points,
        act.rule_version_id, act.granted_points
    FROM contributions AS act LEFT JOIN contribution_reversals AS reversal
        ON reversal.community_id = :community_id
        AND reversal.contribution_id = act.contribution_id
    WHERE act.community_id = :community_id AND act.contribution_id = :contribution_id
    GROUP BY act.rule_version_id, act.granted_points
"""

_GET_STANDING = f"{_STANDING} AND contribution_id = :contribution_id"

_INSERT_REVERSALS = """
    INSERT INTO contribution_reversals (community_id, contribution_id, reversal_id, asked_points,
        taken_points, reason, reversed_by, frees_caps, created_at)
    SELECT :community_id, contribution_id, reversal_id, asked_points, taken_points, reason,
        reversed_by, frees_caps, :now
    FROM json_to_recordset(CAST(:reversals AS json)) AS row(
        contribution_id bigint, reversal_id bigint, asked_points bigint, taken_points bigint,
        reason text, reversed_by bigint, frees_caps boolean)
"""


def _post_awards(also: str) -> str:
    """Return the award statement: everything an award writes, for many items of a community."""
    return f"""
    WITH contribution AS ({INSERT_CONTRIBUTIONS}),
    cap AS ({_ADD_USAGE}),
    {also}
    transfer AS ({ledger.INSERT_TRANSFERS}),
    seal AS ({ledger.QUEUE_SEALS}),
    lot AS ({ledger.INSERT_LOTS}),
    {standings.ADD_SCORES},
    balance AS ({ledger.ADD_TO_BALANCES})
    SELECT account_id, posted FROM balance
"""  # noqa: S608 - fragments of our own rooms


POST_AWARDS = _post_awards("")
# Parsed once: each is longer than many a module. The second is for campaigns with limits that
# have given something.
_POST_AWARDS = text(POST_AWARDS)
_POST_LIMITED_AWARDS = text(_post_awards(f"campaign AS ({limits.ADD_CAMPAIGN_USAGE}),"))


@dataclass(frozen=True, slots=True)
class AwardRows:
    """What the award statement writes, as rows per table."""

    contributions: Rows
    usage: Rows
    transfers: Rows
    lots: Rows
    scores: Rows
    balances: Rows
    campaigns: Rows


def _usage_rows(keys: Iterable[UsageKey]) -> Rows:
    names = ("rule_id", "resident_id", "period", "starts_on")
    return [dict(zip(names, (*key[:3], key[3].isoformat()), strict=True)) for key in keys]


async def read_under_lock(
    session: AsyncSession, community_id: int, items: Sequence[AwardItem], debts: dict[int, int]
) -> Locked:
    """Return what decisions need; `debts` tells that the balance rows are locked."""
    keys = [dict(zip(("source_kind", "source_id", "resident_id", "occasion"), item.natural_key,
        strict=True)) for item in items]  # fmt: skip
    usage = _usage_rows({key for item in items for key in item.usage_keys()})
    judged = list({item.judged_at for item in items})
    versions = [
        {
            "number": number,
            "rule_version_id": version,
            "acted_at": acted_at.isoformat(),
            "policy_version": policy,
        }
        for number, (version, acted_at, policy) in enumerate(judged)
    ]
    values = {
        "community_id": community_id,
        "items": json.dumps(keys),
        "usage": json.dumps(usage),
        "versions": json.dumps(versions),
    }
    row = (await session.execute(_READ_UNDER_LOCK, values)).one()
    locked = _locked(row, debts, {judged[number] for number in row.versions or []})
    # Most rules ask for no interval, most campaigns have no limit: then nothing more is asked.
    if any(item.terms.min_interval is not None for item in items):
        locked.spaced = await limits.read_spaced(session, community_id, items)
    # A budget is locked only for those who may get something: nobody waits for it in vain.
    ours = [item for item in items if item.resident_id in debts]
    if any(item.campaign_keys() for item in ours):
        locked.campaigns = await limits.read_campaigns(session, community_id, ours)
    return locked


def _locked(row: Record, debts: dict[int, int], in_force: set[JudgedAt]) -> Locked:
    recorded = {
        (kind, int(source), int(resident), occasion): Recorded(int(contribution), granted)
        for kind, source, resident, occasion, contribution, granted in row.recorded or []
    }
    usage = {
        (int(rule), int(resident), Period(period), datetime.fromisoformat(start).date()): Usage(
            points, times
        )
        for rule, resident, period, start, points, times in row.usage or []
    }
    return Locked(debts, recorded, usage, in_force)


async def post_awards(
    session: AsyncSession, community_id: int, rows: AwardRows, *, now: datetime
) -> dict[int, int]:
    """Write a batch of awards in one statement; return each account's new posted balance."""
    values = {
        "community_id": community_id,
        "now": now,
        "contributions": json.dumps(rows.contributions),
        "usage": json.dumps(rows.usage),
        "transfers": json.dumps(rows.transfers),
        "lots": json.dumps(rows.lots),
        "scores": json.dumps(rows.scores),
        "balances": json.dumps(rows.balances),
    }
    statement = _POST_AWARDS
    if rows.campaigns:
        statement = _POST_LIMITED_AWARDS
        values["campaigns"] = json.dumps(rows.campaigns)
    posted = (await session.execute(statement, values)).all()
    return {row.account_id: row.posted for row in posted}


def usage_rows(used: Mapping[UsageKey, Usage]) -> Rows:
    """Return cap usage as rows of the award statement, in key order."""
    rows = _usage_rows(sorted(used))
    for row, key in zip(rows, sorted(used), strict=True):
        row |= {"used_points": used[key].points, "used_times": used[key].times}
    return rows


async def insert_contribution(
    session: AsyncSession, community_id: int, row: dict[str, Any], *, now: datetime
) -> None:
    """Insert one contribution whose points move by another statement (a deduction)."""
    values = {"community_id": community_id, "now": now, "contributions": json.dumps([row])}
    await session.execute(text(INSERT_CONTRIBUTIONS), values)


_IS_RECORDED_FOR_RULE = text("""
    SELECT EXISTS (
        SELECT FROM contributions
        WHERE community_id = :community_id AND source_kind = :source_kind
            AND source_id = (SELECT rule_id FROM rules
                WHERE rules.community_id = :community_id AND code = :rule_code)
            AND resident_id = :resident_id AND occasion = :occasion)
""")


async def is_recorded_for_rule(
    session: AsyncSession,
    community_id: int,
    *,
    rule_code: str,
    source_kind: str,
    resident_id: int,
    occasion: str,
) -> bool:
    """Tell whether an act whose source is the rule itself is recorded."""
    values = {
        "community_id": community_id, "rule_code": rule_code, "source_kind": source_kind,
        "resident_id": resident_id, "occasion": occasion,
    }  # fmt: skip
    return bool(await session.scalar(_IS_RECORDED_FOR_RULE, values))


async def list_awarded_residents(
    session: AsyncSession, community_id: int, source_kind: str, source_id: int
) -> list[int]:
    """Return whom a source has given points."""
    values = {"community_id": community_id, "source_kind": source_kind, "source_id": source_id}
    return list((await session.scalars(text(_LIST_AWARDED_RESIDENTS), values)).all())


async def list_standing_awards(
    session: AsyncSession, community_id: int, source_kind: str, source_id: int
) -> Sequence[Record]:
    """Return a source's awards that have not been taken back whole."""
    values = {"community_id": community_id, "source_kind": source_kind, "source_id": source_id}
    return (await session.execute(text(_LIST_STANDING_AWARDS), values)).all()


async def get_standing(
    session: AsyncSession, community_id: int, contribution_id: int
) -> Record | None:
    """Return a contribution of which something has not been undone yet."""
    values = {"community_id": community_id, "contribution_id": contribution_id}
    return (await session.execute(text(_GET_STANDING), values)).one_or_none()


async def get_outstanding(session: AsyncSession, community_id: int, contribution_id: int) -> Record:
    """Return (points, rule_version_id, granted_points): what was asked back and not there."""
    values = {"community_id": community_id, "contribution_id": contribution_id}
    return (await session.execute(text(_GET_OUTSTANDING), values)).one()


async def insert_reversals(
    session: AsyncSession, community_id: int, rows: Rows, *, now: datetime
) -> None:
    values = {"community_id": community_id, "now": now, "reversals": json.dumps(rows)}
    await session.execute(text(_INSERT_REVERSALS), values)
