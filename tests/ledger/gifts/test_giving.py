"""A gift: what both sides see of it, and what becomes of the points' dates."""

from typing import Any

from tests.community.cards.holders import issue, register
from tests.ledger.gifts.giving import Givers
from tests.ledger.savings.bank import EXEMPT, FOREVER, ONE_MONTH, THREE_MONTHS, midnight_after


async def test_points_go_from_one_to_the_other_and_both_see_masked_names(givers: Givers) -> None:
    await givers.give("resident-1", 50)

    gift = await givers.give_to("resident-1", "resident-2", 10)

    assert (gift["points"], gift["receiver_masked_name"], gift["left_points"]) == (10, "李*", 30)
    assert gift["balance"]["available_points"] == 40
    assert await givers.figures("resident-2") == (10, 0, 0)
    for name, points in (("resident-1", -10), ("resident-2", 10)):
        line = (await givers.get(name, "/v1/me/statement"))["items"][0]
        assert (line["kind"], line["points"], line["transfer_id"]) == (
            "gift", points, gift["transfer_id"],
        )  # fmt: skip
        assert line["memo"] == "邻里赠送积分"
    await givers.audit()


async def test_the_receiver_is_told_with_the_greeting_and_the_giver_is_not(
    givers: Givers,
) -> None:
    await givers.give("resident-1", 50)

    gift = await givers.give_to("resident-1", "resident-2", 10, greeting="thanks")
    await givers.give_to("resident-1", "resident-2", 5)

    silent, greeted = await inbox(givers, "resident-2")
    assert (greeted["kind"], greeted["title"]) == ("points_received", "收到积分赠送")
    assert greeted["body"] == "王*四赠送给您 10 积分，并说：谢谢您。"
    assert greeted["subject_id"] == gift["transfer_id"]
    assert silent["body"] == "王*四赠送给您 5 积分。"
    assert await inbox(givers, "resident-1") == []


async def test_a_link_serves_as_well_as_the_bare_code(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    link = await givers.code_of("resident-2", "link")

    assert (await givers.give_code("resident-1", link, 10)).status_code == 201


async def test_who_has_a_paper_card_and_no_account_is_given_points_too(givers: Givers) -> None:
    await givers.give("resident-1", 50)
    resident_id = await register(givers.here)
    card = await issue(givers.here, resident_id)

    answer = await givers.give_code("resident-1", card["token"], 10)

    assert (answer.status_code, answer.json()["receiver_masked_name"]) == (201, "周*兰")
    givers.here.residents["card"] = int(resident_id)
    assert await givers.lots("card") == [(10, FOREVER)]
    await givers.audit()


async def test_given_points_keep_their_dates(givers: Givers) -> None:
    await givers.give("resident-1", 30, THREE_MONTHS)
    await givers.give("resident-1", 5, ONE_MONTH)

    await givers.give_to("resident-1", "resident-2", 10)

    assert await givers.lots("resident-1") == [(25, midnight_after(2027, 2, 18))]
    assert await givers.lots("resident-2") == [
        (5, midnight_after(2026, 12, 18)), (5, midnight_after(2027, 2, 18)),
    ]  # fmt: skip
    assert (await givers.get("resident-2", "/v1/me/balance"))["next_lapse"] == {
        "points": 5, "lapses_at": "2026-12-18T16:00:00Z",
    }  # fmt: skip
    await givers.let_pass(days=31)
    assert await givers.figures("resident-2") == (5, 0, 0)
    await givers.audit()


async def test_points_given_there_and_back_and_saved_still_know_their_date(
    givers: Givers,
) -> None:
    await givers.set_policy(savings=EXEMPT)
    await givers.give("resident-1", 30, THREE_MONTHS)
    await givers.give_to("resident-1", "resident-2", 30)
    await givers.save("resident-2", 30)
    await givers.withdraw("resident-2", 20)

    await givers.give_to("resident-2", "resident-1", 20)

    assert await givers.lots("resident-1") == [(20, midnight_after(2027, 2, 18))]
    await givers.audit()


async def inbox(givers: Givers, name: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await givers.get(name, "/v1/me/messages"))["items"]
    return messages
