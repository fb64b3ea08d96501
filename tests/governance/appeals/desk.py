"""People who appeal, and those who decide."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.contributions.claims.desk import REFUSE, ClaimDesk
from tests.support.auditing import assert_audit_clean
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import send_photo

APPEALS = "/v1/me/appeals"
DESK = "/v1/staff/appeals"
WHY = "当天我在外地，请重新核实这件事。"
OUTCOME = "经查看监控和值班记录，予以更正。"


@dataclass(slots=True)
class AppealDesk(ClaimDesk):
    """A neighbourhood with rules to claim under, and an auditor who decides."""

    def appealing(self, kind: str, subject_id: str, **changes: Any) -> dict[str, Any]:
        return {"kind": kind, "subject_id": subject_id, "text": WHY} | changes

    async def try_file(
        self, name: str, kind: str, subject_id: str, **changes: Any
    ) -> httpx.Response:
        caller = await self.here.caller(name)
        return await caller.post_once(APPEALS, self.appealing(kind, subject_id, **changes))

    async def file(self, name: str, kind: str, subject_id: str, **changes: Any) -> str:
        """File an appeal; return its number."""
        answer = await self.try_file(name, kind, subject_id, **changes)
        assert answer.status_code == 201, answer.text
        appeal_id: str = answer.json()["appeal_id"]
        return appeal_id

    async def try_decide(
        self,
        appeal_id: str,
        verdict: str = "upheld",
        *,
        by: str = "auditor-1",
        correction: dict[str, Any] | None = None,
    ) -> httpx.Response:
        body: dict[str, Any] = {"verdict": verdict, "outcome": OUTCOME}
        if correction is not None:
            body["correction"] = correction
        return await (await self.here.caller(by)).post(f"{DESK}/{appeal_id}/decision", body)

    async def decide(
        self, appeal_id: str, verdict: str = "upheld", *, correction: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Let the auditor decide; return what was done."""
        answer = await self.try_decide(appeal_id, verdict, correction=correction)
        assert answer.status_code == 200, answer.text
        decided: dict[str, Any] = answer.json()
        assert decided["state"] == verdict
        effects: dict[str, Any] = decided["effects"]
        return effects

    async def refused_claim(self, name: str, rule: str = "swept_stairs", **fields: Any) -> str:
        """Claim, and let the worker refuse it; return the claim."""
        claim_id = await self.claimed(name, rule, **fields)
        answer = await self.review(claim_id, "worker-1", REFUSE)
        assert answer.status_code == 200, answer.text
        return claim_id

    async def photo_of(self, name: str) -> str:
        return await send_photo(await self.resident(name))

    async def place(self, name: str) -> tuple[int, int]:
        """Return somebody's rank and points of all time."""
        place = await self.read(name, "/v1/me/rank", period="all")
        return place["rank"], place["points"]

    async def check_books(self) -> None:
        await self.audit()
        async with self.sessions() as session:
            await assert_audit_clean(session, self.community)


def net(effects: dict[str, Any]) -> dict[str, int]:
    """Return the points of effects that are not nothing."""
    return {name: count for name, count in effects.items() if isinstance(count, int) and count}


async def make_phoneless(desk: AppealDesk, name: str) -> None:
    """Let a resident have a paper card instead of an account."""
    await desk.do(
        "UPDATE residents SET person_id = NULL WHERE resident_id = :resident",
        resident=int(desk.here.resident_id(name)),
    )


def award_id(posted: dict[str, Any]) -> str:
    number: str = posted["contribution_id"]
    return number


def at(here: Neighbourhood) -> str:
    return f"/v1/public/communities/{here.community_id}/appeals/statistics"
