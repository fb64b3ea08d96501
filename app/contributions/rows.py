"""The rows that an award writes, laid out from what was decided."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from app.contributions import queries
from app.contributions.limits.queries import campaign_rows
from app.contributions.models import ContributionState
from app.contributions.posting import AwardItem, Decision, Used
from app.core.calendar import Period, day_in, period_start
from app.ledger.lapses import NEVER, lapse_under, timestamp
from app.ledger.models import SystemAccount, TransferKind
from app.ledger.salts import new_salt

SCORED_PERIODS = (Period.WEEK, Period.MONTH, Period.ALL)
CONTRIBUTION = "contribution"


def award_rows(
    new: Sequence[Decision], used: Used, *, timezone: str, now: datetime
) -> queries.AwardRows:
    """Lay decisions out as the rows that the award statement writes."""
    granted = [decision for decision in new if decision.granted_points > 0]
    lapses = _lapses_of([decision.item for decision in granted], timezone, now)
    return queries.AwardRows(
        contributions=[_contribution_row(decision) for decision in new],
        usage=queries.usage_rows(used.caps),
        campaigns=campaign_rows(used.campaigns),
        transfers=[_transfer_row(decision) for decision in granted],
        lots=[
            _lot_row(decision, lapse)
            for decision, lapse in zip(granted, lapses, strict=True)
            if decision.granted_points > decision.repaid_points
        ],
        scores=score_rows([_score_of(decision) for decision in granted]),
        balances=_balance_rows(granted, lapses),
    )


def _contribution_row(decision: Decision) -> dict[str, Any]:
    item = decision.item
    longitude, latitude = item.place or (None, None)
    return {
        "contribution_id": item.contribution_id,
        "source_kind": item.source_kind,
        "source_id": item.source_id,
        "resident_id": item.resident_id,
        "occasion": item.occasion,
        "rule_id": item.terms.rule_id,
        "rule_version_id": item.terms.rule_version_id,
        "state": ContributionState.CAPPED
        if decision.granted_points == 0
        else ContributionState.AWARDED,
        "units": item.units,
        "asked_points": decision.asked_points,
        "granted_points": decision.granted_points,
        "breakdown": decision.breakdown(),
        "reason": item.reason,
        "recorded_by": item.recorded_by,
        "checked_by": item.checked_by,
        "acted_at": item.acted_at.isoformat(),
        "is_spaced": item.terms.min_interval is not None and decision.granted_points > 0,
        "longitude": longitude,
        "latitude": latitude,
    }


def _transfer_row(decision: Decision) -> dict[str, Any]:
    item = decision.item
    return {
        "transfer_id": item.contribution_id,
        "kind": TransferKind.AWARD,
        "debit_account_id": SystemAccount.ISSUER,
        "credit_account_id": item.resident_id,
        "points": decision.granted_points,
        "source_kind": CONTRIBUTION,
        "source_id": item.contribution_id,
        "leg": 0,
        "memo": item.memo,
        "rule_version_id": item.terms.rule_version_id,
        "maker_id": item.recorded_by,
        "checker_id": item.checked_by,
        "occurred_at": item.acted_at.isoformat(),
        "salt": new_salt(),
    }


def _lapses_of(items: Sequence[AwardItem], timezone: str, now: datetime) -> list[datetime]:
    """Return when each item's points lapse; in a batch most are of the same terms and one day."""
    known: dict[tuple[int, date], datetime] = {}
    lapses = []
    for item in items:
        key = id(item.terms), item.acted_on
        if key not in known:
            known[key] = _lapse_of(item, timezone, now)
        lapses.append(known[key])
    return lapses


def _lapse_of(item: AwardItem, timezone: str, now: datetime) -> datetime:
    """Return when points of an act lapse: what comes too late for that is as if earned today."""
    terms = item.terms
    lapses = [
        lapse_under(terms.expiry, acted_on=day, since=terms.expiry_since, timezone=timezone)
        for day in (item.acted_on, max(item.acted_on, day_in(timezone, now)))
    ]
    return next((lapse for lapse in lapses if lapse > now), lapses[-1])


def _lot_row(decision: Decision, lapse: datetime) -> dict[str, Any]:
    return {
        "lot_id": decision.item.contribution_id,
        "account_id": decision.item.resident_id,
        "points": decision.granted_points - decision.repaid_points,
        "earned_at": decision.item.acted_at.isoformat(),
        "expires_at": timestamp(lapse),
        "follows_policy": decision.item.terms.follows_policy,
    }


def _balance_rows(granted: Sequence[Decision], lapses: Sequence[datetime]) -> list[dict[str, Any]]:
    """Sum up per wallet: an UPDATE touches a row once."""
    rows: dict[int, dict[str, Any]] = {}
    soonest: dict[int, datetime] = defaultdict(lambda: NEVER)
    for decision, lapse in zip(granted, lapses, strict=True):
        resident_id = decision.item.resident_id
        row = rows.setdefault(
            resident_id,
            {"account_id": resident_id, "points": 0, "lot_points": 0, "repaid_points": 0},
        )
        row["points"] += decision.granted_points
        row["lot_points"] += decision.granted_points - decision.repaid_points
        row["repaid_points"] += decision.repaid_points
        soonest[resident_id] = min(soonest[resident_id], lapse)
        row["expires_at"] = timestamp(soonest[resident_id])
    return list(rows.values())


def _score_of(decision: Decision) -> tuple[int, date, int]:
    return decision.item.resident_id, decision.item.acted_on, decision.granted_points


def score_rows(scored: Sequence[tuple[int, date, int]]) -> list[dict[str, Any]]:
    """Sum up (resident, day of the act, points) per board row, once for each period."""
    sums: dict[tuple[Period, date, int], int] = defaultdict(int)
    for resident_id, acted_on, points in scored:
        for period in SCORED_PERIODS:
            sums[period, period_start(period, acted_on), resident_id] += points
    return [
        {
            "period": period,
            "starts_on": start.isoformat(),
            "resident_id": resident_id,
            "points": points,
        }
        for (period, start, resident_id), points in sums.items()
    ]
