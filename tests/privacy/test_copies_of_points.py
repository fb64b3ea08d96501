"""What a copy says of points: both accounts, whatever moved on them, and what was announced."""

import csv
import io
import json
from typing import Any

from app.ledger.models import TransferKind
from tests.privacy.office import Office
from tests.privacy.purse import MEMO, fill, move, open_savings, refuse_award, save, tell_of_lapse
from tests.support.neighbourhood import Neighbourhood
from tests.support.shopping import redeem

ONE_YEAR = {"kind": "months", "months": 12}


def lines(copy: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str, int]]:
    return [(row["account_kind"], row["kind"], row["points"]) for row in copy["statement"]]


async def test_a_copy_holds_the_savings_and_what_moved_between(
    office: Office, here: Neighbourhood
) -> None:
    await fill(office, 50, expiry=ONE_YEAR)
    savings = await save(office, 30)

    copy = await office.copy()

    wallet, saved = copy["balance"]
    assert (wallet["account_id"], wallet["kind"]) == (here.resident_id("resident-1"), "wallet")
    assert (saved["account_id"], saved["kind"]) == (str(savings), "savings")
    assert (wallet["posted_points"], saved["posted_points"]) == (20, 30)
    assert lines(copy) == [
        ("wallet", "award", 50), ("wallet", "saving", -30), ("savings", "saving", 30),
    ]  # fmt: skip
    lots = {lot["account_kind"]: lot for lot in copy["lots"]}
    transfer_id = copy["statement"][1]["transfer_id"]
    assert lots["wallet"]["taken_by"] == [{"transfer_id": transfer_id, "points": 30}]
    assert (lots["savings"]["remaining_points"], lots["savings"]["taken_by"]) == (30, [])
    assert lots["savings"]["origin_lot_id"] == lots["wallet"]["lot_id"]
    assert lots["wallet"]["origin_lot_id"] is None


async def test_the_statement_for_people_tells_the_accounts_apart(office: Office) -> None:
    await fill(office, 50)
    await save(office, 30)
    data_export_id = await office.ask_for_export()
    await office.work()
    with await office.fetch(data_export_id) as archive:
        statement = archive.read("statement.csv").decode("utf-8-sig")
    rows = [(row[5], row[1], row[2]) for row in csv.reader(io.StringIO(statement))]
    assert rows == [
        ("账户", "类型", "积分"),
        ("积分钱包", "获得积分", "50"),
        ("积分钱包", "存入", "-30"),
        ("积分银行", "存入", "30"),
    ]


async def test_a_copy_holds_gifts_and_donations_and_nothing_of_who_gave(
    office: Office, here: Neighbourhood
) -> None:
    await fill(office, 40)
    await fill(office, 25, "resident-2")
    mine, theirs = (int(here.resident_id(name)) for name in ("resident-1", "resident-2"))
    await move(office, TransferKind.GIFT, 25, from_account=theirs, to_account=mine)
    fund_id = here.created.funds["elder_meals"]
    me = await here.caller("resident-1")
    given = await me.post_once(f"/v1/funds/{fund_id}/donations", {"points": 10})
    assert given.status_code == 201, given.text

    copy = await office.copy()

    assert lines(copy) == [
        ("wallet", "award", 40), ("wallet", "gift", 25), ("wallet", "donation", -10),
    ]  # fmt: skip
    assert [row["memo"] for row in copy["statement"][1:]] == [MEMO, "独居老人助餐基金"]
    assert sorted(lot["granted_points"] for lot in copy["lots"]) == [25, 40]
    assert [lot["origin_lot_id"] for lot in copy["lots"]] == [None, None]
    assert sum(balance["posted_points"] for balance in copy["balance"]) == 55
    written = json.dumps(copy, ensure_ascii=False)
    assert here.resident_id("resident-2") not in written
    assert "李雷" not in written


async def test_a_copy_holds_what_is_reserved_and_how_much_of_it_was_used(
    office: Office, here: Neighbourhood
) -> None:
    await fill(office, 80)
    voucher = await redeem(here, "resident-1", here.reward_id("canteen_meal"))
    (hold,) = (await office.copy())["holds"]
    assert hold["hold_id"] == voucher["voucher_id"]
    assert (hold["points"], hold["captured_points"], hold["state"]) == (50, 0, "held")
    assert sum(pin["points"] for pin in hold["lots"]) == 50


async def test_a_copy_holds_what_was_announced_of_points_that_lapse(
    office: Office, here: Neighbourhood
) -> None:
    await tell_of_lapse(office, int(here.resident_id("resident-1")), 12)
    await tell_of_lapse(office, await open_savings(office), 7)
    await tell_of_lapse(office, int(here.resident_id("resident-2")), 99)
    notices = (await office.copy())["lapse_notices"]
    assert {(row["account_kind"], row["points"]) for row in notices} == {
        ("wallet", 12), ("savings", 7),
    }  # fmt: skip
    assert notices[0]["month"] == "2026-12-01"


async def test_a_copy_holds_what_was_posted_by_hand_but_not_by_which_person(
    office: Office,
) -> None:
    proposed_by, decided_by = 1234567890123, 3210987654321
    number = await refuse_award(office, proposed_by=proposed_by, decided_by=decided_by)
    await refuse_award(office, proposed_by=1, decided_by=2, name="resident-2")
    copy = await office.copy()
    (posting,) = copy["manual_postings"]
    assert posting["manual_posting_id"] == str(number)
    assert (posting["kind"], posting["state"]) == ("award", "refused")
    assert (posting["reason"], posting["decision_reason"]) == ("帮忙搬花", "没有记录")
    written = json.dumps(copy)
    assert str(proposed_by) not in written
    assert str(decided_by) not in written
