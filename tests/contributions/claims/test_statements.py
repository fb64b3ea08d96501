"""How many SQL statements a claim and a review cost."""

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.contributions.claims.desk import CLAIMS, ClaimDesk
from tests.statements.test_statements import counted
from tests.support.caller import fresh_key

# A claim also claims its Idempotency-Key and stores its answer.
MOST = {"awarded at once": 13, "taken": 9, "reviewed": 14}


async def test_claiming_and_reviewing_cost_no_more_statements_than_stated(
    desk: ClaimDesk, engine: AsyncEngine
) -> None:
    resident = await desk.resident("resident-1")
    await desk.here.caller("reviewer-1")
    cost: dict[str, int] = {}
    for name, rule in (("awarded at once", "read_tips"), ("taken", "swept_stairs")):
        with counted(engine) as sent:
            answer = await resident.post(CLAIMS, {"rule_code": rule}, key=fresh_key())
        assert answer.status_code == 201, answer.text
        cost[name] = len(sent)
    with counted(engine) as sent:
        reviewed = await desk.review(answer.json()["claim_id"], "reviewer-1")
    assert reviewed.json()["state"] == "awarded"
    cost["reviewed"] = len(sent)
    assert cost == MOST
