"""The end of an account: asked for, thought over, carried out, and what is left of it."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.privacy.closing import queries, service
from app.privacy.models import Closure
from tests.privacy.dumping import read_all
from tests.privacy.office import Office
from tests.support.caller import problem_code, sign_in
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, redeem, withdraw


async def test_an_account_is_closed_seven_days_after_it_was_asked_for(
    office: Office,
) -> None:
    closure = await office.ask_for_closure()
    assert closure["state"] == "asked"
    assert closure["closes_at"].startswith("2026-11-25T07:00:00")
    office.later(days=7, seconds=-1)
    assert await office.close_accounts() == 0
    assert (await office.resident())["state"] == "active"
    office.later(seconds=1)
    assert await office.close_accounts() == 1
    assert (await office.resident())["state"] == "left"
    assert await office.close_accounts() == 0


async def test_asked_twice_it_is_the_same_closure(office: Office, here: Neighbourhood) -> None:
    first = await office.ask_for_closure()
    office.clock.advance(minutes=5)
    assert await office.ask_for_closure() == first
    me = await here.caller("resident-1")
    assert (await me.get("/v1/me/closure")).json() == first
    (message,) = (await me.get("/v1/me/messages")).json()["items"]
    assert "2026-11-25T15:00+08:00" in message["body"]


async def test_one_may_change_ones_mind(office: Office, here: Neighbourhood) -> None:
    await office.ask_for_closure()
    office.later(days=6)
    me = await here.caller("resident-1")
    answer = await me.delete("/v1/me/closure")
    assert answer.json()["state"] == "cancelled"
    assert problem_code(await me.delete("/v1/me/closure")) == "closure_not_found"
    assert problem_code(await me.get("/v1/me/closure")) == "closure_not_found"
    office.later(days=2)
    assert await office.close_accounts() == 0
    assert (await (await here.caller("resident-1")).get("/v1/me")).status_code == 200


async def test_after_seven_days_it_is_too_late(office: Office, here: Neighbourhood) -> None:
    await office.ask_for_closure()
    office.later(days=7)
    me = await here.caller("resident-1")
    assert problem_code(await me.delete("/v1/me/closure")) == "closure_due"


async def test_only_residents_close_accounts_and_only_their_own(
    office: Office, here: Neighbourhood
) -> None:
    await office.ask_for_closure()
    neighbour = await here.caller("resident-2")
    assert problem_code(await neighbour.get("/v1/me/closure")) == "closure_not_found"
    assert problem_code(await neighbour.delete("/v1/me/closure")) == "closure_not_found"
    for name in ("worker-1", "clerk-1", "committee-1"):
        staff = await here.caller(name)
        assert (await staff.post("/v1/me/closure")).status_code == 403
    assert (await here.http.post("/v1/me/closure")).status_code == 401


async def test_nothing_personal_is_left_of_a_closed_account(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    person_id = await office.person_id()
    await office.close()
    resident = await office.resident()
    assert resident["masked_name"] == "已注销居民"
    empty = ("sealed_name", "sealed_phone", "person_id", "household_id")
    assert [resident[column] for column in empty] == [None] * 4
    for table in ("identities", "message_quotas", "inbox_messages", "wechat_messages"):
        statement = f"SELECT 1 FROM {table} WHERE person_id = :person_id"  # noqa: S608
        assert await office.rows(statement, person_id=person_id) == [], table
    number = int(here.resident_id("resident-1"))
    tokens = "SELECT 1 FROM resident_tokens WHERE resident_id = :number"
    assert await office.rows(tokens, number=number) == []
    standing = "SELECT 1 FROM consents WHERE person_id = :person_id AND withdrawn_at IS NULL"
    assert await office.rows(standing, person_id=person_id) == []
    proof = "SELECT purpose FROM consents WHERE person_id = :person_id ORDER BY purpose"
    kept = await office.rows(proof, person_id=person_id)
    assert [row["purpose"] for row in kept] == ["location", "service"]


async def test_not_even_the_masked_name_is_left_anywhere(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    photo_id = await office.send_photo()
    await office.publish(await office.report(photo_id), photo_id)
    for _ in range(8):
        await here.give("resident-1", "volunteer_hour")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    assert (await consume(here, voucher["token"])).is_success
    before, _ = await read_all(office.sessionmaker)
    assert "王*四" in before
    await office.close()
    after, _ = await read_all(office.sessionmaker)
    assert "王*四" not in after
    assert "已注销居民" in after


async def test_vouchers_are_cancelled_and_points_lapse_and_the_books_balance(
    office: Office, here: Neighbourhood
) -> None:
    for _ in range(8):
        await here.give("resident-1", "volunteer_hour")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await office.assert_books_balance()
    await office.close()
    await office.assert_books_balance()
    number = int(here.resident_id("resident-1"))
    balance = await office.row(
        "SELECT posted, lots_total, held, debt FROM balances WHERE account_id = :number",
        number=number,
    )
    assert set(balance.values()) == {0}
    (transfer,) = await office.rows("SELECT * FROM transfers WHERE kind = 'expiry'")
    assert (transfer["memo"], transfer["credit_account_id"]) == ("注销清零", 2)
    state = "SELECT state FROM vouchers WHERE voucher_id = :number"
    found = await office.row(state, number=int(voucher["voucher_id"]))
    assert found["state"] == "cancelled"


async def test_lapsed_lots_go_as_well(office: Office, here: Neighbourhood) -> None:
    await here.give("resident-1", "volunteer_hour")
    number = int(here.resident_id("resident-1"))
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE lots SET expires_at = '2026-11-19' WHERE account_id = :number"),
            {"number": number},
        )
    await office.close()
    await office.assert_books_balance()
    left = "SELECT coalesce(sum(remaining), 0) AS points FROM lots WHERE account_id = :number"
    assert (await office.row(left, number=number))["points"] == 0


async def test_a_debt_stays_written_down(office: Office, here: Neighbourhood) -> None:
    await here.give("resident-1", "survey")
    number = int(here.resident_id("resident-1"))
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE balances SET floor = -50 WHERE account_id = :number"), {"number": number}
        )
    for _ in range(6):
        await here.fine("resident-1")
    statement = "SELECT posted, lots_total, debt FROM balances WHERE account_id = :number"
    before = await office.row(statement, number=number)
    assert before["debt"] > 0
    await office.close()
    await office.assert_books_balance()
    assert await office.row(statement, number=number) == before


async def test_points_that_come_back_to_a_closed_account_lapse_too(
    office: Office, here: Neighbourhood
) -> None:
    for _ in range(8):
        await here.give("resident-1", "volunteer_hour")
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    await office.ask_for_closure()
    office.later(days=7)
    used = await consume(here, voucher["token"])
    assert used.status_code in (200, 201), used.text
    await office.close_accounts()
    undone = await withdraw(here, used.json()["verification_id"])
    assert undone.status_code in (200, 201), undone.text
    await office.assert_books_balance()

    assert await office.close_accounts() == 0

    await office.assert_books_balance()
    number = int(here.resident_id("resident-1"))
    found = await office.row(
        "SELECT posted FROM balances WHERE account_id = :number", number=number
    )
    assert found["posted"] == 0


async def test_a_closed_account_is_signed_out_and_comes_back_as_somebody_new(
    office: Office, here: Neighbourhood
) -> None:
    person_id = await office.person_id()
    await office.ask_for_closure()
    office.later(days=7)
    before = await here.caller("resident-1")
    await office.close_accounts()
    assert (await before.get("/v1/me")).status_code == 401
    refresh = {"refresh_token": before.tokens["refresh_token"]}
    assert (await here.http.post("/v1/auth/refresh", json=refresh)).status_code == 401

    here.callers.clear()
    again = await office.agree()
    assert again.tokens["membership"] is None
    assert await office.person_id() != person_id
    body = {
        "community_id": str(here.community_id),
        "building_id": str(here.places.buildings[0]),
        "room": "1-101",
        "display_name": "王小四",
    }
    asked = await again.post("/v1/join-requests", body)
    assert asked.status_code == 201, asked.text
    worker = await here.caller("worker-1")
    number = asked.json()["join_request_id"]
    approved = await worker.post(f"/v1/staff/join-requests/{number}/approve")
    assert approved.status_code == 200, approved.text
    anew = await sign_in(here.http, "resident-1")
    balance = (await anew.get("/v1/me/balance")).json()
    assert balance["posted_points"] == 0
    me = (await anew.get("/v1/me")).json()
    assert me["resident_id"] != here.resident_id("resident-1")


async def test_who_belongs_to_another_community_stays_there(
    office: Office, here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    person_id = await office.person_id()
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE residents SET person_id = :person_id WHERE resident_id = :number"),
            {"person_id": person_id, "number": int(elsewhere.resident_id("resident-1"))},
        )
    there = await sign_in(here.http, "resident-1")
    body = {"community_id": str(elsewhere.community_id)}
    moved = await there.post("/v1/auth/membership", body)
    assert moved.status_code == 200, moved.text
    there.tokens = moved.json()
    await office.ask_for_closure()
    office.clock.advance(minutes=10)
    async with office.sessionmaker.begin() as session:
        await session.execute(text("UPDATE closures SET closes_at = asked_at"))
    here_still = await here.caller("resident-1")
    assert await office.close_accounts() == 1
    assert (await here_still.get("/v1/me")).status_code == 401
    assert (await there.get("/v1/me")).status_code == 200
    assert await office.person_id() == person_id


async def test_a_board_names_nobody_who_left(office: Office, here: Neighbourhood) -> None:
    await here.give("resident-1", "volunteer_hour")
    await office.close()
    neighbour = await here.caller("resident-2")
    board = (await neighbour.get("/v1/boards/residents", period="all")).json()
    assert [line["masked_name"] for line in board["items"]] == ["已注销居民"]


async def test_copies_are_destroyed_with_the_account(office: Office) -> None:
    await office.ask_for_export()
    await office.work()
    assert len(office.files()) == 1
    await office.close()
    assert office.files() == set()
    assert (await office.row("SELECT state FROM data_exports"))["state"] == "destroyed"


async def test_staff_who_close_their_account_as_residents_lose_their_roles_here(
    office: Office, here: Neighbourhood
) -> None:
    person_id = await office.person_id()
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text(
                "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
                " VALUES (:community_id, 1, :person_id, 'committee', now())"
            ),
            {"community_id": here.community_id, "person_id": person_id},
        )
    await office.close()
    grants = "SELECT 1 FROM role_grants WHERE person_id = :person_id"
    assert await office.rows(grants, person_id=person_id) == []


async def test_a_job_that_dies_half_way_leaves_the_account_whole(
    office: Office, here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.give("resident-1", "volunteer_hour")
    await office.ask_for_closure()
    office.later(days=7)

    async def die(*_: object, **__: object) -> None:
        raise RuntimeError("the machine stopped")

    with monkeypatch.context() as broken:
        broken.setattr(service, "_leave_the_service", die)
        assert await office.close_accounts() == 0
    assert (await office.resident())["sealed_name"] is not None
    assert await office.rows("SELECT 1 FROM transfers WHERE kind = 'expiry'") == []
    assert await office.close_accounts() == 1
    await office.assert_books_balance()


async def test_one_account_that_cannot_be_closed_does_not_keep_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.ask_for_closure("resident-1")
    await office.ask_for_closure("resident-2")
    office.later(days=7)
    unlucky = (await office.resident("resident-1"))["resident_id"]
    forget = queries.forget_resident

    async def stumble(session: AsyncSession, closure: Closure, **values: Any) -> None:
        if closure.resident_id == unlucky:
            raise RuntimeError("something is wrong with this one")
        await forget(session, closure, **values)

    monkeypatch.setattr(queries, "forget_resident", stumble)
    assert await office.close_accounts() == 1
    assert (await office.resident("resident-1"))["state"] == "active"
    assert (await office.resident("resident-2"))["state"] == "left"
