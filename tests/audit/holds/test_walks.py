"""Walks over holds: quiet over a book that was lived in, loud over every planted change."""

import re

import pytest

from app.audit import walks
from app.audit.holds.walks import WALKS
from app.audit.walks import Walk
from tests.audit.holds.plants import LATE_FIRST, PLANTS, TAKEN
from tests.audit.lived_in import LATER_POLICY, LivedIn, checks_of, names_of
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
    async with lived_in.changed(LATER_POLICY, LATE_FIRST):
        assert await lived_in.find(CHECKS[TAKEN]) is None


async def test_nor_does_a_policy_hide_that_other_lots_were_taken(lived_in: LivedIn) -> None:
    other_lot = """UPDATE lot_moves SET lot_id = 7 WHERE community_id = :id AND transfer_id IN (
        SELECT transfer_id FROM transfers WHERE source_kind = 'hold')
        AND points = 11"""
    async with lived_in.changed(LATER_POLICY, other_lot):
        assert await lived_in.find(CHECKS[TAKEN]) is not None
