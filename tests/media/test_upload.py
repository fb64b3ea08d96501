"""Sending photos, seeing one's own, and deleting them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.personal import Field
from app.media import queries, service
from app.media.keeper import read_key
from tests.conftest import NOW
from tests.media.photos import saved
from tests.media.sending import Studio, post_photo, some_photo
from tests.media.work import Work
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

Sessions = async_sessionmaker[AsyncSession]


async def test_a_photo_is_taken_in_and_shown_to_its_sender(studio: Studio) -> None:
    photo = await studio.send()

    assert photo["state"] == "waiting"
    assert photo["reason"] is None
    assert (photo["width"], photo["height"]) == (320, 240)
    assert photo["taken_at"] is not None
    caller = await studio.caller("resident-1")
    again = await caller.get(f"/v1/photos/{photo['photo_id']}")
    assert again.json() == photo
    shown = await caller.http.get(photo["url"])
    assert shown.status_code == 200
    assert Image.open(BytesIO(shown.content)).size == (320, 240)


async def test_the_place_is_suggested_for_both_kinds_of_maps(studio: Studio) -> None:
    place = (await studio.send())["suggested_place"]
    assert set(place) == {"gcj02", "wgs84"}
    shift = abs(place["gcj02"]["latitude"] - place["wgs84"]["latitude"])
    assert 0.0001 < shift < 0.01


async def test_what_is_kept_is_a_bare_picture_and_a_sealed_original(
    studio: Studio, app: FastAPI
) -> None:
    photo = await studio.send()
    row = await studio.row("photos", photo["photo_id"])

    assert studio.files() == {row.served_key, row.original_key}
    store = studio.keeper.store
    served, sealed = await store.get(row.served_key), await store.get(row.original_key)
    assert b"Exif" in some_photo()
    assert b"Exif" not in served
    assert b"\xff\xd8\xff" not in sealed
    opened = app.state.master_key.open(
        "photo originals", sealed, bound_to=row.original_key.encode()
    )
    assert opened == some_photo()
    name = read_key(row.served_key)
    assert name is not None
    assert (name.community_id, name.photo_id) == (studio.community_id, row.photo_id)
    assert name.made_at == NOW


async def test_the_same_file_again_is_the_same_photo(studio: Studio) -> None:
    photo = await studio.send()
    files = studio.files()

    again = await post_photo(await studio.caller("resident-1"), some_photo())
    assert again.status_code == 200
    assert again.json() == photo
    assert studio.files() == files

    of_another = await studio.send("resident-2")
    assert of_another["photo_id"] != photo["photo_id"]


async def test_without_consent_to_the_service_nothing_is_taken(studio: Studio) -> None:
    answer = await post_photo(await studio.caller("resident-1"), some_photo())
    assert answer.status_code == 403
    assert problem_code(answer) == "consent_required"
    assert studio.files() == set()


async def test_without_consent_to_it_the_place_is_not_kept(studio: Studio) -> None:
    await studio.sender("resident-1", "service")
    unplaced = await studio.send()
    assert unplaced["suggested_place"] is None
    assert (await studio.row("photos", unplaced["photo_id"])).sealed_position is None

    await studio.sender("resident-1", "location")
    assert (await studio.send(width=330))["suggested_place"] is not None


async def test_the_place_is_sealed_and_can_be_forgotten(
    studio: Studio, sessionmaker: Sessions, app: FastAPI
) -> None:
    photo = await studio.send()
    row = await studio.row("photos", photo["photo_id"])
    field = Field("photos.position", studio.community_id, row.photo_id)
    assert app.state.vault.open(row.sealed_position, field).count(",") == 1

    async with sessionmaker.begin() as session:
        person_id = await studio.person_id("resident-1")
        await service.forget_positions_of(session, studio.community_id, person_id)
    caller = await studio.caller("resident-1")
    answer = await caller.get(f"/v1/photos/{photo['photo_id']}")
    assert answer.json()["suggested_place"] is None


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"GIF89a" + bytes(100), 422, "photo_format_refused"),
        (b"no photo", 422, "photo_unreadable"),
        (b"", 422, "photo_unreadable"),
    ],
)
async def test_what_is_no_photo_is_refused_and_leaves_nothing(
    studio: Studio, content: bytes, status: int, code: str
) -> None:
    answer = await post_photo(await studio.sender("resident-1"), content)
    assert answer.status_code == status
    assert problem_code(answer) == code
    assert studio.files() == set()
    assert await studio.count("photos") == 0


async def test_a_file_larger_than_the_operator_allows_is_refused(
    studio: Studio, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = some_photo()
    small = app.state.settings.model_copy(update={"max_photo_bytes": len(content) - 1})
    monkeypatch.setitem(app.state._state, "settings", small)  # noqa: SLF001
    answer = await post_photo(await studio.sender("resident-1"), content)
    assert problem_code(answer) == "photo_too_large"
    assert answer.json()["max_bytes"] == len(content) - 1


async def test_a_form_without_the_file_is_refused(studio: Studio) -> None:
    caller = await studio.sender("resident-1")
    answer = await post_photo(caller, some_photo(), field="photo")
    assert (answer.status_code, problem_code(answer)) == (422, "photo_missing")
    as_json = await caller.post("/v1/photos", {"file": "x"})
    assert (as_json.status_code, problem_code(as_json)) == (422, "photo_missing")


async def test_a_broken_form_is_refused(studio: Studio) -> None:
    caller = await studio.sender("resident-1")
    headers = caller.headers() | {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"no form", b"--x\r\nContent-Disposition: form-data\r\n\r\n"):
        answer = await caller.http.post("/v1/photos", content=body, headers=headers)
        assert answer.status_code in {400, 422}, body
        assert problem_code(answer) in {"photo_missing", "request_invalid"}


async def test_nothing_is_read_of_somebody_who_may_not_send(studio: Studio) -> None:
    chunks_read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal chunks_read
        for _ in range(100):
            chunks_read += 1
            yield bytes(10_000)

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for caller, status in (
        (Caller(studio.here.http), 401),
        (await studio.caller("clerk-1"), 403),
        (await studio.caller("resident-1"), 403),
    ):
        headers = {**caller.headers(), **form}
        answer = await caller.http.post("/v1/photos", content=endless(), headers=headers)
        assert answer.status_code == status
    assert chunks_read == 0


async def test_only_so_many_photos_at_once(studio: Studio, clock: Clock) -> None:
    caller = await studio.sender("resident-1")
    content = some_photo()
    for _ in range(20):
        assert (await post_photo(caller, content)).status_code in {200, 201}
    assert problem_code(await post_photo(caller, content)) == "too_many_attempts"
    clock.advance(seconds=5)
    assert (await post_photo(caller, content)).status_code == 200


async def test_a_clerk_sends_no_photos(studio: Studio) -> None:
    answer = await post_photo(await studio.caller("clerk-1"), some_photo())
    assert answer.status_code == 403


async def test_others_do_not_learn_of_a_photo_and_staff_see_it_without_the_place(
    studio: Studio, elsewhere: Neighbourhood
) -> None:
    path = f"/v1/photos/{(await studio.send())['photo_id']}"
    for stranger in (
        await studio.caller("resident-2"),
        await elsewhere.caller("resident-1"),
        await elsewhere.caller("committee-1"),
    ):
        assert problem_code(await stranger.get(path)) == "photo_not_found"
    seen = await (await studio.caller("worker-1")).get(path)
    assert seen.status_code == 200
    assert seen.json()["suggested_place"] is None


async def delete(studio: Studio, name: str, photo_id: str) -> httpx.Response:
    caller = await studio.caller(name)
    return await caller.http.delete(f"/v1/photos/{photo_id}", headers=caller.headers())


async def test_a_deleted_photo_is_gone_with_its_files(studio: Studio, work: Work) -> None:
    photo = await studio.send()
    before = await studio.row("photos", photo["photo_id"])
    answer = await delete(studio, "resident-1", photo["photo_id"])
    assert answer.json() == {"photo_id": photo["photo_id"], "deleted_at": "2026-11-18T07:00:00Z"}

    caller = await studio.caller("resident-1")
    assert problem_code(await caller.get(f"/v1/photos/{photo['photo_id']}")) == "photo_not_found"
    assert problem_code(await caller.http.get(photo["url"])) == "photo_not_found"
    await work.run()
    assert studio.files() == set()
    left = await studio.row("photos", photo["photo_id"])
    assert (left.served_key, left.original_key, left.sealed_position) == (None, None, None)
    assert left.upload_hash != before.upload_hash
    assert await studio.count("content_checks") == 0
    assert problem_code(await delete(studio, "resident-1", photo["photo_id"])) == "photo_not_found"

    anew = await studio.send()
    assert anew["photo_id"] != photo["photo_id"]


async def test_only_the_sender_deletes_a_photo(studio: Studio) -> None:
    photo_id = (await studio.send())["photo_id"]
    for name in ("resident-2", "worker-1"):
        assert problem_code(await delete(studio, name, photo_id)) == "photo_not_found"
    assert len(studio.files()) == 2


async def test_a_photo_that_a_report_uses_stays(
    studio: Studio, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = await studio.send()
    asked: list[tuple[int, int]] = []

    async def in_use(_: AsyncSession, community_id: int, photo_id: int) -> bool:
        asked.append((community_id, photo_id))
        return True

    monkeypatch.setitem(app.state._state, "photo_in_use", in_use)  # noqa: SLF001
    assert problem_code(await delete(studio, "resident-1", photo["photo_id"])) == "photo_still_used"
    assert asked == [(studio.community_id, int(photo["photo_id"]))]
    assert await studio.state(photo) == "waiting"


async def test_all_photos_of_a_person_can_be_deleted(
    studio: Studio, sessionmaker: Sessions, work: Work
) -> None:
    await studio.send(width=320)
    await studio.send(width=330)
    other = await studio.send("resident-2")
    async with sessionmaker.begin() as session:
        person_id = await studio.person_id("resident-1")
        keys = await service.delete_photos_of(session, studio.community_id, person_id, now=NOW)
    assert len(keys) == 4
    await work.run()
    row = await studio.row("photos", other["photo_id"])
    assert studio.files() == {row.served_key, row.original_key}


async def test_originals_are_destroyed_in_time_and_once(
    studio: Studio, work: Work, clock: Clock, here: Neighbourhood
) -> None:
    photo = await studio.send()
    clock.advance(days=29)
    assert await work.destroy_originals() == 0
    clock.advance(days=1)
    assert await work.destroy_originals() == 1
    assert await work.destroy_originals() == 0
    row = await studio.row("photos", photo["photo_id"])
    assert row.original_key is None
    assert studio.files() == {row.served_key}
    let_pass(here, clock)
    assert await studio.state(photo) == "waiting"


async def test_an_original_whose_file_went_before_its_row_was_written_is_forgotten(
    studio: Studio, work: Work, clock: Clock
) -> None:
    row = await studio.row("photos", (await studio.send())["photo_id"])
    await work.keeper.store.delete(row.original_key)
    clock.advance(days=30)
    assert await work.destroy_originals() == 1
    assert (await studio.row("photos", row.photo_id)).original_key is None


async def test_files_that_no_row_names_are_deleted_after_a_day(
    studio: Studio, work: Work, clock: Clock
) -> None:
    photo = await studio.send()
    named = studio.files()
    number = int(photo["photo_id"])
    for community_id, photo_id in ((studio.community_id, number), (999_999, 7)):
        await work.keeper.keep_served(community_id, photo_id, b"x", now=clock())
        await work.keeper.keep_original(community_id, photo_id, b"x", now=clock())
    await work.keeper.store.put("served/readme.txt", b"not ours")
    clock.advance(hours=23)
    assert await work.delete_orphans() == 0
    clock.advance(hours=2)
    await work.keeper.keep_served(studio.community_id, number, b"x", now=clock())
    assert await work.delete_orphans() == 4
    assert named < studio.files()
    assert len(studio.files()) == len(named) + 2


async def test_nearly_the_same_pictures_are_found(studio: Studio, sessionmaker: Sessions) -> None:
    first = int((await studio.send(width=320))["photo_id"])
    alike = int((await studio.send("resident-2", width=322))["photo_id"])
    noise = Image.effect_noise((320, 240), 200).convert("RGB")
    other = await post_photo(await studio.sender("resident-3"), saved(noise, "PNG"))
    assert other.status_code == 201

    async def similar(since: timedelta) -> list[tuple[int, int]]:
        async with sessionmaker() as session:
            rows = await queries.list_similar(
                session, studio.community_id, [first], since=NOW - since
            )
        assert all(0 <= row.distance <= 6 for row in rows)
        return [(row.photo_id, row.other_photo_id) for row in rows]

    assert await similar(timedelta(days=1)) == [(first, alike)]
    assert await similar(timedelta(days=-1)) == []


async def test_a_deleted_photo_resembles_nothing(studio: Studio, sessionmaker: Sessions) -> None:
    sent: list[str] = []
    for number, name in enumerate(("resident-1", "resident-2")):
        grey = saved(Image.new("RGB", (320 + number, 240), "grey"), "PNG")
        sent.append((await post_photo(await studio.sender(name), grey)).json()["photo_id"])

    async def similar() -> int:
        async with sessionmaker() as session:
            numbers = [int(sent[0])]
            return len(await queries.list_similar(session, studio.community_id, numbers, since=NOW))

    assert await similar() == 1
    await delete(studio, "resident-2", sent[1])
    assert await similar() == 0
