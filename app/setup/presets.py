"""Reading presets; a mistake in one is named with its place."""

import itertools
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from app.cases.deadlines import Told
from app.cases.models import CaseState
from app.core.schemas import Input
from app.funds.schemas import FundCreate
from app.ledger.point_policy.schemas import PolicyTerms
from app.rules.book.reading import BookUnreadable, read_file
from app.rules.book.schemas import (
    CampaignData,
    Code,
    ProcedureData,
    RuleCategoryData,
    RuleData,
)

FOLDER = Path(__file__).parent / "presets"


class PresetUnknown(Exception):
    """There is no preset of this name."""


class PresetFaulty(Exception):
    """A preset has mistakes; the message names its file and a line for each."""


class ShopData(Input):
    """A shop as a preset states it."""

    code: Code
    name: str
    void_minutes: Annotated[int, Field(ge=0, le=1440)]


class RewardData(Input):
    """A reward as a preset states it; `shop` is a shop's code, or any shop if left out."""

    code: Code
    kind: Literal["coupon", "goods", "service", "privilege"]
    name: str
    description: str
    price_points: Annotated[int, Field(ge=1)]
    stock: int | None = Field(None, ge=0)
    voucher_days: Annotated[int, Field(ge=1, le=366)]
    per_resident_limit: int | None = Field(None, ge=1)
    shop: Code | None = None


class CategoryData(Input):
    """A branch of the category tree; `parent` is a code above it in the file."""

    code: Code
    name: str
    parent: Code | None = None
    rules: list[Code] = Field(default_factory=list)
    answer_hours: Annotated[int, Field(ge=1, le=720)] = 24
    resolve_hours: Annotated[int, Field(ge=1, le=2160)] = 72
    near_meters: Annotated[int, Field(ge=0, le=2000)] = 100
    advice: str | None = None


class StatusData(Input):
    """A finer status; it stands for a state of the workflow."""

    code: Code
    name: str
    state: CaseState


class RungData(Input):
    """So many working hours after the deadline (before it, if negative), these are told."""

    hours: Annotated[int, Field(ge=-240, le=2160)]
    role: Told


class CasesData(Input):
    """How cases are handled."""

    ladder: list[RungData]
    most_bounces: Annotated[int, Field(ge=0, le=10)] = 2
    confirm_days: Annotated[int, Field(ge=1, le=90)] = 14
    categories: list[CategoryData]
    statuses: list[StatusData] = Field(default_factory=list)


class PurposeData(Input):
    """One purpose of the privacy policy; `keeps` says how long."""

    code: Code
    name: str
    description: str
    is_required: bool
    keeps: str


class PrivacyData(Input):
    """The privacy policy that a community starts with."""

    text: str
    purposes: list[PurposeData]


class Preset(Input):
    """A whole preset; without a policy of its own it has the common one."""

    name: str
    timezone: str
    points: PolicyTerms = PolicyTerms()
    procedure: ProcedureData = ProcedureData()
    rule_categories: list[RuleCategoryData]
    rules: list[RuleData]
    campaigns: list[CampaignData] = Field(default_factory=list)
    shops: list[ShopData] = Field(default_factory=list)
    rewards: list[RewardData] = Field(default_factory=list)
    funds: list[FundCreate] = Field(default_factory=list)
    cases: CasesData
    privacy: PrivacyData


def preset_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_preset(name: str) -> Preset:
    """Read a preset by name; raises PresetUnknown, and PresetFaulty with all its mistakes."""
    if name not in preset_names():
        raise PresetUnknown(f"There is no preset {name!r}; there is {', '.join(preset_names())}.")
    with (FOLDER / "common" / "privacy.toml").open("rb") as file:
        privacy = tomllib.load(file)
    path = FOLDER / f"{name}.toml"
    try:
        return read_file(path.read_text(encoding="utf-8"), Preset, otherwise={"privacy": privacy})
    except BookUnreadable as unreadable:
        raise PresetFaulty(f"{path}:\n{unreadable}") from unreadable


def describe_preset(name: str) -> str:
    """Return the first sentence of a preset's file, which says what it is for."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    head = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.lstrip("# ") for line in head).partition(". ")[0].rstrip(".")
