"""Running audits: taken up where they were, shared by two, ended at the first difference."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.audit import jobs, service, walks
from app.audit.models import Audit, AuditState
from app.audit.service import run_audit
from app.audit.walks import AuditedBook, Position, Step, Walk
from app.community.errors import CommunityNotFound
from tests.conftest import MakeRace
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, redeem

Sessions = async_sessionmaker[AsyncSession]
PLANT = "UPDATE balances SET posted = posted + 1, lots_total = lots_total + 1 WHERE posted > 0"


class Killed(Exception):
    """What happens to an auditor."""


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "PAGE", 2)


async def deal(here: Neighbourhood) -> None:
    for name in ("resident-1", "resident-2"):
        await here.give(name, "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    assert (await consume(here, voucher["typed_code"])).status_code == 200
    await here.fine("resident-2", units=1)


async def count_audits(sessions: Sessions) -> int:
    async with sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM audits")) or 0)


async def plant(sessions: Sessions, statement: str = PLANT) -> None:
    async with sessions.begin() as session:
        await session.execute(text(statement))


async def test_a_sound_book_ends_clean(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await deal(here)
    seen: list[int] = []
    ended = await run_audit(
        sessionmaker, here.community_id, clock=clock,
        on_progress=lambda audit: seen.append(audit.checked),
    )  # fmt: skip
    assert (ended.state, ended.difference, ended.ended_at) == ("clean", None, clock.now)
    assert ended.checked > 50
    assert seen == sorted(seen)
    assert len(seen) > len(service.WALKS)


async def test_an_audit_ends_at_the_first_difference_and_names_it(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await deal(here)
    await plant(sessionmaker)
    ended = await run_audit(sessionmaker, here.community_id, clock=clock)
    assert (ended.state, ended.walk, ended.ended_at) == ("different", "balances", clock.now)
    assert ended.difference is not None
    assert ended.difference["check"] == "posted points follow from transfers"
    assert int(ended.difference["stored"]) == int(ended.difference["expected"]) + 1
    assert await count_audits(sessionmaker) == 1


async def test_an_audit_begins_after_a_difference_was_put_right(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await deal(here)
    await plant(sessionmaker)
    before = await run_audit(sessionmaker, here.community_id, clock=clock)
    await plant(sessionmaker, PLANT.replace("+ 1", "- 1"))
    clock.now += timedelta(minutes=1)
    ended = await run_audit(sessionmaker, here.community_id, clock=clock)
    assert (ended.state, ended.audit_id > before.audit_id) == ("clean", True)


async def test_an_audit_killed_between_any_two_pages_goes_on_where_it_was(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await deal(here)
    whole = await run_audit(sessionmaker, here.community_id, clock=clock)

    def be_killed(audit: Audit) -> None:
        if audit.state == AuditState.RUNNING:
            raise Killed

    clock.now += timedelta(minutes=1)
    starts, ended = 0, None
    while ended is None:
        try:
            ended = await run_audit(
                sessionmaker, here.community_id, clock=clock, on_progress=be_killed
            )
        except Killed:
            starts += 1
            assert await count_audits(sessionmaker) == 2
    assert (ended.state, ended.checked) == ("clean", whole.checked)
    assert starts > len(service.WALKS)


@dataclass
class FailsOnce:
    """A walk of three pages, of which the second is broken off in the middle."""

    name: str = "fails once"
    pages: list[int] = field(default_factory=list)

    async def step(self, session: AsyncSession, _book: AuditedBook, position: Position) -> Step:
        page = position.get("page", 0)
        self.pages.append(page)
        if self.pages == [0, 1]:
            await session.execute(text("SELECT 1 / 0"))
        return Step(None if page == 2 else {"page": page + 1}, 10)


def walk_only(monkeypatch: pytest.MonkeyPatch, walk: Walk) -> None:
    monkeypatch.setattr(service, "WALKS", (walk,))


async def test_a_page_that_was_broken_off_counts_for_nothing(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = FailsOnce()
    walk_only(monkeypatch, walk)
    with pytest.raises(DBAPIError, match="division by zero"):
        await run_audit(sessionmaker, here.community_id, clock=clock)
    ended = await run_audit(sessionmaker, here.community_id, clock=clock)
    assert (walk.pages, ended.checked, ended.state) == ([0, 1, 1, 2], 30, "clean")


@pytest.mark.parametrize(("hours", "anew", "first"), [(23, False, 1), (25, False, 0), (1, True, 0)])
async def test_what_was_broken_off_long_ago_or_is_wanted_anew_begins_at_the_beginning(
    here: Neighbourhood,
    sessionmaker: Sessions,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
    anew: bool,  # noqa: FBT001 - a parameter of the case
    first: int,
) -> None:
    walk = FailsOnce()
    walk_only(monkeypatch, walk)
    with pytest.raises(DBAPIError):
        await run_audit(sessionmaker, here.community_id, clock=clock)
    clock.now += timedelta(hours=hours)
    ended = await run_audit(sessionmaker, here.community_id, clock=clock, anew=anew)
    assert walk.pages == [0, 1, *range(first, 3)]
    assert ended.checked == 30
    assert (ended.started_at == clock.now) is (first == 0)
    assert await count_audits(sessionmaker) == 1


async def test_an_older_releases_place_is_not_looked_for(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = FailsOnce()
    walk_only(monkeypatch, walk)
    with pytest.raises(DBAPIError):
        await run_audit(sessionmaker, here.community_id, clock=clock)
    await plant(sessionmaker, "UPDATE audits SET walk = 'as it was called'")
    ended = await run_audit(sessionmaker, here.community_id, clock=clock)
    assert (walk.pages, ended.checked) == ([0, 1, 0, 1, 2], 30)


class Writes:
    """A walk that would put a book right."""

    name = "writes"

    async def step(self, session: AsyncSession, _book: AuditedBook, _position: Position) -> Step:
        await session.execute(text("UPDATE balances SET held = 0"))
        return Step(None, 0)


async def test_an_audit_cannot_write_to_a_book(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk_only(monkeypatch, Writes())
    with pytest.raises(DBAPIError, match="read-only transaction"):
        await run_audit(sessionmaker, here.community_id, clock=clock)


class Asks:
    """A walk that asks how long a page may take."""

    name = "asks"

    def __init__(self) -> None:
        self.most = ""

    async def step(self, session: AsyncSession, _book: AuditedBook, _position: Position) -> Step:
        self.most = str(await session.scalar(text("SHOW statement_timeout")))
        return Step(None, 0)


async def test_a_page_about_one_large_account_may_take_longer_than_a_request(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Asks()
    walk_only(monkeypatch, walk)
    await run_audit(sessionmaker, here.community_id, clock=clock)
    assert walk.most == "10min"


async def test_an_unknown_community_is_not_called_clean(
    sessionmaker: Sessions, clock: Clock
) -> None:
    with pytest.raises(CommunityNotFound):
        await run_audit(sessionmaker, 77, clock=clock)
    assert await count_audits(sessionmaker) == 0


async def test_two_at_once_share_the_pages_of_one_audit(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LOOKS_AGAIN_AFTER", 0)
    here = await race(2)
    await deal(here)
    whole = await run_audit(race_sessionmaker, here.community_id, clock=clock)
    clock.now += timedelta(minutes=1)

    both = await asyncio.gather(
        *(run_audit(race_sessionmaker, here.community_id, clock=clock) for _ in range(2))
    )

    assert len({audit.audit_id for audit in both}) == 1
    assert [(audit.state, audit.checked) for audit in both] == [("clean", whole.checked)] * 2
    assert await count_audits(race_sessionmaker) == 2


async def test_a_book_in_use_is_never_called_different(
    race: MakeRace, race_sessionmaker: Sessions, clock: Clock
) -> None:
    here = await race(3)
    is_over = asyncio.Event()

    async def audit() -> list[str]:
        states = []
        while not is_over.is_set():
            ended = await run_audit(race_sessionmaker, here.community_id, clock=clock, anew=True)
            states.append(f"{ended.state} {ended.difference}")
        return states

    async def use() -> None:
        for _ in range(6):
            await deal(here)
        is_over.set()

    states, _ = await asyncio.gather(audit(), use())
    assert set(states) == {"clean None"}


async def test_the_nights_job_goes_through_every_book_once(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await deal(here)
    ended = await jobs.audit_books(sessionmaker, clock=clock)
    assert {(audit.community_id, audit.state) for audit in ended} == {
        (here.community_id, "clean"), (elsewhere.community_id, "clean"),
    }  # fmt: skip
    clock.now += timedelta(hours=11)
    assert await jobs.audit_books(sessionmaker, clock=clock) == []
    clock.now += timedelta(hours=2)
    assert len(await jobs.audit_books(sessionmaker, clock=clock)) == 2


async def test_the_nights_job_says_what_it_found(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    await deal(here)
    await plant(sessionmaker)
    (ended,) = await jobs.audit_books(sessionmaker, clock=clock)
    assert ended.state == AuditState.DIFFERENT
    told = capsys.readouterr().out
    assert "a book is not what it should be" in told
    assert "posted points follow from transfers" in told


async def test_a_book_that_cannot_be_audited_does_not_hold_up_the_others(
    here: Neighbourhood,
    elsewhere: Neighbourhood,
    sessionmaker: Sessions,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walk_only(monkeypatch, FailsOnce())
    with pytest.raises(DBAPIError, match="division by zero"):
        await jobs.audit_books(sessionmaker, clock=clock)
    (ended,) = await jobs.audit_books(sessionmaker, clock=clock)
    assert {here.community_id, elsewhere.community_id} > {ended.community_id}
