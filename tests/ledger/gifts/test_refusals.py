"""Whom one cannot give points to, and how many one cannot give."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from app.core.codes import read_code, sign_code
from tests.community.cards.holders import issue, register, revoke
from tests.ledger.gifts.giving import GIFTS, Givers
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood


async def test_gifts_are_off_unless_the_policy_says_otherwise(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    await givers.set_policy(gifts=None)

    answer = await givers.give_code("resident-1", await givers.code_of("resident-2"), 1)

    assert (answer.status_code, problem_code(answer)) == (409, "gifts_off")


async def test_nobody_gives_to_themselves(givers: Givers) -> None:
    await givers.give("resident-1", 50)

    answer = await givers.give_code("resident-1", await givers.code_of("resident-1"), 1)

    assert (answer.status_code, problem_code(answer)) == (409, "gift_to_oneself")


async def test_a_code_of_another_community_is_refused(
    givers: Givers, elsewhere: Neighbourhood
) -> None:
    await givers.give("resident-1", 50)
    stranger = await elsewhere.caller("resident-1")
    code = (await stranger.get("/v1/me/code")).json()["token"]

    answer = await givers.give_code("resident-1", code, 1)

    assert (answer.status_code, problem_code(answer)) == (403, "code_of_other_community")
    assert "积分" not in answer.text


async def test_a_code_made_up_is_refused(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    genuine, key_id = read_code(await givers.code_of("resident-2"))
    forged = sign_code(genuine, key_id=key_id, private_key=Ed25519PrivateKey.generate())

    answer = await givers.give_code("resident-1", forged, 1)
    nonsense = await givers.give_code("resident-1", givers.here.resident_id("resident-2"), 1)

    assert (answer.status_code, problem_code(answer)) == (403, "code_forged")
    assert problem_code(nonsense) == "code_unreadable"
    assert await givers.figures("resident-1") == (50, 0, 0)


async def test_a_code_no_longer_shown_is_refused(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")
    givers.clock.advance(seconds=121)

    assert problem_code(await givers.give_code("resident-1", code, 1)) == "code_expired"


async def test_the_code_of_an_activity_takes_no_gifts(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    poster = await givers.here.poster(await givers.here.announce(givers.clock.now))

    assert problem_code(await givers.give_code("resident-1", poster, 1)) == "code_of_other_kind"


async def test_a_card_that_was_withdrawn_takes_no_gifts(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    card = await issue(givers.here, await register(givers.here))
    await revoke(givers.here, card)

    assert problem_code(await givers.give_code("resident-1", card["token"], 1)) == "code_revoked"


async def test_who_has_left_takes_no_gifts(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")
    async with givers.sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE residents SET state = 'left' WHERE resident_id = :resident_id"),
            {"resident_id": int(givers.here.resident_id("resident-2"))},
        )

    answer = await givers.give_code("resident-1", code, 1)

    assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")
    assert await givers.figures("resident-1") == (50, 0, 0)


async def test_no_more_is_given_than_is_free(givers: Givers) -> None:
    await givers.give("resident-1", 9)

    answer = await givers.give_code("resident-1", await givers.code_of("resident-2"), 10)

    assert (answer.status_code, problem_code(answer)) == (409, "insufficient_points")
    assert await givers.figures("resident-2") == (0, 0, 0)
    assert (await givers.get("resident-2", "/v1/me/messages"))["items"] == []


async def test_a_months_limit_counts_all_gifts_of_the_month_and_no_others(givers: Givers) -> None:
    await givers.give("resident-1", 90)
    await givers.give_to("resident-1", "resident-2", 25)
    await givers.give_to("resident-2", "resident-1", 20)  # what one is given gives nothing back
    await givers.give_to("resident-1", "resident-3", 10)

    answer = await givers.give_code("resident-1", await givers.code_of("resident-2"), 6)

    assert (answer.status_code, problem_code(answer)) == (409, "gift_limit_reached")
    assert answer.json()["left_points"] == 5
    assert answer.json()["detail"] == "You may give 5 more points this month."
    assert (await givers.give_to("resident-1", "resident-2", 5))["left_points"] == 0
    await givers.audit()


async def test_a_new_month_begins_at_midnight_in_the_community(givers: Givers) -> None:
    await givers.give("resident-1", 90)
    # Half past eleven on the last of November, in Shanghai; 40 minutes later it is December.
    await givers.let_pass(days=12, hours=8, minutes=30)
    await givers.give_to("resident-1", "resident-2", 40)
    full = await givers.give_code("resident-1", await givers.code_of("resident-2"), 1)
    assert problem_code(full) == "gift_limit_reached"

    givers.clock.now += timedelta(minutes=40)
    givers.here.callers.clear()

    assert (await givers.give_to("resident-1", "resident-2", 40))["left_points"] == 0
    again = await givers.give_code("resident-1", await givers.code_of("resident-2"), 1)
    assert problem_code(again) == "gift_limit_reached"


async def test_a_limit_lowered_under_what_was_given_leaves_nothing(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    await givers.give_to("resident-1", "resident-2", 30)
    await givers.set_policy(gifts={"max_points_per_month": 20})

    answer = await givers.give_code("resident-1", await givers.code_of("resident-2"), 1)

    assert answer.json()["left_points"] == 0


@pytest.mark.parametrize("points", [0, -10, 1_000_001, 2**63, 1.5, "5", True, None], ids=repr)
async def test_only_a_whole_number_of_points_is_given(givers: Givers, points: Any) -> None:
    await givers.give("resident-1", 50)
    await givers.give("resident-2", 50)

    answer = await givers.give_code("resident-1", await givers.code_of("resident-2"), points)

    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")
    assert await givers.figures("resident-2") == (50, 0, 0)


async def test_nobody_writes_a_greeting_of_their_own(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")

    answer = await givers.give_code("resident-1", code, 1, greeting="加我微信")

    assert problem_code(answer) == "request_invalid"


async def test_a_gift_asked_for_twice_is_given_once(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    code = await givers.code_of("resident-2")

    first = await givers.give_code("resident-1", code, 10, key="the-same")
    again = await givers.give_code("resident-1", code, 10, key="the-same")
    other = await givers.give_code("resident-1", code, 11, key="the-same")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (other.status_code, problem_code(other)) == (422, "idempotency_key_reused")
    assert await givers.figures("resident-2") == (10, 0, 0)
    assert len((await givers.get("resident-2", "/v1/me/messages"))["items"]) == 1
    resident = await givers.here.caller("resident-1")
    bare = await resident.post(GIFTS, {"code": code, "points": 10})
    assert problem_code(bare) == "idempotency_key_missing"


async def test_staff_give_nothing(givers: Givers) -> None:
    code = await givers.code_of("resident-2")
    for name in ("worker-1", "clerk-1", "committee-1"):
        assert (await givers.give_code(name, code, 1)).status_code == 403
