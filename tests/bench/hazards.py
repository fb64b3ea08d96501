"""What reporting takes: outlined grids with a worker each, consents, photos sent before."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import queries as cases
from app.community.models import Grid
from app.core.access import Place, Role
from app.core.ids import new_id
from app.core.personal import Vault
from app.rules import service as rules
from app.rules.book.schemas import RuleData
from app.rules.models import ArrivesOn
from app.setup.community import CreatedCommunity
from app.setup.people import add_staff
from app.setup.presets import CategoryData, Preset
from tests.bench.errors import BenchFailed
from tests.media.photos import ExifBlock, jpeg_with

# As in the preset pingan, but without its cap, which would change what a report writes.
RULE = RuleData(
    code="hazard_uploaded", name="隐患上报", category="平安", points=3,
    arrives_on=ArrivesOn.REPORTED,
)  # fmt: skip
CATEGORY = CategoryData(code="hazard", name="安全隐患", rules=[RULE.code])
# So many that no worker has an absurd number of open cases in the end.
GRIDS = 20
SOUTH, NORTH = 30.5900, 30.5936
WEST, WIDTH = 114.3, 0.004
KEPT = timedelta(days=30)
NUMBER = "{number}"
TWELVE_MEGAPIXELS = (4000, 3000)
GRAIN = 4
CONTRAST = 64

_ADD_PHOTOS = """
    INSERT INTO photos (community_id, photo_id, person_id, upload_hash, served_key, width, height,
        perceptual_hash, created_at, original_until)
    SELECT :community_id, CAST(:first_photo AS bigint) + n,
        CAST(:first_person AS bigint) + n % :callers * :stride, sha256(int4send(n)),
        'served/' || n, 2048, 1536, n, :now, :until
    FROM generate_series(0, :photos - 1) AS n
"""
_ADD_CHECKS = """
    INSERT INTO content_checks (community_id, content_check_id, kind, person_id, state, created_at)
    SELECT community_id, photo_id, 'photo', person_id, 'waiting', created_at FROM photos
    WHERE community_id = :community_id
"""

_ADD_CONSENTS = """
    INSERT INTO consents (community_id, consent_id, person_id, purpose, version, granted_at)
    SELECT :community_id, :first_consent + row_number() OVER (),
        CAST(:first_person AS bigint) + caller * :stride, purpose ->> 'code', version, :now
    FROM generate_series(0, :callers - 1) AS caller
        JOIN privacy_policies ON community_id = :community_id
        CROSS JOIN jsonb_array_elements(purposes) AS purpose
"""


@dataclass(frozen=True, slots=True)
class Senders:
    """Who has sent photos: every `stride`-th of persons whose numbers follow one another."""

    first_person: int
    stride: int
    callers: int


@dataclass(frozen=True, slots=True)
class Hazards:
    """What is there to report with; photo n is of sender n modulo their count.

    Rule, category, grid and worker are what pgbench writes down.
    """

    first_photo: int
    photos: int
    rule_version: int
    category_id: int
    grid_id: int
    worker: int


def pay_for_reports(preset: Preset) -> None:
    """Add a category whose rule pays when a case is reported."""
    preset.rules.append(RULE)
    preset.cases.categories.append(CATEGORY)


async def prepare_reports(
    session: AsyncSession,
    created: CreatedCommunity,
    grids: list[Grid],
    senders: Senders,
    *,
    photos: int,
    vault: Vault,
    now: datetime,
) -> Hazards:
    """Make everything ready that a report refers to."""
    community_id = created.community_id
    workers = [
        await _man_grid(session, community_id, grid, number, vault, now)
        for number, grid in enumerate(grids)
    ]
    sent = {
        "community_id": community_id, "first_person": senders.first_person,
        "callers": senders.callers, "stride": senders.stride, "now": now,
    }  # fmt: skip
    await session.execute(text(_ADD_CONSENTS), sent | {"first_consent": new_id(now)})
    first_photo = new_id(now)
    photographed = {"first_photo": first_photo, "photos": photos, "until": now + KEPT}
    await session.execute(text(_ADD_PHOTOS), sent | photographed)
    await session.execute(text(_ADD_CHECKS), {"community_id": community_id})
    terms = await rules.get_terms(session, community_id, created.rules[RULE.code], at=now)
    category = await cases.get_category_by_code(session, community_id, CATEGORY.code)
    if category is None:
        raise BenchFailed("The category of the reports is missing.")
    return Hazards(
        first_photo=first_photo,
        photos=photos,
        rule_version=terms.rule_version_id,
        category_id=category.category_id,
        grid_id=grids[0].grid_id,
        worker=workers[0],
    )


async def _man_grid(
    session: AsyncSession, community_id: int, grid: Grid, number: int, vault: Vault, now: datetime
) -> int:
    """Outline a grid, one beside the other, and give it a worker; return the person."""
    west, east = WEST + number * WIDTH, WEST + (number + 1) * WIDTH
    grid.boundary = [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]
    return await add_staff(
        session, community_id,
        ticket=f"community-{community_id}-worker-{number}", name="网格员", role=Role.GRID_WORKER,
        at=Place(grid_id=grid.grid_id), vault=vault, now=now,
    )  # fmt: skip


def report_bodies() -> list[str]:
    """Return a report for each grid; `{number}` stands for the photo's."""
    return [
        json.dumps(
            {
                "category_code": CATEGORY.code,
                "description": "三单元楼道堆放旧家具，消防通道被挡住一半",
                "address": "三单元楼道",
                "position": {
                    "latitude": (SOUTH + NORTH) / 2,
                    "longitude": round(WEST + (number + 0.5) * WIDTH, 6),
                    "coordinate_system": "wgs84",
                },
                "photo_ids": [NUMBER],
            }
        )
        for number in range(GRIDS)
    ]


def write_photo(file: Path) -> Path:
    """Write a JPEG of twelve megapixels, as grained as a phone's, with time and place."""
    width, height = TWELVE_MEGAPIXELS
    grains = [
        Image.effect_noise((width // GRAIN, height // GRAIN), CONTRAST) for _ in ("R", "G", "B")
    ]
    picture = Image.merge("RGB", grains).resize(TWELVE_MEGAPIXELS, Image.Resampling.BICUBIC)
    file.write_bytes(jpeg_with(ExifBlock(), picture))
    return file
