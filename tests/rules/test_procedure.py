"""How long notice, hearing, repair and appeal last: everybody reads it, the committee sets it."""

import pytest

from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

PROCEDURE = {
    "rule_notice_days": 10, "hearing_days": 2, "repair_days": 20, "appeal_days": 30,
    "appeal_answer_days": 5,
}  # fmt: skip


async def test_the_committee_sets_what_everybody_reads(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    resident, foreign = await here.caller("resident-1"), await elsewhere.caller("resident-1")
    before = (await foreign.get("/v1/procedure")).json()
    committee = await here.caller("committee-1")
    answer = await committee.put("/v1/staff/procedure", PROCEDURE)
    assert answer.json() == PROCEDURE
    assert (await resident.get("/v1/procedure")).json() == PROCEDURE
    assert (await foreign.get("/v1/procedure")).json() == before


@pytest.mark.parametrize(
    "changes",
    [{"rule_notice_days": 0}, {"hearing_days": 61}, {"appeal_days": 367}, {"repair_days": None},
     {"appeal_answer_days": 91}],
)  # fmt: skip
async def test_a_procedure_stays_within_reason_and_is_set_whole(
    here: Neighbourhood, changes: dict[str, int | None]
) -> None:
    stated = {name: days for name, days in (PROCEDURE | changes).items() if days is not None}
    committee = await here.caller("committee-1")
    answer = await committee.put("/v1/staff/procedure", stated)
    assert problem_code(answer) == "request_invalid"
