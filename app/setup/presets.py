"""Reading presets; a mistake in one is named with its place."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from app.core.calendar import Period
from app.core.schemas import Input

FOLDER = Path(__file__).parent / "presets"
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class PresetUnknown(Exception):
    """There is no preset of this name."""


class CapData(Input):
    """At most so many points or times in a period."""

    period: Period
    points: int | None = Field(None, ge=0)
    times: int | None = Field(None, ge=0)


class ExpiryData(Input):
    """When points lapse: never, after months, or at the end of the year and some days."""

    kind: Literal["never", "months", "year_end"] = "never"
    months: int | None = Field(None, ge=1, le=120)
    grace_days: int | None = Field(None, ge=0, le=366)


class RuleData(Input):
    """A rule as a preset states it."""

    code: Code
    name: str
    category: str
    direction: Literal["earn", "cost"] = "earn"
    unit: Literal["time", "hour", "month", "piece"] = "time"
    points: Annotated[int, Field(ge=1)]
    max_units: Annotated[int, Field(ge=1)] = 1
    caps: list[CapData] = Field(default_factory=list)
    expiry: ExpiryData = ExpiryData()

    def stored_caps(self) -> list[dict[str, Any]]:
        return [cap.model_dump(mode="json", exclude_none=True) for cap in self.caps]

    def stored_expiry(self) -> dict[str, Any]:
        return self.expiry.model_dump(mode="json", exclude_none=True)


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


class Preset(Input):
    """A whole preset."""

    name: str
    timezone: str
    rules: list[RuleData]
    shops: list[ShopData]
    rewards: list[RewardData]


def preset_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_preset(name: str) -> Preset:
    """Read a preset by name; raises PresetUnknown."""
    if name not in preset_names():
        raise PresetUnknown(f"There is no preset {name!r}; there is {', '.join(preset_names())}.")
    with (FOLDER / f"{name}.toml").open("rb") as file:
        return Preset.model_validate(tomllib.load(file))
