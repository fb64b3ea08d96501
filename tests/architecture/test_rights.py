"""What the service's role may do in the database, tried on the database."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models import metadata

APPEND_ONLY = (
    "accounts",
    "checkpoints",
    "claim_reviews",
    "contributions",
    "cosignatures",
    "hold_lots",
    "lot_moves",
    "persons",
    "revoked_codes",
    "rule_versions",
    "seals",
    "transfers",
    "tree_nodes",
    "unlinked_transfers",
)
# A rule version is ended when the next one begins; of whoever leaves, the salts are erased, and
# what was said of their claims.
MAY_CHANGE = {
    "claim_reviews": {"reason", "claimant_household_id", "reviewer_household_id"},
    "rule_versions": {"effective_until"},
    "transfers": {"salt"},
    "unlinked_transfers": {"kept"},
}
NOT_ALLOWED = "42501"


async def refusal_of(connection: AsyncConnection, statement: str) -> str:
    """Return the SQL state with which a statement is refused, or nothing."""
    attempt = await connection.begin_nested()
    try:
        await connection.execute(text(statement))
    except ProgrammingError as refused:
        return str(getattr(getattr(refused.orig, "__cause__", None), "sqlstate", ""))
    finally:
        await attempt.rollback()
    return ""


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_an_append_only_table_cannot_be_emptied(
    connection: AsyncConnection, table: str
) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"TRUNCATE {table} CASCADE"):  # noqa: S608
        assert await refusal_of(connection, statement) == NOT_ALLOWED, statement


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_no_column_of_an_append_only_table_can_be_changed(
    connection: AsyncConnection, table: str
) -> None:
    changeable = {
        column.name
        for column in metadata.tables[table].columns
        if await refusal_of(connection, f"UPDATE {table} SET {column.name} = {column.name}")  # noqa: S608
        != NOT_ALLOWED
    }
    assert changeable == MAY_CHANGE.get(table, set())


async def test_what_was_posted_stays_though_the_row_is_known(connection: AsyncConnection) -> None:
    insert = (
        "INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)"
        " VALUES (1, 5000, 'wallet', 5000, now())"
    )
    await connection.execute(text(insert))
    change = "UPDATE accounts SET owner_id = 1 WHERE community_id = 1 AND account_id = 5000"
    upsert = f"{insert} ON CONFLICT (community_id, account_id) DO UPDATE SET owner_id = 1"
    assert await refusal_of(connection, change) == NOT_ALLOWED
    assert await refusal_of(connection, upsert) == NOT_ALLOWED
    assert await refusal_of(connection, f"{insert} ON CONFLICT DO NOTHING") == ""


async def test_every_table_can_be_read(connection: AsyncConnection) -> None:
    tables = await connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    )
    found = set(tables)
    assert found >= set(metadata.tables)
    unreadable = {table for table in found if await refusal_of(connection, f"SELECT FROM {table}")}
    assert unreadable == set()


async def test_every_table_of_ours_can_be_added_to(connection: AsyncConnection) -> None:
    may_add = text("SELECT has_table_privilege(current_user, CAST(:table AS regclass), 'INSERT')")
    closed = {
        table for table in metadata.tables if not await connection.scalar(may_add, {"table": table})
    }
    assert closed == set()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE stolen (x int)",
        "ALTER TABLE transfers ADD COLUMN x int",
        "DROP TABLE transfers",
        "CREATE TRIGGER t BEFORE INSERT ON transfers EXECUTE FUNCTION suppress_redundant_updates()",
        "UPDATE alembic_version SET version_num = '9999'",
        "SET session_replication_role = replica",
        "COPY persons TO '/tmp/persons'",
        "COPY persons TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT rolpassword FROM pg_authid",
        "CREATE ROLE intruder",
        "ALTER ROLE gridpoints_app SUPERUSER",
    ],
)
async def test_the_service_has_no_rights_over_the_database(
    connection: AsyncConnection, statement: str
) -> None:
    assert await refusal_of(connection, statement) == NOT_ALLOWED


async def test_the_service_can_become_nobody_else(connection: AsyncConnection) -> None:
    assert await connection.scalar(text("SELECT current_user")) == "gridpoints_app"
    assert await connection.scalar(text("SELECT session_user")) == "gridpoints_app"
    for role in ("gridpoints_owner", "postgres"):
        assert await refusal_of(connection, f"SET ROLE {role}") == NOT_ALLOWED
