"""Background work of media: content checks, and files whose time has come. All safe to repeat."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.core.database import Record
from app.core.jobs import enqueue_all
from app.core.personal import Vault
from app.media import files, moderation, queries
from app.media.addresses import PhotoLinks
from app.media.checks import queries as checks
from app.media.keeper import FOLDERS, PhotoKeeper, read_key
from app.media.models import CheckKind, CheckState, ContentCheck
from app.media.moderation import MOST_ATTEMPTS, OnRefused
from app.wechat.client import WeChatClient
from app.wechat.content import Scene, Suggest
from app.wechat.errors import (
    OpenIdNotRecent,
    PhotoAskedBefore,
    WeChatMisconfigured,
    WeChatUnavailable,
)

# What residents report is read by their neighbours, as in a forum.
SCENE = Scene.FORUM
# WeChat pushes within 30 minutes, and looks at nothing of somebody who left 2 hours ago.
ANSWERS_WITHIN = timedelta(minutes=40)
GIVE_UP_AFTER = timedelta(hours=2)
WAITS_NO_LONGER_THAN = timedelta(minutes=2)
SWEEP_SIZE = 500
BATCH = 100
ORPHAN_AFTER = timedelta(days=1)

Sessions = async_sessionmaker[AsyncSession]
Clients = Mapping[str, WeChatClient]
logger = structlog.get_logger()


class CheckJob:
    """Asks WeChat about one photo or text, while no transaction is open."""

    def __init__(
        self,
        sessionmaker: Sessions,
        *,
        wechat: Clients,
        links: PhotoLinks,
        vault: Vault,
        on_refused: OnRefused | None = None,
    ) -> None:
        self._sessionmaker = sessionmaker
        self._wechat = wechat
        self._links = links
        self._vault = vault
        self._on_refused = on_refused

    async def check_content(self, payload: bytes, *, now: datetime) -> None:
        """Ask about the content that the payload names, if it still waits.

        While WeChat is unavailable it goes on waiting, and `sweep_checks` asks again.
        """
        community_id, content_check_id = (int(part) for part in payload.split(b":"))
        async with self._sessionmaker() as session:
            found = await checks.get_check(session, community_id, content_check_id)
            if found is None or found[0].state != CheckState.WAITING:
                return
            check, served_key = found
            open_ids = await checks.list_open_ids(session, check.person_id)
        asked = [
            (self._wechat[row.app_id], row.subject)
            for row in open_ids
            if row.app_id in self._wechat
        ]
        try:
            if check.kind == CheckKind.TEXT:
                await self._check_text(check, asked, now=now)
            else:
                await self._check_photo(check, served_key, asked, now=now)
        except WeChatUnavailable:
            logger.warning("content not checked, wechat unavailable", community_id=community_id)

    async def _check_text(
        self, check: ContentCheck, asked: Sequence[tuple[WeChatClient, str]], *, now: datetime
    ) -> None:
        suggest, label = Suggest.REVIEW, None
        for client, open_id in asked:
            try:
                verdict = await client.check_text(check.text or "", open_id=open_id, scene=SCENE)
            except WeChatMisconfigured as fault:
                logger.error("content not checked", error=str(fault))  # noqa: TRY400
                continue
            suggest, label = verdict.suggest, verdict.label
            if verdict.reason is None:
                break
        await self._note_opinion(check, suggest, label, now=now)

    async def _check_photo(
        self,
        check: ContentCheck,
        served_key: str | None,
        asked: Sequence[tuple[WeChatClient, str]],
        *,
        now: datetime,
    ) -> None:
        trace_id: str | None = None
        if served_key is not None and asked:
            url = await self._links.url_for_check(
                check.community_id, check.content_check_id, served_key,
                attempt=check.attempts + 1, now=now,
            )  # fmt: skip
            trace_id = await _ask_about_photo(url, asked)
        if trace_id is None:
            await self._note_opinion(check, Suggest.REVIEW, None, now=now)
            return
        async with self._sessionmaker.begin() as session:
            await moderation.note_asked(
                session, check.community_id, check.content_check_id, trace_id, now=now
            )
        # A verdict pushed before that was committed knew no check; now it does.
        async with self._sessionmaker.begin() as session:
            await moderation.apply_early_verdict(
                session, trace_id, self._vault, now=now, on_refused=self._on_refused
            )

    async def _note_opinion(
        self, check: ContentCheck, suggest: Suggest, label: int | None, *, now: datetime
    ) -> None:
        async with self._sessionmaker.begin() as session:
            await moderation.note_opinion(
                session, check.community_id, check.content_check_id, suggest, label,
                text=check.text, now=now, on_refused=self._on_refused,
            )  # fmt: skip


async def _ask_about_photo(url: str, asked: Sequence[tuple[WeChatClient, str]]) -> str | None:
    """Return the trace id of WeChat's check; None if it will not look at it."""
    for client, open_id in asked:
        try:
            return await client.ask_about_photo(url, open_id=open_id, scene=SCENE)
        except OpenIdNotRecent:
            continue
        except PhotoAskedBefore:
            return None
        except WeChatMisconfigured as fault:
            logger.error("content not checked", error=str(fault))  # noqa: TRY400
    return None


async def sweep_checks(sessionmaker: Sessions, *, now: datetime) -> int:
    """See to checks that nothing became of; return how many are asked about again."""
    async with sessionmaker() as session:
        communities = await checks.list_communities_with_unheard(session)
    asked = 0
    for community_id in communities:
        async with sessionmaker.begin() as session:
            await checks.end_overdue(
                session, community_id,
                asked_before=now - ANSWERS_WITHIN, created_before=now - GIVE_UP_AFTER,
                most_attempts=MOST_ATTEMPTS,
            )  # fmt: skip
            waiting = await checks.list_waiting(
                session, community_id, before=now - WAITS_NO_LONGER_THAN, size=SWEEP_SIZE
            )
            jobs = dict(
                moderation.job_of(community_id, row.content_check_id, row.attempts)
                for row in waiting
            )
            await enqueue_all(session, "check_content", jobs)
        asked += len(jobs)
    return asked


async def destroy_files(keeper: PhotoKeeper, payload: bytes) -> None:
    """Destroy the files that no row names any more."""
    await keeper.destroy(files.read_keys(payload))


async def destroy_originals(sessionmaker: Sessions, keeper: PhotoKeeper, *, now: datetime) -> int:
    """Destroy originals past their time, file first; return how many."""
    async with sessionmaker() as session:
        communities = await queries.list_communities_with_due_originals(session, now=now)
    destroyed = 0
    for community_id in communities:
        while True:
            async with sessionmaker() as session:
                due = await queries.list_due_originals(session, community_id, now=now, size=BATCH)
            await _destroy_batch(sessionmaker, keeper, community_id, due)
            destroyed += len(due)
            if len(due) < BATCH:
                break
    return destroyed


async def _destroy_batch(
    sessionmaker: Sessions, keeper: PhotoKeeper, community_id: int, due: Sequence[Record]
) -> None:
    await keeper.destroy(row.original_key for row in due)
    async with sessionmaker.begin() as session:
        await queries.forget_originals(session, community_id, due)


async def delete_orphans(sessionmaker: Sessions, keeper: PhotoKeeper, *, now: datetime) -> int:
    """Delete files over a day old that no row names, or are half; return how many.

    A file that does not carry one of our names is left alone.
    """
    deleted = await keeper.store.delete_unfinished(before=now - ORPHAN_AFTER)
    for folder in FOLDERS:
        found: dict[int, list[tuple[int, str]]] = {}
        async for key in keeper.store.list_keys(folder):
            name = read_key(key)
            if name is None or name.made_at > now - ORPHAN_AFTER:
                continue
            of_community = found.setdefault(name.community_id, [])
            of_community.append((name.photo_id, key))
            if len(of_community) == BATCH:
                deleted += await _delete_unnamed(
                    sessionmaker, keeper, name.community_id, found.pop(name.community_id)
                )
        for community_id, rest in found.items():
            deleted += await _delete_unnamed(sessionmaker, keeper, community_id, rest)
    return deleted


async def _delete_unnamed(
    sessionmaker: Sessions,
    keeper: PhotoKeeper,
    community_id: int,
    named: Sequence[tuple[int, str]],
) -> int:
    async with sessionmaker() as session:
        unnamed = await queries.list_unnamed_keys(session, community_id, named)
    await keeper.destroy(unnamed)
    return len(unnamed)
