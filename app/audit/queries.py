"""SQL of the audit's own: pages and checks of walks, how audits stand, what is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import Audit, AuditState
from app.core.database import Record
from app.core.ids import new_id

# Statistics of a growing book are old, and a plan for any page would be bad for most.
_PLAN_EACH_PAGE = "SET LOCAL plan_cache_mode = force_custom_plan"
# An account can have all of a book's transfers, as a fund has of its gifts: a page of it takes
# seconds for each hundred thousand, and nobody waits for it. Only what hangs is to be ended.
_TAKE_TIME = "SET LOCAL statement_timeout = '10min'"

# Revoked keys too: what they signed while they were good stays.
_GET_BOOK = """
    SELECT timezone, origin,
        ARRAY(SELECT public_key FROM signing_keys WHERE purpose = 'seals' ORDER BY key_id)
            AS public_keys
    FROM communities LEFT JOIN trees USING (community_id)
    WHERE community_id = :community_id
"""

_BEGIN_AUDIT = """
    INSERT INTO audits (community_id, audit_id, state, started_at, updated_at)
    VALUES (:community_id, :audit_id, 'running', :now, :now)
    ON CONFLICT (community_id) WHERE state = 'running' DO NOTHING
"""

_LIST_COMMUNITIES = """
    SELECT community_id, code, name FROM communities
    WHERE CAST(:names AS text[]) IS NULL OR code = ANY(:names)
        OR CAST(community_id AS text) = ANY(:names)
    ORDER BY community_id
"""

_LIST_DUE = """
    SELECT community_id FROM communities
    WHERE NOT EXISTS (
        SELECT FROM audits
        WHERE audits.community_id = communities.community_id AND ended_at > :since)
    ORDER BY community_id
"""

# A few rows of an index for each community, however old it is and however much it holds; OFFSET 0
# keeps a queue that was long from being merged with all that was ever posted.
_MEASURE = """
    SELECT
        (SELECT count(*) FROM communities CROSS JOIN LATERAL (
            SELECT state FROM audits
            WHERE audits.community_id = communities.community_id AND state <> 'running'
            ORDER BY audit_id DESC LIMIT 1) AS newest
        WHERE state = 'different') AS differences,
        (SELECT min(coalesce(clean.ended_at, created_at)) FROM communities LEFT JOIN LATERAL (
            SELECT ended_at FROM audits
            WHERE audits.community_id = communities.community_id AND state = 'clean'
            ORDER BY audit_id DESC LIMIT 1) AS clean ON true) AS clean_since,
        (SELECT min(posted_at) FROM communities CROSS JOIN LATERAL (
            SELECT posted_at FROM seal_queue CROSS JOIN LATERAL (
                SELECT posted_at FROM transfers
                WHERE transfers.community_id = seal_queue.community_id
                    AND transfers.transfer_id = seal_queue.transfer_id OFFSET 0) AS transfer
            WHERE seal_queue.community_id = communities.community_id
            ORDER BY seal_queue.transfer_id LIMIT 1) AS first) AS waits_since
"""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of a key of several, its SQL type, and a value before all that it has."""

    name: str
    type: str
    before_all: str


def page_by(key: str, table: str, where: str = "true") -> str:
    """Return the statement of a page over a table by a key of one number (walks.KeyWalk)."""
    return f"""
        SELECT max(key) AS until, count(*) AS rows FROM (
            SELECT {key} AS key FROM {table}
            WHERE community_id = :community_id AND {key} > :after AND {where}
            ORDER BY {key} FETCH FIRST (CAST(:size AS bigint)) ROWS WITH TIES) AS page
    """  # noqa: S608 - names of our own


def page_by_any(*tables: tuple[str, str]) -> str:
    """Return the statement of a page by a number that several tables have, as (key, table).

    So that a row is come by also where the others lack it.
    """
    parts = " UNION ".join(
        f"(SELECT {key} AS key FROM {table}"  # noqa: S608 - names of our own
        f" WHERE community_id = :community_id AND {key} > :after ORDER BY {key} LIMIT :size)"
        for key, table in tables
    )
    return f"""
        SELECT max(key) AS until, count(*) AS rows
        FROM (SELECT key FROM ({parts}) AS found ORDER BY key LIMIT :size) AS page
    """  # noqa: S608 - names of our own


def page_of(table: str, key: Sequence[KeyColumn]) -> str:
    """Return the statement of a page by a key of several columns: its last row, and `rows`."""
    names = ", ".join(column.name for column in key)
    last = ", ".join(f"CAST(page.{column.name} AS text) AS {column.name}" for column in key)
    downwards = ", ".join(f"page.{column.name} DESC" for column in key)
    return f"""
        SELECT {last}, count(*) OVER () AS rows FROM (
            SELECT {names} FROM {table}
            WHERE community_id = :community_id AND ({names}) > ({_values("after", key)})
            ORDER BY {names} LIMIT :size) AS page
        ORDER BY {downwards} LIMIT 1
    """  # noqa: S608 - names of our own


def keys_between(key: Sequence[KeyColumn]) -> str:
    """Return the condition for the rows of a page by such a key (walks.TupleWalk)."""
    names = ", ".join(column.name for column in key)
    return f"({names}) > ({_values('after', key)}) AND ({names}) <= ({_values('until', key)})"


def _values(end: str, key: Sequence[KeyColumn]) -> str:
    return ", ".join(f"CAST(CAST(:{end}_{column.name} AS text) AS {column.type})" for column in key)


async def get_page(session: AsyncSession, statement: str, values: Mapping[str, Any]) -> Record:
    """Return where a page ends and how many rows it has."""
    return (await session.execute(text(statement), dict(values))).one()


async def find_row(
    session: AsyncSession, statement: str, values: Mapping[str, Any]
) -> Record | None:
    """Return the first row of a statement, which is given those values it asks for."""
    wanted = text(statement)
    asked = {name: values[name] for name in wanted.compile().params}
    return (await session.execute(wanted, asked)).first()


async def plan_each_page(session: AsyncSession) -> None:
    """Let this transaction's statements be planned for the page they are about, and take time."""
    await session.execute(text(_PLAN_EACH_PAGE))
    await session.execute(text(_TAKE_TIME))


async def get_book(session: AsyncSession, community_id: int) -> Record | None:
    """Return a community's time zone, its tree's origin, and the keys that may have signed it."""
    statement = text(_GET_BOOK)
    return (await session.execute(statement, {"community_id": community_id})).one_or_none()


async def begin_audit(session: AsyncSession, community_id: int, *, now: datetime) -> None:
    """Begin an audit unless one is running."""
    values = {"community_id": community_id, "audit_id": new_id(now), "now": now}
    await session.execute(text(_BEGIN_AUDIT), values)


async def get_running(session: AsyncSession, community_id: int) -> Audit | None:
    """Return the audit that is running, or was broken off."""
    statement = select(Audit).where(
        Audit.community_id == community_id, Audit.state == AuditState.RUNNING
    )
    return (await session.scalars(statement)).one_or_none()


async def lock_audit(session: AsyncSession, community_id: int, audit_id: int) -> Audit | None:
    """Return an audit, locked until the transaction ends; None if somebody else has it."""
    statement = select(Audit).where(Audit.community_id == community_id, Audit.audit_id == audit_id)
    return (await session.scalars(statement.with_for_update(skip_locked=True))).one_or_none()


async def get_newest(session: AsyncSession, community_id: int, *, is_over: bool) -> Audit | None:
    """Return the newest audit, of those that are over or of those that run."""
    ended = Audit.ended_at.is_not(None) if is_over else Audit.ended_at.is_(None)
    statement = select(Audit).where(Audit.community_id == community_id, ended)
    return (await session.scalars(statement.order_by(Audit.audit_id.desc()).limit(1))).first()


async def list_audits(
    session: AsyncSession, community_id: int, *, before: int, size: int
) -> Sequence[Audit]:
    """Return a community's audits, newest first."""
    statement = select(Audit).where(Audit.community_id == community_id, Audit.audit_id < before)
    return (await session.scalars(statement.order_by(Audit.audit_id.desc()).limit(size))).all()


async def list_communities(
    session: AsyncSession, names: Sequence[str] | None = None
) -> Sequence[Record]:
    """Return communities by code or number; all of them without names."""
    values = {"names": None if names is None else list(names)}
    return (await session.execute(text(_LIST_COMMUNITIES), values)).all()


async def list_due(session: AsyncSession, *, since: datetime) -> Sequence[int]:
    """Return the communities of which no audit has ended since then."""
    return (await session.scalars(text(_LIST_DUE), {"since": since})).all()


async def measure(session: AsyncSession) -> Record:
    """Return how many books differ, since when each is known clean, and what waits longest."""
    return (await session.execute(text(_MEASURE))).one()
