"""Content checks: what WeChat's opinion leads to, and what people decide.

Only what has passed is shown to others. WeChat's first opinion settles a check; a person's
decision stands, unless WeChat finds risky what was passed without knowing that: then it is
hidden and a person looks again.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.jobs import Job, enqueue_each
from app.core.pagination import Page, cut_page, read_cursor
from app.core.personal import Vault
from app.media.addresses import PhotoLinks
from app.media.check_errors import ContentCheckDecided, ContentCheckNotFound, OwnContent
from app.media.checks import queries
from app.media.models import CheckKind, CheckState, ContentCheck
from app.media.schemas import ContentCheckRead
from app.wechat.content import Suggest
from app.wechat.events import MediaVerdict, events_of
from app.wechat.receiving import PAYLOAD

# Asked once, and once more if WeChat says nothing or cannot fetch the picture.
MOST_ATTEMPTS = 2
# WeChat's numbers for what is normal, and for what is wrong and has no number of its own.
NORMAL, OTHER = 100, 21000

REASONS = {
    10001: "内容疑似广告，请修改后重新提交",
    20001: "内容涉及时政敏感信息，不能在此发布",
    20002: "内容疑似低俗色情，不能发布",
    20003: "内容含有辱骂或攻击他人的语句，请文明表达",
    20006: "内容疑似涉及违法犯罪，如需报警请拨打 110",
    20008: "内容疑似欺诈信息，不能发布",
    20012: "内容较为低俗，请修改后重新提交",
    20013: "内容可能侵犯他人版权，请使用自己拍摄的照片和自己的文字",
}
OTHER_REASON = "内容不符合平台规范，请修改后重新提交"

# Called with the community when an author's content is refused, so that they are told.
OnRefused = Callable[[AsyncSession, int, ContentCheck], Awaitable[None]]


async def start_check(session: AsyncSession, check: ContentCheck, also: Sequence[Job] = ()) -> None:
    """Add a check that waits, and the job that sees to it; `also` what else is to be done."""
    await queries.add_check(session, check)
    await enqueue_each(session, [_job_for(check), *also])


async def ask_for_check(session: AsyncSession, check: ContentCheck) -> None:
    await enqueue_each(session, [_job_for(check)])


def _job_for(check: ContentCheck) -> Job:
    return Job("check_content", *job_of(check.community_id, check.content_check_id, check.attempts))


def job_of(community_id: int, content_check_id: int, attempts: int) -> tuple[str, bytes]:
    """Return the key and the payload of the job for a check's next attempt."""
    payload = f"{community_id}:{content_check_id}"
    # A job that asks for the next attempt must not be taken for it.
    return f"check_content:{payload}:{attempts}", payload.encode()


async def note_asked(
    session: AsyncSession, community_id: int, content_check_id: int, trace_id: str, *, now: datetime
) -> None:
    """Note that WeChat was asked and will name its verdict by this trace id."""
    check = await queries.lock_check(session, community_id, content_check_id)
    if check is None:
        return
    await queries.add_trace(session, check, trace_id, now)
    if check.state == CheckState.WAITING:
        check.state = CheckState.ASKED
        check.trace_id = trace_id
        check.asked_at = now
        check.attempts += 1


async def note_opinion(
    session: AsyncSession,
    community_id: int,
    content_check_id: int,
    suggest: Suggest,
    label: int | None,
    *,
    text: str | None,
    now: datetime,
    on_refused: OnRefused | None = None,
) -> None:
    """Settle a check that still waits by an opinion that came at once, or by having none.

    `text` is what was looked at, for the case that somebody passed it meanwhile.
    """
    check = await queries.lock_check(session, community_id, content_check_id)
    if check is None:
        return
    if check.state == CheckState.WAITING:
        await _settle(session, check, suggest, label, now=now, on_refused=on_refused)
        return
    is_news = suggest == Suggest.RISKY and check.label != (label or OTHER)
    if is_news and check.state == CheckState.PASSED:
        _reconsider(check, label or OTHER)
        check.text = text


async def apply_verdict(
    session: AsyncSession,
    event: MediaVerdict,
    *,
    now: datetime,
    on_refused: OnRefused | None = None,
) -> None:
    """Act on a pushed verdict. Safe to repeat.

    One whose trace is unknown is left alone: whoever writes the trace looks for it afterwards.
    """
    trace = await queries.get_trace(session, event.trace_id)
    if trace is None:
        return
    check = await queries.lock_check(session, trace.community_id, trace.content_check_id)
    if check is None:
        return
    if event.is_failed:
        await _ask_again(session, check, event)
        return
    label = event.label or (NORMAL if event.suggest == Suggest.PASS else OTHER)
    if _is_unheard(check):
        await _settle(session, check, event.suggest, label, now=now, on_refused=on_refused)
    elif event.suggest == Suggest.RISKY and check.label != label:
        _reconsider(check, label)


async def apply_early_verdict(
    session: AsyncSession,
    trace_id: str,
    vault: Vault,
    *,
    now: datetime,
    on_refused: OnRefused | None = None,
) -> None:
    """Act on a verdict that came before its trace was written."""
    for sealed in await queries.list_pushes(session, trace_id):
        for event in events_of(json.loads(vault.open(sealed, PAYLOAD))):
            if isinstance(event, MediaVerdict):
                await apply_verdict(session, event, now=now, on_refused=on_refused)


def _is_unheard(check: ContentCheck) -> bool:
    """Tell whether nobody has said anything of this yet, be it that WeChat is merely late."""
    is_open = check.state not in (CheckState.PASSED, CheckState.REFUSED)
    return is_open and check.label is None


async def _settle(
    session: AsyncSession,
    check: ContentCheck,
    suggest: Suggest,
    label: int | None,
    *,
    now: datetime,
    on_refused: OnRefused | None,
) -> None:
    check.label = label
    match suggest:
        case Suggest.REVIEW:
            check.state = CheckState.REVIEW
        case Suggest.PASS:
            _decide(check, CheckState.PASSED, None, now)
        case Suggest.RISKY:
            _decide(check, CheckState.REFUSED, REASONS.get(label or 0, OTHER_REASON), now)
            if on_refused is not None:
                await on_refused(session, check.community_id, check)


async def _ask_again(session: AsyncSession, check: ContentCheck, event: MediaVerdict) -> None:
    if check.state != CheckState.ASKED or check.trace_id != event.trace_id:
        return
    if check.attempts >= MOST_ATTEMPTS:
        check.state = CheckState.REVIEW
        return
    check.state = CheckState.WAITING
    await ask_for_check(session, check)


def _reconsider(check: ContentCheck, label: int) -> None:
    """Hide what was passed before this was known; in any other state only remember it."""
    check.label = label
    if check.state == CheckState.PASSED:
        check.state = CheckState.REVIEW
        check.decided_at = check.decided_by = None


def _decide(check: ContentCheck, state: CheckState, reason: str | None, now: datetime) -> None:
    check.state = state
    check.reason = reason
    check.decided_at = now
    check.text = None


# People.


async def decide(
    session: AsyncSession,
    actor: Actor,
    content_check_id: int,
    *,
    state: CheckState,
    reason: str | None,
    now: datetime,
    on_refused: OnRefused | None = None,
) -> ContentCheck:
    """Let a person pass or refuse; WeChat's decisions may be overruled, a person's may not."""
    check = await queries.lock_check(session, actor.community, content_check_id)
    if check is None:
        raise ContentCheckNotFound
    if check.person_id == actor.person_id:
        raise OwnContent
    if check.decided_by is not None:
        raise ContentCheckDecided
    was_refused = check.state == CheckState.REFUSED
    _decide(check, state, reason, now)
    check.decided_by = actor.person_id
    await session.flush()
    if state == CheckState.REFUSED and not was_refused and on_refused is not None:
        await on_refused(session, check.community_id, check)
    return check


async def list_checks(
    session: AsyncSession,
    actor: Actor,
    *,
    state: CheckState,
    cursor: str | None,
    size: int,
    links: PhotoLinks,
    now: datetime,
) -> Page[ContentCheckRead]:
    """Return checks in this state, oldest first."""
    (after,) = read_cursor(cursor, 1) or (0,)
    rows = await queries.list_checks(
        session, actor.community, state=state, after=after, size=size + 1
    )
    items, next_cursor = cut_page(rows, size, lambda row: (row[0].content_check_id,))
    read = [
        await _describe(check, key, author, actor=actor, links=links, now=now)
        for check, key, author in items
    ]
    return Page(items=read, next_cursor=next_cursor)


async def _describe(
    check: ContentCheck,
    served_key: str | None,
    author: str | None,
    *,
    actor: Actor,
    links: PhotoLinks,
    now: datetime,
) -> ContentCheckRead:
    url: str | None = None
    if served_key is not None:
        url = await links.url(check.community_id, check.content_check_id, served_key, now=now)
    return ContentCheckRead(
        content_check_id=check.content_check_id,
        kind=CheckKind(check.kind),
        state=CheckState(check.state),
        text=check.text,
        photo_url=url,
        author=author,
        is_own=check.person_id == actor.person_id,
        label=check.label,
        reason=check.reason,
        created_at=check.created_at,
    )
