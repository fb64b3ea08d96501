"""Awards and deductions by hand: caps, wallets that have too little, debt, boards of the day."""

from datetime import timedelta
from typing import Any

from tests.contributions.by_hand.desk import Desk
from tests.support.book_rows import count, figures, list_lots, set_floor
from tests.support.clock import Clock


async def test_an_award_past_a_cap_gives_what_the_cap_leaves(desk: Desk) -> None:
    results = [await desk.here.give("resident-1", "volunteer_hour", units=6) for _ in range(3)]
    assert [row["asked_points"] for row in results] == [60, 60, 60]
    assert [row["moved_points"] for row in results] == [60, 20, 0]
    assert [row["transfer_id"] is None for row in results] == [False, False, True]
    assert await count_state(desk, "capped") == 1
    await desk.audit()


async def count_state(desk: Desk, state: str) -> int:
    async with desk.sessionmaker() as session:
        return await count(
            session, "contributions", community_id=desk.here.community_id, state=state
        )


async def test_caps_are_judged_by_the_day_of_the_act_though_it_is_posted_later(
    desk: Desk, clock: Clock
) -> None:
    hours: dict[str, Any] = {"rule_code": "volunteer_hour", "units": 8}
    posting_id = await desk.proposed(desk.under_rule("award", **hours))
    clock.advance(days=1)
    desk.here.callers.clear()

    today = await desk.here.post_by_hand(desk.under_rule("award", **hours))
    yesterday = (await desk.decide(posting_id, "approval")).json()
    again = await desk.here.post_by_hand(
        desk.under_rule("award", acted_at=yesterday["acted_at"], **hours)
    )

    moved = [posting["result"]["moved_points"] for posting in (today, yesterday, again)]
    assert moved == [80, 80, 0]
    await desk.audit()


async def test_a_deduction_takes_points_and_place_on_the_board(desk: Desk) -> None:
    await desk.here.give("resident-1", "mediation")
    taken = await desk.here.fine("resident-1", units=2)
    assert (taken["asked_points"], taken["moved_points"]) == (-10, -10)
    assert (await desk.balance())["posted_points"] == await desk.score() == 10
    assert (await desk.lines("resident-1"))[0]["memo"] == "垃圾分类错误\uff1a混投"
    await desk.audit()


async def test_spending_takes_no_place_on_the_board(desk: Desk) -> None:
    await desk.here.give("resident-1", "legal_advice")
    await desk.spend()
    assert (await desk.balance())["posted_points"] == 0
    assert await desk.score() == 50


async def test_what_a_wallet_cannot_give_is_recorded_and_not_taken(desk: Desk) -> None:
    await desk.here.give("resident-1", "survey")

    taken = [await desk.here.fine("resident-1", units=4) for _ in range(2)]

    assert [(row["asked_points"], row["moved_points"]) for row in taken] == [(-20, -5), (-20, 0)]
    assert taken[1]["transfer_id"] is None
    assert await desk.score() == 0
    told = [
        await desk.scalar(
            "SELECT breakdown FROM contributions WHERE contribution_id = :id",
            id=int(row["contribution_id"]),
        )
        for row in taken
    ]
    assert [row["not_taken_points"] for row in told] == [15, 20]
    assert {row["total_points"] for row in told} == {-20}
    await desk.audit()


async def test_a_deduction_goes_into_debt_down_to_the_floor_and_the_next_award_repays(
    desk: Desk,
) -> None:
    resident_id = int(desk.here.resident_id("resident-1"))
    async with desk.sessionmaker.begin() as session:
        await set_floor(session, desk.here.community_id, resident_id, -12)
    await desk.here.give("resident-1", "survey")

    taken = [(await desk.here.fine("resident-1", units=2))["moved_points"] for _ in range(3)]
    in_debt = await desk.balance()
    await desk.here.give("resident-1", "story_evening")

    assert taken == [-10, -7, 0]
    assert (in_debt["posted_points"], in_debt["debt_points"]) == (-12, 12)
    assert in_debt["available_points"] == 0
    async with desk.sessionmaker() as session:
        assert await figures(session, desk.here.community_id, resident_id) == {
            "posted": 3, "lots_total": 3, "debt": 0, "held": 0,
        }  # fmt: skip
        lots = await list_lots(session, desk.here.community_id, resident_id)
        assert list(lots.values()) == [(0, 0), (3, 0)]
    await desk.audit()


async def test_a_deduction_for_last_month_lowers_last_months_board(
    desk: Desk, clock: Clock
) -> None:
    await desk.here.give("resident-1", "mediation")
    in_october = (clock.now - timedelta(days=20)).isoformat()
    await desk.here.post_by_hand(desk.under_rule("deduction", acted_at=in_october))
    assert [await desk.score(period=period) for period in ("week", "month", "all")] == [20, 20, 15]
    await desk.audit()
