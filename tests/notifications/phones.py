"""People with WeChat on their phones: known to the double and to us, and told of things."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.config import WeChatTemplate
from app.notifications import queries
from app.notifications.jobs import send_messages
from app.notifications.service import Notice, notify
from app.notifications.templates import Templates
from app.wechat.client import WeChatClient
from tests.doubles.wechat import WeChatDouble
from tests.support.clock import Clock

Sessions = async_sessionmaker[AsyncSession]

APP_ID = "wx1111111111111111"
OTHER_APP_ID = "wx2222222222222222"
SECRET = "not-to-be-seen"
PROGRESS = "template-of-progress"
VOUCHER = "template-of-vouchers"

FIELDS = {"thing1": "title", "phrase2": "status", "time3": "time"}
MESSAGES = {
    APP_ID: {
        "case_progress": WeChatTemplate(
            template_id=PROGRESS, page="pages/case?id={subject_id}", fields=FIELDS
        ),
        "case_solved": WeChatTemplate(template_id=PROGRESS, fields=FIELDS),
        "voucher_expires": WeChatTemplate(template_id=VOUCHER, fields={"thing1": "title"}),
        "forbidden": WeChatTemplate(template_id="banned-one", fields={"thing1": "title"}),
    },
    OTHER_APP_ID: {
        "case_assigned": WeChatTemplate(template_id="for-workers", fields={"thing1": "title"})
    },
}
TEMPLATES = Templates(MESSAGES)


def notice(person_id: int, *, kind: str = "case_progress", **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "title": "楼道灯不亮",
        "body": "网格员已接单，24 小时内处理。",
        "subject_kind": "case",
        "subject_id": 77,
        "fields": {"title": "楼道灯不亮", "status": "处理中", "time": "2026年11月18日 15:00"},
    } | changes
    return Notice(person_id=person_id, kind=kind, **values)


@dataclass(frozen=True)
class Phones:
    """WeChat on the phones of a neighbourhood's people."""

    sessions: Sessions
    double: WeChatDouble
    clients: dict[str, WeChatClient]
    clock: Clock
    community_id: int

    async def person_id(self, name: str) -> int:
        found = await self.ask(
            "SELECT person_id FROM identities WHERE provider = 'local' AND subject = :name",
            name=name,
        )
        return int(found)

    async def sign_in(self, name: str, app_id: str = APP_ID) -> int:
        """Let a person be known by WeChat as well; return their number."""
        person_id = await self.person_id(name)
        async with self.sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO identities (provider, app_id, subject, person_id, created_at)"
                    " VALUES ('wechat', :app_id, :open_id, :person_id, :now)"
                ),
                {
                    "app_id": app_id,
                    "open_id": self.double.open_id(app_id, name),
                    "person_id": person_id,
                    "now": self.clock.now,
                },
            )
        return person_id

    async def accept(self, name: str, template_id: str = PROGRESS, *, times: int = 1) -> None:
        """Let a person accept messages, so that both WeChat and we know."""
        person_id = await self.person_id(name)
        for _ in range(times):
            self.double.accept(name, template_id)
            await self.believe(person_id, template_id)

    async def believe(self, person_id: int, template_id: str = PROGRESS) -> None:
        """Have us believe that a person accepts one more message, whatever WeChat thinks."""
        async with self.sessions.begin() as session:
            await queries.add_to_quotas(
                session, person_id, APP_ID, [template_id], now=self.clock.now
            )

    async def tell(self, *notices: Notice, community_id: int | None = None) -> None:
        async with self.sessions.begin() as session:
            await notify(session, community_id or self.community_id, notices, now=self.clock.now)

    async def send(self, clients: dict[str, WeChatClient] | None = None) -> int:
        """Run the job."""
        return await send_messages(
            self.sessions,
            self.clients if clients is None else clients,
            TEMPLATES,
            clock=self.clock,
        )

    async def messages(self) -> list[dict[str, Any]]:
        """Return every message to WeChat, oldest first."""
        async with self.sessions() as session:
            found = await session.execute(
                text("SELECT * FROM wechat_messages ORDER BY wechat_message_id")
            )
            return [dict(row) for row in found.mappings()]

    async def states(self) -> list[tuple[str, int | None]]:
        return [(message["state"], message["errcode"]) for message in await self.messages()]

    async def left(self, person_id: int, template_id: str = PROGRESS) -> int:
        async with self.sessions() as session:
            return (await queries.list_quotas(session, person_id, APP_ID)).get(template_id, 0)

    async def ask(self, statement: str, **values: Any) -> Any:
        async with self.sessions() as session:
            return await session.scalar(text(statement), values)

    @property
    def now(self) -> datetime:
        return self.clock.now
