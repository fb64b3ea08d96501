"""Codes for check-ins: issuing them, and reading what was scanned."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.activities import queries
from app.activities.models import Activity
from app.activities.schemas import CodeForm, CodeRead
from app.core.access import Actor
from app.core.code_errors import CodeOfOtherKind
from app.core.codes import Code, CodeKind, link_of
from app.core.signing import KeyRing

# How long a rotating code holds, and when to fetch the next: a queue of phones needs a while.
ROTATING_LIFETIME = timedelta(seconds=30)
PERSONAL_LIFETIME = timedelta(seconds=120)
POSTER_OUTLASTS = timedelta(days=1)
ACTIVITY_KINDS = (CodeKind.ACTIVITY_POSTER, CodeKind.ACTIVITY_ROTATING)


async def issue_activity_code(
    session: AsyncSession, activity: Activity, form: CodeForm, *, now: datetime
) -> Code:
    """Return the activity's code: a poster holds for a day after check-in has closed.

    So whoever scans it late is told that check-in closed, not to look for another code. Each
    revoked poster makes the next one hold a second longer: it is another code.
    """
    if form is CodeForm.ROTATING:
        kind, expires_at = CodeKind.ACTIVITY_ROTATING, now + ROTATING_LIFETIME
    else:
        revoked = await queries.count_revoked_posters(
            session, activity.community_id, activity.activity_id
        )
        kind = CodeKind.ACTIVITY_POSTER
        expires_at = activity.check_in_closes_at + POSTER_OUTLASTS + timedelta(seconds=revoked)
    return Code(kind, activity.community_id, activity.activity_id, expires_at)


def issue_personal_code(actor: Actor, *, now: datetime) -> Code:
    """Return a fresh code of the calling resident."""
    expires_at = now + PERSONAL_LIFETIME
    return Code(CodeKind.RESIDENT, actor.community, actor.resident, expires_at)


def describe_code(code: Code, keys: KeyRing, *, base_url: str, now: datetime) -> CodeRead:
    """Return a code signed, bare and as a link."""
    token = keys.sign_code(code, now=now)
    link = link_of(token, base_url=base_url)
    lifetimes = {
        CodeKind.ACTIVITY_ROTATING: ROTATING_LIFETIME,
        CodeKind.RESIDENT: PERSONAL_LIFETIME,
    }
    lifetime = lifetimes.get(code.kind)
    return CodeRead(
        token=token,
        link=link,
        expires_at=code.expires_at,
        refresh_in_seconds=None if lifetime is None else int(lifetime.total_seconds()) // 2,
    )


async def revoke_scanned(
    session: AsyncSession,
    actor: Actor,
    activity_id: int,
    scanned: str,
    *,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Refuse one of an activity's codes from now on."""
    code = keys.codes.read_scanned(
        scanned, kinds=ACTIVITY_KINDS, community_id=actor.community, now=now
    )
    if code.subject_id != activity_id:
        raise CodeOfOtherKind
    await queries.revoke_code(session, code, revoked_by=actor.person_id, now=now)
