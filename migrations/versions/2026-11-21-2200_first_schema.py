"""First schema: every room's tables, and the two roles' rights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The service may not change or delete what was written into these.
APPEND_ONLY = (
    "transfers",
    "lot_moves",
    "hold_lots",
    "contributions",
    "revoked_codes",
    "persons",
    "accounts",
)
READ_AND_WRITE = (
    "idempotency_keys",
    "rate_limits",
    "signing_keys",
    "identities",
    "login_sessions",
    "refresh_tokens",
    "regions",
    "communities",
    "grids",
    "buildings",
    "households",
    "residents",
    "role_grants",
    "join_requests",
    "rules",
    "campaigns",
    "balances",
    "lots",
    "holds",
    "reversed_points",
    "seal_queue",
    "standings",
    "cap_usage",
    "activities",
    "rewards",
    "vouchers",
    "shops",
    "verifications",
)


def create_app_role() -> None:
    """Make the role that runs the service, unless an administrator has."""
    op.execute("""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gridpoints_app') THEN
                CREATE ROLE gridpoints_app NOLOGIN;
                GRANT gridpoints_app TO CURRENT_USER;
            END IF;
        END $$
    """)


def grant_rights() -> None:
    """Give the service what it needs and no more."""
    op.execute("GRANT USAGE ON SCHEMA public TO gridpoints_app")
    op.execute("GRANT SELECT ON alembic_version TO gridpoints_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridpoints_app")
    for table in READ_AND_WRITE:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gridpoints_app")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO gridpoints_app")
    # A rule version is followed by another, never rewritten.
    op.execute("GRANT SELECT, INSERT, UPDATE (effective_until) ON rule_versions TO gridpoints_app")


def upgrade() -> None:
    create_app_role()
    op.create_table(
        "accounts",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('wallet', 'savings', 'fund', 'merchant', 'issuer', 'expired', 'penalty', 'correction')",
            name=op.f("ck_accounts_kind_known"),
        ),
        sa.PrimaryKeyConstraint("community_id", "account_id", name=op.f("pk_accounts")),
    )
    op.create_index(
        "uq_accounts_owner", "accounts", ["community_id", "kind", "owner_id"], unique=True
    )
    op.create_table(
        "activities",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_in_opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_in_closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('scheduled', 'cancelled')", name=op.f("ck_activities_state_known")
        ),
        sa.CheckConstraint(
            "check_in_closes_at > check_in_opens_at",
            name=op.f("ck_activities_closes_after_opening"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_activities_ends_after_start")),
        sa.CheckConstraint("units >= 1", name=op.f("ck_activities_units_positive")),
        sa.PrimaryKeyConstraint("community_id", "activity_id", name=op.f("pk_activities")),
    )
    op.create_index(
        op.f("ix_activities_community_id_ends_at_activity_id"),
        "activities",
        ["community_id", "ends_at", "activity_id"],
        unique=False,
    )
    op.create_table(
        "balances",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("posted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lots_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("floor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_expiry_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'infinity'"),
            nullable=False,
        ),
        sa.CheckConstraint("debt <= -floor", name=op.f("ck_balances_debt_within_floor")),
        sa.CheckConstraint("debt >= 0", name=op.f("ck_balances_debt_not_negative")),
        sa.CheckConstraint(
            "held BETWEEN 0 AND lots_total", name=op.f("ck_balances_held_within_lots")
        ),
        sa.CheckConstraint(
            "posted = lots_total - debt", name=op.f("ck_balances_posted_is_lots_less_debt")
        ),
        sa.PrimaryKeyConstraint("community_id", "account_id", name=op.f("pk_balances")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "campaigns",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule_codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("bonus_points", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("bonus_points >= 0", name=op.f("ck_campaigns_bonus_not_negative")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_campaigns_runs_forwards")),
        sa.CheckConstraint(
            "percent BETWEEN 100 AND 1000", name=op.f("ck_campaigns_percent_not_less_than_base")
        ),
        sa.PrimaryKeyConstraint("community_id", "campaign_id", name=op.f("pk_campaigns")),
    )
    op.create_index("uq_campaigns_code", "campaigns", ["community_id", "code"], unique=True)
    op.create_table(
        "cap_usage",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("used_points", sa.BigInteger(), nullable=False),
        sa.Column("used_times", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "period IN ('day', 'week', 'month', 'year', 'all')",
            name=op.f("ck_cap_usage_period_known"),
        ),
        sa.CheckConstraint(
            "used_points >= 0 AND used_times >= 0", name=op.f("ck_cap_usage_used_not_negative")
        ),
        sa.PrimaryKeyConstraint(
            "community_id",
            "rule_id",
            "resident_id",
            "period",
            "starts_on",
            name=op.f("pk_cap_usage"),
        ),
    )
    op.create_table(
        "contributions",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("contribution_id", sa.BigInteger(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("asked_points", sa.BigInteger(), nullable=False),
        sa.Column("granted_points", sa.BigInteger(), nullable=False),
        sa.Column("breakdown", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "source_kind IN ('activity', 'daily_check_in', 'committee')",
            name=op.f("ck_contributions_source_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('awarded', 'capped', 'deducted')", name=op.f("ck_contributions_state_known")
        ),
        sa.CheckConstraint(
            "abs(granted_points) <= abs(asked_points)",
            name=op.f("ck_contributions_granted_within_asked"),
        ),
        sa.PrimaryKeyConstraint("community_id", "contribution_id", name=op.f("pk_contributions")),
    )
    op.create_index(
        "uq_contributions_source",
        "contributions",
        ["community_id", "source_kind", "source_id", "resident_id", "occasion"],
        unique=True,
    )
    op.create_table(
        "grids",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "grid_id", name=op.f("pk_grids")),
    )
    op.create_table(
        "hold_lots",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_hold_lots_points_positive")),
        sa.PrimaryKeyConstraint("community_id", "hold_id", "lot_id", name=op.f("pk_hold_lots")),
    )
    op.create_table(
        "holds",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("captured_points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("captures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'captured', 'released', 'expired')",
            name=op.f("ck_holds_state_known"),
        ),
        sa.CheckConstraint(
            "captured_points BETWEEN 0 AND points", name=op.f("ck_holds_captured_within_points")
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_holds_points_positive")),
        sa.PrimaryKeyConstraint("community_id", "hold_id", name=op.f("pk_holds")),
    )
    op.create_index(
        "ix_holds_open",
        "holds",
        ["community_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("community_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(key) <= 255", name=op.f("ck_idempotency_keys_key_length")),
        sa.PrimaryKeyConstraint(
            "community_id", "caller_id", "operation", "key", name=op.f("pk_idempotency_keys")
        ),
    )
    op.create_index(
        op.f("ix_idempotency_keys_community_id_created_at"),
        "idempotency_keys",
        ["community_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "lot_moves",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_lot_moves_points_positive")),
        sa.PrimaryKeyConstraint("community_id", "transfer_id", "lot_id", name=op.f("pk_lot_moves")),
    )
    op.create_table(
        "lots",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("origin_lot_id", sa.BigInteger(), nullable=True),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'infinity'"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "held BETWEEN 0 AND remaining", name=op.f("ck_lots_held_within_remaining")
        ),
        sa.CheckConstraint(
            "remaining BETWEEN 0 AND granted", name=op.f("ck_lots_remaining_within_granted")
        ),
        sa.PrimaryKeyConstraint("community_id", "lot_id", name=op.f("pk_lots")),
    )
    op.create_index(
        "ix_lots_spending_order",
        "lots",
        ["community_id", "account_id", "expires_at", "lot_id"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "persons",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_persons")),
    )
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("arrival_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limits")),
    )
    op.create_table(
        "regions",
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('city', 'district', 'street')", name=op.f("ck_regions_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["regions.region_id"], name=op.f("fk_regions_parent_id")
        ),
        sa.PrimaryKeyConstraint("region_id", name=op.f("pk_regions")),
    )
    op.create_table(
        "reversed_points",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("original_points", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "points BETWEEN 1 AND original_points",
            name=op.f("ck_reversed_points_not_more_than_original"),
        ),
        sa.PrimaryKeyConstraint("community_id", "transfer_id", name=op.f("pk_reversed_points")),
    )
    op.create_table(
        "revoked_codes",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "community_id", "kind", "subject_id", "expires_at", name=op.f("pk_revoked_codes")
        ),
    )
    op.create_table(
        "rewards",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price_points", sa.BigInteger(), nullable=False),
        sa.Column("stock_left", sa.BigInteger(), nullable=True),
        sa.Column("per_resident_limit", sa.BigInteger(), nullable=True),
        sa.Column("voucher_days", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('coupon', 'goods', 'service', 'privilege')",
            name=op.f("ck_rewards_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('on_sale', 'withdrawn')", name=op.f("ck_rewards_state_known")
        ),
        sa.CheckConstraint("per_resident_limit > 0", name=op.f("ck_rewards_limit_positive")),
        sa.CheckConstraint("price_points > 0", name=op.f("ck_rewards_price_positive")),
        sa.CheckConstraint("stock_left >= 0", name=op.f("ck_rewards_stock_not_negative")),
        sa.CheckConstraint(
            "voucher_days BETWEEN 1 AND 366", name=op.f("ck_rewards_voucher_days_within_a_year")
        ),
        sa.PrimaryKeyConstraint("community_id", "reward_id", name=op.f("pk_rewards")),
    )
    op.create_index(
        op.f("ix_rewards_community_id_price_points_reward_id"),
        "rewards",
        ["community_id", "price_points", "reward_id"],
        unique=False,
    )
    op.create_index("uq_rewards_code", "rewards", ["community_id", "code"], unique=True)
    op.create_table(
        "role_grants",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("role_grant_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('grid_worker', 'clerk', 'committee')", name=op.f("ck_role_grants_role_known")
        ),
        sa.CheckConstraint(
            "grid_id IS NULL OR shop_id IS NULL", name=op.f("ck_role_grants_one_place")
        ),
        sa.PrimaryKeyConstraint("community_id", "role_grant_id", name=op.f("pk_role_grants")),
    )
    op.create_index(op.f("ix_role_grants_person_id"), "role_grants", ["person_id"], unique=False)
    op.create_table(
        "rules",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "rule_id", name=op.f("pk_rules")),
    )
    op.create_index("uq_rules_code", "rules", ["community_id", "code"], unique=True)
    op.create_table(
        "seal_queue",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "transfer_id", name=op.f("pk_seal_queue")),
    )
    op.create_table(
        "shops",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("void_minutes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "void_minutes BETWEEN 0 AND 1440", name=op.f("ck_shops_void_within_a_day")
        ),
        sa.PrimaryKeyConstraint("community_id", "shop_id", name=op.f("pk_shops")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key_id", sa.SmallInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('codes', 'sessions')", name=op.f("ck_signing_keys_purpose_known")
        ),
        sa.CheckConstraint(
            "purpose <> 'codes' OR key_id <= 255",
            name=op.f("ck_signing_keys_key_id_of_codes_is_a_byte"),
        ),
        sa.CheckConstraint("key_id >= 1", name=op.f("ck_signing_keys_key_id_positive")),
        sa.PrimaryKeyConstraint("purpose", "key_id", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "standings",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "period IN ('week', 'month', 'all')", name=op.f("ck_standings_period_known")
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "period", "starts_on", "resident_id", name=op.f("pk_standings")
        ),
    )
    op.create_index(
        "ix_standings_score",
        "standings",
        ["community_id", "period", "starts_on", "score", "resident_id"],
        unique=False,
    )
    op.create_table(
        "transfers",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.SmallInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_transfer_id", sa.BigInteger(), nullable=True),
        sa.Column("maker_id", sa.BigInteger(), nullable=False),
        sa.Column("checker_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('award', 'deduction', 'spend', 'reversal', 'expiry', 'decay', 'saving', 'withdrawal', 'donation', 'gift', 'settlement', 'correction')",
            name=op.f("ck_transfers_kind_known"),
        ),
        sa.CheckConstraint("checker_id <> maker_id", name=op.f("ck_transfers_checker_is_another")),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_transfers_two_accounts")
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_transfers_points_positive")),
        sa.PrimaryKeyConstraint("community_id", "transfer_id", name=op.f("pk_transfers")),
    )
    op.create_index(
        "ix_transfers_credit",
        "transfers",
        ["community_id", "credit_account_id", "transfer_id"],
        unique=False,
        postgresql_where=sa.text("credit_account_id > 999"),
    )
    op.create_index(
        "ix_transfers_debit",
        "transfers",
        ["community_id", "debit_account_id", "transfer_id"],
        unique=False,
        postgresql_where=sa.text("debit_account_id > 999"),
    )
    op.create_index(
        "uq_transfers_source",
        "transfers",
        ["community_id", "source_kind", "source_id", "leg"],
        unique=True,
    )
    op.create_table(
        "verifications",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("out_request_no", sa.Text(), nullable=False),
        sa.Column("verification_id", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancels_verification_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "operation IN ('consume', 'cancel')", name=op.f("ck_verifications_operation_known")
        ),
        sa.PrimaryKeyConstraint(
            "community_id", "shop_id", "out_request_no", name=op.f("pk_verifications")
        ),
    )
    op.create_index(
        "uq_verifications_cancelled",
        "verifications",
        ["community_id", "cancels_verification_id"],
        unique=True,
    )
    op.create_index(
        "uq_verifications_id", "verifications", ["community_id", "verification_id"], unique=True
    )
    op.create_table(
        "vouchers",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("typed_code", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_shop_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'used') = (used_at IS NOT NULL AND used_shop_id IS NOT NULL)",
            name=op.f("ck_vouchers_used_names_shop_and_time"),
        ),
        sa.CheckConstraint(
            "state IN ('issued', 'used', 'cancelled', 'expired')",
            name=op.f("ck_vouchers_state_known"),
        ),
        sa.PrimaryKeyConstraint("community_id", "voucher_id", name=op.f("pk_vouchers")),
    )
    op.create_index(
        op.f("ix_vouchers_community_id_resident_id_voucher_id"),
        "vouchers",
        ["community_id", "resident_id", "voucher_id"],
        unique=False,
    )
    op.create_index(
        "ix_vouchers_open",
        "vouchers",
        ["community_id", "valid_until"],
        unique=False,
        postgresql_where=sa.text("state = 'issued'"),
    )
    op.create_index(
        "uq_vouchers_typed_code", "vouchers", ["community_id", "typed_code"], unique=True
    )
    op.create_table(
        "buildings",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("grid_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "grid_id"],
            ["grids.community_id", "grids.grid_id"],
            name=op.f("fk_buildings_community_id_grid_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "building_id", name=op.f("pk_buildings")),
    )
    op.create_table(
        "communities",
        sa.Column("community_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "community_id BETWEEN 1 AND 4294967295",
            name=op.f("ck_communities_number_is_four_bytes"),
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["regions.region_id"], name=op.f("fk_communities_region_id")
        ),
        sa.PrimaryKeyConstraint("community_id", name=op.f("pk_communities")),
    )
    op.create_table(
        "identities",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("union_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "provider IN ('wechat', 'local')", name=op.f("ck_identities_provider_known")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.person_id"], name=op.f("fk_identities_person_id")
        ),
        sa.PrimaryKeyConstraint("provider", "app_id", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_person_id"), "identities", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_identities_provider_union_id"),
        "identities",
        ["provider", "union_id"],
        unique=False,
    )
    op.create_table(
        "login_sessions",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("community_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.person_id"], name=op.f("fk_login_sessions_person_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_login_sessions")),
    )
    op.create_index(
        op.f("ix_login_sessions_person_id"), "login_sessions", ["person_id"], unique=False
    )
    op.create_table(
        "rule_versions",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("max_units", sa.BigInteger(), nullable=False),
        sa.Column("caps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expiry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "direction IN ('earn', 'cost')", name=op.f("ck_rule_versions_direction_known")
        ),
        sa.CheckConstraint(
            "unit IN ('time', 'hour', 'month', 'piece')", name=op.f("ck_rule_versions_unit_known")
        ),
        sa.CheckConstraint(
            "effective_until > effective_from", name=op.f("ck_rule_versions_in_force_forwards")
        ),
        sa.CheckConstraint("max_units >= 1", name=op.f("ck_rule_versions_max_units_positive")),
        sa.CheckConstraint("points > 0", name=op.f("ck_rule_versions_points_positive")),
        sa.ForeignKeyConstraint(
            ["community_id", "rule_id"],
            ["rules.community_id", "rules.rule_id"],
            name=op.f("fk_rule_versions_community_id_rule_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "rule_version_id", name=op.f("pk_rule_versions")),
    )
    op.create_index(
        "uq_rule_versions_version",
        "rule_versions",
        ["community_id", "rule_id", "version"],
        unique=True,
    )
    op.create_table(
        "households",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["buildings.community_id", "buildings.building_id"],
            name=op.f("fk_households_community_id_building_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "household_id", name=op.f("pk_households")),
    )
    op.create_index(
        "uq_households_room", "households", ["community_id", "building_id", "room"], unique=True
    )
    op.create_table(
        "join_requests",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("join_request_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'refused')", name=op.f("ck_join_requests_state_known")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> person_id",
            name=op.f("ck_join_requests_not_own_request"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "building_id"],
            ["buildings.community_id", "buildings.building_id"],
            name=op.f("fk_join_requests_community_id_building_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "join_request_id", name=op.f("pk_join_requests")),
    )
    op.create_index(
        "uq_join_requests_pending",
        "join_requests",
        ["community_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["login_sessions.session_id"], name=op.f("fk_refresh_tokens_session_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(
        op.f("ix_refresh_tokens_expires_at"), "refresh_tokens", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False
    )
    op.create_table(
        "residents",
        sa.Column("community_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("masked_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'left')", name=op.f("ck_residents_state_known")),
        sa.ForeignKeyConstraint(
            ["community_id", "household_id"],
            ["households.community_id", "households.household_id"],
            name=op.f("fk_residents_community_id_household_id"),
        ),
        sa.PrimaryKeyConstraint("community_id", "resident_id", name=op.f("pk_residents")),
    )
    op.create_index(
        op.f("ix_residents_community_id_building_id"),
        "residents",
        ["community_id", "building_id"],
        unique=False,
    )
    op.create_index(op.f("ix_residents_person_id"), "residents", ["person_id"], unique=False)
    op.create_index("uq_residents_person", "residents", ["community_id", "person_id"], unique=True)
    grant_rights()


def downgrade() -> None:
    op.drop_index("uq_residents_person", table_name="residents")
    op.drop_index(op.f("ix_residents_person_id"), table_name="residents")
    op.drop_index(op.f("ix_residents_community_id_building_id"), table_name="residents")
    op.drop_table("residents")
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_expires_at"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(
        "uq_join_requests_pending",
        table_name="join_requests",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("join_requests")
    op.drop_index("uq_households_room", table_name="households")
    op.drop_table("households")
    op.drop_index("uq_rule_versions_version", table_name="rule_versions")
    op.drop_table("rule_versions")
    op.drop_index(op.f("ix_login_sessions_person_id"), table_name="login_sessions")
    op.drop_table("login_sessions")
    op.drop_index(op.f("ix_identities_provider_union_id"), table_name="identities")
    op.drop_index(op.f("ix_identities_person_id"), table_name="identities")
    op.drop_table("identities")
    op.drop_table("communities")
    op.drop_table("buildings")
    op.drop_index("uq_vouchers_typed_code", table_name="vouchers")
    op.drop_index(
        "ix_vouchers_open", table_name="vouchers", postgresql_where=sa.text("state = 'issued'")
    )
    op.drop_index(op.f("ix_vouchers_community_id_resident_id_voucher_id"), table_name="vouchers")
    op.drop_table("vouchers")
    op.drop_index("uq_verifications_id", table_name="verifications")
    op.drop_index("uq_verifications_cancelled", table_name="verifications")
    op.drop_table("verifications")
    op.drop_index("uq_transfers_source", table_name="transfers")
    op.drop_index(
        "ix_transfers_debit",
        table_name="transfers",
        postgresql_where=sa.text("debit_account_id > 999"),
    )
    op.drop_index(
        "ix_transfers_credit",
        table_name="transfers",
        postgresql_where=sa.text("credit_account_id > 999"),
    )
    op.drop_table("transfers")
    op.drop_index("ix_standings_score", table_name="standings")
    op.drop_table("standings")
    op.drop_table("signing_keys")
    op.drop_table("shops")
    op.drop_table("seal_queue")
    op.drop_index("uq_rules_code", table_name="rules")
    op.drop_table("rules")
    op.drop_index(op.f("ix_role_grants_person_id"), table_name="role_grants")
    op.drop_table("role_grants")
    op.drop_index("uq_rewards_code", table_name="rewards")
    op.drop_index(op.f("ix_rewards_community_id_price_points_reward_id"), table_name="rewards")
    op.drop_table("rewards")
    op.drop_table("revoked_codes")
    op.drop_table("reversed_points")
    op.drop_table("regions")
    op.drop_table("rate_limits")
    op.drop_table("persons")
    op.drop_index(
        "ix_lots_spending_order", table_name="lots", postgresql_where=sa.text("remaining > 0")
    )
    op.drop_table("lots")
    op.drop_table("lot_moves")
    op.drop_index(
        op.f("ix_idempotency_keys_community_id_created_at"), table_name="idempotency_keys"
    )
    op.drop_table("idempotency_keys")
    op.drop_index("ix_holds_open", table_name="holds", postgresql_where=sa.text("state = 'held'"))
    op.drop_table("holds")
    op.drop_table("hold_lots")
    op.drop_table("grids")
    op.drop_index("uq_contributions_source", table_name="contributions")
    op.drop_table("contributions")
    op.drop_table("cap_usage")
    op.drop_index("uq_campaigns_code", table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_table("balances")
    op.drop_index(op.f("ix_activities_community_id_ends_at_activity_id"), table_name="activities")
    op.drop_table("activities")
    op.drop_index("uq_accounts_owner", table_name="accounts")
    op.drop_table("accounts")
