"""Links to photos, as whoever has one uses them."""

from pathlib import Path

import httpx
import pytest

from app.media.addresses import PhotoLinks
from app.media.keeper import new_key, read_key
from app.media.storage import open_store
from tests.conftest import NOW
from tests.media.sending import Studio
from tests.support.caller import problem_code
from tests.support.clock import Clock


async def test_a_link_needs_no_session_and_serves_a_picture_and_nothing_else(
    studio: Studio, http: httpx.AsyncClient
) -> None:
    answer = await http.get((await studio.send())["url"])
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["cache-control"] == "private, max-age=3600"


async def test_a_link_is_the_same_for_a_while_so_that_a_phone_keeps_its_copy(
    studio: Studio, clock: Clock
) -> None:
    photo = await studio.send()
    caller = await studio.caller("resident-1")
    clock.advance(minutes=1)
    later = (await caller.get(f"/v1/photos/{photo['photo_id']}")).json()["url"]
    clock.advance(minutes=1)
    again = (await caller.get(f"/v1/photos/{photo['photo_id']}")).json()["url"]
    assert photo["url"] != later == again


async def test_a_link_expires(studio: Studio, http: httpx.AsyncClient, clock: Clock) -> None:
    url = (await studio.send())["url"]
    clock.advance(minutes=59)
    assert (await http.get(url)).headers["cache-control"] == "private, max-age=60"
    clock.advance(minutes=1)
    answer = await http.get(url)
    assert answer.status_code == 410
    assert problem_code(answer) == "photo_link_expired"


@pytest.mark.parametrize("place", [0, 1, 25, 33, 34, 51])
async def test_a_link_with_one_letter_changed_opens_nothing(
    studio: Studio, http: httpx.AsyncClient, place: int
) -> None:
    start, _, token = (await studio.send())["url"].rpartition("/")
    letter = "A" if token[place] != "A" else "B"
    answer = await http.get(f"{start}/{token[:place]}{letter}{token[place + 1 :]}")
    assert answer.status_code == 403
    assert problem_code(answer) == "photo_link_invalid"


@pytest.mark.parametrize("token", ["x", "%2e%2e%2fmaster.key", "A" * 52, "A" * 5000])
async def test_a_made_up_link_opens_nothing(
    studio: Studio, http: httpx.AsyncClient, token: str
) -> None:
    await studio.send()
    answer = await http.get(f"/v1/photos/file/{token}")
    assert answer.status_code in {401, 403, 404}


async def test_a_link_whose_file_is_gone_says_so(studio: Studio, http: httpx.AsyncClient) -> None:
    photo = await studio.send()
    row = await studio.row("photos", photo["photo_id"])
    await studio.keeper.store.delete(row.served_key)
    assert problem_code(await http.get(photo["url"])) == "photo_not_found"


async def test_an_object_store_signs_its_own_links(tmp_path: Path) -> None:
    options = {
        "bucket": "photos", "region": "cn-east-1", "endpoint": "https://s3.example.cn",
        "access_key_id": "key", "secret_access_key": "secret",
    }  # fmt: skip
    store = open_store("s3", options, folder=tmp_path)
    links = PhotoLinks(store, b"secret", "http://test")
    key = new_key("served", 1, 2, now=NOW)
    for url in (
        await links.url(1, 2, key, now=NOW),
        await links.url_for_check(1, 2, key, attempt=1, now=NOW),
    ):
        assert url.startswith("https://s3.example.cn/photos/served/1/202611/2-")
        assert "X-Amz-Signature=" in url
        assert "attempt=" not in url


def test_a_key_says_what_its_file_belongs_to_and_when_it_was_made() -> None:
    for folder in ("served", "originals"):
        name = read_key(new_key(folder, 7, 123, now=NOW))
        assert name is not None
        assert (name.community_id, name.photo_id, name.made_at) == (7, 123, NOW)
    assert new_key("served", 7, 123, now=NOW) != new_key("served", 7, 123, now=NOW)
    assert read_key("served/7/202611/123-0.jpg") is None
    assert read_key("readme.txt") is None
