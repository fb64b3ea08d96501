"""Residents ask why they got or lost points."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.conftest import NOW
from tests.contributions.claims.desk import LONG_AGO, ClaimDesk, add_claimable_rules
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

MINE = "/v1/me/contributions"


@pytest.fixture
async def desk(here: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]) -> ClaimDesk:
    await add_claimable_rules(sessionmaker, here.community_id, since=NOW - LONG_AGO)
    return ClaimDesk(here, sessionmaker)


async def explain(desk: ClaimDesk, contribution_id: str, name: str = "resident-1") -> Any:
    return await desk.read(name, f"{MINE}/{contribution_id}")


async def run_campaign(desk: ClaimDesk, **limits: int) -> None:
    """Let everything count double this month."""
    fields = {"per_person_points": None, "budget_points": None} | limits
    await desk.do(
        "INSERT INTO campaigns (community_id, campaign_id, code, name, rule_codes, percent,"
        " bonus_points, starts_at, ends_at, per_person_points, budget_points)"
        " VALUES (:community, 1, 'safe_month', '平安月', '[]', 200, 0, :begins, :ends,"
        " :per_person_points, :budget_points)",
        begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=30), **fields,
    )  # fmt: skip


async def test_an_award_is_explained_to_the_last_point(desk: ClaimDesk) -> None:
    await run_campaign(desk, per_person_points=90)
    given = await desk.here.give("resident-1", "volunteer_hour", units=5)

    told = await explain(desk, given["contribution_id"])

    assert (told["points_each"], told["units"], told["unit"]) == (10, 5, "hour")
    assert (told["base_points"], told["asked_points"], told["granted_points"]) == (50, 100, 80)
    assert told["campaigns"] == [
        {"code": "safe_month", "name": "平安月", "full_points": 50, "asked_points": 50,
         "granted_points": 30}
    ]  # fmt: skip
    assert told["limits_hit"] == [
        {"period": "day", "points": 80, "times": None, "interval_minutes": None}
    ]
    assert (told["rule"]["code"], told["rule"]["version"]) == ("volunteer_hour", 1)
    assert told["rule"]["adoption"] is None
    assert told["recorded_by"]["role"] == "committee"
    # A masked name, never the whole one.
    assert told["recorded_by"]["masked_name"] == "c***"
    assert [hand["role"] for hand in told["reviewed_by"]] == ["committee"]
    assert told["sentences"]["zh"][0] == (
        "志愿服务：每小时 10 分 × 5 小时 = 50 分；“平安月”加 50 分；"
        "当日上限 80 分，本次计入 80 分。"
    )
    assert told["receipt_path"] == f"/v1/me/statement/{given['transfer_id']}/receipt"
    capped = await desk.here.give("resident-1", "volunteer_hour")
    nothing = await explain(desk, capped["contribution_id"])
    assert (nothing["state"], nothing["receipt_path"]) == ("capped", None)


async def test_a_claim_is_explained_with_its_photos_and_reviewers(desk: ClaimDesk) -> None:
    photo = await desk.photo("resident-1")
    claim_id = await desk.claimed("resident-1", "settled_quarrel", photo_ids=[photo])
    await desk.approve(claim_id, "reviewer-1", "worker-1")
    (listed,) = (await desk.read("resident-1", MINE))["items"]

    told = await explain(desk, listed["contribution_id"])

    assert (told["source_kind"], told["source_id"]) == ("claim", claim_id)
    assert told["recorded_by"] == {
        "is_the_resident": True, "is_a_machine": False, "role": None, "masked_name": None,
    }  # fmt: skip
    assert {hand["role"] for hand in told["reviewed_by"]} == {"reviewer", "grid_worker"}
    assert [one["photo_id"] for one in told["photos"]] == [photo]


async def test_a_rule_that_was_changed_names_the_change_and_its_notice(
    desk: ClaimDesk, clock: Clock
) -> None:
    await desk.do(
        "INSERT INTO public_notices (community_id, public_notice_id, kind, title, opens_at,"
        " closes_at, published_by) VALUES (:community, 11, 'rule_change', '提高调解积分', :opened,"
        " :closed, 1)",
        opened=NOW - timedelta(days=20), closed=NOW - timedelta(days=13),
    )  # fmt: skip
    await desk.do(
        "INSERT INTO rule_changes (community_id, rule_change_id, title, reason, changes, state,"
        " public_notice_id, notice_until, effective_from, proposed_by, proposed_at, decided_by,"
        " decided_at) VALUES (:community, 12, '提高调解积分', '调解辛苦', '[]', 'adopted', 11,"
        " :closed, :since, 1, :opened, 2, :closed)",
        opened=NOW - timedelta(days=20), closed=NOW - timedelta(days=13), since=clock.now,
    )  # fmt: skip
    before = await desk.here.give("resident-1", "mediation")
    await desk.follow_up("mediation", clock.advance(minutes=1), points=30, rule_change_id=12)

    after = await desk.here.give("resident-1", "mediation")

    assert (await explain(desk, before["contribution_id"]))["rule"]["version"] == 1
    told = await explain(desk, after["contribution_id"])
    assert (told["granted_points"], told["rule"]["version"]) == (30, 2)
    assert told["rule"]["adoption"]["title"] == "提高调解积分"
    assert told["rule"]["adoption"]["public_notice_id"] == "11"
    assert "该版由“提高调解积分”经公示通过" in told["sentences"]["zh"][1]


async def test_a_deduction_says_why_and_what_came_back(desk: ClaimDesk) -> None:
    await desk.here.give("resident-1", "survey")
    fine = await desk.here.fine("resident-1", units=2, reason="三次混投")
    repair = {
        "kind": "repair", "transfer_id": fine["transfer_id"], "points": 2, "reason": "参加值守"
    }  # fmt: skip
    await desk.here.post_by_hand(repair)

    told = await explain(desk, fine["contribution_id"])

    assert (told["asked_points"], told["granted_points"]) == (-10, -5)
    assert (told["standing_points"], told["reason"]) == (-3, "三次混投")
    assert [part["moved_points"] for part in told["undone"]] == [2]
    assert told["sentences"]["zh"][0].endswith("余额不足，实际扣除 5 分。")
    assert told["sentences"]["zh"][-1].endswith("返还 2 分：参加值守。")


async def test_the_list_holds_what_moved_my_points_newest_first(desk: ClaimDesk) -> None:
    given = [(await desk.here.give("resident-1", "survey"))["contribution_id"] for _ in range(3)]
    fined = (await desk.here.fine("resident-1"))["contribution_id"]
    await desk.here.give("resident-2", "survey")

    page = await desk.read("resident-1", MINE, size=3)
    rest = await desk.read("resident-1", MINE, size=3, cursor=page["next_cursor"])

    seen = [*page["items"], *rest["items"]]
    assert [one["contribution_id"] for one in seen] == [fined, *reversed(given)]
    assert [one["granted_points"] for one in seen] == [-5, 5, 5, 5]
    assert rest["next_cursor"] is None


async def test_nobody_reads_the_points_of_another(
    desk: ClaimDesk, elsewhere: Neighbourhood
) -> None:
    mine = (await desk.here.give("resident-1", "survey"))["contribution_id"]
    for neighbourhood, name in ((desk.here, "resident-2"), (elsewhere, "resident-1")):
        caller = await neighbourhood.caller(name)
        answer = await caller.get(f"{MINE}/{mine}")
        assert (answer.status_code, answer.json()["code"]) == (404, "contribution_not_found")
