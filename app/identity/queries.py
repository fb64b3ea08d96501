"""SQL of persons and sessions."""

from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import Identity, LoginSession, Person, RefreshToken


async def get_identity(
    session: AsyncSession, provider: str, app_id: str, subject: str
) -> Identity | None:
    return await session.get(Identity, (provider, app_id, subject))


async def get_person_by_union(session: AsyncSession, provider: str, union_id: str) -> int | None:
    """Return the person whom another app of the same platform knows by this union id."""
    statement = (
        select(Identity.person_id)
        .where(Identity.provider == provider, Identity.union_id == union_id)
        .limit(1)
    )
    return await session.scalar(statement)


async def get_open_id(session: AsyncSession, person_id: int, app_id: str) -> str | None:
    """Return by what a WeChat mini-program knows this person."""
    statement = (
        select(Identity.subject)
        .where(
            Identity.person_id == person_id,
            Identity.provider == "wechat",
            Identity.app_id == app_id,
        )
        .order_by(Identity.created_at.desc(), Identity.subject)
        .limit(1)
    )
    return await session.scalar(statement)


async def lock_first_sign_in(session: AsyncSession, subject: str) -> None:
    """Let one transaction at a time decide whether this subject is a new person."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended('first sign-in ' || :name, 0))")
    await session.execute(statement, {"name": subject})


async def add_identity(session: AsyncSession, identity: Identity, *, is_new: bool) -> None:
    """Add an identity and, if new, its person."""
    if is_new:
        session.add(Person(person_id=identity.person_id, created_at=identity.created_at))
        await session.flush()
    session.add(identity)
    await session.flush()


async def lock_refresh_token(
    session: AsyncSession, token_hash: bytes
) -> tuple[RefreshToken, LoginSession] | None:
    """Return a refresh token and its session, the token locked."""
    statement = (
        select(RefreshToken, LoginSession)
        .join(LoginSession, LoginSession.session_id == RefreshToken.session_id)
        .where(RefreshToken.token_hash == token_hash)
        .with_for_update(of=RefreshToken, key_share=True)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def is_used(session: AsyncSession, token_hash: bytes) -> bool:
    """Tell whether a refresh token has been exchanged, or never was there."""
    statement = select(func.count()).where(
        RefreshToken.token_hash == token_hash, RefreshToken.replaced_at.is_(None)
    )
    return await session.scalar(statement) == 0


async def get_session_of(session: AsyncSession, session_id: int) -> LoginSession:
    return await session.get_one(LoginSession, session_id)


async def revoke_session(session: AsyncSession, session_id: int, *, now: datetime) -> None:
    statement = (
        update(LoginSession)
        .where(LoginSession.session_id == session_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    await session.execute(statement)


async def revoke_sessions_of(session: AsyncSession, person_id: int, *, now: datetime) -> int:
    """End every session of a person; return how many stood."""
    statement = (
        update(LoginSession)
        .where(LoginSession.person_id == person_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(LoginSession.session_id)
    )
    return len((await session.scalars(statement)).all())


async def delete_tokens_of(session: AsyncSession, session_id: int) -> None:
    await session.execute(delete(RefreshToken).where(RefreshToken.session_id == session_id))


async def delete_lapsed_tokens(session: AsyncSession, *, now: datetime) -> None:
    await session.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))
