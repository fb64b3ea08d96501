"""The job queue's tables, as pgqueuer 1.6 lays them out."""

import re

from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules")
# Prepared statements take one command each; every one of these starts a line with its verb.
COMMAND_START = re.compile(r"\n(?=CREATE |DROP )")


def run_each(script: str) -> None:
    for command in COMMAND_START.split(script):
        if command.strip() and not command.startswith("--"):
            op.execute(command.replace(":", r"\:"))


def upgrade() -> None:
    run_each(QueryBuilderEnvironment().build_install_query())
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {table} TO gridpoints_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridpoints_app")


def downgrade() -> None:
    run_each(QueryBuilderEnvironment().build_uninstall_query())
