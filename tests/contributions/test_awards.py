"""Awards on the database: many at once, caps, campaigns, versions, dates."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.community.errors import ResidentNotFound
from app.contributions.errors import RuleChanged
from app.contributions.posting import Verdict
from app.contributions.service import award_one
from app.core.ids import new_id
from app.rules import service as rules
from app.rules.errors import RuleOfOtherDirection, TooManyUnits
from app.rules.models import Campaign
from tests.support.awards import award, get_terms, give_lots, make_item
from tests.support.book_rows import count, figures, list_lots, set_floor
from tests.support.books import assert_books_balance
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


@pytest.fixture
async def session(
    sessionmaker: async_sessionmaker[AsyncSession],
) -> AsyncIterator[AsyncSession]:
    async with sessionmaker() as session:
        yield session


async def scores_of(
    session: AsyncSession, here: Neighbourhood, name: str
) -> dict[tuple[str, date], int]:
    """Return (period, first day) → score."""
    statement = "SELECT period, starts_on, score FROM standings WHERE resident_id = :resident"
    values = {"resident": int(here.resident_id(name))}
    rows = (await session.execute(text(statement), values)).all()
    return {(row.period, row.starts_on): row.score for row in rows}


async def test_a_batch_awards_every_resident_in_three_statements(
    here: Neighbourhood, session: AsyncSession, engine: AsyncEngine, clock: Clock
) -> None:
    terms = await get_terms(session, here, "weekend_clean_up", at=clock.now)
    items = [
        make_item(terms, resident_id, now=clock.now)
        for resident_id in here.residents.values()
        for _ in range(20)
    ]
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    try:
        outcomes = await award(session, here, items, now=clock.now)
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", listen)

    assert len(statements) == 3
    assert {outcome.decision.verdict for outcome in outcomes} == {Verdict.GRANTED}
    assert {outcome.posted for outcome in outcomes} == {400}
    for resident_id in here.residents.values():
        assert len(await list_lots(session, here.community_id, resident_id)) == 20
    await assert_books_balance(session, here.community_id)


async def test_a_batch_is_cut_where_a_cap_is_reached(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "volunteer_hour", at=clock.now)
    diligent, other = (int(here.resident_id(name)) for name in ("resident-1", "resident-2"))
    items = [
        make_item(terms, resident_id, now=clock.now, units=units)
        for resident_id, units in ((diligent, 5), (other, 8), (diligent, 4), (diligent, 1))
    ]

    outcomes = await award(session, here, items, now=clock.now)

    assert [row.decision.granted_points for row in outcomes] == [50, 80, 30, 0]
    assert [row.decision.verdict for row in outcomes] == [
        Verdict.GRANTED, Verdict.GRANTED, Verdict.CAPPED, Verdict.CAPPED,
    ]  # fmt: skip
    assert [row.posted for row in outcomes] == [80, 80, 80, 80]
    assert await count(session, "contributions", resident_id=diligent, state="capped") == 1
    assert await count(session, "transfers", credit_account_id=diligent) == 2
    await assert_books_balance(session, here.community_id)


async def test_a_cap_holds_across_batches_and_opens_the_next_day(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "volunteer_hour", at=clock.now)
    resident_id = int(here.resident_id("resident-1"))
    granted = []
    # Wednesday 15:00, 23:59 and Thursday 00:00 in Shanghai.
    for hours, minutes in ((0, 0), (8, 59), (9, 0)):
        now = clock.now + timedelta(hours=hours, minutes=minutes)
        item = make_item(terms, resident_id, now=now, units=6)
        [outcome] = await award(session, here, [item], now=now)
        granted.append(outcome.decision.granted_points)

    assert granted == [60, 20, 60]
    await assert_books_balance(session, here.community_id)


async def test_caps_go_by_the_date_of_the_act_and_not_of_the_posting(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "volunteer_hour", at=clock.now)
    resident_id = int(here.resident_id("resident-1"))
    items = [
        make_item(terms, resident_id, now=clock.now, units=8, acted_at=clock.now - back)
        for back in (timedelta(0), timedelta(days=1), timedelta(days=1, hours=1))
    ]

    outcomes = await award(session, here, items, now=clock.now)

    assert [row.decision.granted_points for row in outcomes] == [80, 80, 0]


async def test_the_capped_breakdown_names_the_caps_and_the_points_it_asked_for(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "volunteer_hour", at=clock.now)
    resident_id = int(here.resident_id("resident-1"))
    items = [make_item(terms, resident_id, now=clock.now, units=units) for units in (7, 3)]
    await award(session, here, items, now=clock.now)

    statement = "SELECT * FROM contributions WHERE community_id = :id ORDER BY contribution_id"
    whole, cut = (await session.execute(text(statement), {"id": here.community_id})).all()

    assert (whole.asked_points, whole.granted_points, whole.state) == (70, 70, "awarded")
    assert (cut.asked_points, cut.granted_points, cut.state) == (30, 10, "awarded")
    assert "caps_hit" not in whole.breakdown
    assert cut.breakdown["caps_hit"] == ["day"]


async def test_a_campaign_doubles_what_is_done_while_it_runs(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    session.add(
        Campaign(
            community_id=here.community_id, campaign_id=new_id(clock.now), code="safe_month",
            name="平安月", rule_codes=["mediation"], percent=200, bonus_points=3,
            starts_at=clock.now, ends_at=clock.now + timedelta(days=30),
        )
    )  # fmt: skip
    await session.commit()

    doubled = await here.give("resident-1", "mediation")
    plain = await here.give("resident-1", "survey")
    yesterday = (clock.now - timedelta(days=1)).isoformat()
    body = here.posting(
        "award", "resident-1", rule_code="mediation", acted_at=yesterday, reason="补登"
    )
    before = await here.post_by_hand(body)

    assert [doubled["granted_points"], plain["granted_points"]] == [43, 5]
    assert before["result"]["moved_points"] == 20
    statement = "SELECT breakdown FROM contributions WHERE contribution_id = :id"
    told = await session.scalar(text(statement), {"id": int(doubled["contribution_id"])})
    assert told["bonuses"] == [{"campaign": "safe_month", "name": "平安月", "points": 23}]
    assert (told["base_points"], told["total_points"]) == (20, 43)
    await assert_books_balance(session, here.community_id)


async def test_a_campaign_of_another_community_doubles_nothing(
    here: Neighbourhood, elsewhere: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    session.add(
        Campaign(
            community_id=elsewhere.community_id, campaign_id=1, code="safe_month", name="平安月",
            rule_codes=[], percent=200, bonus_points=0,
            starts_at=clock.now, ends_at=clock.now + timedelta(days=30),
        )
    )  # fmt: skip
    await session.commit()
    assert (await here.give("resident-1", "survey"))["granted_points"] == 5
    assert (await elsewhere.give("resident-1", "survey"))["granted_points"] == 10


async def test_an_act_judged_by_a_version_that_was_not_in_force_goes_round_again(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "survey", at=clock.now)
    item = make_item(terms, int(here.resident_id("resident-1")), now=clock.now)
    await session.execute(
        text("UPDATE rule_versions SET effective_until = :now WHERE rule_version_id = :id"),
        {"now": clock.now, "id": terms.rule_version_id},
    )

    with pytest.raises(RuleChanged):
        await award_one(session, here.community_id, item, timezone="Asia/Shanghai", now=clock.now)

    assert await count(session, "contributions", community_id=here.community_id) == 0


async def test_a_closed_version_still_judges_what_was_done_before(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "survey", at=clock.now)
    resident_id = int(here.resident_id("resident-1"))
    before = clock.now - timedelta(microseconds=1)
    items = [
        make_item(terms, resident_id, now=clock.now, acted_at=acted_at)
        for acted_at in (before, clock.now, clock.now - timedelta(days=31))
    ]
    await session.execute(
        text("UPDATE rule_versions SET effective_until = :now WHERE rule_version_id = :id"),
        {"now": clock.now, "id": terms.rule_version_id},
    )

    outcomes = await award(session, here, items, now=clock.now)

    assert [outcome.decision.verdict for outcome in outcomes] == [
        Verdict.GRANTED, Verdict.RULE_CHANGED, Verdict.RULE_CHANGED,
    ]  # fmt: skip
    await assert_books_balance(session, here.community_id)


async def test_a_version_of_another_community_is_not_in_force_here(
    here: Neighbourhood, elsewhere: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, elsewhere, "survey", at=clock.now)
    item = make_item(terms, int(here.resident_id("resident-1")), now=clock.now)
    with pytest.raises(RuleChanged):
        await award_one(session, here.community_id, item, timezone="Asia/Shanghai", now=clock.now)


async def test_one_refused_item_does_not_spoil_its_neighbours(
    here: Neighbourhood, elsewhere: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "survey", at=clock.now)
    first, second = (int(here.resident_id(name)) for name in ("resident-1", "resident-2"))
    stranger = int(elsewhere.resident_id("resident-1"))
    done = make_item(terms, first, now=clock.now)
    await award(session, here, [done], now=clock.now)
    stale = replace(terms, rule_version_id=1)
    items = [
        make_item(terms, stranger, now=clock.now),
        make_item(stale, second, now=clock.now),
        replace(done, contribution_id=new_id(clock.now)),
        make_item(terms, second, now=clock.now),
        make_item(stale, stranger, now=clock.now),
    ]

    outcomes = await award(session, here, items, now=clock.now)

    assert [outcome.decision.verdict for outcome in outcomes] == [
        Verdict.NO_SUCH_RESIDENT, Verdict.RULE_CHANGED, Verdict.ALREADY_THERE,
        Verdict.GRANTED, Verdict.NO_SUCH_RESIDENT,
    ]  # fmt: skip
    assert [outcome.decision.granted_points for outcome in outcomes] == [0, 0, 5, 5, 0]
    assert await count(session, "contributions", community_id=here.community_id) == 2
    await assert_books_balance(session, here.community_id)
    await assert_books_balance(session, elsewhere.community_id)


async def test_nobody_but_a_resident_of_the_community_is_awarded(
    here: Neighbourhood, elsewhere: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "survey", at=clock.now)
    numbers = (1, here.created.shops["canteen"], int(elsewhere.resident_id("resident-1")), 12345)
    for number in numbers:
        with pytest.raises(ResidentNotFound):
            await award_one(
                session, here.community_id, make_item(terms, number, now=clock.now),
                timezone="Asia/Shanghai", now=clock.now,
            )  # fmt: skip


async def test_an_award_for_a_past_date_counts_in_that_dates_week_and_month(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    terms = await get_terms(session, here, "survey", at=clock.now)
    resident_id = int(here.resident_id("resident-1"))
    # 31 October 2026, a Saturday, one minute to midnight; and two minutes later.
    evening = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)
    items = [
        make_item(terms, resident_id, now=clock.now, acted_at=acted_at)
        for acted_at in (evening, evening + timedelta(minutes=2), clock.now)
    ]

    await award(session, here, items, now=clock.now)

    assert await scores_of(session, here, "resident-1") == {
        ("week", date(2026, 10, 26)): 10,
        ("week", date(2026, 11, 16)): 5,
        ("month", date(2026, 10, 1)): 5,
        ("month", date(2026, 11, 1)): 10,
        ("all", date(1970, 1, 1)): 15,
    }
    await assert_books_balance(session, here.community_id)


async def test_a_lot_lapses_as_its_rule_says_counted_from_the_act(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    expiries: list[dict[str, Any]] = [{"kind": "never"}, {"kind": "months", "months": 1},
                {"kind": "year_end", "grace_days": 31}]  # fmt: skip
    lots = await give_lots(
        session, here, [(resident_id, 5, expiry) for expiry in expiries], now=clock.now
    )

    statement = "SELECT lot_id, expires_at::text FROM lots WHERE account_id = :id"
    rows = (await session.execute(text(statement), {"id": resident_id})).all()

    assert {row.lot_id: row.expires_at for row in rows} == dict(
        zip(lots, ("infinity", "2026-12-18 16:00:00+00", "2027-01-31 16:00:00+00"), strict=True)
    )


async def test_debt_is_repaid_before_a_lot_is_filled_within_one_batch(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    await set_floor(session, here.community_id, resident_id, -20)
    await session.commit()
    await here.fine("resident-1", units=3)
    terms = await get_terms(session, here, "survey", at=clock.now, points=10)
    items = [make_item(terms, resident_id, now=clock.now) for _ in range(3)]

    outcomes = await award(session, here, items, now=clock.now)

    assert [row.decision.repaid_points for row in outcomes] == [10, 5, 0]
    lots = await list_lots(session, here.community_id, resident_id)
    assert list(lots.values()) == [(5, 0), (10, 0)]
    assert await figures(session, here.community_id, resident_id) == {
        "posted": 15, "lots_total": 15, "debt": 0, "held": 0,
    }  # fmt: skip
    await assert_books_balance(session, here.community_id)


async def test_an_act_under_a_costing_rule_or_of_too_many_units_is_no_award(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    resident_id = int(here.resident_id("resident-1"))
    costing = await get_terms(session, here, "sorted_wrongly", at=clock.now)
    hour = await rules.get_terms_by_code(session, here.community_id, "volunteer_hour", at=clock.now)
    with pytest.raises(RuleOfOtherDirection):
        make_item(costing, resident_id, now=clock.now)
    with pytest.raises(TooManyUnits) as refusal:
        make_item(hour, resident_id, now=clock.now, units=9)
    assert refusal.value.extensions == {"max_units": 8}


async def test_an_empty_batch_awards_nothing(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    assert await award(session, here, [], now=clock.now) == []


async def test_points_that_arrive_after_their_date_last_as_if_earned_today(
    here: Neighbourhood, session: AsyncSession, clock: Clock
) -> None:
    """A case of last year is solved in this one; nobody is given what has lapsed already."""
    resident_id = int(here.resident_id("resident-1"))
    terms = await get_terms(
        session, here, "survey", at=clock.now, expiry={"kind": "months", "months": 1}
    )
    terms = replace(terms, policy_version=None)
    # From 18 November, and from 8 December; both are posted on 28 December.
    lapses = {0: "2027-01-28 16:00:00+00", 20: "2027-01-08 16:00:00+00"}
    items = [
        make_item(terms, resident_id, now=clock.now, acted_at=clock.now + timedelta(days=after))
        for after in lapses
    ]

    await award(session, here, items, now=clock.now + timedelta(days=40))

    statement = "SELECT lot_id, expires_at::text FROM lots WHERE account_id = :id"
    rows = (await session.execute(text(statement), {"id": resident_id})).all()
    found = {row.lot_id: row.expires_at for row in rows}
    assert [found[item.contribution_id] for item in items] == list(lapses.values())
