"""Public numbers of appeals: what happened, and nobody to be recognised."""

from hypothesis import given
from hypothesis import strategies as st

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
    assert (by_kind["award"]["filed"], by_kind["award"]["upheld"]) == (4, 4)
    assert by_kind["award"]["median_days_to_decide"] == 2
    assert by_kind["deduction"]["filed"] is None
    assert by_kind["deduction"]["open"] is None
    assert by_kind["deduction"]["upheld"] == 0
    assert by_kind["deduction"]["median_days_to_decide"] is None


async def test_a_community_that_is_not_there_has_no_numbers(desk: AppealDesk) -> None:
    answer = await Caller(desk.here.http).get("/v1/public/communities/999999/appeals/statistics")
    assert answer.status_code == 404


@given(st.lists(st.integers(0, 6), min_size=len(ENDINGS), max_size=len(ENDINGS)))
def test_no_number_tells_of_one_or_two(endings: list[int]) -> None:
    counts = dict(zip(ENDINGS, endings, strict=True))
    public = shown(counts | {"filed": sum(endings)})
    hidden = [name for name in ENDINGS if public[name] is None]
    assert hidden == [name for name in ENDINGS if counts[name] in (1, 2)]
    # With one of them hidden, the sum would tell it.
    assert (public["filed"] is None) == bool(hidden)
