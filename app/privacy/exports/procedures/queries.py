"""SQL of copies: what a copy says of claims, lists, duties, deductions, remarks and appeals.

Who reviewed, decided or answered are persons of the staff, and stay inside.
"""

CLAIMS = """
    SELECT claim_id, rules.code AS rule_code, rule_versions.name AS rule_name,
        rule_versions.version AS rule_version, units, claims.effort, claims.mode, acted_at,
        acted_until, note, shows_deed, state, claimed_by = :person_id AS is_claimed_in_person,
        claimed_at, decided_at, reason, public_notice_id, contribution_id,
        ARRAY(SELECT photo_id::text FROM evidence_photos
            WHERE evidence_photos.community_id = :community_id AND subject_id = claim_id
            ORDER BY photo_id) AS photo_ids,
        (SELECT coalesce(json_agg(json_build_object('verdict', verdict,
                'reason', claim_reviews.reason, 'at', reviewed_at) ORDER BY reviewed_at), '[]')
        FROM claim_reviews WHERE claim_reviews.community_id = :community_id
            AND claim_reviews.claim_id = claims.claim_id) AS reviews
    FROM claims
        JOIN rules USING (community_id, rule_id)
        JOIN rule_versions USING (community_id, rule_version_id)
    WHERE claims.community_id = :community_id AND resident_id = :resident_id
    ORDER BY claim_id
"""

AWARD_LIST_ROWS = """
    SELECT award_list_id, title, award_lists.state, row_number, rules.code AS rule_code, units,
        effort, acted_at, note, contribution_id, granted_points, refusal
    FROM award_list_rows
        JOIN award_lists USING (community_id, award_list_id)
        JOIN rules USING (community_id, rule_id)
    WHERE award_list_rows.community_id = :community_id AND resident_id = :resident_id
    ORDER BY award_list_id, row_number
"""

DUTIES = """
    SELECT duty_id, rules.code AS rule_code, starts_on, ends_on, assigned_at
    FROM duties JOIN rules USING (community_id, rule_id)
    WHERE duties.community_id = :community_id AND resident_id = :resident_id
    ORDER BY duty_id
"""

# `answer` is the resident's own, to a deduction that was proposed.
MANUAL_POSTINGS = """
    SELECT manual_posting_id, kind, state, rule_code, units, acted_at, transfer_id, points,
        is_our_fault, reason, proposed_at, decided_at, decision_reason, heard_until, answer,
        answered_by = :person_id AS is_answered_in_person, answered_at, repair_task, repair_points
    FROM manual_postings
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY manual_posting_id
"""

REPAIR_TASKS = """
    SELECT repair_task_id, contribution_id, task, points, due_at, state, report,
        reported_by = :person_id AS is_reported_in_person, reported_at, decided_at, refusal,
        ARRAY(SELECT photo_id::text FROM evidence_photos
            WHERE evidence_photos.community_id = :community_id AND subject_id = repair_task_id
            ORDER BY photo_id) AS photo_ids
    FROM repair_tasks
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY repair_task_id
"""

APPEALS = """
    SELECT appeal_id, kind, subject_id, text, state, filed_by = :person_id AS is_filed_in_person,
        filed_at, answer_until, decided_at, outcome, effects,
        ARRAY(SELECT photo_id::text FROM evidence_photos
            WHERE evidence_photos.community_id = :community_id
                AND evidence_photos.subject_id = appeal_id
            ORDER BY photo_id) AS photo_ids
    FROM appeals
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY appeal_id
"""

NOTICE_REMARKS = """
    SELECT remark_id, public_notice_id, title AS notice_title, about_id, notice_remarks.kind,
        text, written_at, answer, answered_at, is_upheld
    FROM notice_remarks JOIN public_notices USING (community_id, public_notice_id)
    WHERE notice_remarks.community_id = :community_id AND resident_id = :resident_id
    ORDER BY remark_id
"""

CAMPAIGN_USAGE = """
    SELECT code AS campaign_code, campaigns.name AS campaign_name, used_points
    FROM campaign_usage JOIN campaigns USING (community_id, campaign_id)
    WHERE campaign_usage.community_id = :community_id AND resident_id = :resident_id
    ORDER BY campaign_id
"""
