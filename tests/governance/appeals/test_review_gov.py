from tests.governance.appeals.desk import AppealDesk, award_id, net
from tests.support.caller import problem_code
from tests.support.shopping import consume, redeem


async def test_spent_then_reversed_then_anew(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    await consume(desk.here, voucher["typed_code"])
    assert await desk.points("resident-1") == 0
    reversal = {"kind": "reversal", "transfer_id": award, "reason": "登记有误", "is_our_fault": False}
    print(await desk.here.post_by_hand(reversal))
    appeal_id = await desk.file("resident-1", "award", award)
    effects = await desk.decide(appeal_id, correction={})
    print(net(effects))
    await desk.check_books()
    assert await desk.points("resident-1") == 0


async def test_story(desk: AppealDesk) -> None:
    award = award_id(await desk.here.give("resident-1", "volunteer_hour", units=5))
    voucher = await redeem(desk.here, "resident-1", desk.here.reward_id("canteen_meal"))
    await consume(desk.here, voucher["typed_code"])
    reversal = {"kind": "reversal", "transfer_id": award, "reason": "登记有误", "is_our_fault": False}
    await desk.here.post_by_hand(reversal)
    told = await desk.read("resident-1", f"/v1/me/contributions/{award}")
    print(told["sentences"]["zh"])
    await desk.here.give("resident-2", "mediation")
    fine = (await desk.here.fine("resident-2", units=4))["contribution_id"]
    told = await desk.read("resident-2", f"/v1/me/contributions/{fine}")
    print(told["sentences"]["zh"])
    appeal_id = await desk.file("resident-2", "deduction", fine)
    await desk.decide(appeal_id)
    print(await desk.told("resident-2"))
    told = await desk.read("resident-2", f"/v1/me/contributions/{fine}")
    print(told["sentences"]["zh"])
    assert 0
