"""Presets: the published numbers, and mistakes named."""

import pytest
from pydantic import ValidationError

from app.setup.presets import Preset, PresetUnknown, RuleData, preset_names, read_preset

SUNSHINE = {
    "daily_check_in": 1, "read_announcement": 2, "survey": 5, "council_meeting": 5,
    "waste_sorting_publicity": 10, "clean_up": 10, "volunteer_hour": 10,
    "calligraphy_lesson": 10, "story_evening": 15, "mediation": 20, "weekend_clean_up": 20,
    "building_head": 20, "organising": 30, "legal_advice": 50,
}  # fmt: skip


def test_sunshine_gives_the_points_that_were_published() -> None:
    rules = read_preset("sunshine").rules
    earning = {rule.code: rule.points for rule in rules if rule.direction == "earn"}
    assert earning == SUNSHINE
    assert [rule.code for rule in rules if rule.direction == "cost"] == ["sorted_wrongly"]


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
    for things in (preset.rules, preset.shops, preset.rewards):
        codes = [thing.code for thing in things]
        assert len(set(codes)) == len(codes)


def test_an_unknown_preset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(PresetUnknown, match=r"no preset 'moon'; there is .*sunshine"):
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
