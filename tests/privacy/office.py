"""What residents do with their data, and the jobs behind it, done when a test says so."""

import json
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.community.residents.service import put_phone
from app.core.access import Actor
from app.media.keeper import PhotoKeeper
from app.privacy import jobs
from app.privacy.revocation import obey_revocation
from app.wechat.events import Revocation
from tests.media.photos import ExifBlock, jpeg_with, picture, sexagesimal
from tests.support.books import assert_books_balance
from tests.support.caller import Caller
from tests.support.clock import Clock
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood
from tests.support.photos import let_check_pass, post_photo
from tests.support.working import work_off

# Where photos are taken; no report names it.
TAKEN_AT = (31.2204567, 121.4606543)
REPORTED_AT = (31.2312345, 121.4756789)
APP_ID = "wx1111111111111111"
OPEN_ID = "openid-of-resident-1"


@dataclass
class Office:
    """A neighbourhood, its photo store, and the worker."""

    app: FastAPI
    here: Neighbourhood
    sessionmaker: async_sessionmaker[AsyncSession]
    keeper: PhotoKeeper
    folder: Path
    clock: Clock

    # What residents do.

    async def agree(self, name: str = "resident-1") -> Caller:
        return await consent(self.here, name)

    async def send_photo(self, name: str = "resident-1", *, width: int = 320) -> str:
        """Send a photo that knows where it was taken; another width is another photo."""
        block = ExifBlock(latitude=sexagesimal(TAKEN_AT[0]), longitude=sexagesimal(TAKEN_AT[1]))
        answer = await post_photo(
            await self.here.caller(name), jpeg_with(block, picture(width, 240))
        )
        assert answer.status_code == 201, answer.text
        photo_id: str = answer.json()["photo_id"]
        return photo_id

    async def report(self, photo_id: str, name: str = "resident-1", **changes: Any) -> str:
        """Report a hazard; return the case's number."""
        building_id = str(self.here.places.buildings[0])
        body = {
            "category_code": "street_lamp",
            "description": "楼道灯不亮，晚上看不清台阶",
            "address": "东门",
            "building_id": building_id,
            "position": {
                "latitude": REPORTED_AT[0],
                "longitude": REPORTED_AT[1],
                "coordinate_system": "wgs84",
            },
            "photo_ids": [photo_id],
        } | changes
        answer = await (await self.here.caller(name)).post_once("/v1/cases", body)
        assert answer.status_code == 201, answer.text
        case_id: str = answer.json()["case_id"]
        return case_id

    async def publish(self, case_id: str, photo_id: str) -> None:
        """Let the worker take a case up, and let its text and photo be seen."""
        worker = await self.here.caller("worker-1")
        answer = await worker.post_once(f"/v1/staff/cases/{case_id}/accept")
        assert answer.status_code == 200, answer.text
        await let_check_pass(worker, case_id)
        await let_check_pass(worker, photo_id)

    async def ask_for_export(self, name: str = "resident-1") -> str:
        answer = await (await self.here.caller(name)).post("/v1/me/data-exports")
        assert answer.status_code == 201, answer.text
        data_export_id: str = answer.json()["data_export_id"]
        return data_export_id

    async def fetch(self, data_export_id: str, name: str = "resident-1") -> zipfile.ZipFile:
        answer = await self.download(data_export_id, name)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zip"
        return zipfile.ZipFile(BytesIO(answer.content))

    async def download(self, data_export_id: str, name: str = "resident-1") -> httpx.Response:
        caller = await self.here.caller(name)
        return await caller.get(f"/v1/me/data-exports/{data_export_id}/file")

    async def copy(self, name: str = "resident-1") -> dict[str, list[dict[str, Any]]]:
        """Ask for a copy, have it made, and return its data.json."""
        data_export_id = await self.ask_for_export(name)
        await self.work()
        with await self.fetch(data_export_id, name) as archive:
            copy: dict[str, list[dict[str, Any]]] = json.loads(archive.read("data.json"))
        return copy

    async def ask_for_closure(self, name: str = "resident-1") -> dict[str, Any]:
        answer = await (await self.here.caller(name)).post("/v1/me/closure")
        assert answer.status_code == 201, answer.text
        closure: dict[str, Any] = answer.json()
        return closure

    async def close(self, name: str = "resident-1") -> None:
        """Have an account closed, seven days later."""
        await self.ask_for_closure(name)
        self.later(days=7)
        assert await self.close_accounts() == 1
        await self.work()

    def later(self, **by: float) -> None:
        """Let time pass; whoever calls next signs in anew."""
        self.clock.advance(**by)
        self.here.callers.clear()

    # What jobs do.

    async def make(self, data_export_id: str) -> bool:
        state = self.app.state
        payload = f"{self.here.community_id}:{data_export_id}".encode()
        return await jobs.make_data_export(
            self.sessionmaker, self.keeper.store, state.master_key, state.vault, payload,
            now=self.clock(),
        )  # fmt: skip

    async def close_accounts(self) -> int:
        return await jobs.close_accounts(self.sessionmaker, now=self.clock())

    async def keep_retention(self) -> dict[str, int]:
        return await jobs.keep_retention(self.sessionmaker, now=self.clock())

    async def work(self) -> None:
        """Run the jobs that wait, as the worker does."""
        await work_off(self.app)

    # WeChat.

    async def open_mini_program(self, name: str = "resident-1", open_id: str = OPEN_ID) -> None:
        """Let somebody be known by an openid as well, and accept two messages."""
        values = {"person_id": await self.person_id(name), "app": APP_ID, "open_id": open_id}
        async with self.sessionmaker.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO identities (provider, app_id, subject, person_id, created_at)"
                    " VALUES ('wechat', :app, :open_id, :person_id, now())"
                ),
                values,
            )
            await session.execute(
                text(
                    "INSERT INTO message_quotas (person_id, app_id, template_id, left_count,"
                    " updated_at) VALUES (:person_id, :app, :open_id, 2, now())"
                ),
                values,
            )

    async def revoke(
        self, *kinds: int, open_id: str = OPEN_ID, is_cancellation: bool = False
    ) -> None:
        """Let WeChat tell us that somebody took consent back."""
        event = Revocation(open_id, APP_ID, kinds, is_cancellation=is_cancellation)
        async with self.sessionmaker.begin() as session:
            await obey_revocation(session, event, vault=self.app.state.vault, now=self.clock())

    async def keep_phone(self, phone: str, name: str = "resident-1") -> None:
        """Keep somebody's phone, as after they let WeChat tell it."""
        actor = Actor(
            person_id=await self.person_id(name), session_id=0,
            community_id=self.here.community_id,
            resident_id=int(self.here.resident_id(name)), grants=(),
        )  # fmt: skip
        await consent(self.here, name, "service", "phone")
        async with self.sessionmaker.begin() as session:
            await put_phone(session, actor, phone, vault=self.app.state.vault)

    # What is there to see.

    def files(self) -> set[str]:
        """Return the first part of the path of every file, and its number."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.sessionmaker() as session:
            found = await session.execute(text(statement), values)
            return [dict(row) for row in found.mappings()]

    async def row(self, statement: str, **values: Any) -> dict[str, Any]:
        (row,) = await self.rows(statement, **values)
        return row

    async def resident(self, name: str = "resident-1") -> dict[str, Any]:
        number = int(self.here.resident_id(name))
        return await self.row("SELECT * FROM residents WHERE resident_id = :number", number=number)

    async def person_id(self, name: str = "resident-1") -> int:
        found = await self.row(
            "SELECT person_id FROM identities WHERE subject = :name", name=self.here.prefix + name
        )
        return int(found["person_id"])

    async def assert_books_balance(self) -> None:
        async with self.sessionmaker() as session:
            await assert_books_balance(session, self.here.community_id)
