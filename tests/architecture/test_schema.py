"""The schema can be sharded by `community_id`: the rules of Citus, asked of the live catalog.

What may be an exception is written down here, with its reason.
"""

import re
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models import metadata

# Tables that belong to no community; on a cluster they stay on the coordinator or are copied to
# every node.
GLOBALS = {
    "alembic_version": "Alembic's own",
    "persons": "a person may belong to several communities",
    "identities": "how a person proves who they are",
    "login_sessions": "a signed-in device; bound to a community, not part of it",
    "refresh_tokens": "of a login session",
    "regions": "cities, districts and streets lie above communities",
    "rate_limits": "counts addresses and accounts before anybody is known",
    "signing_keys": "one key set for the whole service",
    "check_traces": "an event of WeChat names a trace, no community",
    "message_quotas": "WeChat counts per person and app",
    "wechat_pushes": "an event of WeChat names no community",
    "pgqueuer": "the job queue",
    "pgqueuer_log": "the job queue",
    "pgqueuer_schedules": "the job queue",
    "pgqueuer_statistics": "the job queue",
}
# What a tenant table or a global one may refer to without naming a community.
REFERABLE = {"persons", "regions", "login_sessions"}
QUEUE = {name for name in GLOBALS if name.startswith("pgqueuer")}
# Ids that WeChat makes.
FOREIGN_IDS = {"app_id", "template_id", "trace_id", "union_id"}
# Citus adds "_" and a shard number to names; longer ones it would replace by a hash.
LONGEST_NAME = 63 - len("_102140")

TENANT_TABLES = sorted(set(metadata.tables) - set(GLOBALS))

INDEXES = """
    SELECT tables.relname AS table_name, indexes.relname AS name, indisprimary AS is_primary,
        indisunique AS is_unique, indisexclusion AS is_exclusion,
        ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS keys (number, place)
            LEFT JOIN pg_attribute ON attrelid = tables.oid AND attnum = keys.number
            ORDER BY place) AS columns
    FROM pg_index
        JOIN pg_class AS tables ON tables.oid = indrelid
        JOIN pg_class AS indexes ON indexes.oid = indexrelid
    WHERE tables.relnamespace = 'public'::regnamespace
"""
FOREIGN_KEYS = """
    SELECT tables.relname AS table_name, conname AS name, targets.relname AS target,
        confdeltype::text AS on_delete, confupdtype::text AS on_update,
        ARRAY(SELECT attname::text FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
    FROM pg_constraint
        JOIN pg_class AS tables ON tables.oid = conrelid
        JOIN pg_class AS targets ON targets.oid = confrelid
    WHERE contype = 'f' AND tables.relnamespace = 'public'::regnamespace
"""
COLUMNS = """
    SELECT table_name, column_name, data_type, is_identity, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
"""
TRIGGERS = """
    SELECT tgrelid::regclass::text AS table_name, tgname AS name
    FROM pg_trigger WHERE NOT tgisinternal
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS table_name, conname AS name, contype::text AS kind
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
"""


async def rows(connection: AsyncConnection, statement: str) -> list[dict[str, Any]]:
    found = await connection.execute(text(statement))
    return [dict(row) for row in found.mappings()]


def test_the_list_of_globals_names_tables_that_are_there() -> None:
    known = set(metadata.tables) | QUEUE | {"alembic_version"}
    assert set(GLOBALS) <= known
    assert set(GLOBALS) >= REFERABLE
    assert len(TENANT_TABLES) > len(GLOBALS)


async def test_the_database_has_our_tables_and_no_others(connection: AsyncConnection) -> None:
    tables = await connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    )
    assert set(tables) == set(metadata.tables) | QUEUE | {"alembic_version"}


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_tenant_table_begins_its_primary_key_with_the_community(table: str) -> None:
    columns = [column.name for column in metadata.tables[table].primary_key]
    assert columns[0] == "community_id"
    assert not metadata.tables[table].columns["community_id"].nullable


async def test_every_unique_index_of_a_tenant_table_names_the_community(
    connection: AsyncConnection,
) -> None:
    found = [row for row in await rows(connection, INDEXES) if row["table_name"] not in GLOBALS]
    strict = [row for row in found if row["is_primary"] or row["is_unique"] or row["is_exclusion"]]
    assert len(strict) > len(TENANT_TABLES)
    assert {row["table_name"] for row in strict if row["is_primary"]} == set(TENANT_TABLES)
    assert [row["name"] for row in strict if "community_id" not in row["columns"]] == []


async def test_other_indexes_of_a_tenant_table_are_read_within_one_community(
    connection: AsyncConnection,
) -> None:
    # A person is looked up in all communities, to list the memberships.
    across = {"ix_residents_person_id", "ix_role_grants_person_id"}
    found = [row for row in await rows(connection, INDEXES) if row["table_name"] not in GLOBALS]
    names = {row["name"] for row in found if row["columns"][0] != "community_id"}
    assert names == across


async def test_a_foreign_key_stays_in_its_community_or_points_to_a_global(
    connection: AsyncConnection,
) -> None:
    found = await rows(connection, FOREIGN_KEYS)
    assert len(found) > 5
    astray = [
        row["name"]
        for row in found
        if row["target"] not in REFERABLE and "community_id" not in row["columns"]
    ]
    assert astray == []


async def test_no_global_refers_to_a_tenant_table(connection: AsyncConnection) -> None:
    found = await rows(connection, FOREIGN_KEYS)
    backwards = [
        row["name"]
        for row in found
        if row["table_name"] in GLOBALS and row["target"] not in GLOBALS
    ]
    assert backwards == []


async def test_no_foreign_key_changes_a_row_behind_our_back(connection: AsyncConnection) -> None:
    found = await rows(connection, FOREIGN_KEYS)
    assert {row["on_delete"] + row["on_update"] for row in found} == {"aa"}


async def test_an_identity_column_is_a_bigint(connection: AsyncConnection) -> None:
    found = await rows(connection, COLUMNS)
    numbered = {
        f"{row['table_name']}.{row['column_name']}": row["data_type"]
        for row in found
        if row["table_name"] not in QUEUE
        and (row["is_identity"] == "YES" or "nextval" in (row["column_default"] or ""))
    }
    assert numbered == {
        "communities.community_id": "bigint", "score_changes.change_id": "bigint",
    }  # fmt: skip


async def test_numbers_texts_and_times_have_one_type_each(connection: AsyncConnection) -> None:
    found = [
        row for row in await rows(connection, COLUMNS)
        if row["table_name"] not in QUEUE | {"alembic_version"}
    ]  # fmt: skip
    assert {row["data_type"] for row in found} == {
        "bigint", "smallint", "text", "timestamp with time zone", "date", "bytea", "json", "jsonb",
        "double precision", "boolean", "ARRAY",
    }  # fmt: skip
    ids = [
        row for row in found
        if row["column_name"].endswith("_id") and row["column_name"] not in FOREIGN_IDS | {"key_id"}
    ]  # fmt: skip
    assert {row["data_type"] for row in ids} == {"bigint"}


async def test_a_default_is_a_constant(connection: AsyncConnection) -> None:
    found = [row for row in await rows(connection, COLUMNS) if row["table_name"] not in QUEUE]
    defaults = {row["column_default"] for row in found if row["column_default"] is not None}
    constants = {
        "'infinity'::timestamp with time zone", "'act'::text", "'actor'::text", "'any'::text",
        "'[]'::jsonb", "false",
    }  # fmt: skip
    number = re.compile(r"'\d+'::(bigint|smallint)")
    assert {default for default in defaults if not number.fullmatch(default)} == constants


async def test_only_the_job_queue_has_triggers(connection: AsyncConnection) -> None:
    found = await rows(connection, TRIGGERS)
    assert {row["table_name"] for row in found} <= QUEUE
    assert found != []


async def test_nothing_happens_behind_a_statement(connection: AsyncConnection) -> None:
    rules = await connection.scalars(
        text("SELECT rulename FROM pg_rules WHERE schemaname = 'public'")
    )
    functions = await connection.scalars(
        text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    )
    assert list(rules) == []
    assert {name for name in functions if "pgqueuer" not in name} == set()


async def test_every_constraint_is_named_by_the_convention(connection: AsyncConnection) -> None:
    prefixes = {"p": "pk_{}", "c": "ck_{}_", "f": "fk_{}_", "u": "uq_{}_"}
    found = [
        row for row in await rows(connection, CONSTRAINTS)
        if row["table_name"] not in QUEUE | {"alembic_version"}
    ]  # fmt: skip
    assert len(found) > 80
    misnamed = [
        row["name"]
        for row in found
        if not row["name"].startswith(prefixes[row["kind"]].format(row["table_name"]))
    ]
    assert misnamed == []


async def test_every_index_is_named_by_the_convention(connection: AsyncConnection) -> None:
    found = [
        row for row in await rows(connection, INDEXES)
        if row["table_name"] not in QUEUE | {"alembic_version"}
    ]  # fmt: skip
    misnamed = []
    for row in found:
        kind = "pk" if row["is_primary"] else "uq" if row["is_unique"] else "ix"
        if not row["name"].startswith(f"{kind}_{row['table_name']}"):
            misnamed.append(row["name"])
    assert misnamed == []


async def test_a_name_leaves_room_for_a_shards_number(connection: AsyncConnection) -> None:
    named = await rows(connection, CONSTRAINTS) + await rows(connection, INDEXES)
    names = {row["name"] for row in named} | set(metadata.tables)
    assert {name for name in names if len(name) > LONGEST_NAME} == set()
