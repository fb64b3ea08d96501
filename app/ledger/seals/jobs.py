"""Sealing whatever waits, community by community."""

from datetime import datetime
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.signing import KeyRing
from app.ledger.seals import queries, service

logger = structlog.get_logger()


async def seal_transfers(
    sessionmaker: async_sessionmaker[AsyncSession],
    keys: KeyRing,
    *,
    public_base_url: str,
    now: datetime,
) -> int:
    """Seal all that waits, a batch in a transaction; return how many transfers.

    Only one sealer works on a community: a second finds its tree taken and goes on. A community
    that fails does not hold up the others; it raises when they are done.
    """
    async with sessionmaker.begin() as session:
        await keys.load(session, now=now)
        await queries.open_trees(session, prefix=origin_prefix(public_base_url), now=now)
        waiting = await queries.list_waiting(session)
    signers, sealed, failures = keys.seal_signers(now), 0, []
    if not signers:
        # The API makes the first key when it starts; until then all of it waits.
        logger.warning("there is no key to sign seals with")
        return 0
    for community_id in waiting:
        try:
            sealed += await _seal_community(sessionmaker, community_id, signers, now=now)
        except Exception as failure:
            logger.exception("transfers could not be sealed", community=community_id)
            failures.append(failure)
    if failures:
        raise failures[0]
    return sealed


def origin_prefix(public_base_url: str) -> str:
    """Return what trees are named by: our address without its scheme, as C2SP recommends."""
    address = urlsplit(public_base_url)
    return f"{address.netloc}{address.path.rstrip('/')}/communities/"


async def _seal_community(
    sessionmaker: async_sessionmaker[AsyncSession],
    community_id: int,
    signers: list[Ed25519PrivateKey],
    *,
    now: datetime,
) -> int:
    sealed = 0
    while True:
        async with sessionmaker.begin() as session:
            batch = await service.seal_batch(
                session, community_id, signers, now=now, size=service.BATCH
            )
        sealed += batch
        if batch < service.BATCH:
            return sealed
