"""A neighbourhood to test in: the preset sunshine with people in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.access import Place, Role
from app.core.personal import Vault
from app.ledger.point_policy.schemas import PolicyTerms
from app.rules.models import Procedure
from app.setup.community import CreatedCommunity, create_community
from app.setup.people import NewResident, Places, add_places, add_residents, add_staff
from app.setup.presets import Preset, read_preset
from tests.support.caller import Caller, sign_in

NAMES = ("王小四", "李雷", "张秀英", "刘德明", "陈晓梅", "杨建国")
LONG_AGO = timedelta(days=30)
POSTINGS = "/v1/staff/postings"
WORKERS = ("worker-1", "worker-2")
CLERKS = (("clerk-1", "corner_shop"), ("clerk-2", "canteen"))
OFFICE = (
    ("committee-1", Role.COMMITTEE),
    ("committee-2", Role.COMMITTEE),
    ("reviewer-1", Role.REVIEWER),
    ("auditor-1", Role.AUDITOR),
)


@dataclass(slots=True)
class Neighbourhood:
    """Numbers of everything in it, and its people signed in."""

    http: httpx.AsyncClient
    created: CreatedCommunity
    places: Places
    residents: dict[str, int]
    prefix: str
    callers: dict[str, Caller] = field(default_factory=dict)
    # Tokens of sessions that began before the test, and whether they still hold.
    signed_in: dict[str, dict[str, Any]] = field(default_factory=dict)
    still_valid: Callable[[], bool] = bool

    @property
    def community_id(self) -> int:
        return self.created.community_id

    async def caller(self, name: str) -> Caller:
        """Return `resident-1`, `worker-1`, `clerk-2`, `committee-1`… signed in."""
        if name not in self.callers:
            # Once: whoever is forgotten signs in anew.
            tokens = self.signed_in.pop(name, None) if self.still_valid() else None
            self.callers[name] = (
                Caller(self.http, tokens)
                if tokens is not None
                else await sign_in(self.http, self.prefix + name)
            )
        return self.callers[name]

    @property
    def people(self) -> tuple[str, ...]:
        """Return everybody who can sign in."""
        clerks = tuple(clerk for clerk, shop in CLERKS if shop in self.created.shops)
        residents = (resident.removeprefix(self.prefix) for resident in self.residents)
        return (*residents, *WORKERS, *clerks, *(member for member, _ in OFFICE))

    def resident_id(self, name: str) -> str:
        return str(self.residents[self.prefix + name])

    def reward_id(self, code: str) -> str:
        return str(self.created.rewards[code])

    def shop_id(self, code: str) -> str:
        return str(self.created.shops[code])

    async def give(self, name: str, rule_code: str, *, units: int = 1) -> dict[str, Any]:
        """Let the committee award a resident; return what came of it, with `granted_points`."""
        body = self.posting("award", name, rule_code=rule_code, units=units, reason="做了好事")
        return await self._post_under_rule(body)

    async def fine(
        self, name: str, rule_code: str = "sorted_wrongly", *, units: int = 1, reason: str = "混投"
    ) -> dict[str, Any]:
        """Let the committee take points from a resident; `granted_points` is negative."""
        body = self.posting("deduction", name, rule_code=rule_code, units=units, reason=reason)
        return await self._post_under_rule(body)

    def posting(self, kind: str, name: str, **fields: Any) -> dict[str, Any]:
        """Return the body of an award or deduction by hand."""
        return {"kind": kind, "resident_id": self.resident_id(name)} | fields

    async def post_by_hand(self, body: dict[str, Any]) -> dict[str, Any]:
        """Let committee-1 propose a posting and committee-2 approve it; return it as posted."""
        proposer = await self.caller("committee-1")
        proposed = await proposer.post_once(POSTINGS, body)
        assert proposed.status_code == 201, proposed.text
        approved = await self.approve(proposed.json()["posting_id"])
        assert approved.status_code == 200, approved.text
        posting: dict[str, Any] = approved.json()
        return posting

    async def approve(self, posting_id: str, *, by: str = "committee-2") -> httpx.Response:
        """Let the other one of the committee check a posting."""
        checker = await self.caller(by)
        return await checker.post(f"{POSTINGS}/{posting_id}/approval")

    async def _post_under_rule(self, body: dict[str, Any]) -> dict[str, Any]:
        posting = await self.post_by_hand(body)
        result: dict[str, Any] = posting["result"]
        told = {"resident_id": posting["resident_id"], "granted_points": result["moved_points"]}
        return result | told

    async def announce(
        self, now: datetime, *, rule_code: str = "weekend_clean_up", **changes: Any
    ) -> dict[str, Any]:
        """Let a worker announce an activity that has just begun and lasts two hours."""
        body = {
            "title": "周末大扫除",
            "location": "中心花园",
            "rule_code": rule_code,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=2)).isoformat(),
        } | changes
        worker = await self.caller("worker-1")
        answer = await worker.post("/v1/staff/activities", body)
        assert answer.status_code == 201, answer.text
        activity: dict[str, Any] = answer.json()
        return activity

    async def poster(self, activity: dict[str, Any], form: str = "poster") -> str:
        """Return the token of an activity's code."""
        worker = await self.caller("worker-1")
        path = f"/v1/staff/activities/{activity['activity_id']}/code"
        answer = await worker.get(path, form=form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token


def preset_reader() -> Callable[[str], Preset]:
    """Return what presets are read with just now; some tests put another in its place."""
    return read_preset


async def make_neighbourhood(
    sessionmaker: async_sessionmaker[AsyncSession],
    http: httpx.AsyncClient,
    *,
    vault: Vault,
    now: datetime,
    residents: int = 6,
    prefix: str = "",
    preset: str = "sunshine",
) -> Neighbourhood:
    """Create sunshine with 3 buildings in 2 grids, 2 workers, 2 clerks and a committee of 2.

    Another preset may be without shops, and so without clerks.

    `resident-1` lives in building 1, `resident-2` in building 2, and so on around; buildings 1
    and 2 are worker-1's grid, building 3 is worker-2's. `prefix` keeps two of them apart.
    """
    began = now - LONG_AGO
    async with sessionmaker.begin() as session:
        stated = read_preset(preset)
        if preset == "sunshine":
            # Points of most tests last; a policy is what some of them set themselves.
            stated.points = PolicyTerms()
        created = await create_community(session, stated, code=f"{prefix}test", now=began)
        places = await add_places(
            session,
            created.community_id,
            grids=("第一网格", "第二网格"),
            buildings=(("1 号楼", 0), ("2 号楼", 0), ("3 号楼", 1)),
            now=began,
        )
        people = [
            NewResident(
                ticket=f"{prefix}resident-{number}",
                name=NAMES[(number - 1) % len(NAMES)],
                building_id=places.buildings[(number - 1) % len(places.buildings)],
                room=f"{number}-101",
            )
            for number in range(1, residents + 1)
        ]
        # Deductions of most tests need no hearing; those of a preset do (by_hand/test_hearing.py).
        procedure = await session.get_one(Procedure, created.community_id)
        procedure.hearing_days = 0
        members = await add_residents(session, created.community_id, people, vault=vault, now=began)
        await _add_staff(session, created, places, prefix, vault, began)
    return Neighbourhood(http, created, places, members, prefix)


async def _add_staff(
    session: AsyncSession,
    created: CreatedCommunity,
    places: Places,
    prefix: str,
    vault: Vault,
    now: datetime,
) -> None:
    staff = (
        *(
            (ticket, Role.GRID_WORKER, Place(grid_id=grid))
            for ticket, grid in zip(WORKERS, places.grids, strict=True)
        ),
        *(
            (ticket, Role.CLERK, Place(shop_id=created.shops[shop]))
            for ticket, shop in CLERKS
            if shop in created.shops
        ),
        *((ticket, role, Place()) for ticket, role in OFFICE),
    )
    for ticket, role, at in staff:
        await add_staff(
            session,
            created.community_id,
            ticket=prefix + ticket,
            name=ticket,
            role=role,
            at=at,
            vault=vault,
            now=now,
        )
