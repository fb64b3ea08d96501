"""What every table is built on, and how the service connects."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, MetaData, Row, Text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

APP_ROLE = "gridpoints_app"

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
    url: str, *, pool_size: int, role: str | None = APP_ROLE, lock_timeout: str = "5s"
) -> AsyncEngine:
    """Connect as `role`, whoever signed in: the service never keeps the owner's rights."""
    server_settings = {
        "application_name": "gridpoints",
        "timezone": "UTC",
        "lock_timeout": lock_timeout,
        "statement_timeout": "15s",
        "idle_in_transaction_session_timeout": "30s",
    }
    if role is not None:
        server_settings["role"] = role
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # errors are logged, and the values are people's names
        connect_args={"server_settings": server_settings},
    )


def sqlstate_of(error: DBAPIError) -> str:
    """Return PostgreSQL's five-letter code of an error, or nothing."""
    return getattr(getattr(error.orig, "__cause__", None), "sqlstate", None) or ""


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the violated constraint, or nothing."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None) or ""


def make_sessionmaker(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)
