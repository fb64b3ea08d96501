"""What the stories of hazards are told with: phones with WeChat, photos, and the job worker."""

import random
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from PIL import Image, ImageDraw
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import WeChatTemplate
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_messages import SentMessage
from tests.media.photos import MARKER, ExifBlock, jpeg_with, sexagesimal
from tests.story.tale import get
from tests.support.auditing import assert_audit_clean
from tests.support.books import assert_books_balance
from tests.support.caller import Caller, fresh_key, problem_code
from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood
from tests.support.passing import let_pass
from tests.support.photos import post_photo
from tests.support.working import come_round, work_off

APP_ID = "wx5f2c6d9b1a3e7048"
APP_SECRET = "secret-of-the-story"
PUSH_TOKEN = "token-of-the-story"
# What WeChat's console gives: 43 characters, the key of 32 bytes without its last sign.
AES_KEY = "c3Rvcnktb2YtYS1sYW1wLXRoYXQtd2FzLW1lbmRlZCE"
PROGRESS = "template-of-progress"
MESSAGES = {
    APP_ID: {
        "case_progress": WeChatTemplate(
            template_id=PROGRESS,
            page="pages/case?id={subject_id}",
            fields={"thing1": "title", "phrase2": "status", "time3": "time"},
        )
    }
}
# The two grids lie side by side; this line divides them (WGS-84).
SOUTH, NORTH = 31.2250, 31.2350
WEST, BORDER, EAST = 121.4650, 121.4750, 121.4850
Degrees = tuple[float, float]  # latitude, longitude in WGS-84
LAMP: Degrees = (31.2304, 121.4737)


def photograph(seed: int, at: Degrees | None = LAMP) -> bytes:
    """A photo of a phone held upright: turned by its EXIF, with the place if it knows it."""
    if at is None:
        return saved_photo(seed)
    block = ExifBlock(orientation=6, latitude=sexagesimal(at[0]), longitude=sexagesimal(at[1]))
    return jpeg_with(block, scene(seed))


def saved_photo(seed: int, *, width: int = 320, quality: int = 90) -> bytes:
    """The same scene as others have it after sending it on: smaller, and without any EXIF."""
    file = BytesIO()
    shown = scene(seed).transpose(Image.Transpose.ROTATE_270)
    shown.resize((width * 3 // 4, width)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def scene(seed: int) -> Image.Image:
    """A picture, 320 by 240, that looks like no other."""
    chance = random.Random(seed)  # noqa: S311 - a picture, no secret
    image = Image.new("RGB", (320, 240), "#808080")
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        left, top = chance.randrange(320), chance.randrange(240)
        box = (left, top, left + chance.randrange(20, 120), top + chance.randrange(20, 90))
        pen.rectangle(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


@dataclass
class Stage:
    """A neighbourhood of a preset whose people come by WeChat, and all that is around it.

    WeChat says what it thinks of a picture when `wechat_answers` is awaited; while
    `wechat_is_hasty`, its verdict is here, and looked at, before its answer to our question is.
    """

    app: FastAPI
    here: Neighbourhood
    clock: Clock
    sessionmaker: async_sessionmaker[AsyncSession]
    wechat: WeChatDouble
    wechat_is_hasty: bool = False
    people: dict[str, Caller] = field(default_factory=dict)

    # Time and work.

    async def let_pass(self, **by: float) -> None:
        """Let time pass; everybody opens the mini-program anew."""
        let_pass(self.here, self.clock, **by)
        for wechat_name in self.people:
            await self.opens_wechat(wechat_name)

    async def until(self, moment: datetime) -> None:
        await self.let_pass(seconds=(moment - self.clock.now).total_seconds())

    async def work_off(self) -> list[str]:
        return await work_off(self.app)

    async def a_minute_passes(self) -> list[str]:
        return await come_round(self.app, "every_minute")

    async def an_hour_passes(self) -> list[str]:
        return await come_round(self.app, "every_hour")

    async def a_night_passes(self) -> list[str]:
        return await come_round(self.app, "every_night")

    # People.

    async def staff(self, name: str) -> Caller:
        return await self.here.caller(name)

    async def opens_wechat(self, wechat_name: str) -> Caller:
        """Sign somebody in with what wx.login gives; they stay the same caller."""
        caller = self.people.setdefault(wechat_name, Caller(self.here.http))
        body = {"app_id": APP_ID, "code": self.wechat.issue_code(wechat_name)}
        answer = await caller.http.post("/v1/auth/wechat", json=body)
        assert answer.status_code == 200, answer.text
        caller.tokens = answer.json()
        return caller

    async def moves_in(self, wechat_name: str, name: str, *, building: int = 1) -> Caller:
        """Let somebody agree and join by WeChat; the worker of the building's grid lets them in."""
        newcomer = await self.opens_wechat(wechat_name)
        await self.agrees(newcomer, "service")
        body = {
            "community_id": str(self.here.community_id),
            "display_name": name,
            "building_id": str(self.here.places.buildings[building - 1]),
            "room": f"{len(self.people)}-301",
        }
        asked = await newcomer.post("/v1/join-requests", body)
        assert asked.status_code == 201, asked.text
        worker = await self.staff("worker-2" if building == 3 else "worker-1")
        path = f"/v1/staff/join-requests/{asked.json()['join_request_id']}/approve"
        approved = await worker.post(path)
        assert approved.status_code == 200, approved.text
        return await self.opens_wechat(wechat_name)

    async def agrees(self, who: Caller, *purposes: str) -> None:
        """Let somebody read the policy and consent to purposes of it."""
        community_id = str(self.here.community_id)
        policy = await get(who, f"/v1/public/communities/{community_id}/privacy")
        body = {"community_id": community_id, "version": policy["version"]}
        answer = await who.post("/v1/consents", body | {"purposes": list(purposes)})
        assert answer.status_code == 200, answer.text

    async def neighbour(self, wechat_name: str, name: str, *, building: int = 1) -> Caller:
        """Return somebody who has moved in and lets us know the places of photos."""
        who = await self.moves_in(wechat_name, name, building=building)
        await self.agrees(who, "location")
        return who

    # Grids.

    async def draw_the_grids(self) -> None:
        committee = await self.staff("committee-1")
        sides = ((WEST, BORDER), (BORDER, EAST))
        for grid_id, (west, east) in zip(self.here.places.grids, sides, strict=True):
            ring = [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]
            body = {"ring": ring, "coordinate_system": "wgs84"}
            drawn = await committee.put(f"/v1/staff/grids/{grid_id}/boundary", body)
            assert drawn.status_code == 200, drawn.text

    # WeChat.

    async def accepts_a_message(self, wechat_name: str) -> None:
        """Let somebody accept one message in WeChat's popup, of which WeChat tells us."""
        self.wechat.accept(wechat_name, PROGRESS)
        entry = {"TemplateId": PROGRESS, "SubscribeStatusString": "accept", "PopupScene": "1"}
        told = await self.wechat.push_event(
            {
                "Event": "subscribe_msg_popup_event",
                "FromUserName": self.wechat.open_id(APP_ID, wechat_name),
                "List": [entry],
            }
        )
        assert (told.status_code, told.text) == (200, "success")
        await self.work_off()

    async def wechat_answers(self, suggest: str = "pass") -> None:
        """Let WeChat push what it thinks of every picture it was asked about."""
        await self.work_off()
        told = await self.wechat.push_verdicts(suggest)
        assert told, "WeChat was asked about no picture"
        assert {(answer.status_code, answer.text) for answer in told} == {(200, "success")}
        await self.work_off()

    def sent_to(self, wechat_name: str) -> list[SentMessage]:
        """Return the messages that reached somebody's WeChat."""
        open_id = self.wechat.open_id(APP_ID, wechat_name)
        return [message for message in self.wechat.sent if message.open_id == open_id]

    async def messages_left(self, who: Caller) -> int:
        (item,) = (await get(who, "/v1/me/subscriptions", app_id=APP_ID))["items"]
        left: int = item["left_count"]
        return left

    # Photos and cases.

    async def photographs(
        self, who: Caller, seed: int, at: Degrees | None = LAMP
    ) -> dict[str, Any]:
        """Let somebody send a photo of their phone."""
        answer = await post_photo(who, photograph(seed, at))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def reports(
        self, who: Caller, category: str, seed: int, *, at: Degrees = LAMP, **changes: Any
    ) -> dict[str, Any]:
        """Let somebody photograph and report something where the photo says it is."""
        answer = await self.tries_to_report(who, category, seed, at=at, **changes)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def tries_to_report(
        self, who: Caller, category: str, seed: int, *, at: Degrees = LAMP, **changes: Any
    ) -> httpx.Response:
        photo = await self.photographs(who, seed, at)
        body = {
            "category_code": category,
            "description": "晚上看不清台阶，老人容易绊倒",
            "position": place_of_photo(photo),
            "photo_ids": [photo["photo_id"]],
        }
        return await who.post("/v1/cases", body | changes, key=fresh_key())

    async def handle(
        self, worker: str, case: dict[str, Any], action: str, **body: Any
    ) -> dict[str, Any]:
        """Let a worker (or the committee) take a step with a case."""
        answer = await self.tries_to_handle(worker, case, action, **body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def tries_to_handle(
        self, worker: str, case: dict[str, Any], action: str, **body: Any
    ) -> httpx.Response:
        caller = await self.staff(worker)
        return await caller.post_once(f"/v1/staff/cases/{case['case_id']}/{action}", body)

    async def audit(self) -> None:
        """Check the community's book."""
        async with self.sessionmaker() as session:
            await assert_books_balance(session, self.here.community_id)
            await assert_audit_clean(session, self.here.community_id)


def place_of_photo(photo: dict[str, Any]) -> dict[str, Any]:
    """Return the place that a photo suggests, as the phone's map gives it back."""
    return {**photo["suggested_place"]["gcj02"], "coordinate_system": "gcj02"}


async def fetch(caller: Caller, url: str) -> bytes:
    """Return the picture behind a link, which holds nothing but the picture."""
    answer = await caller.http.get(url)
    assert answer.status_code == 200, answer.text
    assert MARKER.encode() not in answer.content
    with Image.open(BytesIO(answer.content)) as picture:
        assert not picture.getexif()
    return answer.content


async def inbox(caller: Caller) -> list[dict[str, Any]]:
    """Return an inbox, newest first."""
    items: list[dict[str, Any]] = (await get(caller, "/v1/me/messages"))["items"]
    return items


async def newest(caller: Caller) -> tuple[str, str]:
    """Return title and body of somebody's newest message."""
    message = (await inbox(caller))[0]
    return message["title"], message["body"]


async def lines_of(caller: Caller) -> list[tuple[str, int]]:
    """Return the lines of somebody's statement, oldest first."""
    items = (await get(caller, "/v1/me/statement"))["items"]
    return [(line["kind"], line["points"]) for line in reversed(items)]


def files_in(folder: Path) -> set[str]:
    """Return what the photo store keeps, by paths within it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, problem_code(answer)
