"""Seals and audits: Merkle trees, checkpoints, what system accounts hold; salts can be erased.

Every transfer of before waits in the seal queue already, so the first passes seal them all.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPEND_ONLY = ("checkpoints", "cosignatures", "seals", "tree_nodes", "unlinked_transfers")
# What may be changed of the others, and nothing else.
CHANGING = {
    "account_rollups": "posted, transfers",
    "audits": "state, walk, position, checked, difference, started_at, updated_at, ended_at",
    "salt_erasures": "done_at",
    "trees": "size, sealed_at",
}
# Only lots made of other lots are in it: built in a moment, also for a town.
DERIVED_LOTS = "ix_lots_derived ON lots (community_id, transfer_id) WHERE lot_id < 0"
KEYS = "signing_keys"
PURPOSES = "purpose IN ('codes', 'sessions', 'seals')"
PURPOSES_BEFORE = "purpose IN ('codes', 'sessions')"
# Should it come back here, all is sealed again, in a new tree.
QUEUE_AGAIN = """
    INSERT INTO seal_queue (community_id, transfer_id) SELECT community_id, transfer_id FROM seals
    ON CONFLICT DO NOTHING
"""
# Whoever left before has a right to it, too.
ERASE_FOR_ALL_WHO_LEFT = """
    INSERT INTO salt_erasures (community_id, resident_id, person_id, asked_at)
    SELECT community_id, resident_id, person_id, ended_at FROM closures WHERE state = 'done'
    ON CONFLICT DO NOTHING
"""
SALT_ANEW = "UPDATE transfers SET salt = uuid_send(gen_random_uuid()) WHERE salt IS NULL"


def replace_purposes(condition: str) -> None:
    """Let keys have other purposes; the table has a few rows."""
    op.execute(
        f"-- squawk-ignore ban-drop-constraint\nALTER TABLE {KEYS}"
        f" DROP CONSTRAINT ck_{KEYS}_purpose_known"
    )
    op.execute(
        f"-- squawk-ignore constraint-missing-not-valid\nALTER TABLE {KEYS}"
        f" ADD CONSTRAINT ck_{KEYS}_purpose_known CHECK ({condition})"
    )


def grant_rights() -> None:
    for table, columns in CHANGING.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO gridpoints_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO gridpoints_app")
    # The one thing about a transfer that may change: nobody can say any more whose it was.
    op.execute("GRANT UPDATE (salt) ON transfers TO gridpoints_app")
    # A gift has two sides: what was left of it for the second goes when they leave as well.
    op.execute("GRANT UPDATE (kept) ON unlinked_transfers TO gridpoints_app")


def upgrade() -> None:
    op.create_table(
        "account_rollups",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("posted", sa.BigInteger(), nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("transfers > 0", name=op.f("ck_account_rollups_transfers_positive")),
        sa.PrimaryKeyConstraint("community_id", "account_id", name=op.f("pk_account_rollups")),
    )
    op.create_table(
        "audits",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("walk", sa.Text(), nullable=True),
        sa.Column(
            "position", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("checked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "difference", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'different') = (difference IS NOT NULL)",
            name=op.f("ck_audits_different_names_difference"),
        ),
        sa.CheckConstraint(
            "(state = 'running') = (ended_at IS NULL)", name=op.f("ck_audits_ended_unless_running")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'clean', 'different')", name=op.f("ck_audits_state_known")
        ),
        sa.PrimaryKeyConstraint("community_id", "audit_id", name=op.f("pk_audits")),
    )
    op.create_index(
        "uq_audits_running",
        "audits",
        ["community_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_checkpoints_size_positive")),
        sa.PrimaryKeyConstraint("community_id", "size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "cosignatures",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "size", "witness", name=op.f("pk_cosignatures")),
    )
    op.create_table(
        "salt_erasures",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("done_at >= asked_at", name=op.f("ck_salt_erasures_done_after_asked")),
        sa.PrimaryKeyConstraint("community_id", "resident_id", name=op.f("pk_salt_erasures")),
    )
    op.create_index(
        "ix_salt_erasures_open",
        "salt_erasures",
        ["community_id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "seals",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("leaf_index >= 0", name=op.f("ck_seals_leaf_index_not_negative")),
        sa.CheckConstraint(
            "octet_length(leaf_hash) = 32", name=op.f("ck_seals_leaf_hash_is_sha256")
        ),
        sa.PrimaryKeyConstraint("community_id", "leaf_index", name=op.f("pk_seals")),
    )
    op.create_index("uq_seals_transfer", "seals", ["community_id", "transfer_id"], unique=True)
    op.create_table(
        "tree_nodes",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("node_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level > 0 AND level % 4 = 0", name=op.f("ck_tree_nodes_level_is_kept")),
        sa.CheckConstraint(
            "octet_length(node_hash) = 32", name=op.f("ck_tree_nodes_node_hash_is_sha256")
        ),
        sa.PrimaryKeyConstraint("community_id", "level", "number", name=op.f("pk_tree_nodes")),
    )
    op.create_table(
        "trees",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("size >= 0", name=op.f("ck_trees_size_not_negative")),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_trees")),
    )
    op.create_table(
        "unlinked_transfers",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unlinked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "transfer_id", name=op.f("pk_unlinked_transfers")),
    )
    op.execute(f"-- squawk-ignore require-concurrent-index-creation\nCREATE INDEX {DERIVED_LOTS}")
    op.execute(
        "-- squawk-ignore ban-drop-not-null\nALTER TABLE transfers ALTER COLUMN salt DROP NOT NULL"
    )
    replace_purposes(PURPOSES)
    op.execute(ERASE_FOR_ALL_WHO_LEFT)
    grant_rights()


def downgrade() -> None:
    op.execute("DELETE FROM signing_keys WHERE purpose = 'seals'")
    replace_purposes(PURPOSES_BEFORE)
    op.execute(QUEUE_AGAIN)
    op.execute("REVOKE UPDATE (salt) ON transfers FROM gridpoints_app")
    op.execute(SALT_ANEW)
    op.execute(
        "-- squawk-ignore adding-not-nullable-field\nALTER TABLE transfers ALTER COLUMN salt SET NOT NULL"
    )
    op.drop_index("ix_lots_derived", table_name="lots", postgresql_where=sa.text("lot_id < 0"))
    op.drop_table("unlinked_transfers")
    op.drop_table("trees")
    op.drop_table("tree_nodes")
    op.drop_index("uq_seals_transfer", table_name="seals")
    op.drop_table("seals")
    op.drop_index(
        "ix_salt_erasures_open",
        table_name="salt_erasures",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.drop_table("salt_erasures")
    op.drop_table("cosignatures")
    op.drop_table("checkpoints")
    op.drop_index(
        "uq_audits_running", table_name="audits", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_table("audits")
    op.drop_table("account_rollups")
