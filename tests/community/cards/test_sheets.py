"""Sheets of cards: whose are printed, and that the residents can see who read their names."""

from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.cards import sheets
from tests.community.cards.holders import (
    NAME,
    ask_for_sheet,
    issue,
    register,
    reissue,
    revoke,
)
from tests.conftest import MakeRace
from tests.support.caller import problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.scanner import read_qr_codes

READS = """
    SELECT resident_id, identities.subject, fields, purpose, read_at
    FROM personal_data_reads JOIN identities ON identities.person_id = reader_id
    WHERE community_id = :community_id ORDER BY resident_id
"""


def words_on(pdf: bytes) -> str:
    found: str = pdfium.PdfDocument(pdf)[0].get_textpage().get_text_range()
    return "".join(found.split())


def codes_on(pdf: bytes) -> set[str]:
    image = pdfium.PdfDocument(pdf)[0].render(scale=200 / 72).to_pil()
    return {found.text for found in read_qr_codes(image)}


async def reads(
    sessionmaker: async_sessionmaker[AsyncSession], here: Neighbourhood
) -> list[tuple[Any, ...]]:
    async with sessionmaker() as session:
        rows = await session.execute(text(READS), {"community_id": here.community_id})
        return [tuple(row) for row in rows]


async def test_a_sheet_shows_names_serials_and_codes_that_scan(here: Neighbourhood) -> None:
    resident_ids = [await register(here), await register(here, name="陈阿公", room="6-601")]
    issued = [await issue(here, resident_id) for resident_id in resident_ids]

    answer = await ask_for_sheet(here, resident_ids=resident_ids)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    words = words_on(answer.content)
    assert NAME in words
    assert "陈阿公" in words
    assert all(card["serial"] in words for card in issued)
    assert codes_on(answer.content) == {card["link"] for card in issued}


async def test_every_name_read_is_logged_for_its_resident(
    here: Neighbourhood, clock: Clock, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    resident_ids = [await register(here), await register(here, name="陈阿公")]
    for resident_id in resident_ids:
        await issue(here, resident_id)
    await ask_for_sheet(here, resident_ids=resident_ids)
    assert await reads(sessionmaker, here) == [
        (int(resident_id), "worker-1", ["name"], "打印纸质积分卡", clock.now)
        for resident_id in resident_ids
    ]


async def test_a_building_is_printed_flat_by_flat(here: Neighbourhood) -> None:
    second = await issue(here, await register(here, room="5-502"))
    first = await issue(here, await register(here, room="5-501"))
    withdrawn = await issue(here, await register(here, room="5-503"))
    await revoke(here, withdrawn)
    next_door = await issue(here, await register(here, building=2))

    answer = await ask_for_sheet(here, building_id=str(here.places.buildings[0]))

    words = words_on(answer.content)
    assert words.index(first["serial"]) < words.index(second["serial"])
    assert withdrawn["serial"] not in words
    assert next_door["serial"] not in words


async def test_only_the_newest_card_is_printed(here: Neighbourhood) -> None:
    resident_id = await register(here)
    old = await issue(here, resident_id)
    new = (await reissue(here, resident_id)).json()
    answer = await ask_for_sheet(here, resident_ids=[resident_id])
    assert codes_on(answer.content) == {new["link"]}
    assert old["serial"] not in words_on(answer.content)


async def test_nothing_is_printed_or_logged_if_one_of_them_cannot_be(
    here: Neighbourhood, elsewhere: Neighbourhood, sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    mine = await register(here)
    await issue(here, mine)
    without_card = await register(here)
    of_other_grid = await register(here, building=3)
    of_other_community = await register(elsewhere)
    await issue(here, of_other_grid)
    await issue(elsewhere, of_other_community)

    answer = await ask_for_sheet(
        here, resident_ids=[mine, without_card, of_other_grid, of_other_community]
    )

    assert (answer.status_code, problem_code(answer)) == (404, "cards_missing")
    assert sorted(answer.json()["resident_ids"]) == sorted(
        [without_card, of_other_grid, of_other_community]
    )
    assert await reads(sessionmaker, here) == []


async def test_a_building_without_cards_or_of_another_grid_has_nothing_to_print(
    here: Neighbourhood, elsewhere: Neighbourhood
) -> None:
    await issue(here, await register(here, building=3))
    await issue(elsewhere, await register(elsewhere))
    for place in (*here.places.buildings, elsewhere.places.buildings[0]):
        answer = await ask_for_sheet(here, building_id=str(place))
        assert (answer.status_code, problem_code(answer)) == (404, "no_cards_to_print")


async def test_a_card_past_its_date_is_not_printed(here: Neighbourhood, clock: Clock) -> None:
    await issue(here, await register(here))
    clock.advance(days=1826)
    here.callers.clear()
    answer = await ask_for_sheet(here, building_id=str(here.places.buildings[0]))
    assert problem_code(answer) == "no_cards_to_print"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resident_ids": []},
        {"resident_ids": ["1"], "building_id": "1"},
        {"resident_ids": [str(number) for number in range(501)]},
    ],
)
async def test_a_sheet_is_for_some_residents_or_for_a_building(
    here: Neighbourhood, body: dict[str, Any]
) -> None:
    answer = await ask_for_sheet(here, **body)
    assert (answer.status_code, problem_code(answer)) == (422, "request_invalid")


async def test_too_many_cards_for_one_sheet_are_refused(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_CARDS", 2)
    for _ in range(3):
        await issue(here, await register(here))
    answer = await ask_for_sheet(here, building_id=str(here.places.buildings[0]))
    assert (answer.status_code, problem_code(answer)) == (422, "too_many_cards")
    assert answer.json()["most"] == 2


async def test_neighbours_print_nothing(here: Neighbourhood) -> None:
    resident_id = await register(here)
    await issue(here, resident_id)
    answer = await ask_for_sheet(here, by="resident-1", resident_ids=[resident_id])
    assert answer.status_code == 403


async def test_the_log_is_kept_even_if_the_drawing_fails(
    race: MakeRace,
    race_sessionmaker: async_sessionmaker[AsyncSession],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It shows as well that nothing is drawn while the transaction is open."""
    here = await race(1)
    resident_id = await register(here)
    await issue(here, resident_id)

    def fail(*_: Any, **__: Any) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(sheets, "card_sheet", fail)
    answer = await ask_for_sheet(here, resident_ids=[resident_id])
    assert (answer.status_code, problem_code(answer)) == (500, "server_fault")
    assert [row[0] for row in await reads(race_sessionmaker, here)] == [int(resident_id)]
