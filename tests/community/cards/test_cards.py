"""Paper cards: issued, withdrawn, replaced, and scanned."""

import asyncio
import re
from collections import Counter
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.cards import service
from app.community.cards.errors import CardHolderLeft
from app.core.code_errors import CodeExpired, CodeOfOtherKind, CodeRevoked
from app.core.codes import Code, CodeKind
from tests.community.cards.holders import (
    ask_for_card,
    cards_of,
    issue,
    register,
    reissue,
    revoke,
)
from tests.conftest import MakeRace
from tests.support.caller import fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood

SERIAL = re.compile(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}")
LEAVE = "UPDATE residents SET state = 'left' WHERE resident_id = :resident_id"


def read(app: FastAPI, here: Neighbourhood, link: str, clock: Clock) -> Code:
    """Verify a card's code as a scanning worker's request does."""
    code: Code = app.state.keys.codes.read_scanned(
        link,
        kinds=(CodeKind.RESIDENT, CodeKind.PAPER_CARD),
        community_id=here.community_id,
        now=clock.now,
    )
    return code


async def test_a_card_has_a_serial_to_read_out_and_holds_for_five_years(
    here: Neighbourhood, app: FastAPI, clock: Clock
) -> None:
    resident_id = await register(here)
    answer = await ask_for_card(here, resident_id)
    assert answer.status_code == 201, answer.text
    card = answer.json()
    assert SERIAL.fullmatch(card["serial"])
    assert (card["resident_id"], card["masked_name"]) == (resident_id, "周*兰")
    code = read(app, here, card["link"], clock)
    assert code == Code(
        CodeKind.PAPER_CARD,
        here.community_id,
        int(card["card_id"]),
        clock.now + timedelta(days=1826),
    )
    assert read(app, here, card["token"], clock) == code


async def test_a_resident_has_one_card_in_use(here: Neighbourhood) -> None:
    resident_id = await register(here)
    await issue(here, resident_id)
    second = await ask_for_card(here, resident_id)
    assert (second.status_code, problem_code(second)) == (409, "card_in_use")
    assert len(await cards_of(here, resident_id)) == 1


async def test_ten_cards_asked_for_at_once_are_one_card(race: MakeRace) -> None:
    here = await race(1)
    resident_id = await register(here)
    await here.caller("worker-1")

    answers = await asyncio.gather(*(ask_for_card(here, resident_id) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert len(await cards_of(here, resident_id)) == 1


async def test_ten_replacements_at_once_leave_one_card_in_use(race: MakeRace) -> None:
    here = await race(1)
    resident_id = await register(here)
    first = await issue(here, resident_id)
    await here.caller("worker-1")

    answers = await asyncio.gather(
        *(reissue(here, resident_id) for _ in range(8)), *(revoke(here, first) for _ in range(2))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 8, 200: 2}
    found = await cards_of(here, resident_id)
    assert len(found) == 9
    assert [card["revoked_at"] is None for card in found].count(True) == 1


async def test_a_retry_issues_and_replaces_once(here: Neighbourhood) -> None:
    resident_id = await register(here)
    worker = await here.caller("worker-1")
    for path, body in (("card", {}), ("card/reissue", {"reason": "遗失"})):
        key = fresh_key()
        first = await worker.post(f"/v1/staff/residents/{resident_id}/{path}", body, key=key)
        again = await worker.post(f"/v1/staff/residents/{resident_id}/{path}", body, key=key)
        assert first.status_code == 201
        assert again.json() == first.json()
    assert len(await cards_of(here, resident_id)) == 2


async def test_a_withdrawn_card_says_why_and_stays_withdrawn(
    here: Neighbourhood, clock: Clock
) -> None:
    resident_id = await register(here)
    card = await issue(here, resident_id)
    withdrawn_at = clock.now
    first = await revoke(here, card, reason="遗失")
    clock.advance(minutes=1)
    again = await revoke(here, card, reason="又说了一次")
    assert first.status_code == again.status_code == 200
    assert again.json() == first.json()
    assert again.json()["reason"] == "遗失"
    assert again.json()["revoked_at"] == withdrawn_at.isoformat().replace("+00:00", "Z")
    assert (await ask_for_card(here, resident_id)).status_code == 201


async def test_a_replacement_withdraws_the_old_card(here: Neighbourhood) -> None:
    resident_id = await register(here)
    old = await issue(here, resident_id)
    answer = await reissue(here, resident_id)
    assert answer.status_code == 201
    new = answer.json()
    assert new["serial"] != old["serial"]
    newest, oldest = await cards_of(here, resident_id)
    assert (newest["card_id"], newest["revoked_at"]) == (new["card_id"], None)
    assert (oldest["card_id"], oldest["reason"]) == (old["card_id"], "遗失")


@pytest.mark.parametrize("by", ["worker-2", "other-committee"])
async def test_cards_are_the_business_of_the_grids_own_workers(
    here: Neighbourhood, elsewhere: Neighbourhood, by: str
) -> None:
    resident_id = await register(here)
    card = await issue(here, resident_id)
    stranger = await (
        elsewhere.caller("committee-1") if by == "other-committee" else here.caller(by)
    )
    for path in ("card", "card/reissue"):
        answer = await stranger.post_once(
            f"/v1/staff/residents/{resident_id}/{path}",
            {"reason": "遗失"} if path == "card/reissue" else None,
        )
        assert (answer.status_code, problem_code(answer)) == (404, "resident_not_found")
    withdrawn = await stranger.post(f"/v1/staff/cards/{card['card_id']}/revoke", {"reason": "遗失"})
    assert (withdrawn.status_code, problem_code(withdrawn)) == (404, "card_not_found")
    listed = await stranger.get(f"/v1/staff/residents/{resident_id}/cards")
    assert listed.json()["items"] == []
    [still] = await cards_of(here, resident_id)
    assert still["revoked_at"] is None


async def test_a_scanned_card_is_its_resident_and_so_is_a_personal_code(
    here: Neighbourhood,
    app: FastAPI,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    resident_id = await register(here)
    code = read(app, here, (await issue(here, resident_id))["link"], clock)
    personal = Code(CodeKind.RESIDENT, here.community_id, 77, clock.now + timedelta(minutes=2))
    poster = Code(CodeKind.ACTIVITY_POSTER, here.community_id, 77, personal.expires_at)
    async with sessionmaker() as session:
        found = await service.find_scanned_resident(session, code, now=clock.now)
        assert found == int(resident_id)
        assert await service.find_scanned_resident(session, personal, now=clock.now) == 77
        with pytest.raises(CodeOfOtherKind):
            await service.find_scanned_resident(session, poster, now=clock.now)


async def test_a_withdrawn_card_is_refused_though_its_code_verifies(
    here: Neighbourhood,
    app: FastAPI,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    card = await issue(here, await register(here))
    code = read(app, here, card["link"], clock)
    await revoke(here, card)
    never_issued = Code(CodeKind.PAPER_CARD, here.community_id, 77, code.expires_at)
    of_another = Code(CodeKind.PAPER_CARD, here.community_id + 1, code.subject_id, code.expires_at)
    async with sessionmaker() as session:
        for refused in (code, never_issued, of_another):
            with pytest.raises(CodeRevoked):
                await service.find_scanned_resident(session, refused, now=clock.now)


async def test_a_card_ends_after_five_years_and_when_its_resident_leaves(
    here: Neighbourhood,
    app: FastAPI,
    clock: Clock,
    sessionmaker: async_sessionmaker[AsyncSession],
) -> None:
    resident_id = await register(here)
    code = read(app, here, (await issue(here, resident_id))["link"], clock)
    async with sessionmaker() as session:
        with pytest.raises(CodeExpired):
            await service.find_scanned_resident(session, code, now=code.expires_at)
        last = code.expires_at - timedelta(seconds=1)
        assert await service.find_scanned_resident(session, code, now=last) == int(resident_id)
        await session.execute(text(LEAVE), {"resident_id": int(resident_id)})
        with pytest.raises(CardHolderLeft):
            await service.find_scanned_resident(session, code, now=clock.now)
