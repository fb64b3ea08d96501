"""Two statements of a rule differ in what they say, not in how a database keeps it."""

from app.rules.book.schemas import RuleData
from app.rules.statements import Difference, list_differences

CAPS = [{"period": "day", "times": 3}, {"period": "month", "points": 600}]
ROUND = {"code": "patrol_round", "name": "义务巡逻", "category": "patrol", "points": 10}


def test_neither_the_order_of_caps_nor_that_of_their_keys_is_a_difference() -> None:
    stated = RuleData.model_validate(ROUND | {"caps": CAPS}).stored()
    # JSONB puts shorter keys first.
    kept = stated | {"caps": [{"times": 3, "period": "day"}, CAPS[1]]}
    turned = stated | {"caps": CAPS[::-1]}

    assert list_differences(kept, stated) == []
    assert list_differences(kept, turned) == []
    assert list_differences(kept, turned | {"points": 12}) == [Difference("points", 10, 12)]


def test_another_cap_is_a_difference() -> None:
    stated = RuleData.model_validate(ROUND | {"caps": CAPS}).stored()
    assert [found.field for found in list_differences(stated, stated | {"caps": CAPS[:1]})] == [
        "caps"
    ]
