"""A million residents in a minute: the first is made as the service makes them, the rest copied.

The first resident of a community gets a wallet and an award through the service; for all others
the same rows are written by one INSERT … SELECT per table, each a number further. So what stands
there is what the service would have left, and the auditor looks at it. Numbers follow one another
without a gap: pgbench finds a resident, their person and their session by counting.

Only those who are going to call have a name and a session of their own; nobody else is ever read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community import personal
from app.community.models import Grid
from app.community.names import mask_name
from app.contributions.models import SourceKind
from app.contributions.service import Act, award, evaluate_act
from app.core.ids import EPOCH, RANDOM_BITS
from app.core.personal import Vault
from app.rules import service as rules
from app.setup.community import CreatedCommunity
from tests.bench.errors import BenchFailed
from tests.bench.size import Size

NAME = "李德明"
CHECKER = 1
LEAST_POINTS = 500_000  # 10,000 lunches
# As far apart as a year of points puts people: of a million, some hundred share each place.
SPREAD = 8_000
MIDDLE = LEAST_POINTS + SPREAD // 2
SCATTER = 7_919  # a prime: who lives next door stands somewhere else on the board
RESIDENTS_A_BUILDING = 60
AN_HOUR = timedelta(hours=1)
MOST_RESIDENTS = 1 << (RANDOM_BITS - 1)
# Blocks of numbers, each of one millisecond.
BUILDINGS, HOUSEHOLDS, PERSONS, RESIDENTS, SESSIONS, AWARDS, BLOCKS = range(7)

_SETTINGS = ("SET LOCAL statement_timeout = 0", "SET LOCAL synchronous_commit = off")
_FRAGMENTS = {
    "points": f"{LEAST_POINTS} + (k * {SCATTER}) % {SPREAD}",
    "everybody": "generate_series(0::bigint, CAST(:residents AS bigint) - 1) AS k",
    "others": "generate_series(1::bigint, CAST(:residents AS bigint) - 1) AS k",
}

_PEOPLE = (
    """
    INSERT INTO buildings (community_id, building_id, grid_id, name)
    SELECT :community, :first_building + k,
        (CAST(:grids AS bigint[]))[1 + k % cardinality(CAST(:grids AS bigint[]))],
        (k + 1) || ' 号楼'
    FROM generate_series(0::bigint, CAST(:buildings AS bigint) - 1) AS k
    """,
    """
    INSERT INTO persons (person_id, created_at)
    SELECT :first_person + k, :now FROM {everybody}
    """,
    """
    INSERT INTO households (community_id, household_id, building_id, room)
    SELECT :community, :first_household + k, :first_building + k / :a_building, '1-' || k
    FROM {everybody}
    """,
    """
    INSERT INTO residents (community_id, resident_id, person_id, household_id, building_id,
        sealed_name, masked_name, state, joined_at)
    SELECT :community, :first_resident + k, :first_person + k, :first_household + k,
        :first_building + k / :a_building, CAST(:nobodys_name AS bytea), :masked_name, 'active',
        :now
    FROM {everybody}
    """,
    """
    INSERT INTO accounts (community_id, account_id, kind, owner_id, opened_at)
    SELECT :community, :first_resident + k, 'wallet', :first_resident + k, :now
    FROM {everybody}
    """,
    """
    INSERT INTO balances (community_id, account_id, floor)
    SELECT :community, :first_resident, coalesce((
        SELECT lowest_points FROM point_policies WHERE community_id = :community
        ORDER BY version DESC LIMIT 1), 0)
    """,
    """
    INSERT INTO login_sessions (session_id, person_id, community_id, created_at)
    SELECT :first_session + k, :first_person + k * :stride, :community, :now
    FROM generate_series(0::bigint, CAST(:callers AS bigint) - 1) AS k
    """,
)  # fmt: skip
_NAME_CALLERS = """
    UPDATE residents SET sealed_name = caller.sealed_name
    FROM unnest(CAST(:resident_ids AS bigint[]), CAST(:sealed_names AS bytea[]))
        AS caller(resident_id, sealed_name)
    WHERE community_id = :community AND residents.resident_id = caller.resident_id
"""

# `model` is the row that the service wrote for the first resident.
_POINTS_OF_THE_OTHERS = (
    """
    INSERT INTO contributions (community_id, contribution_id, source_kind, source_id, resident_id,
        occasion, rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,
        reason, recorded_by, checked_by, acted_at, is_spaced, created_at)
    SELECT community_id, :first_award + k, source_kind, source_id, :first_resident + k, occasion,
        rule_id, rule_version_id, state, {points}, {points}, {points}, breakdown, reason,
        recorded_by, checked_by, acted_at, is_spaced, created_at
    FROM contributions AS model CROSS JOIN {others}
    WHERE community_id = :community AND contribution_id = :model
    """,
    """
    INSERT INTO transfers (community_id, transfer_id, posting_id, kind, debit_account_id,
        credit_account_id, points, source_kind, source_id, leg, memo, rule_version_id, maker_id,
        checker_id, occurred_at, posted_at, salt)
    SELECT community_id, :first_award + k, :first_award + k, kind, debit_account_id,
        :first_resident + k, {points}, source_kind, :first_award + k, leg, memo, rule_version_id,
        maker_id, checker_id, occurred_at, posted_at, uuid_send(gen_random_uuid())
    FROM transfers AS model CROSS JOIN {others}
    WHERE community_id = :community AND transfer_id = :model
    """,
    """
    INSERT INTO seal_queue (community_id, transfer_id)
    SELECT :community, :first_award + k FROM {others}
    """,
    """
    INSERT INTO lots (community_id, lot_id, account_id, transfer_id, granted, remaining,
        earned_at, expires_at, follows_policy)
    SELECT community_id, :first_award + k, :first_resident + k, :first_award + k, {points},
        {points}, earned_at, expires_at, follows_policy
    FROM lots AS model CROSS JOIN {others}
    WHERE community_id = :community AND lot_id = :model
    """,
    """
    INSERT INTO balances (community_id, account_id, posted, lots_total, floor, next_expiry_at)
    SELECT community_id, :first_resident + k, {points}, {points}, floor, next_expiry_at
    FROM balances AS model CROSS JOIN {others}
    WHERE community_id = :community AND account_id = :first_resident
    """,
    """
    INSERT INTO standings (community_id, period, starts_on, resident_id, score, updated_at)
    SELECT community_id, period, starts_on, :first_resident + k, {points}, updated_at
    FROM standings AS model CROSS JOIN {others}
    WHERE community_id = :community AND resident_id = :first_resident
    """,
)  # fmt: skip
# What folding would have made of the others' changes; the first one's still waits.
_COUNT_THE_OTHERS = """
    INSERT INTO score_counts (community_id, period, starts_on, level, slot, residents)
    SELECT community_id, period, starts_on, level, score >> 6 * level, count(*)
    FROM standings CROSS JOIN generate_series(0, 2) AS level
    WHERE community_id = :community AND resident_id <> :first_resident
    GROUP BY community_id, period, starts_on, level, score >> 6 * level
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """People whose numbers count up from the first; caller n is resident n times the stride."""

    community_id: int
    residents: int
    first_resident: int
    first_person: int
    first_session: int
    stride: int
    callers: int

    def caller(self, number: int) -> tuple[int, int, int]:
        """Return session, person and resident of a caller."""
        seat = number * self.stride
        return self.first_session + number, self.first_person + seat, self.first_resident + seat


async def add_crowd(
    session: AsyncSession,
    created: CreatedCommunity,
    grids: list[Grid],
    size: Size,
    *,
    gift_rule: str,
    vault: Vault,
    now: datetime,
) -> Crowd:
    """Add people who live somewhere and have points enough for anything."""
    if size.residents > MOST_RESIDENTS:
        raise BenchFailed(f"More than {MOST_RESIDENTS:,} residents have no numbers.")
    firsts = [_block(created.community_id, number, now) for number in range(BLOCKS)]
    crowd = Crowd(
        created.community_id, size.residents,
        firsts[RESIDENTS], firsts[PERSONS], firsts[SESSIONS], size.stride, size.callers,
    )  # fmt: skip
    values = {
        "community": crowd.community_id,
        "residents": crowd.residents,
        "callers": crowd.callers,
        "stride": crowd.stride,
        "buildings": size.residents // RESIDENTS_A_BUILDING + 1,
        "a_building": RESIDENTS_A_BUILDING,
        "grids": [grid.grid_id for grid in grids],
        "first_building": firsts[BUILDINGS],
        "first_household": firsts[HOUSEHOLDS],
        "first_person": crowd.first_person,
        "first_resident": crowd.first_resident,
        "first_session": crowd.first_session,
        "first_award": firsts[AWARDS],
        "nobodys_name": vault.seal(NAME, personal.resident_name(0, 0)),
        "masked_name": mask_name(NAME),
        "now": now - timedelta(days=1),
    }
    await _run(session, (*_SETTINGS, *_PEOPLE), values)
    await _name_callers(session, crowd, vault)
    values["model"] = await _award_first(session, created, crowd, gift_rule, now)
    await _run(session, (*_POINTS_OF_THE_OTHERS, _COUNT_THE_OTHERS), values)
    return crowd


async def _name_callers(session: AsyncSession, crowd: Crowd, vault: Vault) -> None:
    """Seal the callers' names: each opens for its own row only."""
    resident_ids = [crowd.caller(number)[2] for number in range(crowd.callers)]
    sealed_names = [
        vault.seal(NAME, personal.resident_name(crowd.community_id, resident_id))
        for resident_id in resident_ids
    ]
    values = {
        "community": crowd.community_id,
        "resident_ids": resident_ids,
        "sealed_names": sealed_names,
    }
    await session.execute(text(_NAME_CALLERS), values)


async def _award_first(
    session: AsyncSession, created: CreatedCommunity, crowd: Crowd, rule: str, now: datetime
) -> int:
    """Give the first resident their points through the service; return the contribution."""
    terms = await rules.get_terms(session, crowd.community_id, created.rules[rule], at=now)
    act = Act(
        source_kind=SourceKind.COMMITTEE,
        source_id=crowd.first_resident,
        resident_id=crowd.first_resident,
        occasion="",
        units=LEAST_POINTS,
        acted_at=now,
        timezone=created.timezone,
        recorded_by=crowd.first_person,
        checked_by=CHECKER,
        memo=terms.name,
    )
    item = evaluate_act(act, terms, (), now=now)
    (outcome,) = await award(
        session, crowd.community_id, [item], timezone=created.timezone, now=now
    )
    if outcome.posted != LEAST_POINTS:
        raise BenchFailed("The first resident was not awarded their points.")
    return await _contribution_of(session, crowd)


async def _contribution_of(session: AsyncSession, crowd: Crowd) -> int:
    statement = """
        SELECT contribution_id FROM contributions
        WHERE community_id = :community AND resident_id = :resident
    """
    values = {"community": crowd.community_id, "resident": crowd.first_resident}
    number: int = (await session.execute(text(statement), values)).scalar_one()
    return number


def _block(community_id: int, number: int, now: datetime) -> int:
    """Return the first of a million numbers that nothing else in this database has."""
    milliseconds = int((now - AN_HOUR - EPOCH).total_seconds() * 1000)
    return (milliseconds + community_id * BLOCKS + number) << RANDOM_BITS


async def _run(session: AsyncSession, statements: tuple[str, ...], values: dict[str, Any]) -> None:
    for statement in statements:
        whole = statement.format_map(_FRAGMENTS)
        known = {name: value for name, value in values.items() if f":{name}" in whole}
        await session.execute(text(whole), known)
