"""What we do when somebody takes consent back in WeChat's own settings, or leaves WeChat."""

from datetime import datetime
from enum import IntEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.personal import Vault
from app.media import service as media
from app.privacy.closing import forgetting, service
from app.privacy.closing.persons import queries as persons
from app.wechat.events import Revocation

logger = structlog.get_logger()


class Kind(IntEnum):
    """WeChat's numbers; of the others (6 is nickname and picture) nothing is ever kept."""

    PHONE = 8
    LOCATION = 13
    CHOSEN_IMAGES = 14


async def obey_revocation(
    session: AsyncSession, event: Revocation, *, vault: Vault, now: datetime
) -> None:
    """Delete what came from WeChat of this kind, in every community of the person.

    Somebody we do not know, or what is gone already, changes nothing.
    """
    person_id = await persons.find_person(session, event.app_id, event.open_id)
    if person_id is None:
        return
    if event.is_cancellation:
        await _obey_cancellation(session, event, person_id, now=now)
        return
    for community_id in await persons.list_communities(session, person_id):
        for kind in event.kinds:
            await _forget(session, community_id, person_id, kind, vault=vault, now=now)
    held = [kind for kind in event.kinds if kind in set(Kind)]
    logger.info("consent revoked in wechat", kinds=list(event.kinds), kinds_held=held)


async def _forget(
    session: AsyncSession,
    community_id: int,
    person_id: int,
    kind: int,
    *,
    vault: Vault,
    now: datetime,
) -> None:
    # Consent first, as in the mini-program: in another order the two would wait in a circle.
    match kind:
        case Kind.PHONE:
            await forgetting.withdraw_consent(
                session, community_id, person_id, forgetting.PHONE, now=now
            )
            await forgetting.forget_phone(session, community_id, person_id, vault=vault)
        case Kind.LOCATION:
            await forgetting.withdraw_consent(
                session, community_id, person_id, forgetting.LOCATION, now=now
            )
            await forgetting.forget_places(session, community_id, person_id)
        case Kind.CHOSEN_IMAGES:
            # Those shown to all go as well; the reports they belonged to stay as text.
            await media.delete_photos_of(session, community_id, person_id, now=now)
        case _:
            pass


async def _obey_cancellation(
    session: AsyncSession, event: Revocation, person_id: int, *, now: datetime
) -> None:
    """Close every account; staff without one only lose this way in, their role is the office's."""
    closed = await service.close_memberships_of(session, person_id, now=now)
    await persons.forget_requests(session, person_id, now=now)
    await persons.forget_identity(session, event.app_id, event.open_id)
    await persons.end_sessions(session, person_id, community_id=None, now=now)
    logger.info("wechat account cancelled", accounts=closed)
