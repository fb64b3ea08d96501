"""Checks of what stands beside the ledger: contributions, boards, caps, postings by hand."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

from app.core.database import Record
from tests.support.book_arithmetic import Books, differences, first_day, scored, sum_by


def contributions_and_transfers_agree(books: Books) -> Iterator[str]:
    stored = {
        row.contribution_id: (row.resident_id, row.granted_points, row.rule_version_id,
                              row.acted_at, row.recorded_by, row.checked_by)
        for row in books.contributions if row.granted_points != 0
    }  # fmt: skip
    expected = {
        row.transfer_id: (resident, points, row.rule_version_id, row.occurred_at,
                          row.maker_id, row.checker_id)
        for row, resident, points in scored(books)
    }  # fmt: skip
    what = "resident, points, version, time, maker, checker of contribution"
    yield from differences(what, stored, expected)
    for transfer, _, _ in scored(books):
        if (transfer.source_kind, transfer.source_id) != ("contribution", transfer.transfer_id):
            yield f"source of {transfer.kind} {transfer.transfer_id} is not its contribution"


def undone_contributions_and_reversals_agree(books: Books) -> Iterator[str]:
    """What could not be taken back was asked for all the same, and stands in no transfer."""
    stored = {
        row.reversal_id: (row.contribution_id, row.taken_points)
        for row in books.contribution_reversals if row.taken_points > 0
    }  # fmt: skip
    expected = {
        row.transfer_id: (original.transfer_id, row.points)
        for row, original in books.reversals_of("award", "deduction")
    }
    yield from differences("contribution, points of reversal", stored, expected)
    granted = {row.contribution_id: abs(row.granted_points) for row in books.contributions}
    for contribution_id, asked in sum_by(
        books.contribution_reversals, "contribution_id", "asked_points"
    ).items():
        if asked > granted.get(contribution_id, 0):
            yield f"{asked} are undone of contribution {contribution_id}"


def what_is_posted_by_hand_was_checked(books: Books) -> Iterator[str]:
    """Nobody's own word is enough: another person has checked it."""
    by_hand = {row.contribution_id for row in books.contributions if row.source_kind == "committee"}
    postings = {row.manual_posting_id: row for row in books.manual_postings}
    for transfer in books.transfers:
        is_manual = transfer.source_kind == "manual"
        if is_manual or transfer.transfer_id in by_hand:
            people = (transfer.maker_id, transfer.checker_id)
            if None in people or transfer.maker_id == transfer.checker_id:
                yield f"{transfer.kind} {transfer.transfer_id} was checked by nobody else"
            posting = postings.get(transfer.source_id) if is_manual else None
            if posting is not None and people != (posting.proposed_by, posting.decided_by):
                yield f"{transfer.kind} {transfer.transfer_id} names others than its posting"
            if is_manual and (posting is None or posting.state != "posted"):
                yield f"{transfer.kind} {transfer.transfer_id} has no posting that was approved"


def lost_and_regained(books: Books) -> Iterator[tuple[int, datetime, int]]:
    """Yield what boards lose by awards asked back, and regain by deductions given back.

    All of it, whatever the wallet had, on the day that the act was on.
    """
    acts = {row.contribution_id: row for row in books.contributions}
    for row in books.contribution_reversals:
        act = acts[row.contribution_id]
        sign = -1 if act.granted_points > 0 else 1
        yield act.resident_id, act.acted_at, sign * row.asked_points


def standings_follow_awards_and_deductions(books: Books) -> Iterator[str]:
    expected: Counter[tuple[str, date, int]] = Counter()
    acts = [(resident, transfer.occurred_at, points)
            for transfer, resident, points in scored(books)]  # fmt: skip
    for resident_id, moment, points in (*acts, *lost_and_regained(books)):
        day = books.local_day(moment)
        for period in ("week", "month", "all"):
            expected[period, first_day(period, day), resident_id] += points
    stored = {(row.period, row.starts_on, row.resident_id): row.score for row in books.standings}
    yield from differences("score of", stored, expected)


def still_counting(books: Books) -> Iterator[Record]:
    """Yield awards, but for those undone as if they had not been."""
    freed = {row.contribution_id for row in books.contribution_reversals if row.frees_caps}
    for row in books.contributions:
        if row.granted_points > 0 and row.contribution_id not in freed:
            yield row


def cap_usage_follows_contributions(books: Books) -> Iterator[str]:
    capped = {row.rule_version_id: {cap["period"] for cap in row.caps}
              for row in books.rule_versions}  # fmt: skip
    points: Counter[tuple[int, int, str, date]] = Counter()
    times: Counter[tuple[int, int, str, date]] = Counter()
    for row in still_counting(books):
        for period in capped[row.rule_version_id]:
            start = first_day(period, books.local_day(row.acted_at))
            key = (row.rule_id, row.resident_id, period, start)
            points[key] += row.granted_points
            times[key] += 1
    usage = {(row.rule_id, row.resident_id, row.period, row.starts_on): row
             for row in books.cap_usage}  # fmt: skip
    stored_points = {key: row.used_points for key, row in usage.items()}
    stored_times = {key: row.used_times for key, row in usage.items()}
    yield from differences("used_points of", stored_points, points)
    yield from differences("used_times of", stored_times, times)


def campaigns_give_what_awards_say(books: Books) -> Iterator[str]:
    limited = {row.code: row for row in books.campaigns
               if row.per_person_points is not None or row.budget_points is not None}  # fmt: skip
    expected: Counter[tuple[int, int]] = Counter()
    for row in still_counting(books):
        for bonus in row.breakdown.get("bonuses", ()):
            campaign = limited.get(bonus["campaign"])
            if campaign is not None:
                points = bonus.get("granted_points", bonus["points"])
                expected[campaign.campaign_id, row.resident_id] += points
                if campaign.budget_points is not None:
                    expected[campaign.campaign_id, 0] += points
    stored = {(row.campaign_id, row.resident_id): row.used_points for row in books.campaign_usage}
    yield from differences("given by campaign", stored, expected)
    for campaign in limited.values():
        for (campaign_id, whose), points in expected.items():
            limit = campaign.budget_points if whose == 0 else campaign.per_person_points
            if campaign_id == campaign.campaign_id and limit is not None and points > limit:
                yield f"{points} of campaign {campaign_id} are above its limit of {limit}"


def claims_were_reviewed_and_awarded_once(books: Books) -> Iterator[str]:
    """Nobody involved has reviewed, enough have approved, and the award names the claim."""
    acts = {row.contribution_id: row for row in books.contributions}
    for claim in books.claims:
        reviews = [row for row in books.claim_reviews if row.claim_id == claim.claim_id]
        approvals = {row.reviewer_id for row in reviews if row.verdict == "approve"}
        if any(row.reviewer_id in (row.claimant_id, claim.claimed_by) for row in reviews):
            yield f"claim {claim.claim_id} was reviewed by who made it"
        if claim.state == "awarded" and len(approvals) < claim.review_level:
            yield f"claim {claim.claim_id} was awarded after {len(approvals)} approvals"
        act = acts.get(claim.contribution_id)
        source = None if act is None else (act.source_kind, act.source_id, act.resident_id)
        wanted = ("claim", claim.claim_id, claim.resident_id)
        if source != (None if claim.contribution_id is None else wanted):
            yield f"claim {claim.claim_id} stands behind {source}"
    rows = {row.contribution_id: row.granted_points for row in books.award_list_rows
            if row.contribution_id is not None}  # fmt: skip
    granted = {number: row.granted_points for number, row in acts.items()
               if row.source_kind == "award_list"}  # fmt: skip
    yield from differences("points of list row", rows, granted)
