"""Putting points aside, and taking them out again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core.access import Actor
from app.core.calendar import day_in
from app.core.ids import new_id
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.errors import AccountUnknown, InsufficientPoints
from app.ledger.lapses import NEVER, end_of, lapse_under
from app.ledger.models import AccountKind, PointPolicy, TransferKind
from app.ledger.moves.service import Move, move_points
from app.ledger.point_policy.schemas import PolicySavings
from app.ledger.savings import queries
from app.ledger.savings.errors import SavingsOff
from app.ledger.savings.schemas import SavingsMove, SavingsMoved, SavingsRead
from app.ledger.schemas import Lapse

SOURCE = "savings"
SAVED = "存入积分银行"
WITHDRAWN = "从积分银行转出"


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Numbers of a resident's wallet and, once something was saved, of their savings."""

    wallet: int
    savings: int | None


async def get_savings(session: AsyncSession, actor: Actor, *, now: datetime) -> SavingsRead:
    """Return what the caller has saved and by which terms, be the bank on or off."""
    policy = await ledger_queries.get_policy(session, actor.community)
    found = await queries.get_savings(session, actor.community, actor.resident, now=now)
    terms = _terms_of(policy)
    lapse = None if found is None else Lapse.of(found.next_points, found.next_expires_at)
    return SavingsRead(
        points=0 if found is None else found.available,
        opened_at=None if found is None else found.opened_at,
        next_lapse=lapse,
        is_on=policy.savings is not None,
        is_exempt=terms.is_exempt,
        withdrawal_days=terms.withdrawal_days,
    )


async def deposit(
    session: AsyncSession, actor: Actor, asked: SavingsMove, *, now: datetime
) -> SavingsMoved:
    """Put free points aside; raises SavingsOff and InsufficientPoints."""
    accounts = await _lock_accounts(session, actor)
    policy = await ledger_queries.get_policy(session, actor.community)
    if policy.savings is None:
        raise SavingsOff
    savings = accounts.savings
    if savings is None:
        savings = new_id(now)
        await ledger_queries.open_guarded_account(
            session, actor.community, savings, AccountKind.SAVINGS,
            owner_id=actor.resident, now=now,
        )  # fmt: skip
    move = _move(actor, asked.points, TransferKind.SAVING, accounts.wallet, savings, now)
    if _terms_of(policy).is_exempt:
        move = replace(move, lapses_at=NEVER)
    return await _carry_out(session, actor, move, now=now)


async def withdraw(
    session: AsyncSession, actor: Actor, asked: SavingsMove, *, now: datetime
) -> SavingsMoved:
    """Take points out of the bank, on or off; raises InsufficientPoints, SavingsOff if never in."""
    accounts = await _lock_accounts(session, actor)
    policy = await ledger_queries.get_policy(session, actor.community)
    if accounts.savings is None:
        if policy.savings is None:
            raise SavingsOff
        raise InsufficientPoints(available_points=0, needed_points=asked.points)
    here = await community.get_community(session, actor.community)
    today = day_in(here.timezone, now)
    move = _move(
        actor, asked.points, TransferKind.WITHDRAWAL, accounts.savings, accounts.wallet, now
    )
    move = replace(
        move,
        # The least that points get whose own date came nearer, or passed, while they lay there.
        lapses_at=end_of(today + timedelta(days=_terms_of(policy).withdrawal_days), here.timezone),
        # For those that follow the policy and had no date before: as if they were earned today.
        policy_lapses_at=lapse_under(
            policy.expiry, acted_on=today, since=policy.expiry_since, timezone=here.timezone
        ),
    )
    return await _carry_out(session, actor, move, now=now)


def _terms_of(policy: PointPolicy) -> PolicySavings:
    """Return by which terms points are kept; those of a bank that is off are the usual ones."""
    return PolicySavings.model_validate(policy.savings or {})


async def _lock_accounts(session: AsyncSession, actor: Actor) -> _Accounts:
    """Return the caller's accounts, which nobody else moves points of until the end.

    The policy is read afterwards: what carries a new one to the accounts locks them, too.
    """
    found = await _lock_owned(session, actor)
    if AccountKind.SAVINGS not in found:
        # Read anew: they may have been opened by whom we waited for at the wallet.
        found = await _lock_owned(session, actor)
    if AccountKind.WALLET not in found:
        raise AccountUnknown
    return _Accounts(found[AccountKind.WALLET], found.get(AccountKind.SAVINGS))


async def _lock_owned(session: AsyncSession, actor: Actor) -> dict[str, int]:
    rows = await ledger_queries.lock_owned(session, actor.community, [actor.resident])
    return {row.kind: row.account_id for row in rows}


def _move(
    actor: Actor, points: int, kind: TransferKind, source: int, target: int, now: datetime
) -> Move:
    transfer_id = new_id(now)
    return Move(
        transfer_id=transfer_id,
        kind=kind,
        account_id=source,
        credit_account_id=target,
        points=points,
        memo=SAVED if kind is TransferKind.SAVING else WITHDRAWN,
        maker_id=actor.person_id,
        source_kind=SOURCE,
        source_id=transfer_id,
    )


async def _carry_out(
    session: AsyncSession, actor: Actor, move: Move, *, now: datetime
) -> SavingsMoved:
    await move_points(session, actor.community, move, now=now)
    return SavingsMoved(
        transfer_id=move.transfer_id,
        points=move.points,
        balance=await ledger.get_balance(session, actor.community, actor.resident, now=now),
    )
