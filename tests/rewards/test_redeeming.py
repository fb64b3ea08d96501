"""Redeeming: points held, a voucher issued, and what stands in the way."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.codes import CodeKind, read_code
from tests.support.book_rows import figures
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.scanner import scan_png, scan_svg
from tests.support.shopping import consume, give_back, make_reward, redeem

Sessions = async_sessionmaker[AsyncSession]


async def ask(
    here: Neighbourhood, reward_id: str, *, name: str = "resident-1", key: str | None = None
) -> httpx.Response:
    resident = await here.caller(name)
    return await resident.post(f"/v1/rewards/{reward_id}/redeem", key=key or fresh_key())


async def add_reward(sessionmaker: Sessions, here: Neighbourhood, clock: Clock, **row: Any) -> str:
    async with sessionmaker.begin() as session:
        return await make_reward(session, here, now=clock.now, **row)


async def stock_of(here: Neighbourhood, reward_id: str) -> int | None:
    resident = await here.caller("resident-1")
    left: int | None = (await resident.get(f"/v1/rewards/{reward_id}")).json()["stock_left"]
    return left


async def test_a_voucher_is_issued_and_its_price_is_held(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-1", "mediation")

    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))

    assert (voucher["points"], voucher["state"]) == (50, "issued")
    assert voucher["reward_name"] == "社区食堂午餐一份"
    assert datetime.fromisoformat(voucher["valid_until"]) == clock.now + timedelta(days=30)
    assert voucher["used_at"] is None
    async with sessionmaker() as session:
        resident_id = int(here.resident_id("resident-1"))
        assert await figures(session, here.community_id, resident_id) == {
            "posted": 70, "lots_total": 70, "debt": 0, "held": 50,
        }  # fmt: skip
        await assert_books_balance(session, here.community_id)
    assert await stock_of(here, here.reward_id("canteen_meal")) == 199


async def test_a_voucher_carries_a_code_to_scan_and_one_to_type(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))

    code, _ = read_code(voucher["token"])

    assert (code.kind, code.subject_id) == (CodeKind.VOUCHER, int(voucher["voucher_id"]))
    assert code.expires_at == datetime.fromisoformat(voucher["valid_until"])
    assert voucher["link"].endswith(f"/c/{voucher['token']}")
    assert [len(group) for group in voucher["typed_code"].split("-")] == [4, 4, 4]


async def test_the_pictures_of_a_voucher_carry_its_token(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    resident = await here.caller("resident-1")
    path = f"/v1/me/vouchers/{voucher['voucher_id']}/code"

    png, svg = await resident.get(f"{path}.png"), await resident.get(f"{path}.svg")

    assert scan_png(png.content) == scan_svg(svg.text) == voucher["token"]
    assert (await consume(here, scan_png(png.content))).status_code == 200


async def test_too_few_points_are_refused_with_both_figures(here: Neighbourhood) -> None:
    await here.give("resident-1", "mediation")

    answer = await ask(here, here.reward_id("canteen_meal"))

    assert (answer.status_code, problem_code(answer)) == (409, "insufficient_points")
    told = answer.json()
    assert (told["available_points"], told["needed_points"]) == (20, 50)
    assert told["detail"] == "You have 20 points to spend; this takes 50."
    assert await stock_of(here, here.reward_id("canteen_meal")) == 200


async def test_held_points_are_not_spent_twice(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-1", "organising")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    answer = await ask(here, here.reward_id("canteen_meal"))
    assert answer.json()["available_points"] == 30


async def test_what_is_out_of_stock_is_refused(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    reward_id = await add_reward(sessionmaker, here, clock, stock_left=2)
    for _ in range(2):
        await redeem(here, "resident-1", reward_id)

    answer = await ask(here, reward_id)

    assert (answer.status_code, problem_code(answer)) == (409, "out_of_stock")
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_what_has_no_end_is_never_out_of_stock(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    reward_id = await add_reward(sessionmaker, here, clock)
    for _ in range(3):
        await redeem(here, "resident-1", reward_id)
    assert await stock_of(here, reward_id) is None


async def test_a_limit_counts_what_is_issued_and_used_but_not_what_was_given_back(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    await here.give("resident-2", "legal_advice")
    reward_id = await add_reward(sessionmaker, here, clock, per_resident_limit=2, stock_left=9)
    used = await redeem(here, "resident-1", reward_id)
    assert (await consume(here, used["typed_code"])).status_code == 200
    issued = await redeem(here, "resident-1", reward_id)

    refused = await ask(here, reward_id)
    await give_back(here, "resident-1", issued)

    assert (refused.status_code, problem_code(refused)) == (409, "limit_reached")
    assert refused.json()["per_resident_limit"] == 2
    assert (await ask(here, reward_id)).status_code == 201
    assert (await ask(here, reward_id)).status_code == 409
    assert (await ask(here, reward_id, name="resident-2")).status_code == 201
    assert await stock_of(here, reward_id) == 6
    async with sessionmaker() as session:
        await assert_books_balance(session, here.community_id)


async def test_what_was_withdrawn_is_refused(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    reward_id = await add_reward(sessionmaker, here, clock, state="withdrawn")
    answer = await ask(here, reward_id)
    assert (answer.status_code, problem_code(answer)) == (409, "reward_not_on_sale")


async def test_a_reward_of_another_community_is_not_found(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    await here.give("resident-1", "legal_advice")
    for number in (elsewhere.reward_id("canteen_meal"), "1"):
        answer = await ask(here, number)
        assert (answer.status_code, problem_code(answer)) == (404, "reward_not_found")


async def test_redeeming_repeated_with_its_key_issues_one_voucher(here: Neighbourhood) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    key = fresh_key()

    first = await ask(here, here.reward_id("canteen_meal"), key=key)
    again = await ask(here, here.reward_id("canteen_meal"), key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await stock_of(here, here.reward_id("canteen_meal")) == 199


async def test_a_key_of_somebody_else_is_no_hindrance(here: Neighbourhood) -> None:
    key = fresh_key()
    vouchers = []
    for name in ("resident-1", "resident-2"):
        await here.give(name, "legal_advice")
        answer = await ask(here, here.reward_id("canteen_meal"), name=name, key=key)
        vouchers.append(answer.json()["voucher_id"])
    assert len(set(vouchers)) == 2


async def test_a_refused_redemption_leaves_its_key_to_be_used_again(here: Neighbourhood) -> None:
    key, meal = fresh_key(), here.reward_id("canteen_meal")
    refused = await ask(here, meal, key=key)
    await here.give("resident-1", "legal_advice")

    answer = await ask(here, meal, key=key)

    assert (problem_code(refused), answer.status_code) == ("insufficient_points", 201)
    assert "Idempotency-Replayed" not in answer.headers


async def test_a_repeat_is_answered_though_the_reward_is_gone(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    await here.give("resident-1", "legal_advice")
    reward_id = await add_reward(sessionmaker, here, clock, stock_left=1)
    key = fresh_key()
    first = await ask(here, reward_id, key=key)

    again = await ask(here, reward_id, key=key)

    assert problem_code(await ask(here, reward_id)) == "out_of_stock"
    assert (again.status_code, again.content) == (201, first.content)


async def test_whoever_signed_out_redeems_nothing_more(here: Neighbourhood) -> None:
    await here.give("resident-1", "legal_advice")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    resident = await here.caller("resident-1")
    await resident.post("/v1/auth/sign-out")

    answer = await ask(here, here.reward_id("canteen_meal"))

    assert (answer.status_code, problem_code(answer)) == (401, "token_invalid")


async def test_whoever_left_the_community_redeems_nothing_more(
    here: Neighbourhood, sessionmaker: Sessions
) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    async with sessionmaker.begin() as session:
        leave = "UPDATE residents SET state = 'left' WHERE resident_id = :resident_id"
        values = {"resident_id": int(here.resident_id("resident-1"))}
        await session.execute(text(leave), values)

    answer = await ask(here, here.reward_id("canteen_meal"))

    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_whoever_is_given_an_office_meanwhile_redeems_as_before(
    here: Neighbourhood, sessionmaker: Sessions, clock: Clock
) -> None:
    for _ in range(2):
        await here.give("resident-1", "legal_advice")
    await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    grant = """
        INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)
        SELECT community_id, 1, person_id, 'reviewer', :now
        FROM residents WHERE resident_id = :resident_id
    """
    async with sessionmaker.begin() as session:
        values = {"resident_id": int(here.resident_id("resident-1")), "now": clock.now}
        await session.execute(text(grant), values)

    answer = await ask(here, here.reward_id("canteen_meal"))

    assert answer.status_code == 201


async def test_redeeming_without_a_key_is_refused(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    answer = await resident.post(f"/v1/rewards/{here.reward_id('canteen_meal')}/redeem")
    assert (answer.status_code, problem_code(answer)) == (422, "idempotency_key_missing")


@pytest.mark.parametrize("name", ["worker-1", "clerk-1", "committee-1"])
async def test_staff_do_not_redeem(here: Neighbourhood, name: str) -> None:
    answer = await ask(here, here.reward_id("canteen_meal"), name=name)
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_points_that_lapsed_buy_nothing(here: Neighbourhood, sessionmaker: Sessions) -> None:
    await here.give("resident-1", "legal_advice")
    async with sessionmaker.begin() as session:
        for table in ("lots SET expires_at", "balances SET next_expiry_at"):
            await session.execute(text(f"UPDATE {table} = '2026-11-18T07:00:00Z'"))

    answer = await ask(here, here.reward_id("canteen_meal"))

    assert problem_code(answer) == "insufficient_points"
    assert answer.json()["available_points"] == 0
