"""Short ways to propose changes of rules, to object to them and to decide them."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

CHANGES = "/v1/staff/rule-changes"
# The neighbourhood's clock says Wednesday, 18 November 2026: the notice lasts until the 25th.
NOTICE_UNTIL = "2026-11-25T16:00:00Z"
EARLIEST = "2026-11-27"
# As of the preset; residents are not heard before a deduction unless a test says so.
PROCEDURE = {
    "rule_notice_days": 7, "hearing_days": 0, "repair_days": 30, "appeal_days": 15,
    "appeal_answer_days": 10,
}  # fmt: skip
SURVEY = {"name": "参加问卷", "category": "council", "points": 8}


def change(code: str = "survey", kind: str = "change", **terms: Any) -> dict[str, Any]:
    """Return one change: the survey gives 8, unless other terms are named."""
    stated: dict[str, Any] = {"kind": kind, "code": code}
    if kind != "end":
        stated["terms"] = SURVEY | terms
    return stated


def procedure(**days: int) -> dict[str, Any]:
    """Return a change of the neighbourhood's procedure: only these days are others than now."""
    return {"kind": "procedure", "terms": PROCEDURE | days}


@dataclass(slots=True)
class Assembly:
    """A neighbourhood that changes its rules."""

    here: Neighbourhood
    clock: Clock

    async def try_propose(
        self, *changes: dict[str, Any], by: str = "committee-1", **fields: Any
    ) -> httpx.Response:
        body = {
            "title": "提高问卷积分",
            "reason": "参加的人太少",
            "effective_on": EARLIEST,
            "changes": list(changes or (change(),)),
        } | fields
        return await (await self.here.caller(by)).post_once(CHANGES, body)

    async def propose(self, *changes: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Let committee-1 propose; return the change."""
        answer = await self.try_propose(*changes, **fields)
        assert answer.status_code == 201, answer.text
        proposed: dict[str, Any] = answer.json()
        return proposed

    async def decide(
        self, proposed: dict[str, Any], decision: str, *, by: str = "committee-2", **body: Any
    ) -> httpx.Response:
        """Decide by `adoption`, `rejection` or `withdrawal`."""
        caller = await self.here.caller(by)
        return await caller.post(f"{CHANGES}/{proposed['rule_change_id']}/{decision}", body)

    async def adopt(self, proposed: dict[str, Any], **body: Any) -> dict[str, Any]:
        answer = await self.decide(proposed, "adoption", **body)
        assert answer.status_code == 200, answer.text
        adopted: dict[str, Any] = answer.json()
        return adopted

    async def try_remark(
        self, proposed: dict[str, Any], kind: str = "objection", by: str = "resident-1"
    ) -> httpx.Response:
        body = {"kind": kind, "text": "八分太多了"}
        path = f"/v1/notices/{proposed['notice_id']}/remarks"
        return await (await self.here.caller(by)).post_once(path, body)

    async def object(self, proposed: dict[str, Any], by: str = "resident-1") -> str:
        """Let somebody object; return the remark's number."""
        answer = await self.try_remark(proposed, by=by)
        assert answer.status_code == 201, answer.text
        remark_id: str = answer.json()["remark_id"]
        return remark_id

    async def answer(
        self, proposed: dict[str, Any], remark_id: str, *, is_upheld: bool
    ) -> dict[str, Any]:
        """Let the committee answer an objection."""
        path = f"/v1/staff/notices/{proposed['notice_id']}/remarks/{remark_id}/answer"
        committee = await self.here.caller("committee-2")
        answer = await committee.post(path, {"answer": "已讨论", "is_upheld": is_upheld})
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    async def read(self, path: str, by: str = "resident-1", **params: Any) -> dict[str, Any]:
        answer = await (await self.here.caller(by)).get(path, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def let_pass(self, **by: float) -> None:
        let_pass(self.here, self.clock, **by)

    def end_notice(self) -> None:
        """Let the notice's last day go by."""
        self.let_pass(days=8)
