"""A resident's balance and statement, through HTTP."""

from datetime import datetime, timedelta

from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passbook import read_statement
from tests.support.passing import let_pass
from tests.support.shopping import consume, give_back, redeem, withdraw


async def live(here: Neighbourhood, clock: Clock) -> None:
    """Let resident-1 earn, spend, get it back, spend again and be fined: 9 lines."""
    for rule in ("legal_advice", "mediation", "survey", "organising"):
        await here.give("resident-1", rule)
        clock.advance(seconds=1)
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    consumed = await consume(here, voucher["typed_code"])
    await withdraw(here, consumed.json()["verification_id"])
    await consume(here, voucher["typed_code"])
    returned = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await give_back(here, "resident-1", returned)
    await here.fine("resident-1", units=2)
    await here.give("resident-1", "story_evening")


async def test_the_statement_tells_every_movement_newest_first(
    here: Neighbourhood, clock: Clock
) -> None:
    await live(here, clock)
    resident = await here.caller("resident-1")

    lines = (await resident.get("/v1/me/statement")).json()["items"]

    assert [(line["kind"], line["points"]) for line in lines] == [
        ("award", 15), ("deduction", -10), ("spend", -50), ("reversal", 50), ("spend", -50),
        ("award", 30), ("award", 5), ("award", 20), ("award", 50),
    ]  # fmt: skip
    assert lines[1]["memo"] == "垃圾分类错误\uff1a混投"
    assert {line["memo"] for line in lines[2:5]} == {"社区食堂午餐一份"}
    posted = [datetime.fromisoformat(line["posted_at"]) for line in lines]
    assert posted == sorted(posted, reverse=True)


async def test_the_lines_add_up_to_the_balance_after_each_of_them(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    balances = [0]
    for rule in ("survey", "mediation", "organising"):
        await here.give("resident-1", rule)
        balances.append((await resident.get("/v1/me/balance")).json()["posted_points"])
    await here.fine("resident-1")
    balances.append((await resident.get("/v1/me/balance")).json()["posted_points"])

    lines = await read_statement(resident, 100)

    sums = [sum(line["points"] for line in lines[at:]) for at in range(len(lines) + 1)]
    assert sums[::-1] == balances == [0, 5, 25, 55, 50]


async def test_pages_of_any_size_tell_the_same_lines_once(
    here: Neighbourhood, clock: Clock
) -> None:
    await live(here, clock)
    resident = await here.caller("resident-1")

    whole = await read_statement(resident, 100)

    assert len({line["transfer_id"] for line in whole}) == len(whole) == 9
    for size in (1, 2, 3, 4, 8, 9, 10):
        assert await read_statement(resident, size) == whole


async def test_a_line_posted_between_two_pages_is_not_on_the_second(
    here: Neighbourhood, clock: Clock
) -> None:
    await live(here, clock)
    resident = await here.caller("resident-1")
    whole = await read_statement(resident, 100)
    first = (await resident.get("/v1/me/statement", size=4)).json()

    await here.give("resident-1", "mediation")

    second = await resident.get("/v1/me/statement", size=100, cursor=first["next_cursor"])
    assert first["items"] + second.json()["items"] == whole


async def test_nobody_sees_another_residents_lines(
    here: Neighbourhood, elsewhere: Neighbourhood, clock: Clock
) -> None:
    await live(here, clock)

    for other in (await here.caller("resident-2"), await elsewhere.caller("resident-1")):
        answer = await other.get("/v1/me/statement")
        assert answer.json() == {"items": [], "next_cursor": None}
        assert (await other.get("/v1/me/balance")).json() == {
            "posted_points": 0, "held_points": 0, "available_points": 0, "debt_points": 0,
            "savings_points": 0, "next_lapse": None,
        }  # fmt: skip


async def test_the_balance_tells_what_is_held_and_what_is_free(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-1", "mediation")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    resident = await here.caller("resident-1")

    assert (await resident.get("/v1/me/balance")).json() == {
        "posted_points": 70, "held_points": 50, "available_points": 20, "debt_points": 0,
        "savings_points": 0, "next_lapse": None,
    }  # fmt: skip


async def test_an_act_of_yesterday_stands_with_both_its_times(
    here: Neighbourhood, clock: Clock
) -> None:
    yesterday = clock.now - timedelta(days=1)
    body = here.posting(
        "award", "resident-1", rule_code="survey", acted_at=yesterday.isoformat(), reason="补登"
    )
    await here.post_by_hand(body)

    [line] = (await (await here.caller("resident-1")).get("/v1/me/statement")).json()["items"]

    assert datetime.fromisoformat(line["occurred_at"]) == yesterday
    assert datetime.fromisoformat(line["posted_at"]) == clock.now


async def test_a_cursor_of_another_list_is_refused(here: Neighbourhood, clock: Clock) -> None:
    resident = await here.caller("resident-1")
    let_pass(here, clock, seconds=1)
    for cursor in ("!", "WzEsMl0", "eyJhIjoxfQ", "W251bGxd", "WzFlMzBd"):
        answer = await resident.get("/v1/me/statement", cursor=cursor)
        assert (answer.status_code, problem_code(answer)) == (422, "cursor_unreadable"), cursor


async def test_a_page_holds_one_to_a_hundred_lines(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    for size in (0, 101, -1):
        answer = await resident.get("/v1/me/statement", size=size)
        assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
