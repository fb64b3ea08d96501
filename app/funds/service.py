"""Opening funds, and giving to them."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.ids import new_id
from app.core.pagination import Page, page_of, read_cursor
from app.funds import queries
from app.funds.errors import FundClosed, FundNotFound
from app.funds.models import Fund, FundState
from app.funds.schemas import (
    DonationCreate,
    DonationRead,
    FundCreate,
    FundRead,
    FundSummary,
    FundUpdate,
)
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.models import AccountKind, TransferKind
from app.ledger.moves.service import Move, move_points

SOURCE = "donation"


async def list_funds(
    session: AsyncSession, actor: Actor, *, cursor: str | None, size: int
) -> Page[FundSummary]:
    """Return the community's funds, closed ones too, in the order they were opened."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_funds(session, actor.community, after=after, size=size + 1)
    return page_of(FundSummary, rows, size, lambda row: (row.fund_id,))


async def describe_fund(session: AsyncSession, actor: Actor, fund_id: int) -> FundRead:
    """Return a fund with what it was given; raises FundNotFound."""
    row = await queries.describe_fund(session, actor.community, fund_id)
    if row is None:
        raise FundNotFound
    return FundRead.model_validate(row)


async def open_fund(
    session: AsyncSession, community_id: int, stated: FundCreate, *, now: datetime
) -> int:
    """Open a fund and its account in the book; return its number. Raises FundCodeTaken."""
    fund = Fund(
        community_id=community_id,
        fund_id=new_id(now),
        code=stated.code,
        name=stated.name,
        description=stated.description,
        state=FundState.OPEN,
        created_at=now,
    )
    session.add(fund)
    await session.flush()
    await ledger_queries.open_guarded_account(
        session, community_id, fund.fund_id, AccountKind.FUND, owner_id=fund.fund_id, now=now
    )
    return fund.fund_id


async def create_fund(
    session: AsyncSession, actor: Actor, stated: FundCreate, *, now: datetime
) -> FundRead:
    """Open a fund and return its page; raises FundCodeTaken."""
    fund_id = await open_fund(session, actor.community, stated, now=now)
    return await describe_fund(session, actor, fund_id)


async def put_fund(
    session: AsyncSession, actor: Actor, fund_id: int, stated: FundUpdate
) -> FundRead:
    """Say anew what a fund is for, close or open it; raises FundNotFound."""
    # Whoever gives holds the account as well: nobody gives to a fund that is closed meanwhile.
    await ledger_queries.lock_balances(session, actor.community, [fund_id])
    fund = await _get_fund(session, actor, fund_id)
    fund.name = stated.name
    fund.description = stated.description
    fund.state = stated.state
    await session.flush()
    return await describe_fund(session, actor, fund_id)


async def donate(
    session: AsyncSession, actor: Actor, fund_id: int, donation: DonationCreate, *, now: datetime
) -> DonationRead:
    """Give a fund points, whole or not at all.

    Raises FundNotFound, FundClosed and InsufficientPoints.
    """
    wallet_id = actor.resident
    locked = await ledger_queries.lock_balances(session, actor.community, [fund_id, wallet_id])
    fund = await _get_fund(session, actor, fund_id)
    if fund.state != FundState.OPEN:
        raise FundClosed
    transfer_id = new_id(now)
    move = Move(
        transfer_id=transfer_id,
        kind=TransferKind.DONATION,
        account_id=wallet_id,
        credit_account_id=fund_id,
        points=donation.points,
        memo=fund.name,
        maker_id=actor.person_id,
        source_kind=SOURCE,
        source_id=transfer_id,
    )
    await move_points(session, actor.community, move, now=now)
    return DonationRead(
        transfer_id=transfer_id,
        fund_id=fund_id,
        points=donation.points,
        balance=await ledger.get_balance(session, actor.community, wallet_id, now=now),
        fund_points=locked[fund_id].posted + donation.points,
    )


async def _get_fund(session: AsyncSession, actor: Actor, fund_id: int) -> Fund:
    fund = await queries.get_fund(session, actor.community, fund_id)
    if fund is None:
        raise FundNotFound
    return fund
