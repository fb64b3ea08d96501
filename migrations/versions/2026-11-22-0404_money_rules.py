"""Points that lapse, halve, are saved, given and posted by two: policies, funds, notices.

Reversals write down what they put back into lots; those of before are written down here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = ("lapse_notices", "point_policies")
READ_AND_WRITE = ("funds", "manual_postings")
SOURCES_BEFORE = "source_kind IN ('activity', 'daily_check_in', 'committee', 'case')"
# A check on a table that is in use is added without looking at its rows; 0006 validates it.
CHECKS = (
    ("lot_moves", "points_not_zero", "points <> 0"),
    (
        "transfers",
        "manual_is_checked",
        "checker_id IS NOT NULL OR (source_kind <> 'manual' AND kind <> 'correction')",
    ),
    ("contributions", "checked_by_another", "checked_by <> recorded_by"),
    (
        "contributions",
        "manual_is_checked",
        "source_kind <> 'committee' OR checked_by IS NOT NULL",
    ),
    (
        "contributions",
        "source_kind_known",
        "source_kind IN ('activity', 'daily_check_in', 'committee', 'committee_alone', 'case')",
    ),
)
# What every community had before it could say otherwise.
FIRST_POLICIES = """
    INSERT INTO point_policies (community_id, version, expiry, lowest_points, notice_days,
        published_at)
    SELECT community_id, 1, '{"kind": "never"}', 0, '[30, 7]', created_at FROM communities
"""
MOVES_OF_UNDONE_CAPTURES = """
    INSERT INTO lot_moves (community_id, transfer_id, lot_id, points)
    SELECT undone.community_id, undone.transfer_id, lot_id, -lot_moves.points
    FROM transfers AS undone
        JOIN transfers AS capture ON capture.community_id = undone.community_id
            AND capture.transfer_id = undone.reverses_transfer_id AND capture.kind = 'spend'
        JOIN lot_moves ON lot_moves.community_id = capture.community_id
            AND lot_moves.transfer_id = capture.transfer_id
    WHERE undone.kind = 'reversal'
"""

# Where it went back once and comes again, the numbers that lots were given then are not free.
GO_ON_AFTER_DERIVED_LOTS = """
    SELECT setval('derived_lots', max(lot_id)) FROM lots WHERE lot_id < 0
    HAVING max(lot_id) IS NOT NULL
"""
# Before, a contribution was undone once: its parts become one.
ONE_REVERSAL_EACH = """
    WITH whole AS (
        SELECT community_id, contribution_id, max(reversal_id) AS reversal_id,
            sum(asked_points) AS asked_points, sum(taken_points) AS taken_points
        FROM contribution_reversals GROUP BY community_id, contribution_id HAVING count(*) > 1),
    parts AS (
        DELETE FROM contribution_reversals AS part USING whole
        WHERE part.community_id = whole.community_id
            AND part.contribution_id = whole.contribution_id
            AND part.reversal_id <> whole.reversal_id)
    UPDATE contribution_reversals AS part
    SET asked_points = whole.asked_points, taken_points = whole.taken_points
    FROM whole
    WHERE part.community_id = whole.community_id AND part.reversal_id = whole.reversal_id
"""

# One row for a wallet, and one for an award taken back: built in a moment, also for a town.
INDEXES = (
    (
        "ix_balances_lapse ON balances (community_id, next_expiry_at)"
        " WHERE next_expiry_at < 'infinity'"
    ),
    (
        "ix_contribution_reversals_contribution ON contribution_reversals"
        " (community_id, contribution_id)"
    ),
)

# What a committee member had posted alone keeps saying so.
POSTED_ALONE = """
    UPDATE contributions SET source_kind = 'committee_alone' WHERE source_kind = 'committee'
"""
# No rule could say anything but "never" where nothing was stated: now the policy can.
RULES_FOLLOW_POLICY = """
    UPDATE rule_versions SET expiry = '{"kind": "community"}' WHERE expiry = '{"kind": "never"}'
"""
RULES_SAY_NEVER = """
    UPDATE rule_versions SET expiry = '{"kind": "never"}' WHERE expiry = '{"kind": "community"}'
"""
CHECKED_AFTER_ALL = """
    UPDATE contributions SET source_kind = 'committee' WHERE source_kind = 'committee_alone'
"""


def add_index(index: str) -> None:
    op.execute(f"-- squawk-ignore require-concurrent-index-creation\nCREATE INDEX {index}")


def add_check(table: str, name: str, condition: str) -> None:
    constraint = f"ck_{table}_{name}"
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({condition}) NOT VALID")


def drop_constraint(table: str, constraint: str) -> None:
    op.execute(
        f"-- squawk-ignore ban-drop-constraint\nALTER TABLE {table} DROP CONSTRAINT {constraint}"
    )


def key_reversals_by(column: str) -> None:
    """Give the small table of reversals another key: one contribution may have several now."""
    drop_constraint("contribution_reversals", "pk_contribution_reversals")
    op.execute(
        "-- squawk-ignore adding-serial-primary-key-field, constraint-missing-not-valid\n"
        "ALTER TABLE contribution_reversals ADD CONSTRAINT pk_contribution_reversals"
        f" PRIMARY KEY (community_id, {column})"
    )


def grant_rights() -> None:
    for table in READ_AND_WRITE:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gridpoints_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO gridpoints_app")
    op.execute("GRANT USAGE ON SEQUENCE derived_lots TO gridpoints_app")


def upgrade() -> None:
    op.execute("CREATE SEQUENCE derived_lots MINVALUE -4611686018427387904 MAXVALUE -1")
    op.execute(GO_ON_AFTER_DERIVED_LOTS)
    op.create_table(
        "funds",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("fund_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_funds_state_known")),
        sa.PrimaryKeyConstraint("community_id", "fund_id", name=op.f("pk_funds")),
    )
    op.create_index("uq_funds_code", "funds", ["community_id", "code"], unique=True)
    op.create_table(
        "lapse_notices",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("days_ahead", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('expiry', 'decay')", name=op.f("ck_lapse_notices_kind_known")),
        sa.PrimaryKeyConstraint(
            "community_id",
            "account_id",
            "kind",
            "month",
            "days_ahead",
            name=op.f("pk_lapse_notices"),
        ),
    )
    op.create_table(
        "manual_postings",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("manual_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_code", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transfer_id", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("is_our_fault", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column(
            "result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.CheckConstraint(
            "(kind IN ('award', 'deduction')) = (rule_code IS NOT NULL AND units IS NOT NULL)",
            name=op.f("ck_manual_postings_rule_named"),
        ),
        sa.CheckConstraint(
            "(kind IN ('repair', 'reversal')) = (transfer_id IS NOT NULL)",
            name=op.f("ck_manual_postings_transfer_named"),
        ),
        sa.CheckConstraint(
            "(state = 'posted') = (result IS NOT NULL)",
            name=op.f("ck_manual_postings_posted_has_result"),
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_by IS NULL)",
            name=op.f("ck_manual_postings_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "kind IN ('award', 'deduction', 'repair', 'reversal')",
            name=op.f("ck_manual_postings_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'posted', 'refused', 'withdrawn')",
            name=op.f("ck_manual_postings_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('posted', 'refused') OR decided_by <> proposed_by",
            name=op.f("ck_manual_postings_checker_is_another"),
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_manual_postings_points_positive")),
        sa.PrimaryKeyConstraint(
            "community_id", "manual_posting_id", name=op.f("pk_manual_postings")
        ),
    )
    op.create_index(
        "ix_manual_postings_state",
        "manual_postings",
        ["community_id", "state", "manual_posting_id"],
        unique=False,
    )
    op.create_table(
        "point_policies",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("expiry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expiry_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "decay", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("decay_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "savings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "gifts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("lowest_points", sa.BigInteger(), nullable=False),
        sa.Column("notice_days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "lowest_points BETWEEN -10000 AND 0",
            name=op.f("ck_point_policies_lowest_points_in_reach"),
        ),
        sa.PrimaryKeyConstraint("community_id", "version", name=op.f("pk_point_policies")),
    )
    op.add_column("balances", sa.Column("decayed_at", sa.DateTime(timezone=True), nullable=True))
    for index in INDEXES:
        add_index(index)
    op.add_column("contributions", sa.Column("checked_by", sa.BigInteger(), nullable=True))
    # Points of before follow it as well; the default says so of them without touching a row.
    op.add_column(
        "lots",
        sa.Column("follows_policy", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.alter_column("lots", "follows_policy", server_default=sa.text("false"))
    drop_constraint("lot_moves", "ck_lot_moves_points_positive")
    drop_constraint("contributions", "ck_contributions_source_kind_known")
    op.execute(POSTED_ALONE)
    for check in CHECKS:
        add_check(*check)
    op.execute(MOVES_OF_UNDONE_CAPTURES)
    op.execute(FIRST_POLICIES)
    op.execute(RULES_FOLLOW_POLICY)
    key_reversals_by("reversal_id")
    grant_rights()


def downgrade() -> None:
    op.execute(ONE_REVERSAL_EACH)
    key_reversals_by("contribution_id")
    op.execute("DELETE FROM lot_moves WHERE points < 0")
    for table, name, _ in CHECKS:
        drop_constraint(table, f"ck_{table}_{name}")
    op.execute(CHECKED_AFTER_ALL)
    op.execute(RULES_SAY_NEVER)
    add_check("contributions", "source_kind_known", SOURCES_BEFORE)
    add_check("lot_moves", "points_positive", "points > 0")
    op.execute("DROP SEQUENCE derived_lots")
    op.drop_column("lots", "follows_policy")
    op.drop_column("contributions", "checked_by")
    op.drop_index("ix_contribution_reversals_contribution", table_name="contribution_reversals")
    op.drop_index(
        "ix_balances_lapse",
        table_name="balances",
        postgresql_where=sa.text("next_expiry_at < 'infinity'"),
    )
    op.drop_column("balances", "decayed_at")
    op.drop_table("point_policies")
    op.drop_index("ix_manual_postings_state", table_name="manual_postings")
    op.drop_table("manual_postings")
    op.drop_table("lapse_notices")
    op.drop_index("uq_funds_code", table_name="funds")
    op.drop_table("funds")
