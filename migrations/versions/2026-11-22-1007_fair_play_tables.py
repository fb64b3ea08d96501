"""Tables of fair play: procedures, rule changes, notices, claims, lists, duties, appeals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    "appeals",
    "award_list_rows",
    "award_lists",
    "campaign_usage",
    "claims",
    "duties",
    "notice_remarks",
    "procedures",
    "public_notices",
    "repair_tasks",
    "rule_categories",
    "rule_changes",
)
# What somebody said about a claim stays said, until the resident it is about has left.
FORGOTTEN_AT_LAST = {"claim_reviews": "reason, claimant_household_id, reviewer_household_id"}
# Photos are let go with their subject.
ADDED_AND_DELETED = ("evidence_photos",)
PROCEDURES = "INSERT INTO procedures (community_id) SELECT community_id FROM communities"
# The names of categories were all there was; they become codes of their own.
CATEGORIES = """
    INSERT INTO rule_categories (community_id, code, name)
    SELECT DISTINCT community_id, category, category FROM rule_versions
"""


def grant_rights() -> None:
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gridpoints_app")
    for table, columns in FORGOTTEN_AT_LAST.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO gridpoints_app")
    for table in ADDED_AND_DELETED:
        op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO gridpoints_app")


def upgrade() -> None:
    op.create_table(
        "appeals",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("appeal_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("involved", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("filed_by", sa.BigInteger(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decider_household_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column(
            "effects", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)", name=op.f("ck_appeals_decided_with_time")
        ),
        sa.CheckConstraint(
            "kind IN ('award', 'refusal', 'deduction')", name=op.f("ck_appeals_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'upheld', 'partly_upheld', 'dismissed', 'withdrawn')",
            name=op.f("ck_appeals_state_known"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'withdrawn') OR (outcome IS NOT NULL AND decided_by IS NOT NULL)",
            name=op.f("ck_appeals_decided_in_writing"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'withdrawn') OR NOT involved @> to_jsonb(decided_by)",
            name=op.f("ck_appeals_decided_by_uninvolved"),
        ),
        sa.CheckConstraint(
            "decider_household_id <> household_id", name=op.f("ck_appeals_not_of_the_household")
        ),
        sa.PrimaryKeyConstraint("community_id", "appeal_id", name=op.f("pk_appeals")),
    )
    op.create_index(
        "ix_appeals_resident", "appeals", ["community_id", "resident_id", "appeal_id"], unique=False
    )
    op.create_index(
        "ix_appeals_state", "appeals", ["community_id", "state", "appeal_id"], unique=False
    )
    op.create_index(
        "ix_appeals_subject", "appeals", ["community_id", "subject_id", "appeal_id"], unique=False
    )
    op.create_index(
        "uq_appeals_subject",
        "appeals",
        ["community_id", "kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('withdrawn', 'dismissed')"),
    )
    op.create_table(
        "award_lists",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("award_list_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("asked_points", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("public_notice_id", sa.BigInteger(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'posted') = (posted_at IS NOT NULL)",
            name=op.f("ck_award_lists_posted_with_time"),
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)",
            name=op.f("ck_award_lists_decided_with_time"),
        ),
        sa.CheckConstraint(
            "state <> 'in_notice' OR public_notice_id IS NOT NULL",
            name=op.f("ck_award_lists_on_a_list"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'in_notice', 'posting', 'posted', 'refused', 'withdrawn')",
            name=op.f("ck_award_lists_state_known"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'withdrawn') OR decided_by <> proposed_by",
            name=op.f("ck_award_lists_checker_is_another"),
        ),
        sa.CheckConstraint("row_count >= 1", name=op.f("ck_award_lists_not_empty")),
        sa.PrimaryKeyConstraint("community_id", "award_list_id", name=op.f("pk_award_lists")),
    )
    op.create_index(
        "ix_award_lists_state",
        "award_lists",
        ["community_id", "state", "award_list_id"],
        unique=False,
    )
    op.create_index(
        "uq_award_lists_file",
        "award_lists",
        ["community_id", "file_hash"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('refused', 'withdrawn')"),
    )
    op.create_table(
        "campaign_usage",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("used_points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used_points >= 0", name=op.f("ck_campaign_usage_used_not_negative")),
        sa.PrimaryKeyConstraint(
            "community_id", "campaign_id", "resident_id", name=op.f("pk_campaign_usage")
        ),
    )
    op.create_table(
        "claims",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("effort", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("shows_deed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("review_level", sa.SmallInteger(), nullable=False),
        sa.Column("approvals", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("claimed_by", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("public_notice_id", sa.BigInteger(), nullable=True),
        sa.Column("contribution_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('awarded', 'awarded_on_appeal')) = (contribution_id IS NOT NULL)",
            name=op.f("ck_claims_awarded_has_contribution"),
        ),
        sa.CheckConstraint(
            "state <> 'in_notice' OR public_notice_id IS NOT NULL", name=op.f("ck_claims_on_a_list")
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_claims_refused_with_reason")
        ),
        sa.CheckConstraint(
            "state IN ('in_review', 'approved', 'in_notice', 'awarded', 'awarded_on_appeal', 'refused', 'withdrawn')",
            name=op.f("ck_claims_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'in_notice', 'awarded') OR approvals >= review_level",
            name=op.f("ck_claims_reviewed_enough"),
        ),
        sa.CheckConstraint("acted_until > acted_at", name=op.f("ck_claims_lasts_forwards")),
        sa.CheckConstraint(
            "coalesce(acted_until, acted_at) <= claimed_at", name=op.f("ck_claims_done_before")
        ),
        sa.CheckConstraint("units >= 1", name=op.f("ck_claims_units_positive")),
        sa.PrimaryKeyConstraint("community_id", "claim_id", name=op.f("pk_claims")),
    )
    op.create_index(
        "ix_claims_notice", "claims", ["community_id", "public_notice_id", "claim_id"], unique=False
    )
    op.create_index(
        "ix_claims_resident", "claims", ["community_id", "resident_id", "acted_at"], unique=False
    )
    op.create_index(
        "ix_claims_state", "claims", ["community_id", "state", "claim_id"], unique=False
    )
    op.create_table(
        "duties",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("duty_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("assigned_by", sa.BigInteger(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(ends_on IS NULL) = (ended_by IS NULL)", name=op.f("ck_duties_ended_by_somebody")
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_duties_ends_after_start")),
        sa.PrimaryKeyConstraint("community_id", "duty_id", name=op.f("pk_duties")),
    )
    op.create_index("ix_duties_resident", "duties", ["community_id", "resident_id"], unique=False)
    op.create_index(
        "uq_duties_held",
        "duties",
        ["community_id", "rule_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("ends_on IS NULL"),
    )
    op.create_table(
        "evidence_photos",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "subject_id", "photo_id", name=op.f("pk_evidence_photos")
        ),
    )
    op.create_index(
        "ix_evidence_photos_photo", "evidence_photos", ["community_id", "photo_id"], unique=False
    )
    op.create_table(
        "procedures",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule_notice_days", sa.SmallInteger(), server_default="7", nullable=False),
        sa.Column("hearing_days", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column("repair_days", sa.SmallInteger(), server_default="30", nullable=False),
        sa.Column("appeal_days", sa.SmallInteger(), server_default="15", nullable=False),
        sa.Column("appeal_answer_days", sa.SmallInteger(), server_default="10", nullable=False),
        sa.CheckConstraint(
            "appeal_answer_days BETWEEN 1 AND 90",
            name=op.f("ck_procedures_appeal_answer_days_sane"),
        ),
        sa.CheckConstraint(
            "appeal_days BETWEEN 1 AND 366", name=op.f("ck_procedures_appeal_days_sane")
        ),
        sa.CheckConstraint(
            "hearing_days BETWEEN 0 AND 60", name=op.f("ck_procedures_hearing_days_sane")
        ),
        sa.CheckConstraint(
            "repair_days BETWEEN 1 AND 366", name=op.f("ck_procedures_repair_days_sane")
        ),
        sa.CheckConstraint(
            "rule_notice_days BETWEEN 1 AND 90", name=op.f("ck_procedures_rule_notice_days_sane")
        ),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_procedures")),
    )
    op.create_table(
        "public_notices",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("public_notice_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('rule_change', 'award_list')", name=op.f("ck_public_notices_kind_known")
        ),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_public_notices_open_for_a_while")),
        sa.PrimaryKeyConstraint("community_id", "public_notice_id", name=op.f("pk_public_notices")),
    )
    op.create_index(
        "ix_public_notices_closes_at", "public_notices", ["community_id", "closes_at"], unique=False
    )
    op.create_table(
        "repair_tasks",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("repair_task_id", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("reported_by", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state <> 'done' OR (reported_at IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("ck_repair_tasks_done_was_checked"),
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'reported', 'done', 'lapsed')",
            name=op.f("ck_repair_tasks_state_known"),
        ),
        sa.CheckConstraint(
            "decided_by <> reported_by", name=op.f("ck_repair_tasks_checker_is_another")
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_repair_tasks_points_positive")),
        sa.PrimaryKeyConstraint("community_id", "repair_task_id", name=op.f("pk_repair_tasks")),
    )
    op.create_index(
        "ix_repair_tasks_resident",
        "repair_tasks",
        ["community_id", "resident_id", "repair_task_id"],
        unique=False,
    )
    op.create_index(
        "ix_repair_tasks_state",
        "repair_tasks",
        ["community_id", "state", "repair_task_id"],
        unique=False,
    )
    op.create_index(
        "uq_repair_tasks_deduction",
        "repair_tasks",
        ["community_id", "contribution_id"],
        unique=True,
    )
    op.create_table(
        "rule_categories",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "parent_code <> code", name=op.f("ck_rule_categories_not_its_own_parent")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "parent_code"],
            ["rule_categories.community_id", "rule_categories.code"],
            name=op.f("fk_rule_categories_community_id_parent_code"),
        ),
        sa.PrimaryKeyConstraint("community_id", "code", name=op.f("pk_rule_categories")),
    )
    op.create_table(
        "rule_changes",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_change_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_notice_id", sa.BigInteger(), nullable=False),
        sa.Column("notice_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'in_notice') = (decided_at IS NULL)",
            name=op.f("ck_rule_changes_decided_with_time"),
        ),
        sa.CheckConstraint(
            "state <> 'adopted' OR decided_at >= notice_until",
            name=op.f("ck_rule_changes_adopted_after_notice"),
        ),
        sa.CheckConstraint(
            "state <> 'adopted' OR effective_from > decided_at",
            name=op.f("ck_rule_changes_never_back_in_time"),
        ),
        sa.CheckConstraint(
            "state IN ('in_notice', 'adopted', 'rejected', 'withdrawn')",
            name=op.f("ck_rule_changes_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('adopted', 'rejected') OR decided_by <> proposed_by",
            name=op.f("ck_rule_changes_decided_by_another"),
        ),
        sa.PrimaryKeyConstraint("community_id", "rule_change_id", name=op.f("pk_rule_changes")),
    )
    op.create_index(
        "ix_rule_changes_notice", "rule_changes", ["community_id", "public_notice_id"], unique=False
    )
    op.create_index(
        "ix_rule_changes_state",
        "rule_changes",
        ["community_id", "state", "rule_change_id"],
        unique=False,
    )
    op.create_table(
        "award_list_rows",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("award_list_id", sa.BigInteger(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("effort", sa.Text(), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=True),
        sa.Column("granted_points", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(contribution_id IS NULL) = (granted_points IS NULL)",
            name=op.f("ck_award_list_rows_granted_is_told"),
        ),
        sa.CheckConstraint("units >= 1", name=op.f("ck_award_list_rows_units_positive")),
        sa.ForeignKeyConstraint(
            ["community_id", "award_list_id"],
            ["award_lists.community_id", "award_lists.award_list_id"],
            name=op.f("fk_award_list_rows_community_id_award_list_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "award_list_id", "row_number", name=op.f("pk_award_list_rows")
        ),
    )
    op.create_table(
        "claim_reviews",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("reviewer_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("claimant_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("claimant_household_id", sa.BigInteger(), nullable=True),
        sa.Column("reviewer_household_id", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict = 'approve' OR reason IS NOT NULL",
            name=op.f("ck_claim_reviews_refused_with_reason"),
        ),
        sa.CheckConstraint(
            "verdict IN ('approve', 'refuse')", name=op.f("ck_claim_reviews_verdict_known")
        ),
        sa.CheckConstraint(
            "reviewer_household_id <> claimant_household_id",
            name=op.f("ck_claim_reviews_not_of_the_household"),
        ),
        sa.CheckConstraint(
            "reviewer_id <> claimant_id", name=op.f("ck_claim_reviews_not_own_claim")
        ),
        sa.CheckConstraint(
            "reviewer_id <> entered_by", name=op.f("ck_claim_reviews_not_who_entered")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "claim_id"],
            ["claims.community_id", "claims.claim_id"],
            name=op.f("fk_claim_reviews_community_id_claim_id"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "claim_id", "reviewer_id", name=op.f("pk_claim_reviews")
        ),
    )
    op.create_index(
        "ix_claim_reviews_reviewer",
        "claim_reviews",
        ["community_id", "reviewer_id", "reviewed_at"],
        unique=False,
    )
    op.create_index(
        "uq_claim_reviews_household",
        "claim_reviews",
        ["community_id", "claim_id", "reviewer_household_id"],
        unique=True,
    )
    op.create_table(
        "notice_remarks",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("remark_id", sa.BigInteger(), nullable=False),
        sa.Column("public_notice_id", sa.BigInteger(), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_upheld", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(is_upheld IS NOT NULL) = (kind = 'objection' AND answer IS NOT NULL)",
            name=op.f("ck_notice_remarks_objection_is_judged"),
        ),
        sa.CheckConstraint(
            "kind IN ('comment', 'objection')", name=op.f("ck_notice_remarks_kind_known")
        ),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_by IS NULL) AND (answer IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_notice_remarks_answered_with_time"),
        ),
        sa.CheckConstraint(
            "answered_by <> person_id", name=op.f("ck_notice_remarks_answered_by_another")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "public_notice_id"],
            ["public_notices.community_id", "public_notices.public_notice_id"],
            name=op.f("fk_notice_remarks_community_id_public_notice_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "remark_id", name=op.f("pk_notice_remarks")),
    )
    op.create_index(
        "ix_notice_remarks_notice",
        "notice_remarks",
        ["community_id", "public_notice_id", "remark_id"],
        unique=False,
    )
    op.create_index(
        "ix_notice_remarks_unanswered",
        "notice_remarks",
        ["community_id", "remark_id"],
        unique=False,
        postgresql_where=sa.text("kind = 'objection' AND answer IS NULL"),
    )

    op.execute(PROCEDURES)
    op.execute(CATEGORIES)
    grant_rights()


def downgrade() -> None:
    op.drop_table("notice_remarks")
    op.drop_table("claim_reviews")
    op.drop_table("award_list_rows")
    op.drop_table("rule_changes")
    op.drop_table("rule_categories")
    op.drop_table("repair_tasks")
    op.drop_table("public_notices")
    op.drop_table("procedures")
    op.drop_table("evidence_photos")
    op.drop_table("duties")
    op.drop_table("claims")
    op.drop_table("campaign_usage")
    op.drop_table("award_lists")
    op.drop_table("appeals")
