"""What was kept long enough is ended, the rest is left alone, and people can read the periods."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.jobs import JOBS, SCHEDULES
from app.privacy import jobs
from app.privacy.retention import RETENTION
from tests.conftest import NOW, MakeRace
from tests.privacy.office import Office
from tests.support.neighbourhood import Neighbourhood

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SWEPT = {entry.code: entry for entry in RETENTION if entry.sweep is not None}

EXPORT = (
    "INSERT INTO data_exports (community_id, data_export_id, resident_id, person_id, state,"
    " object_key, asked_at, expires_at) VALUES (:community_id, :number, :number, 1, 'ready',"
    " 'exports/1/1.sealed', :at, :at)"
)
UNATTACHED = (
    "INSERT INTO photos (community_id, photo_id, person_id, upload_hash, width, height,"
    " perceptual_hash, created_at, original_until)"
    " VALUES (:community_id, :number, 1, int8send(CAST(:number AS bigint)), 1, 1, 0, :at, :at)"
)
PHOTO = (
    "WITH attached AS (INSERT INTO case_photos VALUES (:community_id, :number, 1, 'report'))"
    " INSERT INTO photos (community_id, photo_id, person_id, upload_hash, width, height,"
    " perceptual_hash, sealed_position, created_at, original_until)"
    " VALUES (:community_id, :number, 1, int8send(CAST(:number AS bigint)), 1, 1, 0, 'x',"
    " :at, :at)"
)
EVIDENCE = (
    "WITH claim AS (INSERT INTO claims (community_id, claim_id, resident_id, rule_id,"
    " rule_version_id, units, mode, acted_at, note, shows_deed, state, review_level, claimed_by,"
    " claimed_at, decided_at, reason) VALUES (:community_id, :number, 1, 1, 1, 1, 'any', :at, '',"
    " false, 'refused', 1, 1, :at, :at, '看不清'))"
    " INSERT INTO evidence_photos VALUES (:community_id, :number, :number)"
)
CONSENT = (
    "INSERT INTO consents (community_id, consent_id, person_id, purpose, version, granted_at,"
    " withdrawn_at) VALUES (:community_id, :number, 1, 'phone', 1, :at, :at)"
)
INBOX = (
    "INSERT INTO inbox_messages (community_id, inbox_message_id, person_id, kind, title, body,"
    " created_at, read_at) VALUES (:community_id, :number, 1, 'k', 't', 'b', :at, :at)"
)
MESSAGE = (
    "INSERT INTO wechat_messages (community_id, wechat_message_id, person_id, kind, fields,"
    " state, created_at) VALUES (:community_id, :number, 1, 'k', '{}', 'sent', :at)"
)
PUSH = (
    "INSERT INTO wechat_pushes (push_key, app_id, event, sealed_payload, received_at)"
    " VALUES (int8send(CAST(:number AS bigint)), 'wx', 'e', 'x', :at)"
)
REQUEST = (
    "INSERT INTO join_requests (community_id, join_request_id, person_id, sealed_name,"
    " building_id, room, state, asked_at, decided_at) VALUES (:community_id, :number, :number,"
    " 'x', :building_id, '1-101', 'approved', :at, :at)"
)
# What is put in, for how long it is kept, and what counts those still there.
CASES: dict[str, tuple[str, timedelta, str]] = {
    "data_exports": (EXPORT, timedelta(0), "data_exports WHERE state = 'ready'"),
    "unattached_photos": (UNATTACHED, 7 * DAY, "photos WHERE deleted_at IS NULL"),
    "refused_evidence": (EVIDENCE, 180 * DAY, "evidence_photos"),
    "consents": (CONSENT, 3 * 365 * DAY, "consents"),
    "photo_positions": (PHOTO, 90 * DAY, "photos WHERE sealed_position IS NOT NULL"),
    "inbox_messages": (INBOX, 365 * DAY, "inbox_messages"),
    "wechat_messages": (MESSAGE, 90 * DAY, "wechat_messages"),
    "wechat_pushes": (PUSH, 90 * DAY, "wechat_pushes"),
    "join_request_names": (
        REQUEST, 180 * DAY, "join_requests WHERE sealed_name IS NOT NULL AND room <> ''",
    ),
}  # fmt: skip


async def put_in(office: Office, statement: str, number: int, at: datetime) -> None:
    values: dict[str, Any] = {
        "community_id": office.here.community_id,
        "building_id": office.here.places.buildings[0],
        "number": number,
        "at": at,
    }
    used = {name: value for name, value in values.items() if f":{name}" in statement}
    async with office.sessionmaker.begin() as session:
        await session.execute(text(statement), used)


async def count(office: Office, what: str) -> int:
    return int((await office.row(f"SELECT count(*) AS n FROM {what}"))["n"])  # noqa: S608


def test_every_sweep_is_tried_below() -> None:
    assert set(CASES) == set(SWEPT)


@pytest.mark.parametrize("code", sorted(CASES))
async def test_what_is_due_is_ended_and_nothing_else(office: Office, code: str) -> None:
    statement, kept_for, what = CASES[code]
    await put_in(office, statement, 1, NOW - kept_for - SECOND)
    await put_in(office, statement, 2, NOW - kept_for + SECOND)
    before = await count(office, what)
    ended = await office.keep_retention()
    assert ended == {name: int(name == code) for name in SWEPT}
    assert await count(office, what) == before - 1
    assert (await office.keep_retention())[code] == 0


@pytest.mark.parametrize("code", sorted(CASES))
async def test_more_than_a_batch_is_ended_in_one_night(
    office: Office, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    statement, kept_for, what = CASES[code]
    for number in range(1, 6):
        await put_in(office, statement, number, NOW - kept_for - DAY)
    assert (await office.keep_retention())[code] == 5
    assert await count(office, what) == 0


async def test_an_unread_message_and_one_still_waiting_stay(office: Office) -> None:
    long_ago = NOW - 1000 * DAY
    await put_in(office, INBOX.replace(":at, :at)", ":at, NULL)"), 1, long_ago)
    await put_in(office, MESSAGE.replace("'sent'", "'waiting'"), 1, long_ago)
    await put_in(
        office, REQUEST.replace("'approved', :at, :at", "'pending', :at, NULL"), 1, long_ago
    )
    assert set((await office.keep_retention()).values()) == {0}


async def test_photos_of_a_refusal_stay_until_the_appeal_is_decided_and_then_go(
    office: Office,
) -> None:
    await office.agree()
    number = int(await office.send_photo())
    long_ago = NOW - 200 * DAY
    await put_in(office, EVIDENCE, number, long_ago)
    appeal = (
        "INSERT INTO appeals (community_id, appeal_id, kind, subject_id, resident_id, text, state,"
        " involved, filed_by, filed_at, answer_until) VALUES (:community_id, 1, 'refusal',"
        " :number, 1, '', 'open', '[]', 1, :at, :at)"
    )
    await put_in(office, appeal, number, long_ago)
    office.clock.advance(days=30)
    ended = await office.keep_retention()
    assert (ended["refused_evidence"], ended["unattached_photos"]) == (0, 0)
    async with office.sessionmaker.begin() as session:
        close = "UPDATE appeals SET state = 'withdrawn', decided_at = filed_at"
        await session.execute(text(close))
    ended = await office.keep_retention()
    assert (ended["refused_evidence"], ended["unattached_photos"]) == (1, 1)
    await office.work()
    assert office.files() == set()


async def test_a_lapsed_copy_loses_its_file(office: Office) -> None:
    await office.ask_for_export()
    await office.work()
    office.later(days=7)
    assert (await office.keep_retention())["data_exports"] == 1
    await office.work()
    assert office.files() == set()


async def test_a_copy_that_nobody_made_is_asked_for_again(office: Office) -> None:
    data_export_id = await office.ask_for_export()
    async with office.sessionmaker.begin() as session:
        await session.execute(text("DELETE FROM pgqueuer"))
    office.later(hours=2)
    await office.keep_retention()
    await office.work()
    (await office.fetch(data_export_id)).close()


async def test_the_night_sees_to_every_community(office: Office, elsewhere: Neighbourhood) -> None:
    await put_in(office, INBOX, 1, NOW - 400 * DAY)
    office.here, here = elsewhere, office.here
    await put_in(office, INBOX, 2, NOW - 400 * DAY)
    office.here = here
    assert (await office.keep_retention())["inbox_messages"] == 2


def test_every_entry_is_carried_out_or_says_why_it_is_kept() -> None:
    for entry in RETENTION:
        ways = [entry.sweep, entry.done_by, entry.kept_because]
        assert sum(way is not None for way in ways) == 1, entry.code
    assert len({entry.code for entry in RETENTION}) == len(RETENTION)


def test_the_worker_knows_every_job_and_asks_for_those_that_wait_for_a_date() -> None:
    named = {entry.done_by for entry in RETENTION} - {None}
    assert named <= set(JOBS)
    asked_for = {name for _, names in SCHEDULES.values() for name in names}
    # A text is checked as soon as it is sent.
    assert (named | {"keep_retention"}) - {"check_content"} <= asked_for


async def test_the_job_runs_every_sweep(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = await office.keep_retention()
    assert set(ran) == set(SWEPT)
    monkeypatch.setattr(jobs, "RETENTION", ())
    assert await office.keep_retention() == {}


async def test_one_kind_that_cannot_be_ended_does_not_keep_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object) -> int:
        raise RuntimeError("something is wrong with this kind")

    first = replace(RETENTION[1], sweep=stumble)
    monkeypatch.setattr(jobs, "RETENTION", (first, *RETENTION[2:]))
    await put_in(office, INBOX, 1, NOW - 400 * DAY)
    with pytest.raises(RuntimeError, match="this kind"):
        await office.keep_retention()
    assert await count(office, "inbox_messages") == 0


async def test_what_somebody_else_holds_is_left_for_another_night(
    office: Office, race: MakeRace, race_sessionmaker: async_sessionmaker[AsyncSession]
) -> None:
    office.here, office.sessionmaker = await race(1), race_sessionmaker
    for number in (1, 2):
        await put_in(office, INBOX, number, NOW - 400 * DAY)
    async with race_sessionmaker.begin() as closing:
        mine = "SELECT 1 FROM inbox_messages WHERE inbox_message_id = 1 FOR UPDATE"
        await closing.execute(text(mine))
        assert (await office.keep_retention())["inbox_messages"] == 1
    assert (await office.keep_retention())["inbox_messages"] == 1


async def test_anybody_can_read_the_table(here: Neighbourhood) -> None:
    path = f"/v1/public/communities/{here.community_id}/retention"
    answer = await here.http.get(path)
    assert answer.status_code == 200
    table = {item["code"]: item for item in answer.json()["items"]}
    assert table["originals"]["period"] == "上传后 30 天"
    assert table["data_exports"]["period"] == "生成后 7 天"
    assert table["refresh_tokens"]["period"] == "30 天"
    assert len(table) == len(RETENTION)
    assert (await here.http.get("/v1/public/communities/999999/retention")).status_code == 404
