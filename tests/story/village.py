"""What the stories of fair play are told with: people who claim, review, object and appeal."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Place, Role
from app.core.personal import Vault
from app.setup.granting import RoleToGrant, grant_role
from tests.contributions.lists.office import csv_of
from tests.story.tale import get
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import Caller, sign_in
from tests.support.clock import Clock
from tests.support.consenting import agree, consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import send_photo
from tests.support.policies import run_job
from tests.support.working import come_round

APPROVE = {"verdict": "approve"}
LISTS = "/v1/staff/award-lists"
POSTINGS = "/v1/staff/postings"


@dataclass
class Village:
    """A neighbourhood of a preset with the preset's own times of procedure."""

    app: FastAPI
    here: Neighbourhood
    clock: Clock
    sessionmaker: async_sessionmaker[AsyncSession]
    vault: Vault
    agreed: set[str] = field(default_factory=set)

    # Time and work.

    async def until(self, moment: datetime) -> None:
        """Let time pass; everybody signs in anew."""
        let_pass(self.here, self.clock, seconds=(moment - self.clock.now).total_seconds())

    async def runs(self, job: str) -> None:
        await run_job(self.app, job)

    async def comes_round(self, schedule: str) -> None:
        await come_round(self.app, schedule)

    # People.

    async def caller(self, name: str) -> Caller:
        return await self.here.caller(name)

    async def resident(self, name: str) -> Caller:
        """Return somebody who has agreed that what they do is kept."""
        if name not in self.agreed:
            self.agreed.add(name)
            await consent(self.here, name, "service")
        return await self.caller(name)

    async def signs_in_anew(self, name: str) -> Caller:
        """Return somebody whose session knows where they belong by now."""
        self.here.callers.pop(name, None)
        return await self.caller(name)

    async def moves_in(self, name: str, shown: str, *, building: int, room: str) -> str:
        """Let somebody join; the worker of the building lets them in. Return the resident."""
        newcomer = await sign_in(self.here.http, name)
        await agree(newcomer, self.here.community_id)
        self.agreed.add(name)
        body = {
            "community_id": str(self.here.community_id),
            "display_name": shown,
            "building_id": str(self.here.places.buildings[building - 1]),
            "room": room,
        }
        asked = await newcomer.post("/v1/join-requests", body)
        assert asked.status_code == 201, asked.text
        worker = await self.caller("worker-2" if building == 3 else "worker-1")
        path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
        approved = await worker.post(path)
        assert approved.status_code == 200, approved.text
        member = await self.signs_in_anew(name)
        resident_id: str = member.tokens["membership"]["resident_id"]
        self.here.residents[name] = int(resident_id)
        return resident_id

    async def grants(self, name: str, role: Role, *, shop: str | None = None) -> None:
        """Give somebody who signs in by this name a role, as an operator does."""
        person = await self.caller(name)
        shop_id = None if shop is None else self.here.created.shops[shop]
        wanted = RoleToGrant(
            "test", int(person.tokens["person_id"]), role, name, Place(shop_id=shop_id)
        )
        async with self.sessionmaker.begin() as session:
            _, is_new = await grant_role(session, wanted, vault=self.vault, now=self.clock.now)
        assert is_new

    async def read(self, name: str, path: str, **params: Any) -> Any:
        return await get(await self.caller(name), path, **params)

    async def public(self, path: str) -> Any:
        """Return what anybody reads of the community, without signing in."""
        anybody = Caller(self.here.http)
        return await get(anybody, f"/v1/public/communities/{self.here.community_id}{path}")

    async def points(self, name: str) -> int:
        points: int = (await self.read(name, "/v1/me/balance"))["posted_points"]
        return points

    async def newest(self, name: str) -> tuple[str, str]:
        """Return title and body of somebody's newest message."""
        message = (await self.read(name, "/v1/me/messages"))["items"][0]
        return message["title"], message["body"]

    # Acts.

    async def attends(self, *names: str, rule: str, **activity: Any) -> list[dict[str, Any]]:
        """Announce something that begins now; these scan its poster. Return their answers."""
        announced = await self.here.announce(self.clock.now, rule_code=rule, **activity)
        code = {"code": await self.here.poster(announced)}
        answers = [await (await self.caller(name)).post("/v1/me/check-ins", code) for name in names]
        assert {answer.status_code for answer in answers} <= {201}, answers[0].text
        return [answer.json() for answer in answers]

    async def tries_to_claim(
        self, name: str, rule: str, *, has_photo: bool = False, **fields: Any
    ) -> httpx.Response:
        """Let somebody claim, with a new photo if they have one."""
        claimant = await self.resident(name)
        if has_photo:
            fields["photo_ids"] = [await send_photo(claimant)]
        return await claimant.post_once("/v1/me/claims", {"rule_code": rule} | fields)

    async def claims(self, name: str, rule: str, **fields: Any) -> dict[str, Any]:
        answer = await self.tries_to_claim(name, rule, **fields)
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def reviews(
        self, by: str, claim_id: str, verdict: dict[str, str] | None = None
    ) -> httpx.Response:
        reviewer = await self.caller(by)
        return await reviewer.post(f"/v1/staff/claims/{claim_id}/reviews", verdict or APPROVE)

    async def approve(self, claim_id: str, *by: str) -> str:
        """Let these approve a claim; return its state."""
        state = ""
        for name in by:
            answer = await self.reviews(name, claim_id)
            assert answer.status_code == 200, answer.text
            state = answer.json()["state"]
        return state

    async def claim(self, name: str, claim_id: str) -> dict[str, Any]:
        claim: dict[str, Any] = await self.read(name, f"/v1/me/claims/{claim_id}")
        return claim

    async def says(self, name: str, contribution_id: str) -> list[str]:
        """Return how an award or a deduction is explained to its resident."""
        path = f"/v1/me/contributions/{contribution_id}"
        sentences: list[str] = (await self.read(name, path))["sentences"]["zh"]
        return sentences

    # Lists.

    async def hands_in(
        self, rows: Iterable[Sequence[Any]], *, title: str, dry_run: bool = False
    ) -> httpx.Response:
        """Let the committee send a CSV file."""
        committee = await self.caller("committee-1")
        return await self.here.http.post(
            LISTS,
            params={"dry_run": str(dry_run).lower()},
            files={"file": ("list.csv", csv_of(rows), "text/csv")},
            data={"title": title},
            headers=committee.headers() | {"Accept-Language": "zh"},
        )

    async def award_list(self, rows: Iterable[Sequence[Any]], *, title: str) -> dict[str, Any]:
        """Let a list be handed in, approved by another one and posted; return it."""
        sent = await self.hands_in(rows, title=title)
        assert sent.status_code == 201, sent.text
        path = f"{LISTS}/{sent.json()['award_list_id']}"
        approved = await (await self.caller("committee-2")).post(f"{path}/approval")
        assert approved.status_code == 200, approved.text
        await self.runs("post_award_lists")
        posted: dict[str, Any] = await self.read("committee-2", path)
        return posted

    # Deductions, objections, appeals.

    async def proposes(self, name: str, rule: str, **fields: Any) -> str:
        """Let the committee propose a deduction; return the posting."""
        committee = await self.caller("committee-1")
        body = self.here.posting("deduction", name, rule_code=rule, **fields)
        proposed = await committee.post_once(POSTINGS, body)
        assert proposed.status_code == 201, proposed.text
        posting_id: str = proposed.json()["posting_id"]
        return posting_id

    async def objects(self, name: str, notice_id: str, text: str, line: str | None = None) -> str:
        """Let somebody object to a notice, or to a line of it; return the remark."""
        resident = await self.resident(name)
        body = {"kind": "objection", "text": text, "about_id": line}
        answer = await resident.post_once(f"/v1/notices/{notice_id}/remarks", body)
        assert answer.status_code == 201, answer.text
        remark_id: str = answer.json()["remark_id"]
        return remark_id

    async def answers(
        self, by: str, notice_id: str, remark_id: str, answer: str, *, is_upheld: bool
    ) -> None:
        path = f"/v1/staff/notices/{notice_id}/remarks/{remark_id}/answer"
        body = {"answer": answer, "is_upheld": is_upheld}
        answered = await (await self.caller(by)).post(path, body)
        assert answered.status_code == 200, answered.text

    async def appeals(self, name: str, kind: str, subject_id: str, text: str) -> str:
        body = {"kind": kind, "subject_id": subject_id, "text": text}
        filed = await (await self.resident(name)).post_once("/v1/me/appeals", body)
        assert filed.status_code == 201, filed.text
        appeal_id: str = filed.json()["appeal_id"]
        return appeal_id

    async def decides(self, by: str, appeal_id: str, verdict: str, outcome: str) -> httpx.Response:
        decider = await self.caller(by)
        body = {"verdict": verdict, "outcome": outcome}
        return await decider.post(f"/v1/staff/appeals/{appeal_id}/decision", body)

    async def audit(self) -> None:
        """Check the community's book."""
        async with self.sessionmaker() as session:
            await assert_books_balance(session, self.here.community_id)
            await assert_audit_clean(session, self.here.community_id)


FoundVillage = Callable[..., Awaitable[Village]]
