"""The worker's part: runs the jobs that are waiting, in their order, until there are none."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import Record
from app.media import jobs
from app.media.keeper import PhotoKeeper
from app.media.models import ContentCheck
from app.media.moderation import apply_verdict
from app.wechat import receiving
from app.wechat.events import MediaVerdict
from tests.support.clock import Clock


class Work:
    """Runs jobs; `refused` are the checks whose authors were told, in order."""

    def __init__(
        self,
        app: FastAPI,
        sessionmaker: async_sessionmaker[AsyncSession],
        keeper: PhotoKeeper,
        clock: Clock,
    ) -> None:
        self._app = app
        self._sessionmaker = sessionmaker
        self.keeper = keeper
        self._clock = clock
        self.refused: list[tuple[int, str | None]] = []

    async def tell(self, _: AsyncSession, community_id: int, check: ContentCheck) -> None:
        assert community_id == check.community_id
        self.refused.append((check.content_check_id, check.reason))

    async def waiting(self, name: str | None = None) -> list[str]:
        """Return the payloads of waiting jobs."""
        async with self._sessionmaker() as session:
            rows = (await session.execute(text("SELECT * FROM pgqueuer ORDER BY id"))).all()
        return [row.payload.hex() for row in rows if name in (None, row.entrypoint)]

    async def run(self) -> None:
        while rows := await self._take():
            for row in rows:
                await self._run_job(row)

    async def sweep(self) -> int:
        return await jobs.sweep_checks(self._sessionmaker, now=self._clock())

    async def destroy_originals(self) -> int:
        return await jobs.destroy_originals(self._sessionmaker, self.keeper, now=self._clock())

    async def delete_orphans(self) -> int:
        return await jobs.delete_orphans(self._sessionmaker, self.keeper, now=self._clock())

    def check_job(self) -> jobs.CheckJob:
        state = self._app.state
        return jobs.CheckJob(
            self._sessionmaker,
            wechat=state.wechat,
            links=state.photo_links,
            vault=state.vault,
            on_refused=self.tell,
        )

    async def _take(self) -> list[Record]:
        async with self._sessionmaker.begin() as session:
            rows = (await session.execute(text("SELECT * FROM pgqueuer ORDER BY id"))).all()
            await session.execute(text("DELETE FROM pgqueuer"))
        return list(rows)

    async def _run_job(self, row: Any) -> None:
        match row.entrypoint:
            case "check_content":
                await self.check_job().check_content(row.payload, now=self._clock())
            case "destroy_files":
                await jobs.destroy_files(self.keeper, row.payload)
            case "handle_wechat_push":
                async with self._sessionmaker.begin() as session:
                    await receiving.handle_push(
                        session,
                        self._app.state.vault,
                        row.payload,
                        handlers={MediaVerdict: apply_verdict},
                        now=self._clock(),
                    )
            case other:
                raise AssertionError(other)
