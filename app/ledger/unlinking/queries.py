"""SQL that finds the lines of residents who left, and erases what could still open them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.core.queries import first_id_at
from app.ledger.queries import run_statement

# A number begins with the time it was made at; a day later its transaction is long over.
_LATE = "transfer_id >= " + first_id_at("done_at - INTERVAL '1 day'")

_ASK = """
    INSERT INTO salt_erasures (community_id, resident_id, person_id, asked_at)
    VALUES (:community_id, :resident_id, :person_id, :now)
    ON CONFLICT DO NOTHING
"""


def _owned_by(resident: str) -> str:
    """Return the condition that an account's lines are a resident's."""
    return f"kind IN ('wallet', 'savings') AND owner_id = {resident}"


def _open_lines(condition: str) -> str:
    """Return the fragment of an account's lines on which its number could still be opened.

    It is where the transfer has its salt, sealed or not, or where the other side's leaving has
    left one for this side.
    """
    return " UNION ALL ".join(
        f"""
        SELECT transfer_id FROM transfers
        WHERE transfers.community_id = accounts.community_id
            AND {side}_account_id = accounts.account_id AND {side}_account_id > 999
            AND {condition}
            AND (salt IS NOT NULL OR (
                SELECT kept #> '{{{side}_account,salt}}' FROM unlinked_transfers AS unlinked
                WHERE unlinked.community_id = accounts.community_id
                    AND unlinked.transfer_id = transfers.transfer_id) IS NOT NULL)
        """  # noqa: S608 - fragments of our own
        for side in ("debit", "credit")
    )


# Of those that are done, only the newest lines are looked at.
_LIST_ERASURES = f"""
    SELECT community_id, resident_id, person_id FROM salt_erasures
    WHERE done_at IS NULL OR EXISTS (
        SELECT FROM accounts CROSS JOIN LATERAL ({_open_lines(_LATE)}) AS line
        WHERE accounts.community_id = salt_erasures.community_id
            AND {_owned_by("resident_id")})
    ORDER BY community_id, resident_id
"""  # noqa: S608 - fragments of this room

_LOCK_COMMUNITY = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"

# What is asked for each line is a subquery with one value: joined, or as EXISTS, PostgreSQL reads
# a whole table for it where it expects many lines.
_LIST_LINES = f"""
    WITH own AS MATERIALIZED (
        SELECT community_id, account_id FROM accounts
        WHERE community_id = :community_id AND {_owned_by(":resident_id")}),
    line AS MATERIALIZED (
        SELECT DISTINCT transfer_id
        FROM own AS accounts
            CROSS JOIN LATERAL ({_open_lines("transfer_id > :after")}) AS line
        WHERE (SELECT leaf_index FROM seals
            WHERE seals.community_id = :community_id
                AND seals.transfer_id = line.transfer_id) IS NOT NULL
        ORDER BY transfer_id LIMIT :size)
    SELECT transfer.*,
        (SELECT CAST(kept AS text) FROM unlinked_transfers AS unlinked
            WHERE unlinked.community_id = :community_id
                AND unlinked.transfer_id = line.transfer_id) AS kept,
        debit_account_id IN (SELECT account_id FROM own) AS is_debit_own,
        credit_account_id IN (SELECT account_id FROM own) AS is_credit_own
    FROM line CROSS JOIN LATERAL (
        SELECT * FROM transfers
        WHERE transfers.community_id = :community_id
            AND transfers.transfer_id = line.transfer_id
        LIMIT 1) AS transfer
    ORDER BY line.transfer_id
"""  # noqa: S608 - fragments of this room

_ERASE = """
    WITH line AS MATERIALIZED (
        SELECT transfer_id, kept
        FROM json_to_recordset(CAST(:lines AS json)) AS line(transfer_id bigint, kept jsonb)
        LIMIT json_array_length(CAST(:lines AS json))),
    unlinked AS (
        INSERT INTO unlinked_transfers (community_id, transfer_id, kept, unlinked_at)
        SELECT :community_id, transfer_id, kept, :now FROM line
        ON CONFLICT (community_id, transfer_id) DO UPDATE SET kept = excluded.kept)
    UPDATE transfers SET salt = NULL FROM line
    WHERE community_id = :community_id AND transfers.transfer_id = line.transfer_id
        AND salt IS NOT NULL
"""

_FINISH = f"""
    UPDATE salt_erasures SET done_at = greatest(:now, asked_at)
    WHERE community_id = :community_id AND resident_id = :resident_id AND NOT EXISTS (
        SELECT FROM accounts CROSS JOIN LATERAL ({_open_lines("true")}) AS line
        WHERE accounts.community_id = :community_id AND {_owned_by(":resident_id")})
"""  # noqa: S608 - fragments of this room


async def add_erasure(
    session: AsyncSession, community_id: int, resident_id: int, person_id: int, *, now: datetime
) -> None:
    """Note that a resident leaves; again changes nothing."""
    values = {"community_id": community_id, "resident_id": resident_id, "person_id": person_id}
    await session.execute(text(_ASK), values | {"now": now})


async def list_erasures(session: AsyncSession) -> Sequence[Record]:
    """Return (community_id, resident_id, person_id) of whoever left and can still be told."""
    return await run_statement(session, _LIST_ERASURES)


async def lock_community(session: AsyncSession, community_id: int) -> None:
    """Let one transaction at a time erase in a community: a gift's two sides may both leave."""
    name = f"salts of community {community_id}"
    await session.execute(text(_LOCK_COMMUNITY), {"name": name})


async def list_lines(
    session: AsyncSession, community_id: int, resident_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return the next sealed transfers, whole, that still tell of a resident.

    With `kept`, as text, where the other side has left already, and which accounts are theirs.
    """
    return await run_statement(
        session, _LIST_LINES,
        community_id=community_id, resident_id=resident_id, after=after, size=size,
    )  # fmt: skip


async def erase(
    session: AsyncSession,
    community_id: int,
    kept: Mapping[int, Mapping[str, Any]],
    *,
    now: datetime,
) -> None:
    """Erase the salts of transfers, each with what is kept in its place."""
    lines = [{"transfer_id": number, "kept": fields} for number, fields in kept.items()]
    values = {"community_id": community_id, "lines": json.dumps(lines), "now": now}
    await session.execute(text(_ERASE), values)


async def finish(
    session: AsyncSession, community_id: int, resident_id: int, *, now: datetime
) -> None:
    """Note that a resident's erasure is done, unless a line of theirs waits to be sealed."""
    values = {"community_id": community_id, "resident_id": resident_id, "now": now}
    await session.execute(text(_FINISH), values)
