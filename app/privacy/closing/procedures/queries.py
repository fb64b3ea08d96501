"""SQL that ends what a leaver has open and forgets what was written by and about them.

The books keep theirs: memos of transfers, reasons of contributions and of what was posted by hand.
What an act was, by which rule, what was decided and by whom stays, and balances need it. Words
give way to `:gone`, numbers of households to nothing. What ends by itself is decided by 0, the
machine. All may be repeated.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.privacy.models import Closure

# In the order of their numbers, as a list of awards takes them.
_CLAIMS = """
    WITH own AS (
        SELECT claim_id FROM claims
        WHERE community_id = :community_id AND resident_id = :resident_id
        ORDER BY claim_id FOR UPDATE),
    unchecked AS (
        DELETE FROM content_checks USING own
        WHERE community_id = :community_id AND content_check_id = own.claim_id)
    UPDATE claims SET household_id = NULL, shows_deed = false,
        note = CASE WHEN note = '' THEN '' ELSE :gone END,
        reason = CASE WHEN reason IS NOT NULL THEN :gone END,
        decided_at = coalesce(decided_at, :now),
        state = CASE WHEN state IN ('in_review', 'approved', 'in_notice') THEN 'withdrawn'
            ELSE state END
    FROM own WHERE community_id = :community_id AND claims.claim_id = own.claim_id
"""

_REVIEWS = """
    UPDATE claim_reviews SET claimant_household_id = NULL,
        reason = CASE WHEN claim_reviews.reason IS NOT NULL THEN :gone END
    FROM claims
    WHERE claims.community_id = :community_id AND resident_id = :resident_id
        AND claim_reviews.community_id = :community_id
        AND claim_reviews.claim_id = claims.claim_id
"""

_AS_REVIEWER = """
    UPDATE claim_reviews SET reviewer_household_id = NULL
    WHERE community_id = :community_id AND reviewer_id = :person_id
"""

_LIST_ROWS = """
    UPDATE award_list_rows SET note = :gone
    WHERE community_id = :community_id AND resident_id = :resident_id AND note <> ''
"""

_DUTIES = """
    UPDATE duties SET ends_on = greatest(starts_on, CAST(:today AS date)), ended_by = :person_id
    WHERE community_id = :community_id AND resident_id = :resident_id AND ends_on IS NULL
"""

_POSTINGS = """
    UPDATE manual_postings SET answer = CASE WHEN answer IS NOT NULL THEN :gone END,
        reason = CASE WHEN state = 'posted' THEN reason ELSE :gone END,
        decision_reason = CASE WHEN decision_reason IS NOT NULL OR state = 'proposed'
            THEN :gone END,
        decided_by = coalesce(decided_by, 0), decided_at = coalesce(decided_at, :now),
        state = CASE WHEN state = 'proposed' THEN 'withdrawn' ELSE state END
    WHERE community_id = :community_id AND resident_id = :resident_id
"""

_REPAIRS = """
    UPDATE repair_tasks SET report = CASE WHEN report IS NOT NULL THEN :gone END,
        refusal = CASE WHEN refusal IS NOT NULL THEN :gone END,
        state = CASE WHEN state IN ('offered', 'reported') THEN 'lapsed' ELSE state END
    WHERE community_id = :community_id AND resident_id = :resident_id
"""

_APPEALS = """
    UPDATE appeals SET text = :gone, household_id = NULL,
        outcome = CASE WHEN outcome IS NOT NULL THEN :gone END,
        decided_at = coalesce(decided_at, :now),
        state = CASE WHEN state = 'open' THEN 'withdrawn' ELSE state END
    WHERE community_id = :community_id AND resident_id = :resident_id
"""

_AS_DECIDER = """
    UPDATE appeals SET decider_household_id = NULL
    WHERE community_id = :community_id AND decided_by = :person_id
"""

# An objection that nobody stands behind any more, or whose claim is withdrawn, is answered with
# that, so that nothing waits for it. A remark that was shown stays, without its words.
_REMARKS = """
    WITH own AS (
        SELECT remark_id FROM notice_remarks
        WHERE community_id = :community_id AND (resident_id = :resident_id OR about_id IN (
            SELECT claim_id FROM claims
            WHERE claims.community_id = :community_id AND claims.resident_id = :resident_id))
        ORDER BY remark_id FOR UPDATE),
    unchecked AS (
        DELETE FROM content_checks USING own
        WHERE community_id = :community_id AND content_check_id = own.remark_id
            AND state <> 'passed')
    UPDATE notice_remarks SET text = :gone,
        answer = CASE WHEN answer IS NOT NULL OR kind = 'objection' THEN :gone END,
        answered_by = CASE WHEN kind = 'objection' THEN coalesce(answered_by, 0)
            ELSE answered_by END,
        answered_at = CASE WHEN kind = 'objection' THEN coalesce(answered_at, :now)
            ELSE answered_at END,
        is_upheld = CASE WHEN kind = 'objection' THEN coalesce(is_upheld, false) END
    FROM own WHERE community_id = :community_id AND notice_remarks.remark_id = own.remark_id
"""

# Photos that others sent about them stand behind nothing any more, and go within the night.
_EVIDENCE = """
    WITH subject AS (
        SELECT claim_id AS subject_id FROM claims
        WHERE community_id = :community_id AND resident_id = :resident_id
        UNION ALL SELECT repair_task_id FROM repair_tasks
        WHERE community_id = :community_id AND resident_id = :resident_id
        UNION ALL SELECT appeal_id FROM appeals
        WHERE community_id = :community_id AND resident_id = :resident_id
        UNION ALL SELECT manual_posting_id FROM manual_postings
        WHERE community_id = :community_id AND resident_id = :resident_id),
    about AS (
        DELETE FROM evidence_photos USING subject
        WHERE community_id = :community_id AND evidence_photos.subject_id = subject.subject_id
        RETURNING photo_id)
    DELETE FROM evidence_photos USING photos
    WHERE evidence_photos.community_id = :community_id AND photos.community_id = :community_id
        AND evidence_photos.photo_id = photos.photo_id AND person_id = :person_id
        AND evidence_photos.subject_id NOT IN (SELECT subject_id FROM subject)
"""

# As those who decide lock them: an appeal, then the claim it is about, and the wallet last.
_IN_ORDER = (
    _APPEALS, _AS_DECIDER, _POSTINGS, _REPAIRS, _CLAIMS, _REVIEWS, _AS_REVIEWER, _LIST_ROWS,
    _DUTIES, _REMARKS, _EVIDENCE,
)  # fmt: skip

# Written by requests that had begun before the end.
_LIST_LATE = """
    SELECT * FROM closures
    WHERE state = 'done' AND ended_at >= :since AND (
        EXISTS (SELECT FROM claims
            WHERE claims.community_id = closures.community_id
                AND claims.resident_id = closures.resident_id AND note NOT IN ('', :gone))
        OR EXISTS (SELECT FROM claims
            WHERE claims.community_id = closures.community_id
                AND claims.resident_id = closures.resident_id
                AND claims.state IN ('in_review', 'approved', 'in_notice'))
        OR EXISTS (SELECT FROM appeals
            WHERE appeals.community_id = closures.community_id
                AND appeals.resident_id = closures.resident_id AND text <> :gone)
        OR EXISTS (SELECT FROM notice_remarks
            WHERE notice_remarks.community_id = closures.community_id
                AND notice_remarks.resident_id = closures.resident_id AND text <> :gone))
    ORDER BY community_id, closure_id
"""


async def list_late(session: AsyncSession, *, gone: str, since: datetime) -> Sequence[Closure]:
    """Return closures carried out since then whose residents have written something after all."""
    statement = select(Closure).from_statement(text(_LIST_LATE))
    return (await session.scalars(statement, {"gone": gone, "since": since})).all()


async def end_and_forget(
    session: AsyncSession, closure: Closure, *, gone: str, today: date, now: datetime
) -> None:
    """End a leaver's claims, appeals, duties, repairs and objections; put `gone` for words."""
    known = {
        "community_id": closure.community_id, "resident_id": closure.resident_id,
        "person_id": closure.person_id, "gone": gone, "today": today, "now": now,
    }  # fmt: skip
    for statement in _IN_ORDER:
        values = {name: value for name, value in known.items() if f":{name}" in statement}
        await session.execute(text(statement), values)
