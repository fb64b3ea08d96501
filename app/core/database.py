"""What every table is built on, and how the service connects."""

from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, DateTime, MetaData, Row, Text, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

APP_ROLE = "gridpoints_app"
# SQLAlchemy keeps 100 by default; with fewer than are in use each is parsed and planned again.
STATEMENTS_KEPT = "prepared_statement_cache_size"
KEPT_PER_CONNECTION = 500
OPENED_AT = "opened_at"
CONNECT_SECONDS = 10

# A row of any columns, as queries hand them to services.
Record = Row[*tuple[Any, ...]]

type_map: dict[Any, Any] = {
    int: BigInteger,
    str: Text,
    datetime: DateTime(timezone=True),
}


class Model(DeclarativeBase):
    """Base of every table; constraint names follow one convention (platform.md: rule 13)."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = type_map


def make_engine(
    url: str,
    *,
    pool_size: int,
    role: str | None = APP_ROLE,
    lock_timeout: str = "5s",
    only_reads: bool = False,
) -> AsyncEngine:
    """Connect as `role`, whoever signed in: the service never keeps the owner's rights.

    Where it `only_reads`, PostgreSQL refuses every write, and each statement is a transaction.
    """
    server_settings = {
        "application_name": "gridpoints",
        "timezone": "UTC",
        "lock_timeout": lock_timeout,
        "statement_timeout": "15s",
        "idle_in_transaction_session_timeout": "30s",
    }
    if role is not None:
        server_settings["role"] = role
    mode: dict[str, Any] = {}
    if only_reads:
        server_settings["default_transaction_read_only"] = "on"
        mode["isolation_level"] = "AUTOCOMMIT"
    # A server that is going down may take a connection and never answer: the driver's 60 seconds
    # would hold up all whose batch it was to carry.
    connect_args: dict[str, Any] = {"server_settings": server_settings, "timeout": CONNECT_SECONDS}
    if STATEMENTS_KEPT not in make_url(url).query:
        connect_args[STATEMENTS_KEPT] = KEPT_PER_CONNECTION
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # errors are logged, and the values are people's names
        connect_args=connect_args,
        **mode,
    )


def renew_together(*engines: AsyncEngine) -> None:
    """Let none of them use what it had open when one of them learnt that the database was away.

    Each would have to learn it for itself otherwise, at the cost of a request.
    """
    lost_at = 0.0

    def note_loss(context: ExceptionContext) -> None:
        nonlocal lost_at
        if context.is_disconnect:
            lost_at = monotonic()

    def note_beginning(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info[OPENED_AT] = monotonic()

    def refuse_lost(_: DBAPIConnection, record: ConnectionPoolEntry, __: object) -> None:
        if record.info[OPENED_AT] < lost_at:
            raise DisconnectionError  # the pool opens another one instead

    for engine in engines:
        event.listen(engine.sync_engine, "handle_error", note_loss)
        event.listen(engine.sync_engine, "connect", note_beginning)
        event.listen(engine.sync_engine, "checkout", refuse_lost)


def sqlstate_of(error: DBAPIError) -> str:
    """Return PostgreSQL's five-letter code of an error, or nothing."""
    return getattr(getattr(error.orig, "__cause__", None), "sqlstate", None) or ""


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the violated constraint, or nothing."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None) or ""


def make_sessionmaker(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)
