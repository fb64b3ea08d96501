"""SQL of activities."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.activities.models import Activity
from app.community.queries import who_stands
from app.core.codes import Code, CodeKind
from app.core.database import Record
from app.core.models import RevokedCode
from app.rules.queries import HAS_CAMPAIGNS


class Scan(NamedTuple):
    """What a check-in is to be looked at again by: whose session, where, of whom, which code."""

    session_id: int
    person_id: int
    activity_id: int | None
    resident_id: int
    code: Code | None


# LIMIT tells the planner how many rows come, as in ledger.queries.
_LOOK_AT_SCANS = text(f"""
    SELECT caller.is_signed_in, caller.resident_id AS caller_resident_id, caller.grants AS roles,
        activities.version, residents.masked_name, revoked_at IS NOT NULL AS is_revoked,
        {HAS_CAMPAIGNS} AS has_campaigns
    FROM (SELECT * FROM unnest(
            CAST(:session_ids AS bigint[]), CAST(:person_ids AS bigint[]),
            CAST(:activity_ids AS bigint[]), CAST(:resident_ids AS bigint[]),
            CAST(:kinds AS smallint[]), CAST(:subject_ids AS bigint[]),
            CAST(:expiries AS timestamptz[])) WITH ORDINALITY
            AS row(session_id, person_id, activity_id, resident_id, kind, subject_id, expires_at,
                number)
        LIMIT cardinality(CAST(:session_ids AS bigint[]))) AS scan
        LEFT JOIN LATERAL (SELECT true AS is_signed_in, who.* FROM ({
            who_stands(session="scan.session_id", person="scan.person_id",
                community="CAST(:community_id AS bigint)")
        }) AS who) AS caller ON true
        LEFT JOIN activities ON activities.community_id = :community_id
            AND activities.activity_id = scan.activity_id
        LEFT JOIN residents ON residents.community_id = :community_id
            AND residents.resident_id = scan.resident_id AND residents.state = 'active'
        LEFT JOIN revoked_codes ON revoked_codes.community_id = :community_id
            AND revoked_codes.kind = scan.kind AND revoked_codes.subject_id = scan.subject_id
            AND revoked_codes.expires_at = scan.expires_at
    ORDER BY number
""")  # fmt: skip  # noqa: S608 - a fragment of community's


async def look_at_scans(
    session: AsyncSession,
    community_id: int,
    scans: Sequence[Scan],
    *,
    since: datetime,
    at: datetime,
) -> Sequence[Record]:
    """Return (is_signed_in, caller_resident_id, roles, version, masked_name, is_revoked) of each.

    In their order; masked_name is empty if whose check-in it is has left. All of them tell
    whether it `has_campaigns` that ran since a moment until another.
    """
    codes = [scan.code for scan in scans]
    values = {
        "community_id": community_id,
        "since": since,
        "at": at,
        "session_ids": [scan.session_id for scan in scans],
        "person_ids": [scan.person_id for scan in scans],
        "activity_ids": [scan.activity_id for scan in scans],
        "resident_ids": [scan.resident_id for scan in scans],
        "kinds": [None if code is None else int(code.kind) for code in codes],
        "subject_ids": [None if code is None else code.subject_id for code in codes],
        "expiries": [None if code is None else code.expires_at for code in codes],
    }
    return (await session.execute(_LOOK_AT_SCANS, values)).all()


_LIST_ACTIVITIES = (
    select(Activity)
    .where(
        Activity.community_id == bindparam("community_id"),
        tuple_(Activity.ends_at, Activity.activity_id)
        > tuple_(
            bindparam("ends_at", type_=Activity.ends_at.type),
            bindparam("activity_id", type_=Activity.activity_id.type),
        ),
    )
    .order_by(Activity.ends_at, Activity.activity_id)
    .limit(bindparam("size"))
)


async def get_activity(
    session: AsyncSession, community_id: int, activity_id: int
) -> Activity | None:
    return await session.get(Activity, (community_id, activity_id))


async def list_activities(
    session: AsyncSession, community_id: int, *, after: tuple[datetime, int], size: int
) -> Sequence[Activity]:
    """Return activities by when they end, after a moment and number."""
    ends_at, activity_id = after
    values = {
        "community_id": community_id, "ends_at": ends_at, "activity_id": activity_id, "size": size,
    }  # fmt: skip
    return (await session.scalars(_LIST_ACTIVITIES, values)).all()


async def lock_activity(
    session: AsyncSession, community_id: int, activity_id: int
) -> Activity | None:
    """Return an activity, locked until the transaction ends."""
    statement = (
        select(Activity)
        .where(Activity.community_id == community_id, Activity.activity_id == activity_id)
        .with_for_update(key_share=True)
    )
    return await session.scalar(statement)


async def count_revoked_posters(session: AsyncSession, community_id: int, activity_id: int) -> int:
    statement = select(func.count()).where(
        RevokedCode.community_id == community_id,
        RevokedCode.kind == int(CodeKind.ACTIVITY_POSTER),
        RevokedCode.subject_id == activity_id,
    )
    return await session.scalar(statement) or 0


async def revoke_code(session: AsyncSession, code: Code, *, revoked_by: int, now: datetime) -> None:
    """Refuse a code from now on; revoking it again changes nothing."""
    statement = insert(RevokedCode).values(
        community_id=code.community_id,
        kind=int(code.kind),
        subject_id=code.subject_id,
        expires_at=code.expires_at,
        revoked_by=revoked_by,
        revoked_at=now,
    )
    await session.execute(statement.on_conflict_do_nothing())
