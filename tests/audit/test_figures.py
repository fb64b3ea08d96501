"""Walks over accounts, acts and boards: quiet over a lived-in book, loud over planted changes."""

import re

import pytest

from app.audit import walks
from app.audit.accounts.walks import WALKS as ACCOUNTS
from app.audit.acts.walks import WALKS as ACTS
from app.audit.boards.walks import WALKS as BOARDS
from app.audit.campaigns.walks import WALKS as CAMPAIGNS
from app.audit.walks import KeyWalk, TupleWalk, Walk
from tests.audit.lived_in import LivedIn, lived_in
from tests.audit.plants import PLANTS as OF_FIGURES
from tests.audit.plants import Plant
from tests.audit.plants_of_counts import PLANTS as OF_COUNTS
from tests.audit.plants_of_fair_play import PLANTS as OF_FAIR_PLAY
from tests.support.auditing import walk_named

__all__ = ["lived_in"]
WALKS = (*ACCOUNTS, *ACTS, *BOARDS, *CAMPAIGNS)
PLANTS = {**OF_FIGURES, **OF_COUNTS, **OF_FAIR_PLAY}
PLANTED = [
    pytest.param(walk, plant, id=f"{plant.check}, {number}")
    for walk, plants in PLANTS.items()
    for number, plant in enumerate(plants)
]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.name)
async def test_a_book_that_was_lived_in_is_clean_however_its_pages_are_cut(
    lived_in: LivedIn, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, difference = await lived_in.walk(walk)
    assert difference is None
    for size in (1, 2, 3):
        monkeypatch.setattr(walks, "PAGE", size)
        assert await lived_in.walk(with_pages_of(walk, size)) == (checked, None)
    assert checked > 0


def with_pages_of(walk: Walk, size: int) -> Walk:
    if isinstance(walk, KeyWalk):
        return KeyWalk(walk.name, walk.page, walk.checks, size=size)
    assert isinstance(walk, TupleWalk)
    return TupleWalk(walk.name, walk.table, walk.key, walk.checks, size=size)


@pytest.mark.parametrize(("walk", "plant"), PLANTED)
async def test_what_was_changed_is_found_and_named(
    lived_in: LivedIn, walk: str, plant: Plant
) -> None:
    async with lived_in.changed(*plant.statements):
        _, difference = await lived_in.walk(walk_named(walk))
        assert difference is not None
        assert difference.check == plant.check
        assert re.search(plant.tells, str(difference)), difference


def test_every_check_has_a_change_that_it_finds() -> None:
    planted = {plant.check for plants in PLANTS.values() for plant in plants}
    checks = [check.name for walk in WALKS if isinstance(walk, KeyWalk | TupleWalk)
              for check in walk.checks]  # fmt: skip
    assert sorted(checks) == sorted(planted)
