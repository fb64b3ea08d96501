"""Sealing whatever waits, communities in turn."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.signing import KeyRing
from app.ledger.seals import queries, service

# A checkpoint of every single posting is of use to nobody.
REST = timedelta(seconds=30)

logger = structlog.get_logger()


async def seal_transfers(
    sessionmaker: async_sessionmaker[AsyncSession],
    keys: KeyRing,
    *,
    public_base_url: str,
    clock: Callable[[], datetime],
) -> int:
    """Seal all that waits, a batch in a transaction; return how many transfers.

    Communities take turns, so one with a million that wait does not hold up the others, which
    have theirs sealed every half minute meanwhile. Only one sealer works on a community: a second
    finds its tree taken and goes on. One that fails is left out; it raises at the end.
    """
    sealed, rest_until, failures = 0, dict[int, datetime](), dict[int, Exception]()
    is_behind = True
    while is_behind:
        is_behind, now = False, clock()
        signers, waiting = await _begin_turn(sessionmaker, keys, public_base_url, now=now)
        for community_id in waiting:
            if community_id in failures or rest_until.get(community_id, now) > now:
                continue
            try:
                batch = await _seal_batch(sessionmaker, community_id, signers, now=now)
            except Exception as failure:
                logger.exception("transfers could not be sealed", community=community_id)
                failures[community_id] = failure
                continue
            sealed += batch
            if batch < service.BATCH:
                rest_until[community_id] = now + REST
            else:
                is_behind = True
    if failures:
        raise next(iter(failures.values()))
    return sealed


def origin_prefix(public_base_url: str) -> str:
    """Return what trees are named by: our address without its scheme, as C2SP recommends."""
    address = urlsplit(public_base_url)
    return f"{address.netloc}{address.path.rstrip('/')}/communities/"


async def _begin_turn(
    sessionmaker: async_sessionmaker[AsyncSession],
    keys: KeyRing,
    public_base_url: str,
    *,
    now: datetime,
) -> tuple[list[Ed25519PrivateKey], Sequence[int]]:
    """Return who signs and which communities wait, read anew: a key may be revoked meanwhile."""
    async with sessionmaker.begin() as session:
        await keys.load(session, now=now)
        await queries.open_trees(session, prefix=origin_prefix(public_base_url), now=now)
        waiting = await queries.list_waiting(session)
    signers = keys.seal_signers(now)
    if not signers:
        # The API makes the first key when it starts; until then all of it waits.
        logger.warning("there is no key to sign seals with")
        return [], []
    return signers, waiting


async def _seal_batch(
    sessionmaker: async_sessionmaker[AsyncSession],
    community_id: int,
    signers: list[Ed25519PrivateKey],
    *,
    now: datetime,
) -> int:
    async with sessionmaker.begin() as session:
        return await service.seal_batch(session, community_id, signers, now=now, size=service.BATCH)
