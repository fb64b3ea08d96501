"""People who claim, and people who review."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from tests.support.books import assert_books_balance
from tests.support.caller import Caller
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import send_photo
from tests.support.rules import add_rules

Sessions = async_sessionmaker[AsyncSession]
CLAIMS = "/v1/me/claims"
QUEUE = "/v1/staff/claims"
LONG_AGO = timedelta(days=90)
APPROVE = {"verdict": "approve"}
REFUSE = {"verdict": "refuse", "reason": "照片与申报不符"}
RULES: tuple[dict[str, Any], ...] = (
    {"code": "read_tips", "name": "阅读贴士", "points": 5, "review_level": 0,
     "caps": [{"period": "day", "points": 20}]},
    {"code": "swept_stairs", "name": "打扫楼道", "points": 10,
     "caps": [{"period": "day", "points": 25}]},
    {"code": "settled_quarrel", "name": "化解纠纷", "points": 30, "review_level": 2},
    {"code": "night_watch", "name": "夜间值守", "points": 6, "unit": "hour", "max_units": 8,
     "evidence": ["photo", "note", "times"], "mode": "offline"},
    {"code": "saved_someone", "name": "见义勇为", "points": 50, "award_notice_days": 3},
    {"code": "small_favour", "name": "举手之劳", "points": 2, "review_level": 0,
     "award_notice_days": 1},
    {"code": "taught_youth", "name": "青少年辅导", "points": 8, "audience": ["elder"]},
    {"code": "planted", "name": "绿化", "points": 3,
     "points_by_effort": {"low": 3, "medium": 6, "high": 9}},
    {"code": "littered", "name": "乱扔垃圾", "points": 5, "direction": "cost"},
)  # fmt: skip
_numbers = itertools.count(1)


async def add_claimable_rules(sessions: Sessions, community_id: int, *, since: datetime) -> None:
    """Let the rules above be in force since then."""
    stated = [{"is_claimable": "direction" not in rule} | rule for rule in RULES]
    await add_rules(sessions, community_id, stated, since=since)


@dataclass(slots=True)
class ClaimDesk:
    """A neighbourhood with rules to claim under."""

    here: Neighbourhood
    sessions: Sessions
    agreed: set[str] = field(default_factory=set)

    async def resident(self, name: str) -> Caller:
        """Return somebody who has agreed that what they do is kept."""
        if name not in self.agreed:
            self.agreed.add(name)
            await consent(self.here, name)
        return await self.here.caller(name)

    async def try_claim(self, name: str, rule: str, **fields: Any) -> httpx.Response:
        return await (await self.resident(name)).post_once(CLAIMS, {"rule_code": rule} | fields)

    async def claim(self, name: str, rule: str, **fields: Any) -> dict[str, Any]:
        """Let somebody claim; return the answer."""
        answer = await self.try_claim(name, rule, **fields)
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def claimed(self, name: str, rule: str, **fields: Any) -> str:
        claim_id: str = (await self.claim(name, rule, **fields))["claim_id"]
        return claim_id

    async def enter(self, by: str, rule: str, **fields: Any) -> httpx.Response:
        return await (await self.here.caller(by)).post_once(QUEUE, {"rule_code": rule} | fields)

    async def review(
        self, claim_id: str, by: str, verdict: dict[str, Any] | None = None
    ) -> httpx.Response:
        reviewer = await self.here.caller(by)
        return await reviewer.post(f"{QUEUE}/{claim_id}/reviews", verdict or APPROVE)

    async def approve(self, claim_id: str, *by: str) -> dict[str, Any]:
        """Let these people approve; return the last answer."""
        told: dict[str, Any] = {}
        for name in by:
            answer = await self.review(claim_id, name)
            assert answer.status_code == 200, answer.text
            told = answer.json()
        return told

    async def read(self, name: str, path: str, **params: Any) -> Any:
        answer = await (await self.here.caller(name)).get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def own(self, name: str, claim_id: str) -> dict[str, Any]:
        claim: dict[str, Any] = await self.read(name, f"{CLAIMS}/{claim_id}")
        return claim

    async def queue(self, name: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.read(name, QUEUE, **params))["items"]
        return items

    async def photo(self, name: str) -> str:
        return await send_photo(await self.resident(name))

    async def points(self, name: str) -> int:
        points: int = (await self.read(name, "/v1/me/balance"))["posted_points"]
        return points

    async def told(self, name: str) -> list[str]:
        """Return the bodies of somebody's messages, newest first."""
        items = (await self.read(name, "/v1/me/messages"))["items"]
        return [message["body"] for message in items]

    async def do(self, statement: str, **values: Any) -> None:
        """Change rows in a way that no page offers."""
        async with self.sessions.begin() as session:
            await session.execute(text(statement), {"community": self.community, **values})

    async def ask(self, statement: str, **values: Any) -> Any:
        """Return the first column of the first row that a statement finds."""
        async with self.sessions() as session:
            return await session.scalar(text(statement), {"community": self.community, **values})

    @property
    def community(self) -> int:
        return self.here.community_id

    async def person(self, name: str) -> int:
        found: int = await self.ask(
            "SELECT person_id FROM identities WHERE subject = :name", name=self.here.prefix + name
        )
        return found

    async def make_reviewer(self, name: str) -> None:
        """Let a resident review as well, anywhere."""
        await self.do(
            "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, granted_at)"
            " VALUES (:community, :number, :person, 'reviewer', now())",
            person=await self.person(name), number=next(_numbers),
        )  # fmt: skip

    async def share_a_flat(self, *names: str) -> None:
        """Let these residents be one household."""
        await self.do(
            "UPDATE residents SET household_id = (SELECT household_id FROM residents"
            " WHERE resident_id = :first) WHERE resident_id = ANY(:residents)",
            first=int(self.here.resident_id(names[0])),
            residents=[int(self.here.resident_id(name)) for name in names],
        )

    async def follow_up(self, rule: str, since: datetime, **changes: Any) -> None:
        """Let another version of a rule follow the one in force."""
        await self.do(
            "UPDATE rule_versions SET effective_until = :since WHERE rule_id ="
            " (SELECT rule_id FROM rules WHERE community_id = :community AND code = :rule)"
            " AND effective_until IS NULL",
            rule=rule, since=since,
        )  # fmt: skip
        changed = {"rule_version_id": new_id(since), "effective_from": since.isoformat(),
            "effective_until": None} | changes  # fmt: skip
        await self.do(
            "INSERT INTO rule_versions SELECT (jsonb_populate_record(rule_versions,"
            " CAST(:changed AS jsonb) || jsonb_build_object('version', version + 1))).*"
            " FROM rule_versions WHERE effective_until = :since AND rule_id ="
            " (SELECT rule_id FROM rules WHERE community_id = :community AND code = :rule)",
            rule=rule, since=since, changed=json.dumps(changed),
        )  # fmt: skip

    async def audit(self) -> None:
        async with self.sessions() as session:
            await assert_books_balance(session, self.community)
