"""What residents of the demo have reported lately, and what they have agreed to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import queries
from app.cases.deadlines import due_after, next_rung_at, rungs_of
from app.community.models import Resident
from app.core.ids import new_id
from app.identity.models import Consent
from app.media.models import CheckKind, CheckState, ContentCheck
from app.setup import queries as setup_queries
from app.setup.presets import Preset

# A made-up neighbourhood on a real map: two grids side by side, WGS-84.
SOUTH, NORTH = 30.5900, 30.5936
BORDERS = (114.3000, 114.3040, 114.3080)


@dataclass(frozen=True, slots=True)
class PastCase:
    """A hazard somebody has reported: how long ago, where, in whose grid."""

    category: str
    description: str
    address: str
    hours_ago: int
    latitude: float
    longitude: float
    grid: int


PAST_CASES = (
    PastCase("street_lamp", "2 号楼北侧路灯已经三天不亮，老人晚上下楼看不清台阶。", "2 号楼北侧",
        20, 30.5921, 114.3018, 0),
    PastCase("blocked_passage", "三单元四楼楼道堆放旧家具，消防通道被挡住一半。",
        "1 号楼三单元四楼", 9, 30.5912, 114.3027, 0),
    PastCase("e_bike_parking", "单元门口有人从楼上拉线给电动车充电，很危险。", "3 号楼一单元门口",
        3, 30.5917, 114.3061, 1),
)  # fmt: skip


async def add_hazards(
    session: AsyncSession, community_id: int, *, timezone: str, preset: Preset, now: datetime
) -> None:
    """Draw the demo's grids, let everybody agree, and let three hazards be waiting."""
    grids = await setup_queries.list_grids(session, community_id)
    residents = await setup_queries.list_residents(session, community_id)
    for position, grid in enumerate(grids):
        west, east = BORDERS[position], BORDERS[position + 1]
        grid.boundary = [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]
    session.add_all(
        _consent(community_id, resident.person_id or 0, purpose.code, now)
        for resident in residents
        for purpose in preset.privacy.purposes
    )
    await session.flush()
    for number, past in enumerate(PAST_CASES):
        reporter = residents[10 + number]
        await _report(session, reporter, grids[past.grid].grid_id, past, timezone, now)


def _consent(community_id: int, person_id: int, purpose: str, now: datetime) -> Consent:
    return Consent(
        community_id=community_id,
        consent_id=new_id(now),
        person_id=person_id,
        purpose=purpose,
        version=1,
        app_id=None,
        granted_at=now,
        withdrawn_at=None,
    )


async def _report(
    session: AsyncSession,
    reporter: Resident,
    grid_id: int,
    past: PastCase,
    timezone: str,
    now: datetime,
) -> None:
    community_id, person_id = reporter.community_id, reporter.person_id or 0
    reported_at = now - timedelta(hours=past.hours_ago)
    category = await queries.get_category_by_code(session, community_id, past.category)
    settings = await queries.get_settings(session, community_id)
    if category is None or settings is None:
        raise LookupError(past.category)
    due_at = due_after(reported_at, category.answer_hours, timezone=timezone)
    case_id = new_id(reported_at)
    await queries.file_case(
        session,
        {
            "community_id": community_id,
            "case_id": case_id,
            "case_event_id": new_id(reported_at),
            "category_id": category.category_id,
            "grid_id": grid_id,
            "building_id": None,
            "reporter_id": reporter.resident_id,
            "reported_by": person_id,
            "assigned_to": await queries.least_busy_worker(
                session, community_id, grid_id, reporter=None
            ),
            "description": past.description,
            "address": past.address,
            "latitude": past.latitude,
            "longitude": past.longitude,
            "photo_ids": [],
            "due_at": due_at,
            "escalates_at": next_rung_at(
                rungs_of(settings.ladder), 0,
                began=reported_at, due_at=due_at, timezone=timezone,
            ),
            "now": reported_at,
        },
    )  # fmt: skip
    session.add(_passed(community_id, case_id, person_id, reported_at))
    await session.flush()


def _passed(community_id: int, case_id: int, person_id: int, at: datetime) -> ContentCheck:
    return ContentCheck(
        community_id=community_id,
        content_check_id=case_id,
        kind=CheckKind.TEXT,
        text=None,
        person_id=person_id,
        state=CheckState.PASSED,
        trace_id=None,
        attempts=0,
        asked_at=None,
        label=None,
        decided_by=None,
        decided_at=at,
        reason=None,
        created_at=at,
    )
