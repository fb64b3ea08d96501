"""What happens while a photo is on its way: people change their minds, and stores fail."""

import os
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from app.media import keeper
from app.media.images import CleanPhoto
from app.media.storage import INCOMING
from tests.conftest import NOW
from tests.media.sending import Studio, post_photo, some_photo
from tests.media.work import Work
from tests.support.caller import problem_code


async def withdraw_while_sending(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    """Have resident-1 withdraw a consent just when their next photo is being cleaned."""
    caller = await studio.caller("resident-1")
    clean = studio.keeper.clean

    async def clean_and_be_withdrawn(content: bytes) -> CleanPhoto:
        path = f"/v1/consents/{studio.community_id}/{purpose}"
        answer = await caller.http.delete(path, headers=caller.headers())
        assert answer.status_code == 200, answer.text
        return await clean(content)

    monkeypatch.setattr(studio.keeper, "clean", clean_and_be_withdrawn)


async def test_a_place_is_not_kept_of_who_withdrew_while_the_photo_was_on_its_way(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    await studio.sender("resident-1", "service", "location")
    await withdraw_while_sending(studio, monkeypatch, "location")

    photo = await studio.send()

    assert photo["suggested_place"] is None
    assert (await studio.row("photos", photo["photo_id"])).sealed_position is None


async def test_what_a_process_that_was_killed_had_half_written_is_deleted_after_a_day(
    studio: Studio, work: Work, photo_folder: Path
) -> None:
    await studio.send()
    complete = studio.files()
    for name, age in (("old", timedelta(days=1, minutes=1)), ("young", timedelta(hours=23))):
        half = photo_folder / INCOMING / name
        half.write_bytes(b"half of a photo")
        moment = (NOW - age).timestamp()
        os.utime(half, (moment, moment))

    assert await work.delete_orphans() == 1

    assert studio.files() == {*complete, f"{INCOMING}/young"}


async def test_a_phone_that_hangs_up_while_it_sends_is_no_fault_of_ours(
    studio: Studio, app: FastAPI
) -> None:
    caller = await studio.sender("resident-1")
    headers = {**caller.headers(), "content-type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nhalf'
    heard = iter(
        [{"type": "http.request", "body": part, "more_body": True}, {"type": "http.disconnect"}]
    )
    said: list[Any] = []

    async def receive() -> Any:
        return next(heard)

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/v1/photos", "raw_path": b"/v1/photos", "root_path": "",
        "query_string": b"", "server": ("test", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }  # fmt: skip
    with capture_logs() as logged:
        await app(scope, receive, send)

    assert [line["event"] for line in logged if line["log_level"] == "error"] == []
    assert said[0]["status"] == 499
    assert studio.files() == set()


async def test_who_finds_no_room_in_time_is_told_to_come_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the store takes half a minute for each photo to say no."""
    monkeypatch.setattr(keeper, "LONGEST_WAIT_SECONDS", 0)
    caller = await studio.sender("resident-1")
    async with AsyncExitStack() as hanging:
        for _ in range(keeper.TAKEN_IN_AT_ONCE):
            await hanging.enter_async_context(studio.keeper.room())
        answer = await post_photo(caller, some_photo())
    assert answer.status_code == 503
    assert problem_code(answer) == "photo_store_unavailable"

    assert (await post_photo(caller, some_photo())).status_code == 201
