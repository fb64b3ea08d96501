"""Photo files in a folder and in an object store: one behaviour."""

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from opendal import AsyncOperator

from app.media.errors import PhotoNotFound, PhotoStoreUnavailable
from app.media.storage import (
    INCOMING,
    PhotoStore,
    PhotoStoreMisconfigured,
    open_store,
)
from tests.media.photos import picture, saved
from tests.media.s3_server import S3Server, running_s3

PHOTO = saved(picture(), "JPEG")
KEY = "3/ab/0123-served.jpg"
COS = {
    "bucket": "photos-1250000000",
    "endpoint": "https://cos.ap-shanghai.myqcloud.com",
    "secret_id": "AKIDEXAMPLE",
    "secret_key": "a-secret",
}
OSS = {
    "bucket": "photos",
    "endpoint": "https://oss-cn-shanghai.aliyuncs.com",
    "access_key_id": "LTAIEXAMPLE",
    "access_key_secret": "a-secret",
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "photos"


@pytest.fixture(params=["fs", "s3"])
def store(request: pytest.FixtureRequest, photo_folder: Path) -> PhotoStore:
    if request.param == "fs":
        return open_store("fs", {}, folder=photo_folder)
    server: S3Server = request.getfixturevalue("s3")
    # A root of its own for each test, as they share the bucket.
    root = {"root": f"/{photo_folder.parent.parent.name}"}
    return open_store("s3", server.options | root, folder=photo_folder)


async def listed(store: PhotoStore, prefix: str = "") -> list[str]:
    return sorted([key async for key in store.list_keys(prefix)])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def mode_of(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


async def test_a_photo_is_kept_replaced_and_deleted(store: PhotoStore) -> None:
    await store.put(KEY, PHOTO)
    assert await store.get(KEY) == PHOTO
    await store.put(KEY, b"another")
    assert await store.get(KEY) == b"another"
    await store.delete(KEY)
    with pytest.raises(PhotoNotFound):
        await store.get(KEY)


async def test_deleting_what_is_not_there_is_done_already(store: PhotoStore) -> None:
    await store.delete("never/was-here.jpg")
    await store.put(KEY, PHOTO)
    await store.delete(KEY)
    await store.delete(KEY)
    assert await listed(store) == []


async def test_keys_are_listed_by_their_prefix(store: PhotoStore) -> None:
    keys = ["1/a.jpg", "1/deep/er/b.jpg", "10/c.jpg", "2/d.jpg"]
    for key in keys:
        await store.put(key, PHOTO)
    assert await listed(store) == keys
    assert await listed(store, "1/") == ["1/a.jpg", "1/deep/er/b.jpg"]
    assert await listed(store, "1") == ["1/a.jpg", "1/deep/er/b.jpg", "10/c.jpg"]
    assert await listed(store, "1/deep/er/b") == ["1/deep/er/b.jpg"]
    assert await listed(store, "3/") == []


async def test_a_photo_of_ten_mebibytes_survives(store: PhotoStore) -> None:
    content = bytes(range(256)) * 40_960
    await store.put(KEY, content)
    assert await store.get(KEY) == content


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret",
        "a/../../b",
        "a..b",
        "a//b",
        "a/",
        ".",
        "a/./b",
        f"{INCOMING}/x",
        "a/.hidden",
        "UPPER.jpg",
        "a b",
        "a\\b",
        "a\nb",
        "a\n",
        "a\0b",
        "照片.jpg",
        "a%2e%2e",
        "a" * 513,
    ],
)
async def test_what_is_no_key_is_refused_by_every_operation(store: PhotoStore, key: str) -> None:
    for operation in (
        store.put(key, PHOTO), store.get(key), store.delete(key), store.presigned_url(key, 60),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="is no key"):
            await operation
    if key and key != "a/":
        with pytest.raises(ValueError, match="is no key"):
            await listed(store, key)
    assert await listed(store) == []


async def test_an_s3_photo_is_served_by_a_presigned_address_alone(s3: S3Server) -> None:
    store = open_store("s3", s3.options, folder=Path("/nonexistent"))
    await store.put(KEY, PHOTO)
    address = await store.presigned_url(KEY, 60)
    assert address is not None
    async with httpx.AsyncClient() as browser:
        served = await browser.get(address)
        bare = await browser.get(address.partition("?")[0])
        forged = await browser.get(address.replace("Signature=", "Signature=0"))
    assert (served.status_code, served.content) == (200, PHOTO)
    assert served.headers["content-type"] == "image/jpeg"
    for refused in (bare, forged):
        assert refused.status_code in {400, 403}
        assert PHOTO not in refused.content
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]


async def test_what_s3_holds_is_a_plain_file_of_the_bucket(s3: S3Server) -> None:
    store = open_store("s3", s3.options, folder=Path("/nonexistent"))
    await store.put("plain/file.jpg", PHOTO)
    assert (s3.buckets / "photos/plain/file.jpg").read_bytes() == PHOTO


async def test_a_folder_presigns_nothing(photo_folder: Path) -> None:
    store = open_store("fs", {}, folder=photo_folder)
    await store.put(KEY, PHOTO)
    assert await store.presigned_url(KEY, 60) is None


@pytest.mark.parametrize(
    ("scheme", "options", "host"),
    [
        ("cos", COS, "photos-1250000000.cos.ap-shanghai.myqcloud.com"),
        ("oss", OSS, "photos.oss-cn-shanghai.aliyuncs.com"),
    ],
)
async def test_tencent_and_alibaba_addresses_are_signed_without_a_connection(
    scheme: str, options: dict[str, str], host: str, photo_folder: Path
) -> None:
    store = open_store(scheme, options, folder=photo_folder)
    address = await store.presigned_url(KEY, 600)
    assert address is not None
    parts = urlsplit(address)
    assert (parts.scheme, parts.hostname, parts.path) == ("https", host, f"/{KEY}")
    assert "ignature=" in parts.query
    assert "a-secret" not in address
    assert files_in(photo_folder) == []


async def test_the_folder_is_made_for_us_alone(photo_folder: Path) -> None:
    await open_store("fs", {}, folder=photo_folder).put(KEY, PHOTO)
    assert mode_of(photo_folder) == 0o700
    assert files_in(photo_folder) == [photo_folder / KEY]


async def test_a_half_written_file_is_never_read(photo_folder: Path) -> None:
    store = open_store("fs", {}, folder=photo_folder)
    operator = AsyncOperator(
        "fs", root=str(photo_folder), atomic_write_dir=str(photo_folder / INCOMING)
    )
    writing = await operator.open(KEY, "wb")
    await writing.write(PHOTO[:1000])
    with pytest.raises(PhotoNotFound):
        await store.get(KEY)
    assert await listed(store) == []
    await writing.write(PHOTO[1000:])
    await writing.close()
    assert await store.get(KEY) == PHOTO


async def test_a_reader_beside_writers_sees_one_whole_file_or_another(
    photo_folder: Path,
) -> None:
    store = open_store("fs", {}, folder=photo_folder)
    versions = [bytes([number]) * 2_000_000 for number in range(8)]
    await store.put(KEY, versions[0])

    async def write(version: bytes) -> None:
        for _ in range(5):
            await store.put(KEY, version)

    async def read() -> set[bytes]:
        return {await store.get(KEY) for _ in range(40)}

    async with asyncio.TaskGroup() as together:
        for version in versions:
            together.create_task(write(version))
        reading = together.create_task(read())
    assert reading.result() <= set(versions)
    assert files_in(photo_folder) == [photo_folder / KEY]


@pytest.mark.parametrize(
    ("scheme", "options", "message"),
    [
        ("ftp", {}, "'ftp' is unknown; there are fs, s3, cos, oss"),
        ("fs", {"root": "/"}, "takes no option: 'root'"),
        ("s3", {}, "'s3' needs the option 'bucket'"),
        ("s3", {"bucket": "photos"}, "needs the option 'region'"),
        ("s3", {"bucket": "photos", "region": ""}, "needs the option 'region'"),
        ("cos", COS | {"secret_key": ""}, "'cos' needs the option 'secret_key'"),
        ("oss", {"bucket": "photos"}, "'oss' needs the option 'endpoint'"),
        ("oss", OSS | {"secret_key": "x"}, "'oss' has no option 'secret_key'"),
        ("cos", COS | {"scheme": "fs"}, "'cos' has no option 'scheme'"),
        ("cos", COS | {"endpoint": "no address"}, "photo store 'cos': ConfigInvalid"),
    ],
)
def test_a_setting_that_is_missing_or_unknown_is_named(
    scheme: str, options: dict[str, str], message: str, photo_folder: Path
) -> None:
    with pytest.raises(PhotoStoreMisconfigured, match=message):
        open_store(scheme, options, folder=photo_folder)


def test_a_misconfiguration_does_not_tell_the_secret(photo_folder: Path) -> None:
    with pytest.raises(PhotoStoreMisconfigured) as refused:
        open_store("cos", COS | {"endpoint": "no address"}, folder=photo_folder)
    assert "a-secret" not in str(refused.value)


async def test_a_store_that_does_not_answer_is_unavailable(photo_folder: Path) -> None:
    # Nothing listens on the discard port.
    options = {"endpoint": "http://127.0.0.1:9", "bucket": "photos", "region": "us-east-1"}
    credentials = {"access_key_id": "x", "secret_access_key": "x"}
    store = open_store("s3", options | credentials, folder=photo_folder)
    with pytest.raises(PhotoStoreUnavailable):
        await store.get(KEY)
