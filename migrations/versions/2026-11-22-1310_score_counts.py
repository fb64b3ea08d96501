"""Score counts: how many stand at each score, so that a rank is no count of everybody ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Nobody earns between the count and the first change that is added to it.
WAIT = "LOCK TABLE standings IN SHARE MODE"
COUNT = """
    INSERT INTO score_counts (community_id, period, starts_on, level, slot, residents)
    SELECT community_id, period, starts_on, level, score >> 6 * level, sum(residents)
    FROM (SELECT community_id, period, starts_on, score, count(*) AS residents FROM standings
            WHERE score > 0 GROUP BY community_id, period, starts_on, score) AS counted
        CROSS JOIN generate_series(0, 2) AS level
    GROUP BY community_id, period, starts_on, level, score >> 6 * level
    ORDER BY community_id, period, starts_on, level, score >> 6 * level
"""


def upgrade() -> None:
    op.create_table(
        "score_changes",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scores", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("at_least", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.CheckConstraint(
            "cardinality(scores) = cardinality(at_least)",
            name=op.f("ck_score_changes_one_per_score"),
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "period", "starts_on", "change_id", name=op.f("pk_score_changes")
        ),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0,
            "autovacuum_vacuum_threshold": 1000,
            "vacuum_truncate": "off",
            "toast_tuple_target": 8160,
        },
    )
    op.create_table(
        "score_counts",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("residents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 2", name=op.f("ck_score_counts_level_known")),
        sa.PrimaryKeyConstraint(
            "community_id", "period", "starts_on", "level", "slot", name=op.f("pk_score_counts")
        ),
        postgresql_with={"fillfactor": 70},
    )
    for column in ("scores", "at_least"):
        # Compressed, every look into them would unpack them.
        op.execute(f"ALTER TABLE score_changes ALTER COLUMN {column} SET STORAGE EXTERNAL")
    # Changes are added and taken away whole; counts change in their number alone.
    op.execute("GRANT SELECT, INSERT, DELETE ON score_changes TO gridpoints_app")
    op.execute("GRANT SELECT, INSERT, UPDATE (residents) ON score_counts TO gridpoints_app")
    op.execute(WAIT)
    op.execute(COUNT)


def downgrade() -> None:
    op.drop_table("score_counts")
    op.drop_table("score_changes")
