"""Validate the checks that the revision before has added."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHECKS = {
    "ck_lot_moves_points_not_zero": "lot_moves",
    "ck_transfers_manual_is_checked": "transfers",
    "ck_contributions_checked_by_another": "contributions",
    "ck_contributions_manual_is_checked": "contributions",
    "ck_contributions_source_kind_known": "contributions",
}
CONDITION = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{name}'"


def upgrade() -> None:
    for constraint, table in CHECKS.items():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def downgrade() -> None:
    """Add the checks again as they were: not yet validated."""
    for name, table in CHECKS.items():
        condition = op.get_bind().exec_driver_sql(CONDITION.format(name=name)).scalar_one()
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {condition} NOT VALID")
