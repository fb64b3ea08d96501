"""Validate the checks that the revision before has added."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHECKS = {
    "activities": ("place_is_whole",),
    "campaigns": (
        "budget_positive", "never_back_in_time", "newcomer_days_positive", "per_person_positive"
    ),
    "contribution_reversals": ("taken_within_asked",),
    "contributions": ("manual_is_checked", "source_kind_known"),
    "manual_postings": ("answered_by_another", "answered_with_time", "heard_first", "repair_of"),
    "role_grants": ("role_known",),
    "rule_versions": (
        "arrives_on_known", "award_notice_days_sane", "effort_known", "interval_positive",
        "mode_known", "never_back_in_time", "review_level_known",
    ),
}  # fmt: skip
CONDITION = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{name}'"


def upgrade() -> None:
    for table, names in CHECKS.items():
        for name in names:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def downgrade() -> None:
    """Add the checks again as they were: not yet validated."""
    for table, names in CHECKS.items():
        for name in names:
            constraint = f"ck_{table}_{name}"
            statement = CONDITION.format(name=constraint)
            condition = op.get_bind().exec_driver_sql(statement).scalar_one()
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {condition} NOT VALID")
