"""What lies outside the process, and what lower rooms are given of higher ones.

The API (main) and the job worker work with the same of it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import queries as cases
from app.contributions.evidence import queries as evidence
from app.core.config import Settings
from app.core.personal import Vault
from app.core.sealing import MasterKey, master_key_of
from app.core.transactions import system_clock
from app.media.addresses import PhotoLinks
from app.media.keeper import PhotoKeeper
from app.media.models import CheckKind, ContentCheck
from app.media.storage import open_store
from app.notifications.service import Notice, notify
from app.notifications.templates import Templates
from app.wechat.client import WeChatClient

WECHAT_TIMEOUT_SECONDS = 5
CONTENT_REFUSED = "content_refused"


@dataclass(frozen=True, slots=True)
class Outside:
    """Our own address, keys, the photo store and WeChat, as this process reaches them."""

    public_base_url: str
    master_key: MasterKey
    vault: Vault
    photo_keeper: PhotoKeeper
    photo_links: PhotoLinks
    templates: Templates
    push_apps: frozenset[str]
    wechat: Mapping[str, WeChatClient]


def reach_store(settings: Settings, key: MasterKey) -> tuple[PhotoKeeper, PhotoLinks]:
    """Open the photo store, which connects to nothing yet."""
    options = {
        name: secret.get_secret_value() for name, secret in settings.photo_store_options.items()
    }
    store = open_store(settings.photo_store, options, folder=settings.data_dir / "photos")
    links = PhotoLinks(store, key.derive("photo links"), settings.public_base_url)
    return PhotoKeeper(store, key), links


@asynccontextmanager
async def reaching_wechat(settings: Settings) -> AsyncIterator[dict[str, WeChatClient]]:
    """Yield a client for each configured mini-program."""
    async with httpx.AsyncClient(timeout=WECHAT_TIMEOUT_SECONDS) as http:
        yield {
            app_id: WeChatClient(http, app_id, secret.get_secret_value(), settings.wechat_base_url)
            for app_id, secret in settings.wechat_apps.items()
        }


@asynccontextmanager
async def reaching_outside(settings: Settings) -> AsyncIterator[Outside]:
    """Yield all of it, for a process that only runs jobs."""
    key = master_key_of(settings)
    keeper, links = reach_store(settings, key)
    async with reaching_wechat(settings) as clients:
        yield Outside(
            settings.public_base_url, key, Vault(key), keeper, links,
            Templates(settings.wechat_messages), frozenset(settings.wechat_push), clients,
        )  # fmt: skip


def outside_of(state: Any) -> Outside:
    """Return what an application in this process already has."""
    settings: Settings = state.settings
    return Outside(
        settings.public_base_url, state.master_key, state.vault, state.photo_keeper,
        state.photo_links,
        Templates(settings.wechat_messages), frozenset(settings.wechat_push), state.wechat,
    )  # fmt: skip


async def photo_in_use(session: AsyncSession, community_id: int, photo_id: int) -> bool:
    """Tell whether a photo belongs to a case or stands behind something as evidence."""
    return await cases.photo_in_use(session, community_id, photo_id) or await evidence.is_evidence(
        session, community_id, photo_id
    )


async def tell_author(session: AsyncSession, community_id: int, check: ContentCheck) -> None:
    """Tell whoever sent a photo or text that it will not be shown, and why."""
    what = "照片" if check.kind == CheckKind.PHOTO else "文字"
    body = f"您提交的{what}未通过内容审核，不会公开显示。{check.reason or ''}"
    fields = {"title": f"{what}未通过审核", "status": "未通过", "note": check.reason or "未通过"}
    notice = Notice(
        check.person_id, CONTENT_REFUSED, f"{what}未通过审核", body, "photo"
        if check.kind == CheckKind.PHOTO else "text", check.content_check_id, fields,
    )  # fmt: skip
    await notify(session, community_id, [notice], now=check.decided_at or system_clock())
