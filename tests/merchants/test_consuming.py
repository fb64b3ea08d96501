"""A shop looks at a voucher and confirms it."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.codes import read_code, sign_code
from tests.support.book_rows import count, figures, list_lots, list_pins
from tests.support.books import assert_books_balance
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import consume, give_back, prepare, redeem


async def buy_meal(here: Neighbourhood, name: str = "resident-1") -> dict[str, Any]:
    await here.give(name, "legal_advice")
    return await redeem(here, name, here.reward_id("canteen_meal"))


async def test_a_shop_sees_what_a_voucher_is_for_and_whose_masked(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)

    answer = await prepare(here, voucher["token"])

    assert answer.status_code == 200
    told = answer.json()
    assert told | {"verify_token": ""} == {
        "voucher": {
            "voucher_id": voucher["voucher_id"],
            "reward_name": "社区食堂午餐一份",
            "reward_kind": "goods",
            "points": 50,
            "state": "issued",
            "valid_until": voucher["valid_until"],
            "holder": "王*四",
        },
        "can_consume": True,
        "reason": None,
        "verify_token": "",
        "expires_in": 120,
    }


async def test_looking_changes_nothing(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    voucher = await buy_meal(here)
    for _ in range(3):
        assert (await prepare(here, voucher["token"])).json()["can_consume"] is True
    async with sessionmaker() as session:
        assert await count(session, "verifications", community_id=here.community_id) == 0
        await assert_books_balance(session, here.community_id)


async def test_a_confirmed_voucher_pays_the_shop_with_the_lots_that_were_held(
    here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession], clock: Clock
) -> None:
    voucher = await buy_meal(here)
    clock.advance(minutes=2)

    answer = await consume(here, voucher["token"], number="POS-000001")

    assert answer.status_code == 200
    told = answer.json()
    assert told | {"verification_id": "", "voucher": told["voucher"]["state"]} == {
        "verification_id": "",
        "out_request_no": "POS-000001",
        "operation": "consume",
        "shop_id": here.shop_id("canteen"),
        "voucher": "used",
        "at": "2026-11-18T07:02:00Z",
    }
    async with sessionmaker() as session:
        resident_id = int(here.resident_id("resident-1"))
        assert await figures(session, here.community_id, resident_id) == {
            "posted": 0, "lots_total": 0, "debt": 0, "held": 0,
        }  # fmt: skip
        shop_id = here.created.shops["canteen"]
        assert await count(session, "transfers", credit_account_id=shop_id, points=50) == 1
        pins = await list_pins(session, here.community_id, int(voucher["voucher_id"]))
        lots = await list_lots(session, here.community_id, resident_id)
        assert set(pins) == set(lots)
        await assert_books_balance(session, here.community_id)


async def test_a_voucher_is_read_from_its_link_its_token_or_the_scanners_path(
    here: Neighbourhood,
) -> None:
    voucher = await buy_meal(here)
    forms = [
        voucher["token"],
        voucher["link"],
        f"pages/voucher/index?code={voucher['token']}",
        f"pages/voucher/index?q={quote(voucher['link'], safe='')}",
    ]
    told = [(await prepare(here, form)).json() for form in forms]
    assert {row["voucher"]["voucher_id"] for row in told} == {voucher["voucher_id"]}


async def test_a_voucher_is_typed_in_any_spacing_and_case(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    shown = voucher["typed_code"]
    plain = shown.replace("-", "")
    forms = [
        shown,
        plain,
        plain.lower(),
        f"  {shown.lower()} ",
        " ".join(plain),
        f"{shown}\n",
        f"{plain[:6]} - {plain[6:]}",
        f"{plain[:4]}\u3000{plain[4:]}",
    ]
    told = [(await prepare(here, form)).json() for form in forms]
    assert {row["voucher"]["voucher_id"] for row in told} == {voucher["voucher_id"]}
    assert (await consume(here, f" {plain.lower()} ")).status_code == 200


async def test_the_verify_token_of_the_preview_confirms(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    token = (await prepare(here, voucher["typed_code"])).json()["verify_token"]
    assert token not in (voucher["token"], voucher["typed_code"])
    assert (await consume(here, token)).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(119, 200), (120, 410)])
async def test_a_verify_token_holds_for_two_minutes(
    here: Neighbourhood, clock: Clock, seconds: int, status: int
) -> None:
    voucher = await buy_meal(here)
    token = (await prepare(here, voucher["token"])).json()["verify_token"]
    clock.advance(seconds=seconds)
    answer = await consume(here, token)
    assert answer.status_code == status
    if status == 410:
        assert problem_code(answer) == "code_expired"


async def test_a_voucher_of_another_shop_is_refused_here_and_taken_there(
    here: Neighbourhood,
) -> None:
    voucher = await buy_meal(here)

    told = (await prepare(here, voucher["token"], shop="corner_shop")).json()
    refused = await consume(here, voucher["token"], shop="corner_shop")

    assert (told["can_consume"], told["reason"]) == (False, "voucher_of_other_shop")
    assert (told["verify_token"], told["expires_in"]) == (None, 0)
    assert (refused.status_code, problem_code(refused)) == (403, "voucher_of_other_shop")
    assert (await consume(here, voucher["token"])).status_code == 200


async def test_a_reward_of_no_shop_is_taken_by_any(here: Neighbourhood) -> None:
    for _ in range(4):
        await here.give("resident-1", "legal_advice")
    voucher = await redeem(here, "resident-1", here.reward_id("parking_10_hours"))
    assert (await prepare(here, voucher["token"], shop="canteen")).json()["can_consume"] is True
    assert (await consume(here, voucher["token"], shop="corner_shop")).status_code == 200


async def test_a_clerk_acts_for_their_own_shop_only(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    voucher = await buy_meal(here)
    clerk = await here.caller("clerk-1")
    shops = (here.shop_id("canteen"), elsewhere.shop_id("corner_shop"), "1")
    for shop_id in shops:
        body = {"shop_id": shop_id, "code": voucher["token"]}
        number = {"out_request_no": fresh_key()}
        cancel = {"shop_id": shop_id, "verification_id": "1", "reason": "扫错了券"}
        answers = [
            await clerk.post("/v1/merchant/vouchers/prepare", body),
            await clerk.post("/v1/merchant/vouchers/consume", body | number),
            await clerk.post("/v1/merchant/vouchers/cancel", cancel | number),
            await clerk.get("/v1/merchant/requests/abcdef", shop_id=shop_id),
            await clerk.get("/v1/merchant/verifications", shop_id=shop_id),
        ]
        assert [(row.status_code, problem_code(row)) for row in answers] == [
            (403, "not_your_shop")
        ] * 5


async def test_a_clerk_lists_their_own_shops(here: Neighbourhood) -> None:
    clerk = await here.caller("clerk-2")
    assert (await clerk.get("/v1/merchant/shops")).json() == {
        "items": [{"shop_id": here.shop_id("canteen"), "name": "社区食堂", "void_minutes": 30}],
        "next_cursor": None,
    }


@pytest.mark.parametrize("name", ["resident-1", "worker-1", "committee-1"])
async def test_only_clerks_verify(here: Neighbourhood, name: str) -> None:
    caller = await here.caller(name)
    body = {"shop_id": here.shop_id("canteen"), "code": "x"}
    for answer in (
        await caller.post("/v1/merchant/vouchers/prepare", body),
        await caller.get("/v1/merchant/shops"),
    ):
        assert (answer.status_code, problem_code(answer)) == (403, "forbidden")


async def test_a_used_voucher_is_refused_with_when_it_was_used(
    here: Neighbourhood, clock: Clock
) -> None:
    voucher = await buy_meal(here)
    token = (await prepare(here, voucher["token"])).json()["verify_token"]
    await consume(here, voucher["token"])
    clock.advance(minutes=1)
    for code in (voucher["token"], voucher["typed_code"], token):
        told = (await prepare(here, code)).json()
        again = await consume(here, code)
        assert (told["can_consume"], told["reason"]) == (False, "voucher_used")
        assert (again.status_code, problem_code(again)) == (409, "voucher_used")
        assert datetime.fromisoformat(again.json()["used_at"]) == clock.now - timedelta(minutes=1)


async def test_a_voucher_given_back_is_refused(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    await give_back(here, "resident-1", voucher)
    told = (await prepare(here, voucher["token"])).json()
    answer = await consume(here, voucher["token"])
    assert (told["reason"], told["voucher"]["state"]) == ("voucher_cancelled", "cancelled")
    assert (answer.status_code, problem_code(answer)) == (410, "voucher_cancelled")


async def test_a_voucher_of_another_community_is_refused(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    voucher = await buy_meal(elsewhere)
    for verify in (prepare, consume):
        scanned = await verify(here, voucher["token"])
        typed = await verify(here, voucher["typed_code"])
        assert (scanned.status_code, problem_code(scanned)) == (403, "code_of_other_community")
        assert (typed.status_code, problem_code(typed)) == (404, "voucher_not_found")


async def test_codes_of_other_kinds_are_refused(here: Neighbourhood, clock: Clock) -> None:
    resident = await here.caller("resident-1")
    personal = (await resident.get("/v1/me/code")).json()["token"]
    poster = await here.poster(await here.announce(clock.now))
    for code in (personal, poster):
        answer = await consume(here, code)
        assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")


async def test_forged_unreadable_and_unknown_codes_are_refused(here: Neighbourhood) -> None:
    voucher = await buy_meal(here)
    code, key_id = read_code(voucher["token"])
    forged = sign_code(code, key_id=key_id, private_key=Ed25519PrivateKey.generate())
    answers = [await consume(here, one) for one in (forged, "no code", "2345-6789-ABCD")]
    assert [(row.status_code, problem_code(row)) for row in answers] == [
        (403, "code_forged"), (422, "code_unreadable"), (404, "voucher_not_found"),
    ]  # fmt: skip


async def test_a_resident_cannot_check_in_with_a_voucher_or_a_verify_token(
    here: Neighbourhood,
) -> None:
    voucher = await buy_meal(here)
    token = (await prepare(here, voucher["token"])).json()["verify_token"]
    resident = await here.caller("resident-1")
    for code in (voucher["token"], token):
        answer = await resident.post("/v1/me/check-ins", {"code": code})
        assert (answer.status_code, problem_code(answer)) == (422, "code_of_other_kind")
