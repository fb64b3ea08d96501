"""People who send photos, and what is kept of these."""

from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import Record
from app.identity.models import Identity
from app.media.keeper import PhotoKeeper
from app.wechat.client import WeChatClient
from tests.conftest import NOW
from tests.doubles.wechat import WeChatDouble
from tests.media.photos import ExifBlock, jpeg_with, picture
from tests.support.caller import Caller
from tests.support.neighbourhood import Neighbourhood

APP_ID = "wx1111111111111111"
SECRET = "not-to-be-seen"
PUSH_TOKEN = "token-of-the-push"


def some_photo(width: int = 320) -> bytes:
    """Return a photo of a phone, with the time and the place; another width is another file."""
    return jpeg_with(ExifBlock(), picture(width, 240))


async def post_photo(
    caller: Caller, content: bytes, *, field: str = "file", name: str = "photo.jpg"
) -> httpx.Response:
    """Send a file as wx.uploadFile does."""
    return await caller.http.post(
        "/v1/photos", files={field: (name, content, "image/jpeg")}, headers=caller.headers()
    )


class Studio:
    """A neighbourhood whose people send photos."""

    def __init__(
        self,
        here: Neighbourhood,
        sessionmaker: async_sessionmaker[AsyncSession],
        keeper: PhotoKeeper,
        folder: Path,
    ) -> None:
        self.here = here
        self.community_id = here.community_id
        self.keeper = keeper
        self._sessionmaker = sessionmaker
        self._folder = folder
        self._agreed: set[str] = set()

    async def caller(self, name: str) -> Caller:
        return await self.here.caller(name)

    async def sender(self, name: str, *purposes: str) -> Caller:
        """Return somebody who has agreed to these purposes, or else to what photos are about."""
        caller = await self.caller(name)
        if purposes or name not in self._agreed:
            self._agreed.add(name)
            body = {
                "community_id": str(self.community_id), "version": 1,
                "purposes": list(purposes or ("service", "location")),
            }  # fmt: skip
            answer = await caller.post("/v1/consents", body)
            assert answer.status_code == 200, answer.text
        return caller

    async def send(self, name: str = "resident-1", *, width: int = 320) -> dict[str, Any]:
        """Let somebody send a photo."""
        answer = await post_photo(await self.sender(name), some_photo(width))
        assert answer.status_code == 201, answer.text
        photo: dict[str, Any] = answer.json()
        return photo

    async def state(self, photo: dict[str, Any], name: str = "resident-1") -> str:
        """Return the state that its sender sees."""
        answer = await (await self.caller(name)).get(f"/v1/photos/{photo['photo_id']}")
        assert answer.status_code == 200, answer.text
        state: str = answer.json()["state"]
        return state

    def files(self) -> set[str]:
        """Return the files there are, by their paths within the folder."""
        return {
            path.relative_to(self._folder).as_posix()
            for path in self._folder.rglob("*")
            if path.is_file()
        }

    async def row(self, table: str, number: object) -> Record:
        """Return a row of photos or content_checks."""
        column = {"photos": "photo_id", "content_checks": "content_check_id"}[table]
        async with self._sessionmaker() as session:
            found = await session.execute(
                text(f"SELECT * FROM {table} WHERE {column} = :number"),  # noqa: S608
                {"number": int(str(number))},
            )
            return found.one()

    async def count(self, table: str) -> int:
        async with self._sessionmaker() as session:
            return await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608

    async def person_id(self, name: str) -> int:
        async with self._sessionmaker() as session:
            statement = text("SELECT person_id FROM identities WHERE subject = :name")
            return int(await session.scalar(statement, {"name": name}) or 0)

    async def open_mini_program(self, name: str, double: WeChatDouble, client: WeChatClient) -> str:
        """Let somebody come by WeChat as well; return their openid."""
        found = await client.code_to_session(double.issue_code(name))
        async with self._sessionmaker.begin() as session:
            values = {
                "provider": "wechat", "app_id": APP_ID, "subject": found.open_id,
                "person_id": await self.person_id(name), "created_at": NOW,
            }  # fmt: skip
            await session.execute(insert(Identity).values(values))
        return found.open_id
