"""How many SQL statements a report, a "me too" and each action cost, as tests/statements counts."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cases.filing import Watch
from tests.statements.test_statements import counted
from tests.support.caller import fresh_key

# A report and an action also claim their Idempotency-Key and store their answer.
MOST = {"report": 14, "join": 11, "accept": 13, "resolve": 19}


@pytest.mark.parametrize("name", MOST)
async def test_a_step_of_a_case_costs_no_more_statements_than_stated(
    name: str, watch: Watch, engine: AsyncEngine
) -> None:
    case_id = await watch.file("resident-2")
    body = await watch.case_of("resident-1")
    resident, worker = await watch.caller("resident-1"), await watch.caller("worker-1")
    if name == "resolve":
        await watch.do(case_id, "accept")
    path = f"/v1/staff/cases/{case_id}/{name}"
    with counted(engine) as sent:
        match name:
            case "report":
                answer = await resident.post("/v1/cases", body, key=fresh_key())
            case "join":
                answer = await resident.post(f"/v1/cases/{case_id}/join")
            case _:
                answer = await worker.post(
                    path, {"result": "已处理"} if name == "resolve" else {}, key=fresh_key()
                )
    assert answer.is_success, answer.text
    assert len(sent) == MOST[name], "\n".join(sent)
