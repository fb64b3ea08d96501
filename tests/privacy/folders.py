"""One of everything that a community writes down about a resident, with marked words in it."""

import json
import re
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tests.conftest import NOW
from tests.privacy.office import Office

# Stands in every text by or about the resident, and nowhere else.
MARK = "朱雀暗号"
NEIGHBOURS = "邻居自己的话"
HOUSEHOLD = 77
STAFF = 5

CLAIM, REFUSED, PHOTO_CLAIM, LIST, NOTICE, APPEAL, DECIDED, REPAIR, DUTY = range(9001, 9010)
REMARK, OBJECTION, FOREIGN, PROPOSED, DENIED = range(9101, 9106)

_CLAIM = """
    INSERT INTO claims (community_id, claim_id, resident_id, household_id, rule_id,
        rule_version_id, units, mode, acted_at, note, shows_deed, state, review_level, claimed_by,
        claimed_at, decided_at, reason)
    SELECT :community, :number, :resident, :household, rule_id, rule_version_id, 1, 'any', :at,
        :mark, true, :state, 2, :person, :at, CASE WHEN :state = 'refused' THEN :at END,
        CASE WHEN :state = 'refused' THEN :mark END
    FROM rule_versions WHERE community_id = :community ORDER BY rule_version_id LIMIT 1
"""
_REVIEW = """
    INSERT INTO claim_reviews (community_id, claim_id, reviewer_id, verdict, reason, claimant_id,
        entered_by, claimant_household_id, reviewer_household_id, reviewed_at)
    VALUES (:community, :number, :staff, 'refuse', :mark, :person, :person, :household, 8, :at)
"""
_CHECK = """
    INSERT INTO content_checks (community_id, content_check_id, kind, text, person_id, state,
        decided_at, created_at)
    VALUES (:community, :number, 'text', CASE WHEN :state <> 'passed' THEN :mark END, :person,
        :state,
        CASE WHEN :state = 'passed' THEN :at END, :at)
"""
_LIST = """
    WITH list AS (
        INSERT INTO award_lists (community_id, award_list_id, title, file_hash, row_count,
            asked_points, state, proposed_by, proposed_at)
        VALUES (:community, :number, '十月名单', 'x', 1, 5, 'proposed', :staff, :at))
    INSERT INTO award_list_rows (community_id, award_list_id, row_number, resident_id, rule_id,
        rule_version_id, units, acted_at, note)
    SELECT :community, :number, 1, :resident, rule_id, rule_version_id, 1, :at, :mark
    FROM rule_versions WHERE community_id = :community ORDER BY rule_version_id LIMIT 1
"""
_DUTY = """
    INSERT INTO duties (community_id, duty_id, rule_id, resident_id, starts_on, assigned_by,
        assigned_at)
    SELECT :community, :number, min(rule_id), :resident, DATE '2026-10-01', :staff, :at
    FROM rules WHERE community_id = :community
"""
_POSTING = """
    INSERT INTO manual_postings (community_id, manual_posting_id, kind, state, resident_id,
        rule_code, units, acted_at, is_our_fault, reason, proposed_by, proposed_at, decided_by,
        decided_at, decision_reason, heard_until, answer, answered_at, answered_by)
    VALUES (:community, :number, 'deduction', :state, :resident, 'sorted_wrongly', 1, :at, false,
        :mark, :staff, :at, CASE WHEN :state = 'refused' THEN 6 END,
        CASE WHEN :state = 'refused' THEN :at END,
        CASE WHEN :state = 'refused' THEN :mark END, :at, :mark, :at, :person)
"""
_REPAIR = """
    INSERT INTO repair_tasks (community_id, repair_task_id, contribution_id, resident_id, task,
        points, due_at, state, report, reported_by, reported_at, refusal)
    VALUES (:community, :number, 1, :resident, '值守一次', 2, :at, 'reported', :mark, :person, :at,
        :mark)
"""
_APPEAL = """
    INSERT INTO appeals (community_id, appeal_id, kind, subject_id, resident_id, household_id,
        text, state, involved, filed_by, filed_at, answer_until, decided_by, decided_at, outcome)
    VALUES (:community, :number, 'refusal', :number, :resident, :household, :mark, :state, '[]',
        :person, :at, :at, CASE WHEN :state = 'dismissed' THEN :staff END,
        CASE WHEN :state = 'dismissed' THEN :at END,
        CASE WHEN :state = 'dismissed' THEN :mark END)
"""
_NOTICE = """
    INSERT INTO public_notices (community_id, public_notice_id, kind, title, opens_at, closes_at,
        published_by)
    VALUES (:community, :number, 'award_list', '十月公示', :at, :later, :staff)
"""
_REMARK = """
    INSERT INTO notice_remarks (community_id, remark_id, public_notice_id, about_id, kind, text,
        resident_id, person_id, written_at, answer, answered_by, answered_at)
    VALUES (:community, :number, :notice, :about, :kind, :mark, :resident, :person, :at,
        CASE WHEN :kind = 'comment' THEN :mark END, CASE WHEN :kind = 'comment' THEN :staff END,
        CASE WHEN :kind = 'comment' THEN :at END)
"""
_USAGE = """
    INSERT INTO campaign_usage (community_id, campaign_id, resident_id, used_points)
    SELECT :community, min(campaign_id), :resident, 3 FROM campaigns
    WHERE community_id = :community HAVING count(*) > 0
"""
_EVIDENCE = "INSERT INTO evidence_photos VALUES (:community, :number, :photo)"


def _typed(statement: str) -> str:
    """Say what each parameter is, as some stand where PostgreSQL could not tell."""
    kinds = {"at": "timestamptz", "later": "timestamptz", "mark": "text", "state": "text",
        "kind": "text"}  # fmt: skip
    return re.sub(
        r":([a-z]+)\b", lambda found: f"CAST(:{found[1]} AS {kinds.get(found[1], 'bigint')})",
        statement,
    )  # fmt: skip


async def keep_folder(
    office: Office, photo_ids: list[str], *, person_id: int | None = None
) -> None:
    """Write down one of everything about resident-1; each photo is evidence of a claim."""
    known: dict[str, Any] = {
        "community": office.here.community_id,
        "resident": int(office.here.resident_id("resident-1")),
        "person": person_id or await office.person_id(),
        "household": HOUSEHOLD,
        "staff": STAFF,
        "mark": MARK,
        "at": NOW,
        "later": NOW + timedelta(days=30),
        "notice": NOTICE,
    }
    neighbour = {
        "resident": int(office.here.resident_id("resident-2")),
        "person": await office.person_id("resident-2"),
    }
    written: list[tuple[str, dict[str, Any]]] = [
        (_CLAIM, {"number": CLAIM, "state": "in_review"}),
        (_CLAIM, {"number": REFUSED, "state": "refused"}),
        (_REVIEW, {"number": REFUSED}),
        (_CHECK, {"number": CLAIM, "state": "waiting"}),
        (_LIST, {"number": LIST}),
        (_DUTY, {"number": DUTY}),
        (_POSTING, {"number": PROPOSED, "state": "proposed"}),
        (_POSTING, {"number": DENIED, "state": "refused"}),
        (_REPAIR, {"number": REPAIR}),
        (_APPEAL, {"number": APPEAL, "state": "open"}),
        (_APPEAL, {"number": DECIDED, "state": "dismissed"}),
        (_NOTICE, {"number": NOTICE}),
        (_REMARK, {"number": REMARK, "about": None, "kind": "comment"}),
        (_CHECK, {"number": REMARK, "state": "passed"}),
        (_REMARK, {"number": OBJECTION, "about": None, "kind": "objection"}),
        (_CHECK, {"number": OBJECTION, "state": "review"}),
        (_REMARK, {"number": FOREIGN, "about": CLAIM, "kind": "objection"} | neighbour),
        (_CLAIM, {"number": PHOTO_CLAIM, "state": "in_review", "mark": NEIGHBOURS} | neighbour),
        (_USAGE, {}),
        *((_EVIDENCE, {"number": CLAIM, "photo": int(photo_id)}) for photo_id in photo_ids),
    ]
    for statement, own in written:
        values = known | own
        used = {key: value for key, value in values.items() if f":{key}" in statement}
        async with office.sessionmaker.begin() as session:
            await session.execute(text(_typed(statement)), used)
    async with office.sessionmaker.begin() as session:
        groups = {"groups": json.dumps(["elder"]), "number": known["resident"]}
        await session.execute(
            text(
                "UPDATE residents SET audience = CAST(:groups AS jsonb) WHERE resident_id = :number"
            ),
            groups,
        )
