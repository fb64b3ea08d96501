"""What a reviewer is told about a claim; each signal explains itself, and none decides."""

from datetime import timedelta
from typing import Any

from app.contributions.signals.service import list_impossible_distances, list_signals
from tests.conftest import NOW
from tests.contributions.claims.desk import ClaimDesk
from tests.contributions.signals.watching import DAY, earned, overview, reviewed, signals_of
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import jpeg, nearly, post_photo, send_photo

HOUR = timedelta(hours=1)
OFFICE = {"latitude": 31.2, "longitude": 121.4, "coordinate_system": "wgs84"}
# Thirty kilometres to the north.
VILLAGE = OFFICE | {"latitude": 31.4698}


async def attend(desk: ClaimDesk, name: str, clock: Clock, **fields: Any) -> str:
    """Let somebody check in to an activity that begins now; return the contribution's number."""
    activity = await desk.here.announce(clock.now, **fields)
    code = {"code": await desk.here.poster(activity)}
    answer = await (await desk.here.caller(name)).post("/v1/me/check-ins", code)
    assert answer.status_code == 201, answer.text
    number: str = answer.json()["contribution_id"]
    return number


async def test_nothing_unusual_gives_no_signal(desk: ClaimDesk) -> None:
    photo_id = await desk.photo("resident-1")
    claim_id = await desk.claimed("resident-1", "swept_stairs", photo_ids=[photo_id])
    assert await signals_of(desk, claim_id) == []
    assert await overview(desk) == {"pairs": [], "concentration": [], "distances": []}


async def test_the_very_same_photo_in_two_claims_is_shown_with_the_other_claim(
    desk: ClaimDesk,
) -> None:
    photo_id = await desk.photo("resident-1")
    first = await desk.claimed("resident-1", "settled_quarrel", photo_ids=[photo_id])
    at = (NOW - 2 * HOUR).isoformat()
    second = await desk.claimed("resident-1", "swept_stairs", photo_ids=[photo_id], acted_at=at)
    (signal,) = await signals_of(desk, second)
    assert signal["kind"] == "photo_used_twice"
    assert (signal["photo_id"], signal["other_photo_id"]) == (photo_id, photo_id)
    assert (signal["used_for"], signal["used_for_id"]) == ("claim", first)
    assert (signal["differing_bits"], signal["is_of_another_resident"]) == (0, False)
    assert signal["explanation_zh"] == f"同一张照片还用于本人的积分申报（编号 {first}）。"


async def test_a_photo_like_a_neighbours_is_shown_with_what_it_was_used_for(
    desk: ClaimDesk,
) -> None:
    picture = jpeg(4001)
    theirs = await send_photo(await desk.resident("resident-2"), picture)
    neighbour = await desk.resident("resident-2")
    report = {
        "category_code": "street_lamp",
        "description": "楼道灯不亮，晚上看不清台阶",
        "building_id": str(desk.here.places.buildings[0]),
        "photo_ids": [theirs],
    }
    case = await neighbour.post_once("/v1/cases", report)
    assert case.status_code == 201, case.text
    mine = (await post_photo(await desk.resident("resident-1"), nearly(picture))).json()
    claim_id = await desk.claimed(
        "resident-1", "swept_stairs", photo_ids=[mine["photo_id"], await desk.photo("resident-1")]
    )
    (signal,) = await signals_of(desk, claim_id)
    assert (signal["kind"], signal["other_photo_id"]) == ("similar_photo", theirs)
    assert (signal["used_for"], signal["used_for_id"]) == ("case", case.json()["case_id"])
    assert signal["is_of_another_resident"] is True
    assert signal["other_resident_id"] == desk.here.resident_id("resident-2")
    assert 0 <= signal["differing_bits"] <= 6
    assert "another resident's case" in signal["explanation_en"]


async def test_what_a_neighbour_appeals_against_or_is_deducted_for_stays_between_them(
    desk: ClaimDesk,
) -> None:
    picture = jpeg(4003)
    theirs = await send_photo(await desk.resident("resident-2"), picture)
    award = (await desk.here.give("resident-2", "survey"))["contribution_id"]
    appeal = {
        "kind": "award",
        "subject_id": award,
        "text": "当天参加了两次问卷，只记了一次。",
        "photo_ids": [theirs],
    }
    filed = await (await desk.here.caller("resident-2")).post_once("/v1/me/appeals", appeal)
    assert filed.status_code == 201, filed.text
    mine = (await post_photo(await desk.resident("resident-1"), nearly(picture))).json()
    claim_id = await desk.claimed("resident-1", "swept_stairs", photo_ids=[mine["photo_id"]])
    (signal,) = await signals_of(desk, claim_id)
    assert (signal["used_for"], signal["used_for_id"]) == ("private", None)
    assert signal["other_resident_id"] is None
    assert filed.json()["appeal_id"] not in str(signal)


async def test_two_photos_of_one_claim_and_photos_that_prove_nothing_are_no_signal(
    desk: ClaimDesk,
) -> None:
    picture = jpeg(4002)
    await send_photo(await desk.resident("resident-2"), picture)
    me = await desk.resident("resident-1")
    photo_ids = [await send_photo(me, content) for content in (picture, nearly(picture))]
    claim_id = await desk.claimed("resident-1", "swept_stairs", photo_ids=photo_ids)
    assert await signals_of(desk, claim_id) == []


async def test_claims_that_overlap_in_time_are_shown_and_withdrawn_ones_are_not(
    desk: ClaimDesk,
) -> None:
    photo_id, other = await desk.photo("resident-1"), await desk.photo("resident-1")
    began = NOW - 10 * HOUR

    async def watch(hours: float, photo: str) -> str:
        times = {
            "acted_at": (began + hours * HOUR).isoformat(),
            "acted_until": (began + (hours + 3) * HOUR).isoformat(),
        }
        return await desk.claimed(
            "resident-1", "night_watch", units=3, mode="offline", note="在东门值守，一夜平安无事",
            photo_ids=[photo], **times,
        )  # fmt: skip

    first, second = await watch(0, photo_id), await watch(2, other)
    (signal,) = await signals_of(desk, first)
    assert (signal["kind"], signal["other_claim_id"]) == ("overlap", second)
    assert (signal["begins_at"], signal["contribution_id"]) == ("2026-11-17T23:00:00Z", None)
    me = await desk.here.caller("resident-1")
    assert (await me.post(f"/v1/me/claims/{second}/withdrawal")).status_code == 200
    assert await signals_of(desk, first) == []


async def test_a_check_in_within_the_claimed_time_is_shown(desk: ClaimDesk, clock: Clock) -> None:
    let_pass(desk.here, clock, hours=-1)
    contribution_id = await attend(desk, "resident-1", clock)
    let_pass(desk.here, clock, hours=1)
    claim_id = await desk.claimed(
        "resident-1", "swept_stairs",
        acted_at=(NOW - 2 * HOUR).isoformat(), acted_until=NOW.isoformat(),
    )  # fmt: skip
    (signal,) = await signals_of(desk, claim_id)
    assert (signal["kind"], signal["contribution_id"]) == ("overlap", contribution_id)
    assert signal["other_claim_id"] is None
    assert "2026-11-18T14:00+08:00" in signal["explanation_zh"]


async def test_check_ins_too_far_apart_are_shown_with_distance_and_time(
    desk: ClaimDesk, clock: Clock, elsewhere: Neighbourhood
) -> None:
    first = await attend(desk, "resident-1", clock, place=OFFICE)
    let_pass(desk.here, clock, minutes=10)
    second = await attend(desk, "resident-1", clock, place=VILLAGE, rule_code="council_meeting")
    await attend(desk, "resident-2", clock, place=OFFICE)
    let_pass(desk.here, clock, minutes=20)
    await attend(desk, "resident-2", clock, place=VILLAGE, rule_code="council_meeting")
    let_pass(desk.here, clock, hours=3)
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    innocent = await desk.claimed("resident-2", "swept_stairs")

    (signal,) = await signals_of(desk, claim_id)

    assert signal["kind"] == "impossible_distance"
    assert (signal["earlier_contribution_id"], signal["later_contribution_id"]) == (first, second)
    assert abs(signal["distance_meters"] - 30_000) < 20
    assert signal["seconds"] == 600
    assert "相距 30.0 公里，其间只有 10 分钟" in signal["explanation_zh"]
    assert await signals_of(desk, innocent) == []
    assert (await overview(desk))["distances"] == [signal]
    residents = [int(desk.here.resident_id(f"resident-{number}")) for number in (1, 2)]
    for community_id, asked, expected in (
        (desk.community, residents, [int(second)]),
        (desk.community, residents[1:], []),
        (elsewhere.community_id, residents, []),
    ):
        async with desk.sessions() as session:
            found = await list_impossible_distances(
                session, community_id,
                since=NOW - DAY, timezone="Asia/Shanghai", resident_ids=asked,
            )  # fmt: skip
        assert [leg.later_contribution_id for leg in found] == expected
    let_pass(desk.here, clock, days=7)
    assert (await overview(desk))["distances"] == []


async def test_a_reviewer_who_sees_one_resident_unusually_often_is_shown(
    desk: ClaimDesk, elsewhere: Neighbourhood
) -> None:
    me, friend = await desk.person("reviewer-1"), int(desk.here.resident_id("resident-1"))
    others = [int(desk.here.resident_id(f"resident-{number}")) for number in range(2, 6)]
    # Eight of this resident's nine, of the ten of all fifty that the reviewer saw at all.
    await reviewed(desk, friend, *[me] * 8, 501)
    await reviewed(desk, others[0], me, me, *[501] * 10)
    for resident in others[1:]:
        await reviewed(desk, resident, *[502] * 10)
    # Long ago, or elsewhere, does not count.
    await reviewed(desk, friend, *[501] * 9, at=NOW - 91 * DAY)
    claim_id = await desk.claimed("resident-1", "swept_stairs")
    innocent = await desk.claimed("resident-2", "swept_stairs")

    (signal,) = await signals_of(desk, claim_id)

    assert signal["kind"] == "unusual_pair"
    assert (signal["resident_id"], signal["reviewer_id"]) == (str(friend), str(me))
    assert (signal["reviewed_by_them"], signal["reviewed_claims"]) == (8, 9)
    assert signal["expected"] == round(9 * 10 / 51, 2)
    assert 0 < signal["chance"] < 0.001
    assert "约应有 1.8 条" in signal["explanation_zh"]
    assert await signals_of(desk, innocent) == []
    assert await signals_of(desk, claim_id, by="committee-1") == []
    pairs = (await overview(desk))["pairs"]
    assert {(pair["resident_id"], pair["reviewer_id"]) for pair in pairs} >= {
        (str(friend), str(me))
    }
    assert [pair["chance"] for pair in pairs] == sorted(pair["chance"] for pair in pairs)
    auditor = await elsewhere.caller("auditor-1")
    assert (await auditor.get("/v1/staff/signals")).json()["pairs"] == []


async def test_points_that_gather_with_one_resident_are_shown(desk: ClaimDesk) -> None:
    resident = int(desk.here.resident_id("resident-1"))
    # The last 30 days began in October: both months count, September does not.
    await earned(desk, NOW, {resident: 60, **dict.fromkeys(range(1, 16), 10)})
    await earned(desk, NOW - 30 * DAY, {resident: 90})
    await earned(desk, NOW - 60 * DAY, {resident: 9_000, 1: 9_000})
    claim_id = await desk.claimed("resident-1", "swept_stairs")

    (signal,) = await signals_of(desk, claim_id)

    assert signal["kind"] == "concentration"
    assert (signal["points"], signal["all_points"], signal["active_residents"]) == (150, 300, 16)
    assert (signal["share"], signal["since"]) == (0.5, "2026-10-01")
    assert "50%" in signal["explanation_zh"]
    assert (await overview(desk))["concentration"] == [signal]


async def test_the_claims_of_another_community_say_nothing(
    desk: ClaimDesk, elsewhere: Neighbourhood
) -> None:
    photo_id = await desk.photo("resident-1")
    for rule in ("swept_stairs", "settled_quarrel"):
        claim_id = await desk.claimed("resident-1", rule, photo_ids=[photo_id])
    assert len(await signals_of(desk, claim_id)) == 2
    async with desk.sessions() as session:
        found = await list_signals(
            session, elsewhere.community_id, [int(claim_id), 7], reviewer_id=1, now=NOW
        )
    assert found == {int(claim_id): [], 7: []}
