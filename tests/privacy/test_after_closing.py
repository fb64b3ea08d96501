"""What comes to an account while it is closed, or after: it goes as well."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.privacy.closing import service
from tests.privacy.office import Office
from tests.privacy.purse import fill
from tests.support.neighbourhood import Neighbourhood

MESSAGES = "SELECT 1 FROM inbox_messages WHERE person_id = :person_id"


async def test_a_text_refused_after_its_author_left_leaves_no_message_to_them(
    office: Office, here: Neighbourhood
) -> None:
    await office.agree()
    person_id = await office.person_id()
    case_id = await office.report(await office.send_photo())
    await office.close()
    worker = await here.caller("worker-1")
    refused = await worker.post(
        f"/v1/staff/content-checks/{case_id}/refuse", {"reason": "内容不宜公开"}
    )
    assert refused.status_code == 200, refused.text
    assert len(await office.rows(MESSAGES, person_id=person_id)) == 1
    await office.close_accounts()
    assert await office.rows(MESSAGES, person_id=person_id) == []


async def test_messages_of_who_came_back_stay(office: Office, here: Neighbourhood) -> None:
    person_id = await office.person_id()
    await office.close()
    # Known here again, as somebody may be who belongs to another community.
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE residents SET person_id = :person_id WHERE resident_id = :number"),
            {"person_id": person_id, "number": int(here.resident_id("resident-2"))},
        )
        await session.execute(
            text(
                "INSERT INTO inbox_messages (community_id, inbox_message_id, person_id, kind,"
                " title, body, created_at) VALUES (:community_id, 1, :person_id, 'k', 't', 'b',"
                " now())"
            ),
            {"community_id": here.community_id, "person_id": person_id},
        )
    await office.close_accounts()
    assert len(await office.rows(MESSAGES, person_id=person_id)) == 1


async def test_a_copy_asked_for_in_the_last_moment_is_destroyed(office: Office) -> None:
    resident = await office.resident()
    await office.close()
    async with office.sessionmaker.begin() as session:
        await session.execute(
            text(
                "INSERT INTO data_exports (community_id, data_export_id, resident_id, person_id,"
                " state, asked_at) VALUES (:community_id, 7, :resident_id, :person_id, 'waiting',"
                " now())"
            ),
            {name: resident[name] for name in ("community_id", "resident_id", "person_id")},
        )
    assert await office.make("7")
    assert len(office.files()) == 1
    await office.close_accounts()
    await office.work()
    assert office.files() == set()
    assert (await office.row("SELECT state FROM data_exports"))["state"] == "destroyed"


async def test_points_that_cannot_lapse_do_not_keep_those_of_others(
    office: Office, here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("resident-1", "resident-2")
    for name in names:
        await office.ask_for_closure(name)
    office.later(days=7)
    assert await office.close_accounts() == 2
    for name in names:
        await fill(office, 5, name)
    unlucky, other = (int(here.resident_id(name)) for name in names)
    empty_wallet = service.empty_wallet

    async def stumble(
        session: AsyncSession, community_id: int, resident_id: int, **values: Any
    ) -> int:
        if resident_id == unlucky:
            raise RuntimeError("something is wrong with this one")
        return await empty_wallet(session, community_id, resident_id, **values)

    monkeypatch.setattr(service, "empty_wallet", stumble)
    await office.close_accounts()
    posted = "SELECT posted FROM balances WHERE account_id = :number"
    assert (await office.row(posted, number=other))["posted"] == 0
    assert (await office.row(posted, number=unlucky))["posted"] > 0
