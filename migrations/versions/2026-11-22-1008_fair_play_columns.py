"""What rules, campaigns, contributions and postings by hand have to say in addition."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Only acts under rules that ask for an interval are in it: none of those there are.
SPACED = (
    "ix_contributions_spaced ON contributions (community_id, rule_id, resident_id, acted_at)"
    " WHERE is_spaced"
)
# Points are taken by hand now and then, so that there are few of them to go through.
DEDUCTED = (
    "ix_manual_postings_deducted ON manual_postings (community_id, resident_id,"
    " manual_posting_id) WHERE kind = 'deduction'"
)
CHECKS = (
    ("activities", "place_is_whole", "(longitude IS NULL) = (latitude IS NULL)"),
    ("campaigns", "never_back_in_time", "starts_at >= created_at"),
    ("campaigns", "newcomer_days_positive", "newcomer_days > 0"),
    ("campaigns", "per_person_positive", "per_person_points > 0"),
    ("campaigns", "budget_positive", "budget_points > 0"),
    (
        "contribution_reversals",
        "taken_within_asked",
        "taken_points >= 0 AND (frees_caps OR taken_points <= asked_points)",
    ),
    (
        "contributions",
        "manual_is_checked",
        "source_kind NOT IN ('committee', 'award_list', 'appeal') OR checked_by IS NOT NULL",
    ),
    (
        "contributions",
        "source_kind_known",
        (
            "source_kind IN ('activity', 'daily_check_in', 'committee', 'committee_alone',"
            " 'case', 'claim', 'award_list', 'duty', 'newcomer', 'appeal')"
        ),
    ),
    (
        "manual_postings",
        "heard_first",
        (
            "kind <> 'deduction' OR state <> 'posted' OR answered_at IS NOT NULL"
            " OR heard_until IS NULL OR decided_at >= heard_until"
        ),
    ),
    (
        "manual_postings",
        "answered_with_time",
        "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)",
    ),
    (
        "manual_postings",
        "answered_by_another",
        "answered_by <> proposed_by AND answered_by <> decided_by",
    ),
    (
        "manual_postings",
        "repair_of",
        "repair_task IS NULL OR (kind = 'deduction' AND repair_points > 0)",
    ),
    (
        "rule_versions",
        "arrives_on_known",
        "arrives_on IN ('act', 'joined', 'reported', 'accepted', 'resolved', 'confirmed')",
    ),
    (
        "role_grants",
        "role_known",
        "role IN ('grid_worker', 'clerk', 'reviewer', 'committee', 'auditor')",
    ),
    ("rule_versions", "effort_known", "effort IN ('low', 'medium', 'high')"),
    ("rule_versions", "mode_known", "mode IN ('any', 'online', 'offline')"),
    ("rule_versions", "interval_positive", "min_interval_minutes > 0"),
    ("rule_versions", "review_level_known", "review_level BETWEEN 0 AND 2"),
    ("rule_versions", "award_notice_days_sane", "award_notice_days BETWEEN 0 AND 60"),
    ("rule_versions", "never_back_in_time", "effective_from > adopted_at"),
)
# Those that stand in the place of one of the same name.
REPLACED = {
    "contribution_reversals": {"taken_within_asked": "taken_points BETWEEN 0 AND asked_points"},
    "contributions": {
        "manual_is_checked": "source_kind <> 'committee' OR checked_by IS NOT NULL",
        "source_kind_known": "source_kind IN ('activity', 'daily_check_in', 'committee',"
        " 'committee_alone', 'case')",
    },
    "role_grants": {"role_known": "role IN ('grid_worker', 'clerk', 'committee')"},
    "rule_versions": {
        "arrives_on_known": "arrives_on IN ('act', 'reported', 'accepted', 'resolved',"
        " 'confirmed')",
    },
}

# The demo's past week was written without the postings that an audit now asks for.
DEMO_WITHOUT_POSTINGS = """
    UPDATE contributions SET source_kind = 'committee_alone'
    WHERE source_kind = 'committee'
        AND community_id IN (SELECT community_id FROM communities WHERE code = 'demo')
        AND NOT EXISTS (SELECT FROM manual_postings AS posting
            WHERE posting.community_id = contributions.community_id
                AND manual_posting_id = source_id)
"""


def drop_check(table: str, name: str) -> None:
    op.execute(
        f"-- squawk-ignore ban-drop-constraint\nALTER TABLE {table}"
        f" DROP CONSTRAINT ck_{table}_{name}"
    )


def add_check(table: str, name: str, condition: str) -> None:
    constraint = f"ck_{table}_{name}"
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID")


def upgrade() -> None:
    op.add_column("activities", sa.Column("longitude", sa.Double(), nullable=True))
    op.add_column("activities", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column(
        "campaigns",
        sa.Column(
            "categories",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "hours", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "weekdays",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "grid_ids",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "audience",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("campaigns", sa.Column("newcomer_days", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("per_person_points", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("budget_points", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("created_by", sa.BigInteger(), nullable=True))
    op.add_column("campaigns", sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "contribution_reversals",
        sa.Column("frees_caps", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "contributions",
        sa.Column("is_spaced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("contributions", sa.Column("longitude", sa.Double(), nullable=True))
    op.add_column("contributions", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column(
        "manual_postings", sa.Column("heard_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("manual_postings", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column(
        "manual_postings", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("manual_postings", sa.Column("answered_by", sa.BigInteger(), nullable=True))
    op.add_column("manual_postings", sa.Column("repair_task", sa.Text(), nullable=True))
    op.add_column("manual_postings", sa.Column("repair_points", sa.BigInteger(), nullable=True))
    op.add_column(
        "residents",
        sa.Column(
            "audience",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("rule_versions", sa.Column("effort", sa.Text(), nullable=True))
    op.add_column(
        "rule_versions",
        sa.Column(
            "points_by_effort",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
    )
    op.add_column(
        "rule_versions", sa.Column("min_interval_minutes", sa.BigInteger(), nullable=True)
    )
    op.add_column(
        "rule_versions",
        sa.Column(
            "audience",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "rule_versions", sa.Column("mode", sa.Text(), server_default="any", nullable=False)
    )
    op.add_column(
        "rule_versions",
        sa.Column("is_claimable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "rule_versions",
        sa.Column("review_level", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.add_column(
        "rule_versions",
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "rule_versions",
        sa.Column("award_notice_days", sa.SmallInteger(), server_default="0", nullable=False),
    )
    op.add_column("rule_versions", sa.Column("rule_change_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "rule_versions", sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=True)
    )

    for index in (SPACED, DEDUCTED):
        op.execute(f"-- squawk-ignore require-concurrent-index-creation\nCREATE INDEX {index}")
    for table, conditions in REPLACED.items():
        for name in conditions:
            drop_check(table, name)
    for check in CHECKS:
        add_check(*check)
    op.execute(DEMO_WITHOUT_POSTINGS)


def downgrade() -> None:
    for table, name, _ in CHECKS:
        drop_check(table, name)
    for table, conditions in REPLACED.items():
        for name, condition in conditions.items():
            add_check(table, name, condition)
    op.drop_index("ix_manual_postings_deducted", table_name="manual_postings")
    op.drop_index("ix_contributions_spaced", table_name="contributions")
    op.drop_column("rule_versions", "adopted_at")
    op.drop_column("rule_versions", "rule_change_id")
    op.drop_column("rule_versions", "award_notice_days")
    op.drop_column("rule_versions", "evidence")
    op.drop_column("rule_versions", "review_level")
    op.drop_column("rule_versions", "is_claimable")
    op.drop_column("rule_versions", "mode")
    op.drop_column("rule_versions", "audience")
    op.drop_column("rule_versions", "min_interval_minutes")
    op.drop_column("rule_versions", "points_by_effort")
    op.drop_column("rule_versions", "effort")
    op.drop_column("residents", "audience")
    op.drop_column("manual_postings", "repair_points")
    op.drop_column("manual_postings", "repair_task")
    op.drop_column("manual_postings", "answered_by")
    op.drop_column("manual_postings", "answered_at")
    op.drop_column("manual_postings", "answer")
    op.drop_column("manual_postings", "heard_until")
    op.drop_column("contributions", "latitude")
    op.drop_column("contributions", "longitude")
    op.drop_column("contributions", "is_spaced")
    op.drop_column("contribution_reversals", "frees_caps")
    op.drop_column("campaigns", "created_at")
    op.drop_column("campaigns", "created_by")
    op.drop_column("campaigns", "budget_points")
    op.drop_column("campaigns", "per_person_points")
    op.drop_column("campaigns", "newcomer_days")
    op.drop_column("campaigns", "audience")
    op.drop_column("campaigns", "grid_ids")
    op.drop_column("campaigns", "weekdays")
    op.drop_column("campaigns", "hours")
    op.drop_column("campaigns", "categories")
    op.drop_column("activities", "latitude")
    op.drop_column("activities", "longitude")
