"""People decide on content, black out what nobody should see, and read originals on record."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.ids import new_id
from app.media import service
from app.media.models import ContentCheck
from app.wechat.content import ContentVerdict
from tests.conftest import NOW
from tests.doubles.wechat import WeChatDouble
from tests.media.photos import picture
from tests.media.sending import APP_ID, Studio
from tests.media.work import Work
from tests.support.caller import Caller, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass

Sessions = async_sessionmaker[AsyncSession]
CHECKS = "/v1/staff/content-checks"
LEFT_HALF = {"left": 0.0, "top": 0.0, "width": 0.5, "height": 1.0}
WHY = {"reason": "照片中有他人的脸"}


@pytest.fixture
async def photo(studio: Studio, work: Work) -> dict[str, Any]:
    """A photo of resident-1 that waits for a person."""
    photo = await studio.send()
    await work.run()
    return photo


@pytest.fixture
async def worker(studio: Studio) -> Caller:
    return await studio.caller("worker-1")


async def decide(caller: Caller, number: object, decision: str = "pass") -> httpx.Response:
    body = WHY if decision == "refuse" else {}
    return await caller.post(f"{CHECKS}/{number}/{decision}", body)


async def colours(caller: Caller, url: str) -> tuple[object, object]:
    """Return a pixel of the left half and one of the right."""
    image = Image.open(BytesIO((await caller.http.get(url)).content))
    return image.getpixel((80, 60)), image.getpixel((240, 60))


async def test_staff_see_what_waits_with_the_picture_and_a_masked_name(
    photo: dict[str, Any], worker: Caller
) -> None:
    answer = await worker.get(CHECKS)
    assert answer.status_code == 200
    (item,) = answer.json()["items"]
    assert item["content_check_id"] == photo["photo_id"]
    assert (item["kind"], item["state"], item["text"]) == ("photo", "review", None)
    assert (item["author"], item["is_own"]) == ("王*四", False)
    assert (await worker.http.get(item["photo_url"])).headers["content-type"] == "image/jpeg"


async def test_a_text_that_waits_can_be_read_until_it_is_decided(
    studio: Studio, sessionmaker: Sessions, work: Work, worker: Caller
) -> None:
    number = new_id(NOW)
    async with sessionmaker.begin() as session:
        await service.attach_check_text(
            session, studio.community_id, subject_id=number, text="路灯坏了", now=NOW,
            person_id=await studio.person_id("resident-1"),
        )  # fmt: skip
    await work.run()
    (item,) = (await worker.get(CHECKS)).json()["items"]
    assert (item["kind"], item["text"], item["photo_url"]) == ("text", "路灯坏了", None)
    assert (await decide(worker, number)).json()["state"] == "passed"
    (item,) = (await worker.get(CHECKS, state="passed")).json()["items"]
    assert item["text"] is None


async def test_the_list_goes_on_page_by_page(studio: Studio, work: Work, worker: Caller) -> None:
    sent = [(await studio.send(width=width))["photo_id"] for width in (320, 330, 340)]
    await work.run()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(2):
        page = (await worker.get(CHECKS, size=2, **cursor)).json()
        seen += [item["content_check_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sent
    assert cursor == {"cursor": None}


async def test_a_person_passes_and_others_may_see_it(
    photo: dict[str, Any], studio: Studio, worker: Caller
) -> None:
    answer = await decide(worker, photo["photo_id"])
    assert answer.status_code == 200
    assert answer.json()["state"] == "passed"
    assert await studio.state(photo) == "passed"
    row = await studio.row("content_checks", photo["photo_id"])
    assert row.decided_by == await studio.person_id("worker-1")


async def test_a_refusal_says_why_and_is_told_to_the_author(
    photo: dict[str, Any], studio: Studio, worker: Caller, app: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told: list[tuple[int, int, str | None]] = []

    async def tell(_: AsyncSession, community_id: int, check: ContentCheck) -> None:
        told.append((community_id, check.person_id, check.reason))

    monkeypatch.setitem(app.state._state, "on_content_refused", tell)  # noqa: SLF001
    assert (await decide(worker, photo["photo_id"], "refuse")).status_code == 200
    assert told == [(studio.community_id, await studio.person_id("resident-1"), WHY["reason"])]
    caller = await studio.caller("resident-1")
    seen = (await caller.get(f"/v1/photos/{photo['photo_id']}")).json()
    assert (seen["state"], seen["reason"]) == ("refused", WHY["reason"])


async def test_the_first_decision_of_a_person_stands(
    photo: dict[str, Any], studio: Studio, worker: Caller
) -> None:
    assert (await decide(worker, photo["photo_id"])).status_code == 200
    for name, decision in (("committee-1", "refuse"), ("worker-1", "pass")):
        answer = await decide(await studio.caller(name), photo["photo_id"], decision)
        assert answer.status_code == 409
        assert problem_code(answer) == "content_check_decided"
    assert await studio.state(photo) == "passed"


async def test_a_person_overrules_the_machine_which_passed_something(
    photo: dict[str, Any], studio: Studio, worker: Caller, sessionmaker: Sessions
) -> None:
    async with sessionmaker.begin() as session:
        await session.execute(
            text("UPDATE content_checks SET state = 'passed', label = 100, decided_at = now()")
        )
    assert (await decide(worker, photo["photo_id"], "refuse")).status_code == 200
    assert await studio.state(photo) == "refused"


async def test_nobody_decides_on_their_own_content(
    studio: Studio, worker: Caller, sessionmaker: Sessions
) -> None:
    own = await studio.send("worker-1")
    for decision in ("pass", "refuse"):
        assert problem_code(await decide(worker, own["photo_id"], decision)) == "own_content"
    (item,) = (await worker.get(CHECKS, state="waiting")).json()["items"]
    assert item["is_own"] is True
    assert item["author"] is None

    with pytest.raises(Exception, match="not_own_content"):
        async with sessionmaker.begin() as session:
            await session.execute(text("UPDATE content_checks SET decided_by = person_id"))


async def test_a_community_decides_on_its_own_content_only(
    photo: dict[str, Any], elsewhere: Neighbourhood
) -> None:
    stranger = await elsewhere.caller("committee-1")
    assert (await stranger.get(CHECKS)).json()["items"] == []
    number = photo["photo_id"]
    assert problem_code(await decide(stranger, number)) == "content_check_not_found"
    redaction = await stranger.post(f"/v1/staff/photos/{number}/redactions", {"boxes": [LEFT_HALF]})
    assert problem_code(redaction) == "photo_not_found"
    original = await stranger.post(f"/v1/staff/photos/{number}/original", {"purpose": "核实"})
    assert problem_code(original) == "photo_not_found"


async def test_residents_decide_on_nothing(photo: dict[str, Any], studio: Studio) -> None:
    resident = await studio.caller("resident-2")
    assert (await resident.get(CHECKS)).status_code == 403
    assert (await decide(resident, photo["photo_id"])).status_code == 403


# Redaction.


async def redact(caller: Caller, photo: dict[str, Any], *boxes: dict[str, float]) -> httpx.Response:
    path = f"/v1/staff/photos/{photo['photo_id']}/redactions"
    return await caller.post(path, {"boxes": list(boxes)})


async def test_what_was_blacked_out_is_gone_from_what_is_shown(
    photo: dict[str, Any], studio: Studio, worker: Caller, work: Work
) -> None:
    before = await studio.row("photos", photo["photo_id"])
    answer = await redact(worker, photo, LEFT_HALF)
    assert answer.status_code == 201
    left, right = await colours(worker, answer.json()["url"])
    assert left == (0, 0, 0)
    assert right == pytest.approx(picture().getpixel((240, 60)), abs=12)
    # A link given out before shows the picture as it is now.
    assert (await colours(worker, photo["url"]))[0] == (0, 0, 0)

    await work.run()
    after = await studio.row("photos", photo["photo_id"])
    assert studio.files() == {after.served_key, after.original_key}
    assert after.served_key != before.served_key
    assert after.original_key == before.original_key
    assert after.redacted_by == await studio.person_id("worker-1")
    assert after.redacted_at == NOW


async def test_a_redacted_photo_has_a_new_address_so_that_no_copy_on_a_phone_is_shown(
    photo: dict[str, Any], worker: Caller, studio: Studio
) -> None:
    path = f"/v1/photos/{photo['photo_id']}"
    before = (await worker.get(path)).json()["url"]
    assert (await worker.get(path)).json()["url"] == before

    redacted = (await redact(worker, photo, LEFT_HALF)).json()["url"]

    assert before != redacted == (await worker.get(path)).json()["url"]
    # Who has the address from before sees no more than others.
    assert (await studio.here.http.get(before)).content == (
        await studio.here.http.get(redacted)
    ).content


async def test_of_two_redactions_at_once_the_second_is_told_to_look_again(
    photo: dict[str, Any], worker: Caller, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_redacted = work.keeper.redacted
    pictures: list[bytes] = []

    async def redacted_while_another_was_faster(*args: Any) -> bytes:
        pictures.append(await really_redacted(*args))
        if len(pictures) == 1:
            assert (await redact(worker, photo, LEFT_HALF)).status_code == 201
        return pictures[0]

    monkeypatch.setattr(work.keeper, "redacted", redacted_while_another_was_faster)
    stale = await redact(worker, photo, LEFT_HALF)
    assert problem_code(stale) == "photo_changed"
    await work.run()
    assert (await colours(worker, photo["url"]))[0] == (0, 0, 0)


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [LEFT_HALF] * 21,
        [LEFT_HALF | {"width": 0}],
        [LEFT_HALF | {"left": 0.6}],
        [LEFT_HALF | {"left": -0.1}],
        [LEFT_HALF | {"colour": 1}],
    ],
)
async def test_boxes_that_are_not_inside_the_picture_are_refused(
    photo: dict[str, Any], worker: Caller, boxes: list[dict[str, float]]
) -> None:
    assert problem_code(await redact(worker, photo, *boxes)) == "request_invalid"


# Originals.


async def test_an_original_is_read_on_record_and_without_its_metadata(
    photo: dict[str, Any], studio: Studio, worker: Caller, here: Neighbourhood,
    sessionmaker: Sessions,
) -> None:  # fmt: skip
    await redact(worker, photo, LEFT_HALF)
    path = f"/v1/staff/photos/{photo['photo_id']}/original"
    answer = await worker.post(path, {"purpose": "核实车牌"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert b"Exif" not in answer.content
    pixel = Image.open(BytesIO(answer.content)).getpixel((80, 60))
    assert pixel == pytest.approx(picture().getpixel((80, 60)), abs=12)

    async with sessionmaker() as session:
        (read,) = (await session.execute(text("SELECT * FROM personal_data_reads"))).all()
    assert str(read.resident_id) == here.resident_id("resident-1")
    assert read.reader_id == await studio.person_id("worker-1")
    assert (read.fields, read.purpose, read.read_at) == (["photo"], "核实车牌", NOW)


async def test_an_original_needs_a_purpose(photo: dict[str, Any], worker: Caller) -> None:
    path = f"/v1/staff/photos/{photo['photo_id']}/original"
    assert problem_code(await worker.post(path, {"purpose": " "})) == "request_invalid"


async def test_a_destroyed_original_cannot_be_read(
    photo: dict[str, Any], studio: Studio, work: Work, clock: Clock, here: Neighbourhood
) -> None:
    clock.advance(days=30)
    await work.destroy_originals()
    let_pass(here, clock)
    worker = await studio.caller("worker-1")
    path = f"/v1/staff/photos/{photo['photo_id']}/original"
    answer = await worker.post(path, {"purpose": "核实车牌"})
    assert answer.status_code == 410
    assert problem_code(answer) == "original_destroyed"
    assert await studio.count("personal_data_reads") == 0


async def test_a_text_passed_while_wechat_was_still_reading_it_is_hidden_if_it_is_risky(
    studio: Studio, work: Work, wechat: WeChatDouble, app: FastAPI, sessionmaker: Sessions,
    worker: Caller, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    client = app.state.wechat[APP_ID]
    await studio.open_mini_program("resident-1", wechat, client)
    number, author = new_id(NOW), await studio.person_id("resident-1")
    async with sessionmaker.begin() as session:
        await service.attach_check_text(
            session, studio.community_id, subject_id=number, person_id=author,
            text="违规内容", now=NOW,
        )  # fmt: skip
    read = client.check_text

    async def passed_meanwhile(*args: Any, **named: Any) -> ContentVerdict:
        assert (await decide(worker, number)).status_code == 200
        verdict: ContentVerdict = await read(*args, **named)
        return verdict

    monkeypatch.setattr(client, "check_text", passed_meanwhile)
    await work.run()

    row = await studio.row("content_checks", number)
    assert (row.state, row.text, row.decided_by) == ("review", "违规内容", None)
