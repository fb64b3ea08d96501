"""Photos on a database that commits: several at once, and nothing open while files are moved."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.datastructures import UploadFile

from app.media import service
from app.media.keeper import TAKEN_IN_AT_ONCE, PhotoKeeper
from tests.conftest import MakeRace
from tests.doubles.wechat import WeChatDouble
from tests.media.sending import APP_ID, Studio, post_photo, some_photo
from tests.media.work import Work
from tests.support.caller import problem_code
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]
PATIENCE = 20
ROUND_TRIPS = 50
OPEN_TRANSACTIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'
"""


@pytest.fixture
async def studio(
    app: FastAPI, race: MakeRace, race_sessionmaker: Sessions, keeper: PhotoKeeper,
    photo_folder: Path,
) -> Studio:  # fmt: skip
    app.state.sessionmaker = race_sessionmaker
    return Studio(await race(2), race_sessionmaker, keeper, photo_folder)


@pytest.fixture
def work(app: FastAPI, studio: Studio, race_sessionmaker: Sessions, clock: Clock) -> Work:
    return Work(app, race_sessionmaker, studio.keeper, clock)


async def test_one_file_sent_by_many_at_once_is_one_photo(studio: Studio, work: Work) -> None:
    caller = await studio.sender("resident-1")
    answers = await asyncio.gather(*(post_photo(caller, some_photo()) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["photo_id"] for answer in answers}) == 1
    assert await studio.count("photos") == 1
    assert await studio.count("content_checks") == 1
    assert len(studio.files()) > 2
    await work.run()
    assert len(studio.files()) == 2


async def test_no_more_files_are_in_memory_than_there_is_room_for(
    studio: Studio, race_sessionmaker: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for their turn waits with the file on the disk."""
    in_memory: list[int] = []
    is_full, gate = asyncio.Event(), asyncio.Event()
    read, upload = UploadFile.read, service.upload_photo

    async def counted_read(self: UploadFile, size: int = -1) -> bytes:
        in_memory.append(size)
        if len(in_memory) == TAKEN_IN_AT_ONCE:
            is_full.set()
        return await read(self, size)

    async def held_upload(*args: Any, **named: Any) -> tuple[int, bool]:
        await gate.wait()
        return await upload(*args, **named)

    monkeypatch.setattr(UploadFile, "read", counted_read)
    monkeypatch.setattr(service, "upload_photo", held_upload)
    caller = await studio.sender("resident-1")
    sending = [
        asyncio.create_task(post_photo(caller, some_photo())) for _ in range(2 * TAKEN_IN_AT_ONCE)
    ]
    async with asyncio.timeout(PATIENCE):
        await is_full.wait()
    # Time for everybody else to come as far as they may.
    for _ in range(ROUND_TRIPS):
        async with race_sessionmaker() as session:
            await session.execute(text("SELECT 1"))
    held = len(in_memory)
    gate.set()
    answers = await asyncio.gather(*sending)

    assert held == TAKEN_IN_AT_ONCE
    assert len(in_memory) == 2 * TAKEN_IN_AT_ONCE
    assert {answer.status_code for answer in answers} == {200, 201}


async def test_of_several_who_decide_at_once_one_does(studio: Studio, work: Work) -> None:
    photo = await studio.send()
    await work.run()
    staff = [await studio.caller(name) for name in ("worker-1", "worker-2", "committee-1")]
    answers = await asyncio.gather(
        *(
            one.post(f"/v1/staff/content-checks/{photo['photo_id']}/{decision}", body)
            for one in staff
            for decision, body in (("pass", {}), ("refuse", {"reason": "看不清"}))
        )
    )
    made = [answer.json()["state"] for answer in answers if answer.status_code == 200]
    assert len(made) == 1
    others = {problem_code(answer) for answer in answers if answer.status_code != 200}
    assert others == {"content_check_decided"}
    assert await studio.state(photo) == made[0]


async def test_no_transaction_is_open_while_a_file_is_moved_or_wechat_is_asked(
    studio: Studio, work: Work, wechat: WeChatDouble, app: FastAPI, race_sessionmaker: Sessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found: dict[str, int] = {}

    def watch(thing: Any, name: str) -> None:
        original = getattr(thing, name)

        async def watched(*args: Any, **named: Any) -> Any:
            async with race_sessionmaker() as session:
                found[name] = found.get(name, 0) + await session.scalar(text(OPEN_TRANSACTIONS))
            return await original(*args, **named)

        monkeypatch.setattr(thing, name, watched)

    client = app.state.wechat[APP_ID]
    await studio.open_mini_program("resident-1", wechat, client)
    caller, worker = await studio.sender("resident-1"), await studio.caller("worker-1")
    for name in ("put", "get", "delete"):
        watch(studio.keeper.store, name)
    watch(studio.keeper, "clean")
    watch(client, "ask_about_photo")

    photo = await studio.send()
    assert (await caller.http.get(photo["url"])).status_code == 200
    path = f"/v1/staff/photos/{photo['photo_id']}"
    box = {"left": 0, "top": 0, "width": 1, "height": 1}
    assert (await worker.post(f"{path}/redactions", {"boxes": [box]})).status_code == 201
    assert (await worker.post(f"{path}/original", {"purpose": "核实"})).status_code == 200
    await work.run()

    assert found == dict.fromkeys(("put", "get", "delete", "clean", "ask_about_photo"), 0)
    async with race_sessionmaker() as one, race_sessionmaker() as other:
        await one.execute(text("SELECT 1"))
        assert await other.scalar(text(OPEN_TRANSACTIONS)) == 1
