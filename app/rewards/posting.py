"""Redemptions in batches, as the posting lane commits them.

First everything is looked at without a lock: who asks, what an earlier request stored under the
key, what the reward is. A repeat and whatever is sold out are answered by that. For the rest
balances are locked, then the stock; both in order, so that no two batches wait for each other in
a circle. A key is stored together with its answer, in the statement that issues the vouchers: who
is refused leaves nothing behind. Twins in two processes meet at the balance they share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core.callers import Caller
from app.core.database import Record
from app.core.idempotency import Answer, Once, RequestInFlight, in_flight_refused
from app.core.ids import new_id
from app.core.lane import Held
from app.core.problems import Problem
from app.core.signing import KeyRing
from app.ledger.queries import lock_balances
from app.rewards import queries
from app.rewards.errors import OutOfStock, RewardNotFound, RewardNotOnSale
from app.rewards.models import RewardState, Voucher, VoucherState
from app.rewards.remains import Left, Remains, Wish
from app.rewards.service import PURPOSE, describe_voucher
from app.rewards.typed_codes import new_typed_code

KeyName = tuple[int, str, str]


class CallerChanged(Exception):
    """The caller is not who was remembered: asked for again as who they are, nobody sees this."""


class BookDisagrees(RuntimeError):
    """A balance tells of free points that its lots do not have: the audit will say where."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """A resident asks for a reward."""

    caller: Caller
    resident_id: int
    reward_id: int
    once: Once
    asked_at: datetime

    @property
    def asked(self) -> queries.Asked:
        return queries.Asked(
            session_id=self.caller.claims.session_id,
            person_id=self.caller.claims.person_id,
            resident_id=self.resident_id,
            reward_id=self.reward_id,
            operation=self.once.operation,
            key=self.once.key,
        )

    @property
    def key_name(self) -> KeyName:
        return self.caller.claims.person_id, self.once.operation, self.once.key

    def replay(self, stored: Record) -> Answer | Problem | None:
        """Return what was stored under the key gives, if anything was."""
        if stored.request_hash is None:
            return None
        return self.once.replay(stored.request_hash, stored.status, stored.body)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A redemption that nothing spoke against at first sight, and the reward as it was then."""

    redemption: Redemption
    reward: Record

    @property
    def wish(self) -> Wish:
        return Wish(
            self.redemption.resident_id, self.redemption.reward_id,
            self.reward.price_points, self.reward.per_resident_limit,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Printing:
    """What a voucher's code is signed and shown with."""

    keys: KeyRing
    base_url: str


async def post_redemptions(
    session: AsyncSession,
    community_id: int,
    redemptions: Sequence[Redemption],
    *,
    printing: Printing,
) -> list[Answer | Exception]:
    """Redeem in one community; return an answer or a refusal for each, in their order."""
    now = max(redemption.asked_at for redemption in redemptions)
    asked = [redemption.asked for redemption in redemptions]
    rows = await queries.look_at_redemptions(session, community_id, asked)
    verdicts = [
        _first_verdict(redemption, row) for redemption, row in zip(redemptions, rows, strict=True)
    ]
    standing = [
        Candidate(redemption, row)
        for redemption, row, verdict in zip(redemptions, rows, verdicts, strict=True)
        if verdict is None
    ]
    served = iter(await _serve(session, community_id, standing, printing, now))
    return [next(served) if verdict is None else verdict for verdict in verdicts]


def _first_verdict(redemption: Redemption, row: Record) -> Answer | Exception | None:
    """Answer what needs no lock: None if the redemption goes on."""
    claims = redemption.caller.claims
    actor = community.actor_of(claims, resident_id=row.resident_id, roles=row.roles)
    if not row.is_signed_in or actor != redemption.caller.actor:
        return CallerChanged()
    replay = redemption.replay(row)
    if replay is not None:
        return replay
    if row.state is None:
        return RewardNotFound()
    if row.state != RewardState.ON_SALE:
        return RewardNotOnSale()
    return OutOfStock() if row.stock_left == 0 else None


async def _serve(
    session: AsyncSession,
    community_id: int,
    standing: Sequence[Candidate],
    printing: Printing,
    now: datetime,
) -> list[Answer | Exception]:
    """Lock, decide and issue."""
    if not standing:
        return []
    residents = [one.redemption.resident_id for one in standing]
    free = await lock_balances(session, community_id, residents, waits=False)
    going_on = [one for one in standing if one.redemption.resident_id in free]
    served = iter(await _serve_locked(session, community_id, going_on, printing, now))
    # Every resident has a balance. Who is not among those has theirs locked, perhaps by a twin.
    return [
        next(served) if one.redemption.resident_id in free else Held(RequestInFlight())
        for one in standing
    ]


async def _serve_locked(
    session: AsyncSession,
    community_id: int,
    standing: Sequence[Candidate],
    printing: Printing,
    now: datetime,
) -> list[Answer | Exception]:
    if not standing:
        return []
    asked = [one.redemption.asked for one in standing]
    limited = [one.wish.per_resident_limit is not None for one in standing]
    rows = await queries.read_under_lock(session, community_id, asked, limited, now=now)
    verdicts, first = _decide(standing, rows)
    answers = await _issue(session, community_id, list(first.values()), printing, now)
    return [
        _answer_twin(one.redemption, first, answers) if verdict is None else verdict
        for one, verdict in zip(standing, verdicts, strict=True)
    ]


def _decide(
    standing: Sequence[Candidate], rows: Sequence[Record]
) -> tuple[list[Answer | Problem | None], dict[KeyName, Candidate]]:
    """Return a verdict for each, None where there is a voucher, and those first with their key."""
    remains = Remains.of(
        (one.wish, _left(one, row)) for one, row in zip(standing, rows, strict=True)
    )
    verdicts: list[Answer | Problem | None] = []
    first: dict[KeyName, Candidate] = {}
    for one, row in zip(standing, rows, strict=True):
        key_name = one.redemption.key_name
        verdict = one.redemption.replay(row)
        if verdict is None and key_name not in first:
            verdict = remains.take(one.wish)
            if verdict is None:
                first[key_name] = one
        verdicts.append(verdict)
    return verdicts, first


def _left(one: Candidate, row: Record) -> Left:
    has_end = one.reward.stock_left is not None
    return Left(row.available_points, (row.pieces or 0) if has_end else None, row.redeemed)


def _answer_twin(
    redemption: Redemption, first: dict[KeyName, Candidate], answers: dict[KeyName, Answer]
) -> Answer | Problem:
    """Answer the first with a key, and whoever came with the same one in the same batch."""
    original, answer = first[redemption.key_name].redemption, answers[redemption.key_name]
    if original is redemption:
        return answer
    return redemption.once.replay(original.once.request_hash, answer.status, answer.body)


async def _issue(
    session: AsyncSession,
    community_id: int,
    winners: Sequence[Candidate],
    printing: Printing,
    now: datetime,
) -> dict[KeyName, Answer]:
    """Hold the prices, issue the vouchers, take the stock and store the answers."""
    if not winners:
        return {}
    issues = []
    for one in winners:
        voucher = _new_voucher(community_id, one, now)
        read = describe_voucher(
            voucher, one.reward.name, printing.keys, base_url=printing.base_url, now=now
        )
        answer = Answer(HTTPStatus.CREATED, read.model_dump_json())
        issues.append(
            queries.Issue(
                voucher, PURPOSE, one.reward.name, one.redemption.asked,
                one.redemption.once.request_hash, answer,
            )
        )  # fmt: skip
    async with in_flight_refused():
        issued = await queries.issue_vouchers(session, community_id, issues, now=now)
    if issued.stored < len(issues):
        raise RequestInFlight
    if issued.held < len(issues):
        raise BookDisagrees(f"community {community_id}")
    return {
        one.redemption.key_name: issue.answer for one, issue in zip(winners, issues, strict=True)
    }


def _new_voucher(community_id: int, one: Candidate, now: datetime) -> Voucher:
    wish, reward = one.wish, one.reward
    return Voucher(
        community_id=community_id,
        voucher_id=new_id(now),
        reward_id=wish.reward_id,
        resident_id=wish.resident_id,
        typed_code=new_typed_code(),
        points=wish.price_points,
        state=VoucherState.ISSUED,
        issued_at=now,
        valid_until=(now + timedelta(days=reward.voucher_days)).replace(microsecond=0),
    )
