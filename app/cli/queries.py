"""SQL of commands: what the schema holds, and names that an older release wrote in the clear."""

import json
from base64 import b64encode
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.database import Record

_MAY_HAVE_PLAIN_NAMES = """
    SELECT count(*) = 3 FROM pg_attribute
    WHERE attname = 'display_name' AND NOT attisdropped AND attrelid IN (
        to_regclass('residents'), to_regclass('role_grants'), to_regclass('join_requests'))
"""

# Sealing empties the plain name, so this is right before and after the sealed ones have a place.
_HAS_PLAIN_NAMES = """
    SELECT EXISTS (SELECT FROM residents WHERE display_name IS NOT NULL)
        OR EXISTS (SELECT FROM role_grants WHERE display_name IS NOT NULL)
        OR EXISTS (SELECT FROM join_requests WHERE display_name IS NOT NULL)
"""

_LIST_PLAIN_NAMES = """
    SELECT community_id, {key} AS row_id, display_name AS name FROM {table}
    WHERE display_name IS NOT NULL AND sealed_name IS NULL
    ORDER BY community_id, {key}
    LIMIT :size
"""

# The plain name goes at once: dropping its column later leaves the bytes in the rows.
_STORE_SEALED_NAMES = """
    UPDATE {table} SET sealed_name = decode(sealed.name, 'base64'), display_name = NULL
    FROM json_to_recordset(CAST(:rows AS json))
        AS sealed (community_id bigint, row_id bigint, name text)
    WHERE {table}.community_id = sealed.community_id AND {table}.{key} = sealed.row_id
"""

_ADD_TOKENS = """
    INSERT INTO resident_tokens (community_id, token, resident_id)
    SELECT community_id, decode(token, 'base64'), resident_id
    FROM json_to_recordset(CAST(:rows AS json))
        AS made (community_id bigint, token text, resident_id bigint)
    ON CONFLICT DO NOTHING
"""


async def has_plain_names(connection: AsyncConnection) -> bool:
    """Tell whether there are names in the clear, whatever the schema's revision."""
    if not await connection.scalar(text(_MAY_HAVE_PLAIN_NAMES)):
        return False
    return bool(await connection.scalar(text(_HAS_PLAIN_NAMES)))


async def has_signing_keys(session: AsyncSession) -> bool:
    """Tell whether the schema is there, with the keys in it that the first start makes."""
    if await session.scalar(text("SELECT to_regclass('signing_keys') IS NULL")):
        return False
    return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM signing_keys)")))


async def lock_migrations(connection: AsyncConnection) -> None:
    """Wait for whoever migrates; the lock is the one of migrations/env.py, and ours to free."""
    await connection.execute(text("SET lock_timeout = 0"))
    await connection.execute(text("SET statement_timeout = 0"))
    await connection.execute(text("SELECT pg_advisory_lock(hashtext('gridpoints migrations'))"))
    await connection.commit()


async def list_plain_names(
    connection: AsyncConnection, table: str, key: str, *, size: int
) -> Sequence[Record]:
    """Return names that are not sealed, in the order of their rows."""
    statement = text(_LIST_PLAIN_NAMES.format(table=table, key=key))
    return (await connection.execute(statement, {"size": size})).all()


async def store_sealed_names(
    connection: AsyncConnection, table: str, key: str, sealed: Sequence[tuple[int, int, bytes]]
) -> None:
    """Put sealed names, as (community, row, name), in the place of plain ones."""
    rows = [
        {"community_id": community_id, "row_id": row_id, "name": b64encode(name).decode()}
        for community_id, row_id, name in sealed
    ]
    statement = text(_STORE_SEALED_NAMES.format(table=table, key=key))
    await connection.execute(statement, {"rows": json.dumps(rows)})


async def add_tokens(connection: AsyncConnection, tokens: Sequence[tuple[int, int, bytes]]) -> None:
    """Add what finds residents, as (community, resident, token)."""
    rows = [
        {
            "community_id": community_id,
            "resident_id": resident_id,
            "token": b64encode(token).decode(),
        }
        for community_id, resident_id, token in tokens
    ]
    await connection.execute(text(_ADD_TOKENS), {"rows": json.dumps(rows)})
