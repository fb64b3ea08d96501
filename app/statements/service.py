"""Gathering what a statement is made of."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.personal import Vault
from app.ledger.statement import service as ledger
from app.ledger.statement.schemas import OwnAccount
from app.statements.contents import Contents
from app.statements.errors import StatementTooLong
from app.statements.periods import choose_days

MOST_LINES = 4_000


async def gather(
    session: AsyncSession,
    actor: Actor,
    account: OwnAccount,
    *,
    first: date | None,
    last: date | None,
    vault: Vault,
    now: datetime,
) -> Contents:
    """Return the caller's lines of these days, this year so far if none are named.

    Raises PeriodBackwards, PeriodTooLong and StatementTooLong.
    """
    me = await community.get_me(session, actor, vault=vault)
    days = choose_days(first, last, today=day_in(me.timezone, now))
    since, until = days.moments(me.timezone)
    statement = await ledger.get_period(
        session, actor.community, actor.resident, account,
        since=since, until=until, most_lines=MOST_LINES,
    )  # fmt: skip
    if statement is None:
        raise StatementTooLong(most_lines=MOST_LINES)
    return Contents(
        community_name=me.community_name,
        timezone=me.timezone,
        resident_name=me.display_name,
        account=account,
        days=days,
        statement=statement,
        made_at=now,
    )
