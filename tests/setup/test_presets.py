"""Presets: the published numbers, and mistakes named."""

import pytest
from pydantic import ValidationError

from app.rules.models import ArrivesOn, EarnedBy
from app.setup.presets import Preset, PresetUnknown, RuleData, preset_names, read_preset

SUNSHINE = {
    "daily_check_in": 1, "read_announcement": 2, "survey": 5, "council_meeting": 5,
    "waste_sorting_publicity": 10, "clean_up": 10, "volunteer_hour": 10,
    "calligraphy_lesson": 10, "story_evening": 15, "mediation": 20, "weekend_clean_up": 20,
    "building_head": 20, "organising": 30, "legal_advice": 50,
}  # fmt: skip
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
}


def test_sunshine_gives_the_points_that_were_published() -> None:
    rules = read_preset("sunshine").rules
    earning = {
        rule.code: rule.points
        for rule in rules
        if rule.direction == "earn" and rule.arrives_on is ArrivesOn.ACT
    }
    assert earning == SUNSHINE
    assert [rule.code for rule in rules if rule.direction == "cost"] == ["sorted_wrongly"]


@pytest.mark.parametrize(("name", "expected"), HAZARDS.items(), ids=list(HAZARDS))
def test_a_hazard_gives_what_was_published_when_it_was(
    name: str, expected: dict[str, tuple[int, ArrivesOn, int | None]]
) -> None:
    rules = [rule for rule in read_preset(name).rules if rule.arrives_on is not ArrivesOn.ACT]
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
    rules = {rule.code for rule in preset.rules if rule.arrives_on is not ArrivesOn.ACT}
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
        PresetUnknown, match=r"no preset 'moon'; there is chengdu, pingan, sunshine, tianhe"
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
