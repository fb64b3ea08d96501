"""Sealing the names that an older release wrote in the clear."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.cli import queries
from app.community import personal
from app.core.personal import Vault

BATCH = 1_000
RESIDENTS = "residents"
NAMES = {
    RESIDENTS: ("resident_id", personal.resident_name),
    "role_grants": ("role_grant_id", personal.grant_name),
    "join_requests": ("join_request_id", personal.join_request_name),
}


async def seal_names(connection: AsyncConnection, vault: Vault) -> None:
    """Seal every plain name, batch by batch, each committed; may be broken off and repeated."""
    for table in NAMES:
        while await _seal_batch(connection, vault, table):
            await connection.commit()
    await connection.commit()


async def _seal_batch(connection: AsyncConnection, vault: Vault, table: str) -> int:
    key, field_of = NAMES[table]
    plain = await queries.list_plain_names(connection, table, key, size=BATCH)
    sealed = [
        (row.community_id, row.row_id, vault.seal(row.name, field_of(row.community_id, row.row_id)))
        for row in plain
    ]
    await queries.store_sealed_names(connection, table, key, sealed)
    if table == RESIDENTS:
        tokens = [
            (row.community_id, row.row_id, token)
            for row in plain
            for token in personal.name_tokens(vault, row.community_id, row.name)
        ]
        await queries.add_tokens(connection, tokens)
    return len(plain)
