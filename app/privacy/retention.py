"""How long what is kept, why, and what carries it out: the one table of it.

PIPL article 19: no longer than the purpose needs. `sweep` runs every night, by `keep_retention`;
where there is none, `done_by` names the job that does it, or `kept_because` says why it stays.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.community import service as community
from app.core.config import Settings
from app.core.idempotency import KEPT_FOR as ANSWERS_KEPT_FOR
from app.media import files
from app.media import queries as media
from app.privacy.closing.service import RESPITE
from app.privacy.exports.service import KEPT_FOR as EXPORTS_KEPT_FOR
from app.privacy.exports.service import object_key
from app.privacy.schemas import RetentionRead, RetentionTable
from app.privacy.sweeping import queries

POSITIONS_KEPT_FOR = timedelta(days=90)
READ_MESSAGES_KEPT_FOR = timedelta(days=365)
WECHAT_MESSAGES_KEPT_FOR = timedelta(days=90)
PUSHES_KEPT_FOR = timedelta(days=90)
JOIN_NAMES_KEPT_FOR = timedelta(days=180)
UNATTACHED_KEPT_FOR = timedelta(days=7)
EVIDENCE_KEPT_FOR = timedelta(days=180)
CONSENTS_KEPT_FOR = timedelta(days=3 * 365)

# Ends up to so many things of a community that are due; returns how many it did.
Sweep = Callable[[AsyncSession, int, datetime, int], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Retention:
    """A kind of data; `period` may name settings in braces."""

    code: str
    what: str
    period: str
    reason: str
    sweep: Sweep | None = None
    is_global: bool = False
    done_by: str | None = None
    kept_because: str | None = None


async def destroy_exports(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    exports = await queries.destroy_exports(session, community_id, now=now, size=size)
    keys = [object_key(community_id, data_export_id) for data_export_id in exports]
    await files.ask_to_destroy(session, keys)
    return len(exports)


async def forget_positions(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - POSITIONS_KEPT_FOR
    return await queries.forget_positions(session, community_id, before=before, size=size)


async def delete_read_messages(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - READ_MESSAGES_KEPT_FOR
    return await queries.delete_read_messages(session, community_id, before=before, size=size)


async def delete_wechat_messages(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - WECHAT_MESSAGES_KEPT_FOR
    return await queries.delete_wechat_messages(session, community_id, before=before, size=size)


async def forget_join_names(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - JOIN_NAMES_KEPT_FOR
    return await queries.forget_join_names(session, community_id, before=before, size=size)


async def delete_unattached_photos(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - UNATTACHED_KEPT_FOR
    found = await queries.list_unattached_photos(session, community_id, before=before, size=size)
    photo_ids = await queries.still_unattached(session, community_id, found)
    keys = await media.delete_photos(session, community_id, photo_ids=photo_ids, now=now)
    await files.ask_to_destroy(session, keys)
    return len(found)


async def release_evidence(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - EVIDENCE_KEPT_FOR
    return await queries.release_evidence(session, community_id, before=before, size=size)


async def delete_withdrawn_consents(
    session: AsyncSession, community_id: int, now: datetime, size: int
) -> int:
    before = now - CONSENTS_KEPT_FOR
    return await queries.delete_withdrawn_consents(session, community_id, before=before, size=size)


async def delete_pushes(
    session: AsyncSession,
    _everywhere: int,
    now: datetime,
    size: int,
) -> int:
    return await queries.delete_pushes(session, before=now - PUSHES_KEPT_FOR, size=size)


def _days(period: timedelta) -> str:
    return f"{period.days} 天"


RETENTION = (
    Retention(
        "originals", "照片原图（加密保存）", "上传后 {original_days} 天",
        "仅用于核实事件和遮挡人脸、车牌", done_by="destroy_originals",
    ),
    # Before the photos that belong to nothing: what is let go here goes with them.
    Retention(
        "refused_evidence", "未通过或撤回的积分申报的照片",
        f"处理后 {_days(EVIDENCE_KEPT_FOR)}，申诉未了结的保留到了结",
        "处理对审核结果的申诉", release_evidence,
    ),
    Retention(
        "unattached_photos", "上传后没有用于任何事件或申报的照片",
        f"上传后 {_days(UNATTACHED_KEPT_FOR)}", "留出填写内容的时间",
        delete_unattached_photos,
    ),
    Retention(
        "photo_positions", "照片自带的拍摄位置（加密保存）",
        f"上传后 {_days(POSITIONS_KEPT_FOR)}", "仅用于帮您填写事件地点", forget_positions,
    ),
    Retention(
        "data_exports", "个人信息副本文件（加密保存）",
        f"生成后 {_days(EXPORTS_KEPT_FOR)}", "供您本人下载", destroy_exports,
    ),
    Retention(
        "closed_accounts", "已申请注销账号的姓名、手机号、照片、消息和申报、申诉中的文字",
        f"申请后 {_days(RESPITE)}", "留出撤回的时间；此后删除或匿名化", done_by="close_accounts",
    ),
    Retention(
        "inbox_messages", "已读的站内消息", f"阅读后 {_days(READ_MESSAGES_KEPT_FOR)}",
        "供您查阅办理结果", delete_read_messages,
    ),
    Retention(
        "unread_messages", "未读的站内消息", "保留到您阅读或注销", "供您查阅办理结果",
        kept_because="nobody has read them; they go with the account",
    ),
    Retention(
        "wechat_messages", "已发送的微信订阅消息", f"{_days(WECHAT_MESSAGES_KEPT_FOR)}",
        "排查未送达的通知", delete_wechat_messages,
    ),
    Retention(
        "wechat_pushes", "微信推送给我们的事件（加密保存）", f"{_days(PUSHES_KEPT_FOR)}",
        "防止重复处理、排查故障", delete_pushes, is_global=True,
    ),
    Retention(
        "join_request_names", "入驻申请中的姓名和房号",
        f"审核后 {_days(JOIN_NAMES_KEPT_FOR)}", "处理对审核结果的异议", forget_join_names,
    ),
    Retention(
        "content_check_texts", "送审的文字", "审核有结果时即删除", "微信平台要求先审后发",
        done_by="check_content",
    ),
    Retention(
        "idempotency_keys", "操作应答的副本",
        f"{ANSWERS_KEPT_FOR // timedelta(hours=1)} 小时，逾期当晚删除",
        "网络不稳时重复提交只算一次", done_by="clean_up",
    ),
    Retention(
        "refresh_tokens", "登录凭证（只存摘要）", "{refresh_token_days} 天", "保持登录",
        done_by="clean_up",
    ),
    Retention(
        "login_sessions", "登录和退出的时间", "长期保存", "核查账号安全；注销后只剩编号",
        kept_because="a refused token must stay refused; bare numbers once the account is closed",
    ),
    Retention(
        "books", "积分账（含手工记账和复核）和已上报的事件", "长期保存",
        "账目须可核对；注销后积分账只剩编号，事件地点模糊",
        kept_because="the books must balance, and cases show what was done about them",
    ),
    Retention(
        "procedures", "积分申报及审核、批量名单、岗位职责、公示的留言和异议、积分修复、申诉",
        "长期保存", "积分的来历须可查证；注销后其中的文字删除，未了结的终止",
        kept_because="every award and deduction must be explained for as long as it counts",
    ),
    Retention(
        "salts", "积分存证凭证用来核对身份的随机数（盐值）", "注销并存证后约 1 小时",
        "供您出示和核对存证凭证；清除后存证不变，但无法再证明哪一笔是您的",
        done_by="erase_salts",
    ),
    Retention(
        "lapse_notices", "积分到期、衰减前的提醒记录", "长期保存",
        "证明积分清零前已提前告知；注销后只剩编号",
        kept_because="append-only proof that nothing lapsed unannounced, as old as the books",
    ),
    Retention(
        "check_traces", "内容审核的微信流水编号", "长期保存", "核对审核结果，不含个人信息",
        kept_because="append-only, and says nothing of a person",
    ),
    Retention(
        "personal_data_reads", "工作人员查看个人信息的记录", "不少于 3 年",
        "个人信息保护法第五十四条至第五十六条的审计要求；注销后只剩编号",
        kept_because="append-only proof; bare numbers once the account is closed",
    ),
    Retention(
        "consents", "您撤回的授权记录", "撤回或注销后 3 年", "证明此前处理个人信息有依据",
        delete_withdrawn_consents,
    ),
)  # fmt: skip


async def describe_retention(
    session: AsyncSession, community_id: int, settings: Settings
) -> RetentionTable:
    """Return the table as residents read it; raises CommunityNotFound."""
    here = await community.get_community(session, community_id)
    items = [
        RetentionRead(
            code=entry.code,
            what=entry.what,
            period=entry.period.format(
                original_days=settings.original_days,
                refresh_token_days=settings.refresh_token_days,
            ),
            reason=entry.reason,
        )
        for entry in RETENTION
    ]
    return RetentionTable(community_name=here.name, items=items)
