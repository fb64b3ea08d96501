"""Cases, photos, messages; names and phones sealed; consents, cards, closures.

The plain names stay until `gridpoints migrate` has sealed them; the next revision drops them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


APPEND_ONLY = (
    "case_events",
    "check_traces",
    "contribution_reversals",
    "personal_data_reads",
    "privacy_policies",
)
READ_AND_WRITE = (
    "case_categories",
    "case_flags",
    "case_joins",
    "case_photos",
    "case_settings",
    "case_statuses",
    "cases",
    "closures",
    "consents",
    "content_checks",
    "data_exports",
    "inbox_messages",
    "message_quotas",
    "paper_cards",
    "photos",
    "resident_tokens",
    "wechat_messages",
    "wechat_pushes",
)
# A check on a table that is in use is added without looking at its rows; 0004 validates it.
CHECKS = (
    (
        "rule_versions",
        "arrives_on_known",
        "arrives_on IN ('act', 'reported', 'accepted', 'resolved', 'confirmed')",
    ),
    ("rule_versions", "earned_by_known", "earned_by IN ('actor', 'joiners')"),
    (
        "contributions",
        "source_kind_known",
        "source_kind IN ('activity', 'daily_check_in', 'committee', 'case')",
    ),
)
SOURCES_BEFORE = "source_kind IN ('activity', 'daily_check_in', 'committee')"


def add_check(table: str, name: str, condition: str) -> None:
    constraint = f"ck_{table}_{name}"
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID")


def drop_not_null(table: str, column: str) -> None:
    """Let a column be empty that the release before fills, and reads only where it is filled."""
    op.execute(
        "-- squawk-ignore ban-drop-not-null\n"
        f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"
    )


def drop_source_check() -> None:
    """Make room for a wider one."""
    op.execute(
        "-- squawk-ignore ban-drop-constraint\n"
        "ALTER TABLE contributions DROP CONSTRAINT ck_contributions_source_kind_known"
    )


def grant_rights() -> None:
    for table in READ_AND_WRITE:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gridpoints_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO gridpoints_app")


def upgrade() -> None:
    op.create_table(
        "case_categories",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule_codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer_hours", sa.BigInteger(), nullable=False),
        sa.Column("resolve_hours", sa.BigInteger(), nullable=False),
        sa.Column("near_meters", sa.BigInteger(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('hazard')", name=op.f("ck_case_categories_kind_known")),
        sa.CheckConstraint(
            "answer_hours > 0 AND resolve_hours > 0", name=op.f("ck_case_categories_hours_positive")
        ),
        sa.CheckConstraint(
            "near_meters >= 0", name=op.f("ck_case_categories_near_meters_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "parent_id"],
            ["case_categories.community_id", "case_categories.category_id"],
            name=op.f("fk_case_categories_community_id_parent_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "category_id", name=op.f("pk_case_categories")),
    )
    op.create_index(
        "uq_case_categories_code", "case_categories", ["community_id", "code"], unique=True
    )
    op.create_table(
        "case_events",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("case_event_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "case_event_id", name=op.f("pk_case_events")),
    )
    op.create_index(
        "ix_case_events_case",
        "case_events",
        ["community_id", "case_id", "case_event_id"],
        unique=False,
    )
    op.create_table(
        "case_flags",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("other_photo_id", sa.BigInteger(), nullable=False),
        sa.Column("other_case_id", sa.BigInteger(), nullable=True),
        sa.Column("distance", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "case_id", "photo_id", "other_photo_id", name=op.f("pk_case_flags")
        ),
    )
    op.create_table(
        "case_joins",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_by", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "case_id", "resident_id", name=op.f("pk_case_joins")
        ),
    )
    op.create_table(
        "case_photos",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('report', 'result')", name=op.f("ck_case_photos_purpose_known")
        ),
        sa.PrimaryKeyConstraint("community_id", "photo_id", name=op.f("pk_case_photos")),
    )
    op.create_index("ix_case_photos_case", "case_photos", ["community_id", "case_id"], unique=False)
    op.create_table(
        "case_settings",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ladder", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("most_bounces", sa.BigInteger(), nullable=False),
        sa.Column("confirm_days", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "confirm_days BETWEEN 1 AND 90", name=op.f("ck_case_settings_confirm_days_in_range")
        ),
        sa.CheckConstraint(
            "most_bounces >= 0", name=op.f("ck_case_settings_most_bounces_not_negative")
        ),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_case_settings")),
    )
    op.create_table(
        "case_statuses",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('open', 'closed')", name=op.f("ck_case_statuses_kind_known")),
        sa.CheckConstraint(
            "state IN ('reported', 'accepted', 'paused', 'resolved', 'confirmed', 'reopened', 'refused', 'fake', 'duplicate', 'withdrawn')",
            name=op.f("ck_case_statuses_state_known"),
        ),
        sa.PrimaryKeyConstraint("community_id", "code", name=op.f("pk_case_statuses")),
    )
    op.create_table(
        "cases",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("reporter_id", sa.BigInteger(), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("assigned_to", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_seconds", sa.BigInteger(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("escalates_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalations", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("bounces", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("result_event_id", sa.BigInteger(), nullable=True),
        sa.Column("duplicate_of", sa.BigInteger(), nullable=True),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("rating_comment", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'duplicate') = (duplicate_of IS NOT NULL)",
            name=op.f("ck_cases_joined_to_one"),
        ),
        sa.CheckConstraint(
            "(state = 'paused') = (left_seconds IS NOT NULL)",
            name=op.f("ck_cases_paused_with_time"),
        ),
        sa.CheckConstraint("kind IN ('hazard')", name=op.f("ck_cases_kind_known")),
        sa.CheckConstraint(
            "state IN ('reported', 'accepted', 'paused', 'resolved', 'confirmed', 'reopened', 'refused', 'fake', 'duplicate', 'withdrawn')",
            name=op.f("ck_cases_state_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (state IN ('reported', 'accepted', 'paused', 'reopened'))",
            name=op.f("ck_cases_closed_with_time"),
        ),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_cases_whole_position")
        ),
        sa.CheckConstraint("duplicate_of <> case_id", name=op.f("ck_cases_not_its_own_duplicate")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_cases_rating_in_range")),
        sa.PrimaryKeyConstraint("community_id", "case_id", name=op.f("pk_cases")),
    )
    op.create_index(
        "ix_cases_open_of_worker",
        "cases",
        ["community_id", "grid_id", "assigned_to"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_cases_resolved",
        "cases",
        ["community_id", "resolved_at"],
        unique=False,
        postgresql_where=sa.text("state = 'resolved'"),
    )
    op.create_index(
        "ix_cases_escalates_at",
        "cases",
        ["community_id", "escalates_at"],
        unique=False,
        postgresql_where=sa.text("escalates_at IS NOT NULL"),
    )
    op.create_index("ix_cases_grid", "cases", ["community_id", "grid_id", "case_id"], unique=False)
    op.create_index(
        "ix_cases_place", "cases", ["community_id", "latitude", "longitude"], unique=False
    )
    op.create_index(
        "ix_cases_reporter", "cases", ["community_id", "reporter_id", "case_id"], unique=False
    )
    op.create_table(
        "check_traces",
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("content_check_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", name=op.f("pk_check_traces")),
    )
    op.create_table(
        "closures",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("closure_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'asked') = (ended_at IS NULL)", name=op.f("ck_closures_ended_with_time")
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'cancelled', 'done')", name=op.f("ck_closures_state_known")
        ),
        sa.PrimaryKeyConstraint("community_id", "closure_id", name=op.f("pk_closures")),
    )
    op.create_index(
        "uq_closures_asked",
        "closures",
        ["community_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "content_checks",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("content_check_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("label", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('passed', 'refused')) = (decided_at IS NOT NULL)",
            name=op.f("ck_content_checks_decided_with_time"),
        ),
        sa.CheckConstraint("kind IN ('photo', 'text')", name=op.f("ck_content_checks_kind_known")),
        sa.CheckConstraint(
            "state IN ('waiting', 'asked', 'review', 'passed', 'refused')",
            name=op.f("ck_content_checks_state_known"),
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> person_id",
            name=op.f("ck_content_checks_not_own_content"),
        ),
        sa.PrimaryKeyConstraint("community_id", "content_check_id", name=op.f("pk_content_checks")),
    )
    op.create_index(
        "ix_content_checks_open",
        "content_checks",
        ["community_id", "state", "content_check_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'asked', 'review')"),
    )
    op.create_table(
        "contribution_reversals",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("reversal_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_points", sa.BigInteger(), nullable=False),
        sa.Column("taken_points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reversed_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "taken_points BETWEEN 0 AND asked_points",
            name=op.f("ck_contribution_reversals_taken_within_asked"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "contribution_id", name=op.f("pk_contribution_reversals")
        ),
    )
    op.create_table(
        "data_exports",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("data_export_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'ready') = (object_key IS NOT NULL)",
            name=op.f("ck_data_exports_ready_with_file"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'destroyed')", name=op.f("ck_data_exports_state_known")
        ),
        sa.PrimaryKeyConstraint("community_id", "data_export_id", name=op.f("pk_data_exports")),
    )
    op.create_index(
        "ix_data_exports_resident",
        "data_exports",
        ["community_id", "resident_id", "data_export_id"],
        unique=False,
    )
    op.create_index(
        "uq_data_exports_waiting",
        "data_exports",
        ["community_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "inbox_messages",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_message_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("community_id", "inbox_message_id", name=op.f("pk_inbox_messages")),
    )
    op.create_index(
        "ix_inbox_messages_person",
        "inbox_messages",
        ["community_id", "person_id", "inbox_message_id"],
        unique=False,
    )
    op.create_table(
        "message_quotas",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("left_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("left_count >= 0", name=op.f("ck_message_quotas_left_not_negative")),
        sa.PrimaryKeyConstraint(
            "person_id", "app_id", "template_id", name=op.f("pk_message_quotas")
        ),
    )
    op.create_table(
        "paper_cards",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)",
            name=op.f("ck_paper_cards_revoked_by_somebody"),
        ),
        sa.PrimaryKeyConstraint("community_id", "card_id", name=op.f("pk_paper_cards")),
    )
    op.create_index(
        "uq_paper_cards_in_use",
        "paper_cards",
        ["community_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("uq_paper_cards_serial", "paper_cards", ["community_id", "serial"], unique=True)
    op.create_table(
        "personal_data_reads",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("personal_data_read_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("reader_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "personal_data_read_id", name=op.f("pk_personal_data_reads")
        ),
    )
    op.create_index(
        "ix_personal_data_reads_resident",
        "personal_data_reads",
        ["community_id", "resident_id", "personal_data_read_id"],
        unique=False,
    )
    op.create_table(
        "photos",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("photo_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("upload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("served_key", sa.Text(), nullable=True),
        sa.Column("original_key", sa.Text(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("perceptual_hash", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_position", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("original_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redacted_by", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "deleted_at IS NULL OR (served_key IS NULL AND original_key IS NULL)",
            name=op.f("ck_photos_deleted_without_files"),
        ),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_photos_size_positive")),
        sa.PrimaryKeyConstraint("community_id", "photo_id", name=op.f("pk_photos")),
    )
    op.create_index("ix_photos_created_at", "photos", ["community_id", "created_at"], unique=False)
    op.create_index(
        "ix_photos_original_until",
        "photos",
        ["community_id", "original_until"],
        unique=False,
        postgresql_where=sa.text("original_key IS NOT NULL"),
    )
    op.create_index(
        "uq_photos_upload", "photos", ["community_id", "person_id", "upload_hash"], unique=True
    )
    op.create_table(
        "privacy_policies",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("purposes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_privacy_policies_version_positive")),
        sa.PrimaryKeyConstraint("community_id", "version", name=op.f("pk_privacy_policies")),
    )
    op.create_table(
        "resident_tokens",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "token", "resident_id", name=op.f("pk_resident_tokens")
        ),
    )
    op.create_index(
        "ix_resident_tokens_resident",
        "resident_tokens",
        ["community_id", "resident_id"],
        unique=False,
    )
    op.create_table(
        "wechat_messages",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("wechat_message_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=True),
        sa.Column("template_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errcode", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'not_subscribed', 'refused')",
            name=op.f("ck_wechat_messages_state_known"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "wechat_message_id", name=op.f("pk_wechat_messages")
        ),
    )
    op.create_index(
        "ix_wechat_messages_open",
        "wechat_messages",
        ["community_id", "person_id", "wechat_message_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_table(
        "wechat_pushes",
        sa.Column("push_key", sa.LargeBinary(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("sealed_payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("push_key", name=op.f("pk_wechat_pushes")),
    )
    op.create_index(
        op.f("ix_wechat_pushes_received_at"), "wechat_pushes", ["received_at"], unique=False
    )
    op.create_index(op.f("ix_wechat_pushes_trace_id"), "wechat_pushes", ["trace_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("consent_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at >= granted_at", name=op.f("ck_consents_withdrawn_after_granted")
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "version"],
            ["privacy_policies.community_id", "privacy_policies.version"],
            name=op.f("fk_consents_community_id_version"),
        ),
        sa.PrimaryKeyConstraint("community_id", "consent_id", name=op.f("pk_consents")),
    )
    op.create_index(
        "uq_consents_standing",
        "consents",
        ["community_id", "person_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.add_column(
        "grids",
        sa.Column(
            "boundary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column("join_requests", sa.Column("claims_resident_id", sa.BigInteger(), nullable=True))
    op.add_column("join_requests", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))
    drop_not_null("join_requests", "display_name")
    op.add_column("residents", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))
    op.add_column("residents", sa.Column("sealed_phone", sa.LargeBinary(), nullable=True))
    op.add_column("residents", sa.Column("registered_by", sa.BigInteger(), nullable=True))
    drop_not_null("residents", "household_id")
    drop_not_null("residents", "display_name")
    op.add_column("role_grants", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))
    drop_not_null("role_grants", "display_name")
    op.add_column(
        "rule_versions", sa.Column("arrives_on", sa.Text(), server_default="act", nullable=False)
    )
    op.add_column(
        "rule_versions", sa.Column("earned_by", sa.Text(), server_default="actor", nullable=False)
    )
    drop_source_check()
    for table, name, condition in CHECKS:
        add_check(table, name, condition)
    grant_rights()


def downgrade() -> None:
    drop_source_check()
    add_check("contributions", "source_kind_known", SOURCES_BEFORE)
    op.drop_column("rule_versions", "earned_by")
    op.drop_column("rule_versions", "arrives_on")
    op.alter_column("role_grants", "display_name", existing_type=sa.Text(), nullable=False)
    op.drop_column("role_grants", "sealed_name")
    op.alter_column("residents", "display_name", existing_type=sa.Text(), nullable=False)
    op.alter_column("residents", "household_id", existing_type=sa.BIGINT(), nullable=False)
    op.drop_column("residents", "registered_by")
    op.drop_column("residents", "sealed_phone")
    op.drop_column("residents", "sealed_name")
    op.alter_column("join_requests", "display_name", existing_type=sa.Text(), nullable=False)
    op.drop_column("join_requests", "sealed_name")
    op.drop_column("join_requests", "claims_resident_id")
    op.drop_column("grids", "boundary")
    op.drop_index(
        "uq_consents_standing",
        table_name="consents",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_table("consents")
    op.drop_index(op.f("ix_wechat_pushes_trace_id"), table_name="wechat_pushes")
    op.drop_index(op.f("ix_wechat_pushes_received_at"), table_name="wechat_pushes")
    op.drop_table("wechat_pushes")
    op.drop_index(
        "ix_wechat_messages_open",
        table_name="wechat_messages",
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.drop_table("wechat_messages")
    op.drop_index("ix_resident_tokens_resident", table_name="resident_tokens")
    op.drop_table("resident_tokens")
    op.drop_table("privacy_policies")
    op.drop_index("uq_photos_upload", table_name="photos")
    op.drop_index(
        "ix_photos_original_until",
        table_name="photos",
        postgresql_where=sa.text("original_key IS NOT NULL"),
    )
    op.drop_index("ix_photos_created_at", table_name="photos")
    op.drop_table("photos")
    op.drop_index("ix_personal_data_reads_resident", table_name="personal_data_reads")
    op.drop_table("personal_data_reads")
    op.drop_index("uq_paper_cards_serial", table_name="paper_cards")
    op.drop_index(
        "uq_paper_cards_in_use",
        table_name="paper_cards",
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.drop_table("paper_cards")
    op.drop_table("message_quotas")
    op.drop_index("ix_inbox_messages_person", table_name="inbox_messages")
    op.drop_table("inbox_messages")
    op.drop_index(
        "uq_data_exports_waiting",
        table_name="data_exports",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index("ix_data_exports_resident", table_name="data_exports")
    op.drop_table("data_exports")
    op.drop_table("contribution_reversals")
    op.drop_index(
        "ix_content_checks_open",
        table_name="content_checks",
        postgresql_where=sa.text("state IN ('waiting', 'asked', 'review')"),
    )
    op.drop_table("content_checks")
    op.drop_index(
        "uq_closures_asked", table_name="closures", postgresql_where=sa.text("state = 'asked'")
    )
    op.drop_table("closures")
    op.drop_table("check_traces")
    op.drop_index("ix_cases_reporter", table_name="cases")
    op.drop_index("ix_cases_place", table_name="cases")
    op.drop_index("ix_cases_grid", table_name="cases")
    op.drop_index(
        "ix_cases_escalates_at",
        table_name="cases",
        postgresql_where=sa.text("escalates_at IS NOT NULL"),
    )
    op.drop_table("cases")
    op.drop_table("case_statuses")
    op.drop_table("case_settings")
    op.drop_index("ix_case_photos_case", table_name="case_photos")
    op.drop_table("case_photos")
    op.drop_table("case_joins")
    op.drop_table("case_flags")
    op.drop_index("ix_case_events_case", table_name="case_events")
    op.drop_table("case_events")
    op.drop_index("uq_case_categories_code", table_name="case_categories")
    op.drop_table("case_categories")
