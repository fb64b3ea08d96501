"""Appeals against what an act gave: judged anew, the old award gone as if it had not been."""

from tests.governance.appeals.desk import AppealDesk, award_id, net
from tests.support.book_rows import set_floor
from tests.support.caller import problem_code
from tests.support.shopping import consume, redeem


async def test_an_award_under_the_wrong_rule_is_given_anew_and_the_rank_with_it(
    desk: AppealDesk,
) -> None:
    await desk.here.give("resident-2", "story_evening")
    award = award_id(await desk.here.give("resident-1", "clean_up"))
    assert await desk.place("resident-1") == (2, 10)

    appeal_id = await desk.file("resident-1", "award", award)
    effects = await desk.decide(appeal_id, correction={"rule_code": "mediation"})

    assert net(effects) == {"points": 10, "granted_points": 20, "taken_back_points": 10}
    assert await desk.place("resident-1") == (1, 20)
    assert await desk.points("resident-1") == 20
    told = await desk.read("resident-1", f"/v1/me/contributions/{effects['contribution_id']}")
    assert (told["source_kind"], told["source_id"]) == ("appeal", appeal_id)
    assert told["recorded_by"]["is_the_resident"]
    assert [hand["role"] for hand in told["reviewed_by"]] == ["auditor"]
    old = await desk.read("resident-1", f"/v1/me/contributions/{award}")
    assert old["standing_points"] == 0
    assert [part["moved_points"] for part in old["undone"]] == [10]
    await desk.check_books()


async def test_the_old_award_does_not_use_up_the_cap_of_the_new_one(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))

    effects = await desk.decide(
        await desk.file("resident-1", "award", award), correction={"units": 8}
    )

    assert net(effects) == {"points": 30, "granted_points": 80, "taken_back_points": 50}
    again = await desk.here.give("resident-1", "volunteer_hour")
    assert again["granted_points"] == 0
    await desk.check_books()


async def test_who_has_spent_the_old_points_is_not_left_with_both(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    await consume(desk.here, voucher["typed_code"])
    assert await desk.points("resident-1") == 0

    await desk.decide(await desk.file("resident-1", "award", award), correction={"units": 6})

    assert await desk.points("resident-1") == 10
    await desk.check_books()


async def test_points_spent_before_they_were_asked_back_are_not_given_twice(
    desk: AppealDesk,
) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    await consume(desk.here, voucher["typed_code"])
    reversal = {"kind": "reversal", "transfer_id": award, "reason": "误记", "is_our_fault": False}
    posted = await desk.here.post_by_hand(reversal)
    assert posted["result"]["moved_points"] == 0
    told = await desk.read("resident-1", f"/v1/me/contributions/{award}")
    assert "应收回 50 分，余额不足，实际收回 0 分：误记。" in told["sentences"]["zh"][-1]
    appeal_id = await desk.file("resident-1", "award", award)

    effects = await desk.decide(appeal_id, correction={"units": 6})

    assert net(effects) == {"points": 10, "granted_points": 60, "taken_back_points": 50}
    assert await desk.points("resident-1") == 10
    assert await desk.place("resident-1") == (1, 60)
    told = await desk.read("resident-1", f"/v1/me/contributions/{award}")
    assert "收回 50 分：申诉更正：志愿服务。" in told["sentences"]["zh"][-1]
    await desk.check_books()


async def test_less_is_taken_late_than_the_new_award_gave(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    await consume(desk.here, voucher["typed_code"])
    reversal = {"kind": "reversal", "transfer_id": award, "reason": "误记", "is_our_fault": False}
    await desk.here.post_by_hand(reversal)
    await desk.here.give("resident-1", "survey")
    before = await desk.points("resident-1")
    appeal_id = await desk.file("resident-1", "award", award)

    effects = await desk.decide(appeal_id, "partly_upheld", correction={"units": 2})

    assert net(effects) == {"granted_points": 20, "taken_back_points": 20}
    assert await desk.points("resident-1") == before
    assert "积分没有变动。" in (await desk.told("resident-1"))[0]
    await desk.check_books()


async def test_an_appeal_never_makes_it_worse(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "mediation"))
    appeal_id = await desk.file("resident-1", "award", award)

    assert problem_code(await desk.try_decide(appeal_id)) == "correction_missing"
    worse = await desk.try_decide(appeal_id, correction={"rule_code": "survey"})
    assert (worse.status_code, problem_code(worse)) == (409, "less_than_before")
    cost = await desk.try_decide(appeal_id, correction={"rule_code": "sorted_wrongly"})
    assert problem_code(cost) == "rule_of_other_direction"
    many = await desk.try_decide(appeal_id, correction={"units": 900})
    assert problem_code(many) == "too_many_units"

    assert await desk.points("resident-1") == 20
    assert (await desk.read("resident-1", f"/v1/me/appeals/{appeal_id}"))["state"] == "open"
    await desk.check_books()


async def test_an_award_that_was_taken_back_meanwhile_is_given_anew(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=8))
    appeal_id = await desk.file("resident-1", "award", award)
    reversal = {
        "kind": "reversal",
        "transfer_id": award,
        "reason": "登记有误",
        "is_our_fault": False,
    }
    await desk.here.post_by_hand(reversal)
    assert await desk.points("resident-1") == 0

    effects = await desk.decide(appeal_id, correction={})

    assert net(effects) == {"points": 80, "granted_points": 80}
    assert effects["reversal_id"] is None
    assert await desk.place("resident-1") == (1, 80)
    await desk.check_books()


async def test_what_still_stands_of_an_award_is_taken_back_and_no_more(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "mediation"))
    reversal = {
        "kind": "reversal",
        "transfer_id": award,
        "reason": "登记有误",
        "is_our_fault": False,
    }
    await desk.here.post_by_hand(reversal | {"points": 5})
    appeal_id = await desk.file("resident-1", "award", award)

    assert net(await desk.decide(appeal_id, correction={})) == {
        "points": 5, "granted_points": 20, "taken_back_points": 15,
    }  # fmt: skip
    await desk.check_books()


async def test_what_a_cap_left_of_an_award_can_be_appealed_against_too(desk: AppealDesk) -> None:
    full = award_id(await desk.here.give("resident-1", "volunteer_hour", units=8))
    capped = await desk.here.give("resident-1", "volunteer_hour")
    assert capped["granted_points"] == 0
    reversal = {"kind": "reversal", "transfer_id": full, "reason": "非本人", "is_our_fault": False}
    await desk.here.post_by_hand(reversal)
    appeal_id = await desk.file("resident-1", "award", award_id(capped))

    effects = await desk.decide(appeal_id, correction={"rule_code": "calligraphy_lesson"})

    assert net(effects) == {"points": 10, "granted_points": 10}
    await desk.check_books()


async def test_the_old_award_gives_its_campaign_s_points_free(desk: AppealDesk) -> None:
    await desk.do(
        "INSERT INTO campaigns (community_id, campaign_id, code, name, rule_codes, percent,"
        " bonus_points, starts_at, ends_at, per_person_points, budget_points)"
        " VALUES (:community, 1, 'safe_month', '平安月', '[]', 200, 0, '2026-11-01', '2026-12-01',"
        " 20, 25)"
    )
    award = award_id(await desk.here.give("resident-1", "story_evening"))
    assert await desk.points("resident-1") == 30

    effects = await desk.decide(
        await desk.file("resident-1", "award", award), correction={"rule_code": "mediation"}
    )

    assert net(effects) == {"points": 10, "granted_points": 40, "taken_back_points": 30}
    left = await desk.here.give("resident-2", "survey")
    assert left["granted_points"] == 10
    await desk.check_books()


async def test_what_is_owed_is_repaid_and_owed_no_more_than_before(desk: AppealDesk) -> None:
    resident_id = int(desk.here.resident_id("resident-1"))
    async with desk.sessions.begin() as session:
        await set_floor(session, desk.here.community_id, resident_id, -40)
    award = award_id(await desk.here.give("resident-1", "clean_up"))
    await desk.here.fine("resident-1", units=4)
    assert await desk.points("resident-1") == -10

    await desk.decide(
        await desk.file("resident-1", "award", award), correction={"rule_code": "legal_advice"}
    )

    balance = await desk.read("resident-1", "/v1/me/balance")
    assert (balance["posted_points"], balance["debt_points"]) == (30, 0)
    await desk.audit()
