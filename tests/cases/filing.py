"""Short ways to report cases, to handle them and to look at them."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.rules.book.schemas import RuleData
from app.setup.presets import CategoryData, Preset, read_preset
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import send_photo

Sessions = async_sessionmaker[AsyncSession]

# Two squares side by side, in WGS-84; the second grid lies to the east.
SOUTH, NORTH = 31.200, 31.220
WEST, MIDDLE, EAST = 121.400, 121.420, 121.440
IN_FIRST = {"latitude": 31.210, "longitude": 121.410, "coordinate_system": "wgs84"}
IN_SECOND = {"latitude": 31.210, "longitude": 121.430, "coordinate_system": "wgs84"}
OUTSIDE = {"latitude": 31.300, "longitude": 121.410, "coordinate_system": "wgs84"}
WHY = {"reason": "现场查看后决定"}
RATING = {"rating": 5, "comment": "很快"}


def preset_with_every_step(name: str) -> Preset:
    """Return a preset with the rules of `pingan`, and rules for "me too" and confirmations.

    `safety` pays 3 on upload, 2 when solved and 1 to who joins; `traffic_safety` lies below it.
    `quiet` pays 4 to the reporter and 1 to joiners when confirmed.
    """
    preset, pingan = read_preset(name), read_preset("pingan")
    known = {rule.code for rule in preset.rules}
    extra = [rule for rule in pingan.rules if rule.code not in known]
    extra += [
        RuleData.model_validate(
            {"code": "seen_too", "name": "附议", "category": "平安", "points": 1,
             "arrives_on": "reported", "earned_by": "joiners",
             "caps": [{"period": "day", "times": 3}]}
        ),
        RuleData.model_validate(
            {"code": "confirmed", "name": "确认", "category": "平安", "points": 4,
             "arrives_on": "confirmed"}
        ),
        RuleData.model_validate(
            {"code": "confirmed_too", "name": "附议确认", "category": "平安", "points": 1,
             "arrives_on": "confirmed", "earned_by": "joiners"}
        ),
    ]  # fmt: skip
    paid = ["hazard_uploaded", "hazard_solved", "seen_too"]
    categories = [
        CategoryData(code="safety", name="安全隐患", rules=paid),
        CategoryData(
            code="traffic_safety", name="交通隐患", parent="safety", rules=paid, near_meters=50
        ),
        CategoryData(code="quiet", name="噪声扰民", rules=["confirmed", "confirmed_too"]),
        CategoryData(code="unpaid", name="其他"),
    ]
    cases = preset.cases.model_copy(update={"categories": [*preset.cases.categories, *categories]})
    return preset.model_copy(update={"rules": [*preset.rules, *extra], "cases": cases})


def square(west: float, east: float) -> list[list[float]]:
    return [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]


async def draw_grids(here: Neighbourhood) -> None:
    """Give both grids their outlines."""
    committee = await here.caller("committee-1")
    for number, ring in enumerate((square(WEST, MIDDLE), square(MIDDLE, EAST))):
        answer = await committee.put(
            f"/v1/staff/grids/{here.places.grids[number]}/boundary",
            {"ring": ring, "coordinate_system": "wgs84"},
        )
        assert answer.status_code == 200, answer.text


async def make_worker(sessionmaker: Sessions, here: Neighbourhood, name: str, grid: int = 0) -> str:
    """Make somebody a worker of a grid as well; return their person number."""
    async with sessionmaker.begin() as session:
        person_id = await session.scalar(
            text("SELECT person_id FROM identities WHERE subject = :name"),
            {"name": here.prefix + name},
        )
        await session.execute(
            text(
                "INSERT INTO role_grants (community_id, role_grant_id, person_id, role, grid_id,"
                " granted_at) VALUES (:community, :grant, :person, 'grid_worker', :grid, now())"
            ),
            {
                "community": here.community_id, "grant": person_id, "person": person_id,
                "grid": here.places.grids[grid],
            },
        )  # fmt: skip
    return str(person_id)


@dataclass(slots=True)
class Watch:
    """People of a neighbourhood who look out for each other."""

    here: Neighbourhood
    clock: Clock
    consented: set[str] = field(default_factory=set)

    async def caller(self, name: str) -> Caller:
        return await self.here.caller(name)

    async def agreed(self, name: str) -> Caller:
        """Return somebody who has agreed to what reporting is about."""
        if name not in self.consented:
            self.consented.add(name)
            return await consent(self.here, name)
        return await self.caller(name)

    async def case_of(self, name: str, **changes: Any) -> dict[str, Any]:
        """Return the body of a report with a fresh photo, at building 1 unless changed."""
        resident = await self.agreed(name)
        body: dict[str, Any] = {
            "category_code": "safety",
            "description": "楼道里堆满了纸箱",
            "building_id": str(self.here.places.buildings[0]),
        } | changes
        if "photo_ids" not in body:
            body["photo_ids"] = [await send_photo(resident)]
        return {key: value for key, value in body.items() if value is not None}

    async def try_report(self, name: str = "resident-1", **changes: Any) -> httpx.Response:
        body = await self.case_of(name, **changes)
        return await (await self.agreed(name)).post_once("/v1/cases", body)

    async def report(self, name: str = "resident-1", **changes: Any) -> dict[str, Any]:
        """Let somebody report; return the answer."""
        answer = await self.try_report(name, **changes)
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def file(self, name: str = "resident-1", **changes: Any) -> str:
        """Let somebody report; return the case's number."""
        case_id: str = (await self.report(name, **changes))["case_id"]
        return case_id

    async def join(self, case_id: str, name: str) -> httpx.Response:
        return await (await self.agreed(name)).post(f"/v1/cases/{case_id}/join")

    async def act(
        self, case_id: str, action: str, body: dict[str, Any] | None = None, by: str = "worker-1"
    ) -> httpx.Response:
        """Do something to a case as staff."""
        return await (await self.caller(by)).post_once(f"/v1/staff/cases/{case_id}/{action}", body)

    async def do(
        self, case_id: str, action: str, body: dict[str, Any] | None = None, by: str = "worker-1"
    ) -> dict[str, Any]:
        """Do something to a case as staff that must succeed."""
        answer = await self.act(case_id, action, body, by)
        assert answer.status_code == 200, answer.text
        moved: dict[str, Any] = answer.json()
        return moved

    async def say(
        self,
        case_id: str,
        action: str,
        body: dict[str, Any] | None = None,
        by: str = "resident-1",
    ) -> httpx.Response:
        """Do something to a case of one's own."""
        return await (await self.caller(by)).post_once(f"/v1/me/cases/{case_id}/{action}", body)

    async def resolve(self, case_id: str, by: str = "worker-1", **changes: Any) -> dict[str, Any]:
        return await self.do(case_id, "resolve", {"result": "已清理楼道"} | changes, by)

    async def read(self, case_id: str, by: str = "resident-1") -> dict[str, Any]:
        """Return a case of one's own."""
        return await read(await self.caller(by), f"/v1/me/cases/{case_id}")

    async def look(self, case_id: str, by: str = "worker-1") -> dict[str, Any]:
        """Return a case as staff see it."""
        return await read(await self.caller(by), f"/v1/staff/cases/{case_id}")

    async def points(self, name: str) -> int:
        balance = await read(await self.caller(name), "/v1/me/balance")
        posted: int = balance["posted_points"]
        return posted

    async def inbox(self, name: str) -> list[dict[str, Any]]:
        """Return somebody's messages, newest first."""
        page = await read(await self.caller(name), "/v1/me/messages")
        items: list[dict[str, Any]] = page["items"]
        return items

    async def grid_id(self, number: int) -> str:
        return str(self.here.places.grids[number])

    def let_pass(self, **by: float) -> None:
        let_pass(self.here, self.clock, **by)


async def read(caller: Caller, path: str, **params: Any) -> dict[str, Any]:
    answer = await caller.get(path, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
