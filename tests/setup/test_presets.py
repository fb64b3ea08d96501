"""Presets: the published numbers, and mistakes named."""

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Vault
from app.ledger.point_policy.schemas import PolicyDecay, PolicySavings
from app.rules.book.reading import read_book
from app.rules.book.schemas import RuleBookData, RuleData
from app.rules.book.writing import write_book
from app.rules.models import ArrivesOn, EarnedBy, Evidence
from app.setup import presets
from app.setup.presets import (
    Preset,
    PresetFaulty,
    PresetUnknown,
    describe_preset,
    preset_names,
    read_preset,
)
from tests.support.clock import Clock
from tests.support.neighbourhood import make_neighbourhood

SUNSHINE = {
    "daily_check_in": 1, "read_announcement": 2, "survey": 5, "council_meeting": 5,
    "waste_sorting_publicity": 10, "clean_up": 10, "volunteer_hour": 10,
    "calligraphy_lesson": 10, "story_evening": 15, "mediation": 20, "weekend_clean_up": 20,
    "building_head": 20, "organising": 30, "legal_advice": 50,
}  # fmt: skip
# Ours, where nothing was published.
OWN = {"e_bike_parked_right": 2, "plastic_saving": 2}
# What the field's published cases give: points, or points by effort.
PUBLISHED: dict[str, dict[str, int | tuple[int, int]]] = {
    "base-grid": {"residence_registration": 10, "waste_sorting": (5, 20), "noise": -10},
    "fengqiao": {"patrol_round": 10, "mediation": 20},
    "patrol": {"patrol_hour": 10, "danger_found": 20},
    "pingan": {
        "patrol_hour": 1, "hazard_uploaded": 3, "hazard_solved": 2, "clue": 2,
        "mediation": (5, 10), "mediation_succeeded": (5, 10), "mediation_party": 5,
    },
    "tianhe": {"hazard_report": 20, "safety_class": 10},
}  # fmt: skip
PRICES = {
    "base-grid": {"daily_goods": 100, "health_check": 500, "parking_priority": 1000},
    "pingan": {"rice": 100, "flour": 100, "oil": 100, "legal_consult": 500},
}
ACCEPTED, REPORTED, RESOLVED = ArrivesOn.ACCEPTED, ArrivesOn.REPORTED, ArrivesOn.RESOLVED
# What a hazard gives: points, when they arrive, and how often on a day.
HAZARDS = {
    "sunshine": {
        "hazard_accepted": (5, ACCEPTED, 3),
        "hazard_resolved": (5, RESOLVED, None),
        "hazard_joined": (1, RESOLVED, 3),
    },
    "pingan": {"hazard_uploaded": (3, REPORTED, 5), "hazard_solved": (2, RESOLVED, None)},
    "chengdu": {"hazard_report": (5, ACCEPTED, 2)},
    "tianhe": {"hazard_report": (20, ACCEPTED, 2)},
    "base-grid": {"hazard_report": (5, ACCEPTED, 2)},
    "fengqiao": {"hazard_report": (5, ACCEPTED, 3)},
    "patrol": {"danger_found": (20, ACCEPTED, 3)},
}
# They arrive with an act, or with the first day.
OF_NO_CASE = (ArrivesOn.ACT, ArrivesOn.JOINED)


def test_sunshine_gives_the_points_that_were_published() -> None:
    rules = read_preset("sunshine").rules
    earning = {
        rule.code: rule.points
        for rule in rules
        if rule.direction == "earn" and rule.arrives_on is ArrivesOn.ACT
    }
    assert earning == SUNSHINE | OWN
    assert [rule.code for rule in rules if rule.direction == "cost"] == [
        "sorted_wrongly", "e_bike_parked_wrong",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_gives_the_points_that_were_published(name: str) -> None:
    rules = {rule.code: rule for rule in read_preset(name).rules}
    found: dict[str, int | tuple[int, int]] = {}
    for code in PUBLISHED[name]:
        rule = rules[code]
        by_effort = rule.points_by_effort
        sign = 1 if rule.direction == "earn" else -1
        found[code] = (by_effort.low, by_effort.high) if by_effort else sign * rule.points
    assert found == PUBLISHED[name]


@pytest.mark.parametrize("name", PRICES)
def test_a_preset_sells_what_was_published(name: str) -> None:
    rewards = {reward.code: reward.price_points for reward in read_preset(name).rewards}
    assert rewards == PRICES[name]


def test_what_only_some_presets_have_is_as_published() -> None:
    sunshine, fengqiao, patrol, pingan = (
        read_preset(name) for name in ("sunshine", "fengqiao", "patrol", "pingan")
    )
    rules = {rule.code: rule for preset in (fengqiao, pingan) for rule in preset.rules}

    for preset in (fengqiao, patrol):
        night = next(one for one in preset.campaigns if one.code == "night_patrol")
        assert night.hours is not None
        assert (night.percent, night.hours.begins.hour, night.hours.until.hour) == (200, 22, 6)
    assert fengqiao.points.decay == PolicyDecay(months=12, percent=50)
    assert pingan.points.expiry.kind == sunshine.points.expiry.kind == "year_end"
    assert sunshine.points.savings == PolicySavings(is_exempt=True)
    assert pingan.campaigns[0].percent == 200
    assert pingan.campaigns[0].starts_on is None
    assert rules["newcomer_pack"].arrives_on is ArrivesOn.JOINED
    assert {rule.code for rule in fengqiao.rules if rule.review_level == 2} == {"mediation"}
    assert {rule.code for rule in fengqiao.rules if rule.award_notice_days} == {"mediation"}


def test_in_sunshine_an_hour_is_claimed_with_its_times_and_much_is_shown_before_it_is_given() -> (
    None
):
    rules = {rule.code: rule for rule in read_preset("sunshine").rules}
    claimable = {code for code, rule in rules.items() if rule.is_claimable}
    shown = {code for code, rule in rules.items() if rule.award_notice_days}
    assert claimable == {
        "clean_up", "volunteer_hour", "calligraphy_lesson", "story_evening", "mediation",
        "organising", "legal_advice", "plastic_saving",
    }  # fmt: skip
    assert all(rules[code].evidence for code in claimable)
    assert Evidence.TIMES in rules["volunteer_hour"].evidence
    assert shown == {"organising", "legal_advice"}


@pytest.mark.parametrize(("name", "expected"), HAZARDS.items(), ids=list(HAZARDS))
def test_a_hazard_gives_what_was_published_when_it_was(
    name: str, expected: dict[str, tuple[int, ArrivesOn, int | None]]
) -> None:
    rules = [rule for rule in read_preset(name).rules if rule.arrives_on not in OF_NO_CASE]
    assert {
        rule.code: (rule.points, rule.arrives_on, rule.caps[0].times if rule.caps else None)
        for rule in rules
    } == expected
    assert [rule.code for rule in rules if rule.earned_by is EarnedBy.JOINERS] == [
        code for code in expected if code == "hazard_joined"
    ]


def test_sunshine_sells_what_was_published() -> None:
    rewards = {reward.code: reward.price_points for reward in read_preset("sunshine").rewards}
    assert rewards == {
        "canteen_meal": 50, "coupon_10": 100, "parking_10_hours": 200, "activity_room": 300,
        "barber_card": 500,
    }  # fmt: skip


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_read_and_names_its_own_shops(name: str) -> None:
    preset = read_preset(name)
    shops = {shop.code for shop in preset.shops}
    assert {reward.shop for reward in preset.rewards} - {None} <= shops
    for things in (preset.rules, preset.shops, preset.rewards, preset.funds):
        codes = [thing.code for thing in things]
        assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("name", preset_names())
def test_every_category_names_rules_of_its_preset_and_a_parent_above_it(name: str) -> None:
    preset = read_preset(name)
    rules = {rule.code for rule in preset.rules if rule.arrives_on not in OF_NO_CASE}
    above: set[str | None] = {None}
    for category in preset.cases.categories:
        assert category.parent in above
        assert set(category.rules) <= rules
        assert category.rules, f"{category.code} gives nothing"
        assert category.answer_hours == 24
        above.add(category.code)
    assert len(above) == len(preset.cases.categories) + 1


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_has_a_ladder_that_climbs_and_a_policy_with_one_required_purpose(
    name: str,
) -> None:
    preset = read_preset(name)
    assert [(rung.hours, rung.role) for rung in preset.cases.ladder] == [
        (-4, "grid_worker"), (0, "committee"), (24, "committee"),
    ]  # fmt: skip
    required = [purpose.code for purpose in preset.privacy.purposes if purpose.is_required]
    assert required == ["service"]


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(
        PresetUnknown, match=r"no preset 'moon'; there is base-grid, chengdu, fengqiao, pat"
    ):
        read_preset("moon")


@pytest.mark.parametrize(
    "mistake",
    [{"bonus": 5}, {"points": 0}, {"direction": "sideways"}, {"code": "Big Code"},
     {"caps": [{"period": "hour", "times": 1}]}, {"expiry": {"kind": "someday"}}],
    ids=str,
)  # fmt: skip
def test_a_mistake_in_a_rule_is_refused(mistake: dict[str, object]) -> None:
    right = {"code": "survey", "name": "参加问卷", "category": "议事", "points": 5}
    RuleData.model_validate(right)
    with pytest.raises(ValidationError):
        RuleData.model_validate(right | mistake)


def test_a_preset_says_everything_or_is_refused() -> None:
    with pytest.raises(ValidationError):
        Preset.model_validate({"name": "阳光社区", "timezone": "Asia/Shanghai", "rules": []})


@pytest.mark.parametrize("name", preset_names())
def test_the_rules_of_a_preset_are_a_book_and_its_file_says_what_it_is_for(name: str) -> None:
    preset = read_preset(name)
    book = RuleBookData.model_validate(
        preset.model_dump(include=set(RuleBookData.model_fields), by_alias=True)
    )
    assert read_book(write_book(book)) == book
    assert len(describe_preset(name)) > 20


def test_a_faulty_preset_names_its_file_and_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = (presets.FOLDER / "tianhe.toml").read_text(encoding="utf-8")
    wrong = right.replace("points = 20", "points = 0", 1).replace('category = "safety"', "", 1)
    (tmp_path / "common").mkdir()
    for name, text in {"tianhe.toml": wrong, "common/privacy.toml": ""}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(presets, "FOLDER", tmp_path)

    line = right[: right.index("points = 20")].count("\n") + 1
    with pytest.raises(PresetFaulty) as refused:
        read_preset("tianhe")
    told = str(refused.value).splitlines()
    assert told[0].endswith("tianhe.toml:")
    assert f'line {line}: rules 1 "hazard_report": points: must not be less than 1' in told
    assert any("rules 1" in one and "category: this field is missing" in one for one in told)
    assert any("privacy: text: this field is missing" in one for one in told)


@pytest.mark.parametrize("name", preset_names())
async def test_every_preset_makes_a_community_whose_rules_can_be_read_out(
    name: str,
    sessionmaker: async_sessionmaker[AsyncSession],
    http: httpx.AsyncClient,
    vault: Vault,
    clock: Clock,
) -> None:
    here = await make_neighbourhood(
        sessionmaker, http, vault=vault, now=clock.now, residents=1, preset=name
    )
    resident, committee = await here.caller("resident-1"), await here.caller("committee-1")
    rules = (await resident.get("/v1/rules")).json()["items"]
    exported = (await committee.get("/v1/staff/rule-book")).json()["toml"]
    preset = read_preset(name)

    assert {rule["code"] for rule in rules} == {rule.code for rule in preset.rules}
    assert len((await resident.get("/v1/rewards")).json()["items"]) == len(preset.rewards)
    stated = {rule.code: rule for rule in preset.rules}
    assert {rule.code: rule for rule in read_book(exported).rules} == stated
    assert [one.code for one in read_book(exported).campaigns] == [
        one.code for one in preset.campaigns if one.starts_on
    ]
