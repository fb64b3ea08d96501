"""A neighbourhood made ready for random dealings: savings, a fund, wallets that may owe."""

import random
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from tests.concurrency.operations import Market
from tests.support.awards import get_terms
from tests.support.neighbourhood import Neighbourhood

_OPEN = """
    WITH account AS (
        INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
        SELECT :community_id, account_id, :kind, owner_id, :now
        FROM unnest(CAST(:account_ids AS bigint[]), CAST(:owner_ids AS bigint[]))
            AS row (account_id, owner_id))
    INSERT INTO balances (community_id, account_id)
    SELECT :community_id, unnest(CAST(:account_ids AS bigint[]))
"""
_LET_OWE = """
    UPDATE balances SET floor = -50
    WHERE community_id = :community_id AND account_id = ANY(:account_ids)
"""


async def open_market(
    here: Neighbourhood,
    sessionmaker: async_sessionmaker[AsyncSession],
    *,
    dice: random.Random,
    now: datetime,
) -> Market:
    """Give every resident savings, the community a fund, and let every other resident owe 50."""
    wallets = sorted(here.residents.values())
    savings = {wallet: new_id(now) for wallet in wallets}
    fund_id = new_id(now)
    async with sessionmaker.begin() as session:
        for kind, accounts in (("savings", savings), ("fund", {fund_id: fund_id})):
            values = {
                "community_id": here.community_id,
                "kind": kind,
                "account_ids": list(accounts.values()),
                "owner_ids": list(accounts),
                "now": now,
            }
            await session.execute(text(_OPEN), values)
        owing = {"community_id": here.community_id, "account_ids": wallets[::2]}
        await session.execute(text(_LET_OWE), owing)
        terms = await get_terms(session, here, "survey", at=now)
    return Market(here, terms, wallets, savings, fund_id, sessionmaker, now, dice)
