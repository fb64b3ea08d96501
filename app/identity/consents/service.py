"""Publishing a policy, agreeing to it, withdrawing, and asking whether somebody agreed."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.ids import new_id
from app.identity.consents import queries
from app.identity.consents.errors import (
    ConsentRequired,
    PolicyReplaced,
    PolicyVersionUnknown,
    PrivacyPolicyNotFound,
    PurposeRequired,
    PurposeUnknown,
)
from app.identity.consents.schemas import (
    ConsentGive,
    ConsentList,
    ConsentRead,
    ConsentWithdrawn,
    PolicyPublish,
    PolicyRead,
    Purpose,
)
from app.identity.models import Consent, PrivacyPolicy

DeleteData = Callable[[AsyncSession, int, int, str], Awaitable[None]]


async def require_consent(
    session: AsyncSession, community_id: int, person_id: int, *purposes: str
) -> None:
    """Return if the person agreed to these in the newest version; raises ConsentRequired.

    A community without a policy, or whose newest one does not name a purpose, asks nothing.
    """
    unmet = await queries.list_unmet(session, community_id, person_id, purposes)
    if unmet:
        raise ConsentRequired(
            community_id=str(community_id), purpose=unmet[0].purpose, version=unmet[0].version
        )


async def has_consent(
    session: AsyncSession, community_id: int, person_id: int, purpose: str
) -> bool:
    """Tell whether `require_consent` would let this pass."""
    return not await queries.list_unmet(session, community_id, person_id, [purpose])


async def get_policy(session: AsyncSession, community_id: int) -> PrivacyPolicy:
    """Return the newest policy; raises PrivacyPolicyNotFound."""
    policy = await queries.get_newest_policy(session, community_id)
    if policy is None:
        raise PrivacyPolicyNotFound
    return policy


async def publish_policy(
    session: AsyncSession, actor: Actor, body: PolicyPublish, *, now: datetime
) -> tuple[PolicyRead, bool]:
    """Publish the next version; tell whether it is new.

    What equals the newest version is that version: sent twice, it must not ask everybody again.
    """
    await queries.lock_policy(session, actor.community)
    newest = await queries.get_newest_policy(session, actor.community)
    purposes = [purpose.model_dump() for purpose in body.purposes]
    if newest is not None and (newest.text, newest.purposes) == (body.text, purposes):
        return describe_policy(newest), False
    policy = PrivacyPolicy(
        community_id=actor.community,
        version=1 if newest is None else newest.version + 1,
        text=body.text,
        purposes=purposes,
        published_at=now,
        published_by=actor.person_id,
    )
    session.add(policy)
    await session.flush()
    return describe_policy(policy), True


def describe_policy(policy: PrivacyPolicy) -> PolicyRead:
    return PolicyRead(
        community_id=policy.community_id,
        version=policy.version,
        text=policy.text,
        purposes=[Purpose.model_validate(purpose) for purpose in policy.purposes],
        published_at=policy.published_at,
    )


async def list_consents(session: AsyncSession, community_id: int, person_id: int) -> ConsentList:
    """Return the newest policy's purposes with a person's consents; PrivacyPolicyNotFound."""
    policy = await get_policy(session, community_id)
    standing = await queries.list_standing(session, community_id, person_id)
    given = {consent.purpose: consent for consent in standing}
    return ConsentList(
        version=policy.version,
        items=[
            _describe(Purpose.model_validate(purpose), given.get(purpose["code"]), policy.version)
            for purpose in policy.purposes
        ],
    )


def _describe(purpose: Purpose, consent: Consent | None, newest: int) -> ConsentRead:
    return ConsentRead(
        **purpose.model_dump(),
        granted_version=None if consent is None else consent.version,
        granted_at=None if consent is None else consent.granted_at,
        standing=consent is not None and consent.version == newest,
        needs_renewal=consent is not None and consent.version < newest,
    )


async def give_consents(
    session: AsyncSession, person_id: int, body: ConsentGive, *, now: datetime
) -> ConsentList:
    """Record consents; one that stands stays, one to an older version gives way to this.

    Raises PrivacyPolicyNotFound, PolicyReplaced, PolicyVersionUnknown and PurposeUnknown.
    """
    policy = await get_policy(session, body.community_id)
    _check(body, policy)
    purposes = sorted(set(body.purposes))
    await queries.lock_consents(session, body.community_id, person_id)
    await queries.withdraw(
        session, body.community_id, person_id, purposes, before_version=body.version, now=now
    )
    consents = [
        Consent(
            community_id=body.community_id,
            consent_id=new_id(now),
            person_id=person_id,
            purpose=purpose,
            version=body.version,
            app_id=body.app_id,
            granted_at=now,
        )
        for purpose in purposes
    ]
    await queries.add_consents(session, consents)
    return await list_consents(session, body.community_id, person_id)


def _check(body: ConsentGive, policy: PrivacyPolicy) -> None:
    if body.version > policy.version:
        raise PolicyVersionUnknown(newest_version=policy.version)
    if body.version < policy.version:
        raise PolicyReplaced(newest_version=policy.version)
    unknown = set(body.purposes) - {purpose["code"] for purpose in policy.purposes}
    if unknown:
        raise PurposeUnknown(purposes=sorted(unknown))


async def withdraw_consent(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    purpose: str,
    *,
    delete_data: DeleteData,
    now: datetime,
) -> ConsentWithdrawn:
    """Withdraw; `delete_data` of a room above deletes what was kept for the purpose.

    It is asked to even where no consent stood: data may date from before the policy. Raises
    PrivacyPolicyNotFound, PurposeUnknown and PurposeRequired.
    """
    policy = await get_policy(session, community_id)
    is_required = {row["code"]: row["is_required"] for row in policy.purposes}
    if is_required.get(purpose, False):
        raise PurposeRequired
    await queries.lock_consents(session, community_id, person_id)
    was_standing = await queries.withdraw(session, community_id, person_id, [purpose], now=now) > 0
    # An older version's purpose can still be withdrawn.
    if not was_standing and purpose not in is_required:
        raise PurposeUnknown(purposes=[purpose])
    await delete_data(session, community_id, person_id, purpose)
    return ConsentWithdrawn(purpose=purpose, was_standing=was_standing)
