"""Public numbers of appeals: what happened, and nobody to be recognised."""

from collections import defaultdict
from itertools import product

from app.governance.appeals.counting import ENDINGS, shown
from tests.governance.appeals.desk import AppealDesk, at, award_id
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.passing import let_pass


async def test_the_quarter_s_appeals_are_counted_by_kind(desk: AppealDesk, clock: Clock) -> None:
    names = [f"resident-{number}" for number in range(1, 5)]
    awards = [award_id(await desk.here.give(name, "survey")) for name in names]
    await desk.file(
        "resident-1", "deduction", (await desk.here.fine("resident-1"))["contribution_id"]
    )
    appeals = [
        await desk.file(name, "award", award) for name, award in zip(names, awards, strict=True)
    ]
    let_pass(desk.here, clock, days=2)
    for appeal_id in appeals:
        await desk.decide(appeal_id, correction={"rule_code": "mediation"})

    answer = await Caller(desk.here.http).get(at(desk.here))

    assert answer.status_code == 200
    by_kind = {row["kind"]: row for row in answer.json()["items"]}
    assert {row["quarter"] for row in by_kind.values()} == {"2026-Q4"}
    assert by_kind["award"]["upheld"] == 4
    # All ended alike: with the sum one would know how a neighbour's ended.
    assert (by_kind["award"]["filed"], by_kind["award"]["dismissed"]) == (None, None)
    assert by_kind["award"]["median_days_to_decide"] == 2
    assert by_kind["deduction"]["filed"] is None
    assert by_kind["deduction"]["open"] is None
    assert by_kind["deduction"]["upheld"] is None
    assert by_kind["deduction"]["median_days_to_decide"] is None


async def test_a_community_that_is_not_there_has_no_numbers(desk: AppealDesk) -> None:
    answer = await Caller(desk.here.http).get("/v1/public/communities/999999/appeals/statistics")
    assert answer.status_code == 404


def test_no_number_tells_how_somebody_s_appeal_ended() -> None:
    possible: dict[tuple[int | None, ...], set[str]] = defaultdict(set)
    for endings in product(range(5), repeat=len(ENDINGS)):
        counts = dict(zip(ENDINGS, endings, strict=True))
        public = shown(counts | {"filed": sum(endings), "overdue": counts["open"] // 2})
        view = tuple(public.values())
        assert not {1, 2} & set(view)
        assert public["filed"] in (None, sum(endings))
        if any(endings):
            possible[view] |= {name for name in ENDINGS if counts[name]}
    # Whoever knows that a neighbour appealed is left with several endings, whatever is shown.
    assert min(len(endings) for endings in possible.values()) > 1


def test_where_many_ended_each_way_all_is_shown() -> None:
    counts = {"upheld": 3, "partly_upheld": 0, "dismissed": 5, "withdrawn": 0, "open": 4}
    assert shown(counts | {"filed": 12, "overdue": 0}) == counts | {"filed": 12, "overdue": 0}
