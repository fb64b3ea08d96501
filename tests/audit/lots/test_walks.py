"""Walks over lots: quiet over a book that was lived in, loud over every planted change."""

import re

import pytest

from app.audit import walks
from app.audit.lots.walks import WALKS
from app.audit.walks import Walk
from tests.audit.lived_in import LATER_POLICY, LivedIn, checks_of, names_of
from tests.audit.lots.plants import GIVEN_BACK, OTHER_LOT_BACK, PLANTS
from tests.ledger.plants import Plant

CHECKS = checks_of(WALKS)


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.name)
async def test_a_book_that_was_lived_in_is_clean(
    lived_in: LivedIn, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, difference = await lived_in.walk(walk)
    assert difference is None
    monkeypatch.setattr(walks, "PAGE", 3)
    assert await lived_in.walk(walk) == (checked, None)
    assert checked > 3


@pytest.mark.parametrize("plant", PLANTS, ids=names_of(PLANTS))
async def test_what_was_changed_is_found_by_its_check(lived_in: LivedIn, plant: Plant) -> None:
    async with lived_in.changed(plant.sql):
        found = await lived_in.find(CHECKS[plant.check])
        assert found is not None
        said = f"{found.subject}: {found.stored}, not {found.expected}"
        assert re.search(plant.tells, said), said
    assert await lived_in.find(CHECKS[plant.check]) is None


def test_every_check_has_a_change_that_it_finds() -> None:
    assert {plant.check for plant in PLANTS} == set(CHECKS)


async def test_a_policy_of_later_may_have_changed_the_order_of_lots(lived_in: LivedIn) -> None:
    async with lived_in.changed(LATER_POLICY, OTHER_LOT_BACK):
        assert await lived_in.find(CHECKS[GIVEN_BACK]) is None


async def test_nor_does_a_policy_hide_that_less_came_back(lived_in: LivedIn) -> None:
    less = """UPDATE lot_moves SET points = points + 1 WHERE community_id = :id
        AND points < -1"""
    async with lived_in.changed(LATER_POLICY, less):
        assert await lived_in.find(CHECKS[GIVEN_BACK]) is not None
