"""SQL of policies and consents."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.identity.models import Consent, PrivacyPolicy

# What the newest version names and was not agreed to, in the order asked.
_LIST_UNMET = text("""
    SELECT wanted.purpose, version
    FROM (
        SELECT version, purposes FROM privacy_policies
        WHERE community_id = :community_id ORDER BY version DESC LIMIT 1) AS newest
        CROSS JOIN unnest(CAST(:purposes AS text[])) WITH ORDINALITY AS wanted (purpose, place)
    WHERE purposes @> jsonb_build_array(jsonb_build_object('code', wanted.purpose))
        AND NOT EXISTS (
            SELECT FROM consents
            WHERE consents.community_id = :community_id AND person_id = :person_id
                AND consents.purpose = wanted.purpose AND consents.version = newest.version
                AND withdrawn_at IS NULL)
    ORDER BY place
""")


async def list_unmet(
    session: AsyncSession, community_id: int, person_id: int, purposes: Sequence[str]
) -> Sequence[Record]:
    """Return (purpose, version) of what still needs the person's consent."""
    values = {"community_id": community_id, "person_id": person_id, "purposes": list(purposes)}
    return (await session.execute(_LIST_UNMET, values)).all()


async def get_newest_policy(session: AsyncSession, community_id: int) -> PrivacyPolicy | None:
    statement = (
        select(PrivacyPolicy)
        .where(PrivacyPolicy.community_id == community_id)
        .order_by(PrivacyPolicy.version.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def lock_policy(session: AsyncSession, community_id: int) -> None:
    """Let one transaction at a time publish a community's next version."""
    await _lock(session, f"privacy policy of {community_id}")


async def lock_consents(session: AsyncSession, community_id: int, person_id: int) -> None:
    """Let one transaction at a time change a person's consents in a community."""
    await _lock(session, f"consents of {person_id} in {community_id}")


async def _lock(session: AsyncSession, name: str) -> None:
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    await session.execute(statement, {"name": name})


async def list_standing(
    session: AsyncSession, community_id: int, person_id: int
) -> Sequence[Consent]:
    """Return what a person agreed to and did not withdraw, in whatever version."""
    statement = select(Consent).where(
        Consent.community_id == community_id,
        Consent.person_id == person_id,
        Consent.withdrawn_at.is_(None),
    )
    return (await session.scalars(statement)).all()


async def withdraw(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    purposes: Sequence[str],
    *,
    before_version: int | None = None,
    now: datetime,
) -> int:
    """Withdraw standing consents, or only those to older versions; return how many."""
    statement = (
        update(Consent)
        .where(
            Consent.community_id == community_id,
            Consent.person_id == person_id,
            Consent.purpose.in_(purposes),
            Consent.withdrawn_at.is_(None),
        )
        # Another process's clock may have been ahead of ours when the consent was given.
        .values(withdrawn_at=func.greatest(now, Consent.granted_at))
        .returning(Consent.consent_id)
    )
    if before_version is not None:
        statement = statement.where(Consent.version < before_version)
    return len((await session.scalars(statement)).all())


async def add_consents(session: AsyncSession, consents: Sequence[Consent]) -> None:
    """Record consents of one person; those that stand already stay as they are."""
    rows = [
        {
            "community_id": consent.community_id, "consent_id": consent.consent_id,
            "person_id": consent.person_id, "purpose": consent.purpose,
            "version": consent.version, "app_id": consent.app_id,
            "granted_at": consent.granted_at,
        }
        for consent in consents
    ]  # fmt: skip
    statement = insert(Consent).values(rows)
    await session.execute(
        statement.on_conflict_do_nothing(
            index_elements=["community_id", "person_id", "purpose"],
            index_where=Consent.withdrawn_at.is_(None),
        )
    )
