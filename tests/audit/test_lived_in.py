"""Walks over transfers, lots and holds: quiet over a book that was lived in, loud over a change."""

import re

import pytest

from app.audit import walks
from app.audit.holds.walks import WALKS as HOLDS
from app.audit.lots.walks import WALKS as LOTS
from app.audit.transfers.walks import WALKS as TRANSFERS
from app.audit.walks import Walk
from tests.audit import plants_of_holds, plants_of_lots, plants_of_transfers
from tests.audit.lived_in import LATER_POLICY, LivedIn, checks_of, names_of
from tests.audit.plants_of_holds import LATE_FIRST, TAKEN
from tests.audit.plants_of_lots import GIVEN_BACK, OTHER_LOT_BACK
from tests.ledger.plants import Plant

WALKS = (*TRANSFERS, *LOTS, *HOLDS)
CHECKS = checks_of(WALKS)
PLANTS = [*plants_of_transfers.PLANTS, *plants_of_lots.PLANTS, *plants_of_holds.PLANTS]
# What a policy of later may have changed is the order of lots, and nothing else.
OTHER_LOT = """
    UPDATE lot_moves SET lot_id = 7 WHERE community_id = :id AND transfer_id IN (
        SELECT transfer_id FROM transfers WHERE source_kind = 'hold') AND points = 11
"""
LESS_BACK = "UPDATE lot_moves SET points = points + 1 WHERE community_id = :id AND points < -1"


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


@pytest.mark.parametrize(("check", "change"), [(TAKEN, LATE_FIRST), (GIVEN_BACK, OTHER_LOT_BACK)])
async def test_a_policy_of_later_may_have_changed_the_order_of_lots(
    lived_in: LivedIn, check: str, change: str
) -> None:
    async with lived_in.changed(LATER_POLICY, change):
        assert await lived_in.find(CHECKS[check]) is None


@pytest.mark.parametrize(("check", "change"), [(TAKEN, OTHER_LOT), (GIVEN_BACK, LESS_BACK)])
async def test_a_policy_of_later_hides_nothing_else(
    lived_in: LivedIn, check: str, change: str
) -> None:
    async with lived_in.changed(LATER_POLICY, change):
        assert await lived_in.find(CHECKS[check]) is not None
