"""SQL of award lists: a fixed number of statements for a file, and for a thousand rows of it."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.community.models import Resident, ResidentState
from app.contributions.lists.models import AwardList, AwardListRow, ListState
from app.contributions.models import Contribution
from app.core.database import Record
from app.notices.models import PublicNotice
from app.rules.models import Rule, RuleVersion

# An act as lists tell them apart: resident, rule, time.
Occurrence = tuple[int, int, datetime]

# LIMIT tells the planner how many rows come, as in contributions.queries. A building's name is
# compared without blanks, as place_of writes it. Names are sealed: who is called what is for the
# caller to compare.
_FIND_RESIDENTS = """
    WITH wanted AS (
        SELECT * FROM json_to_recordset(CAST(:wanted AS json)) AS row(
            row_number bigint, resident_id bigint, serial text, phone text, building text,
            room text)
        LIMIT json_array_length(CAST(:wanted AS json))),
    found AS (
        SELECT row_number, 'resident_id' AS means, resident_id FROM wanted
        WHERE resident_id IS NOT NULL
        UNION ALL
        SELECT row_number, 'serial', paper_cards.resident_id
        FROM wanted JOIN paper_cards ON paper_cards.community_id = :community_id
            AND paper_cards.serial = wanted.serial AND revoked_at IS NULL
        UNION ALL
        SELECT row_number, 'phone', resident_tokens.resident_id
        FROM wanted JOIN resident_tokens ON resident_tokens.community_id = :community_id
            AND token = decode(wanted.phone, 'hex')
        UNION ALL
        SELECT row_number, 'place', residents.resident_id
        FROM wanted JOIN buildings ON buildings.community_id = :community_id
                AND regexp_replace(buildings.name, '\\s', '', 'g') = wanted.building
            JOIN households ON households.community_id = :community_id
                AND households.building_id = buildings.building_id
                AND households.room = wanted.room
            JOIN residents ON residents.community_id = :community_id
                AND residents.household_id = households.household_id)
    SELECT row_number, means, residents.community_id, residents.resident_id, state, person_id,
        sealed_name, masked_name, audience, joined_at, grid_id, buildings.name AS building_name,
        households.room
    FROM found JOIN residents ON residents.community_id = :community_id
            AND residents.resident_id = found.resident_id
        JOIN buildings ON buildings.community_id = :community_id
            AND buildings.building_id = residents.building_id
        LEFT JOIN households ON households.community_id = :community_id
            AND households.household_id = residents.household_id
"""

# Every version of each rule that some of these words name, by code or by a name it ever had.
_LIST_VERSIONS = """
    SELECT rule_id, code, rule_version_id, name, effective_from, effective_until
    FROM rules JOIN rule_versions USING (community_id, rule_id)
    WHERE community_id = :community_id AND rule_id IN (
        SELECT rule_id FROM rules JOIN rule_versions USING (community_id, rule_id)
        WHERE community_id = :community_id AND (code = ANY(:words) OR name = ANY(:words)))
"""

_INSERT_ROWS = """
    INSERT INTO award_list_rows (community_id, award_list_id, row_number, resident_id, rule_id,
        rule_version_id, units, effort, acted_at, note)
    SELECT :community_id, :award_list_id, row_number, resident_id, rule_id, rule_version_id,
        units, effort, acted_at, note
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        row_number bigint, resident_id bigint, rule_id bigint, rule_version_id bigint,
        units bigint, effort text, acted_at timestamptz, note text)
"""

_SETTLE_ROWS = """
    UPDATE award_list_rows SET contribution_id = settled.contribution_id,
        granted_points = settled.granted_points, refusal = settled.refusal
    FROM (SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS row(
            row_number bigint, contribution_id bigint, granted_points bigint, refusal text)
        LIMIT json_array_length(CAST(:rows AS json))) AS settled
    WHERE community_id = :community_id AND award_list_id = :award_list_id
        AND award_list_rows.row_number = settled.row_number
"""

_REFUSE_ROWS = """
    UPDATE award_list_rows SET refusal = :refusal
    WHERE community_id = :community_id AND award_list_id = :award_list_id
        AND row_number = ANY(:row_numbers) AND contribution_id IS NULL AND refusal IS NULL
"""

_LONGEST_NOTICE = """
    SELECT coalesce(max(award_notice_days), 0) FROM rule_versions
    WHERE community_id = :community_id AND rule_version_id IN (
        SELECT rule_version_id FROM award_list_rows
        WHERE community_id = :community_id AND award_list_id = :award_list_id)
"""

_AWARDS_HOUSEHOLD = """
    SELECT EXISTS (
        SELECT FROM residents AS own JOIN residents AS awarded
                ON awarded.community_id = :community_id
                AND (awarded.resident_id = own.resident_id
                    OR awarded.household_id = own.household_id)
            JOIN award_list_rows AS line ON line.community_id = :community_id
                AND line.award_list_id = :award_list_id
                AND line.resident_id = awarded.resident_id
        WHERE own.community_id = :community_id AND own.person_id = :person_id)
"""

# A list holds nothing that was done after it was proposed, so older ones need no look. What was
# taken back may be given anew. Three lists of values, and not a join, so that the lines are gone
# through once however few the planner thinks there are.
_LIST_ON_OTHERS = """
    SELECT resident_id, rule_id, acted_at
    FROM award_lists JOIN award_list_rows USING (community_id, award_list_id)
    WHERE community_id = :community_id AND award_list_id <> :award_list_id
        AND proposed_at >= :since AND state NOT IN ('refused', 'withdrawn') AND refusal IS NULL
        AND resident_id = ANY(:resident_ids) AND rule_id = ANY(:rule_ids)
        AND acted_at = ANY(:moments)
        AND NOT EXISTS (SELECT FROM contribution_reversals AS reversal
            WHERE reversal.community_id = :community_id
                AND reversal.contribution_id = award_list_rows.contribution_id)
"""


async def find_residents(
    session: AsyncSession, community_id: int, wanted: Sequence[dict[str, Any]]
) -> Sequence[Record]:
    """Return who is found for each row, by each means that it names; with their traits."""
    values = {"community_id": community_id, "wanted": json.dumps(wanted)}
    return (await session.execute(text(_FIND_RESIDENTS), values)).all()


async def list_versions(
    session: AsyncSession, community_id: int, words: Sequence[str]
) -> Sequence[Record]:
    """Return all versions of the rules that these words name."""
    values = {"community_id": community_id, "words": list(words)}
    return (await session.execute(text(_LIST_VERSIONS), values)).all()


async def find_known(session: AsyncSession, community_id: int, file_hash: bytes) -> int | None:
    """Return the list that this file is, unless it was refused or withdrawn."""
    statement = select(AwardList.award_list_id).where(
        AwardList.community_id == community_id,
        AwardList.file_hash == file_hash,
        AwardList.state.not_in((ListState.REFUSED, ListState.WITHDRAWN)),
    )
    return await session.scalar(statement)


async def insert_rows(
    session: AsyncSession, award_list: AwardList, rows: Sequence[dict[str, Any]]
) -> None:
    """Write rows of a list."""
    await session.execute(text(_INSERT_ROWS), _of(award_list) | {"rows": json.dumps(rows)})


async def lock_list(
    session: AsyncSession, community_id: int, award_list_id: int, *, skip_locked: bool = False
) -> AwardList | None:
    """Return a list as it stands now, locked until the transaction ends."""
    statement = (
        select(AwardList)
        .where(AwardList.community_id == community_id, AwardList.award_list_id == award_list_id)
        .with_for_update(key_share=True, skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def longest_notice(session: AsyncSession, award_list: AwardList) -> int:
    """Return for how many days the list must be open to objections."""
    return int(await session.scalar(text(_LONGEST_NOTICE), _of(award_list)) or 0)


async def awards_household(session: AsyncSession, award_list: AwardList, person_id: int) -> bool:
    """Tell whether a row of the list is this person's own, or of somebody they live with."""
    values = _of(award_list) | {"person_id": person_id}
    return bool(await session.scalar(text(_AWARDS_HOUSEHOLD), values))


async def list_on_others(
    session: AsyncSession, community_id: int, award_list_id: int, acts: Collection[Occurrence]
) -> set[Occurrence]:
    """Return which of these are on another list that stands."""
    resident_ids, rule_ids, moments = (list(set(values)) for values in zip(*acts, strict=True))
    values = {
        "community_id": community_id, "award_list_id": award_list_id, "since": min(moments),
        "resident_ids": resident_ids, "rule_ids": rule_ids, "moments": moments,
    }  # fmt: skip
    rows = await session.execute(text(_LIST_ON_OTHERS), values)
    return {(row.resident_id, row.rule_id, row.acted_at) for row in rows}


async def list_due(session: AsyncSession, *, now: datetime) -> Sequence[Record]:
    """Return the lists, of all communities, that are being posted or whose notice has ended."""
    statement = (
        select(AwardList.community_id, AwardList.award_list_id)
        .outerjoin(
            PublicNotice,
            (PublicNotice.community_id == AwardList.community_id)
            & (PublicNotice.public_notice_id == AwardList.public_notice_id),
        )
        .where(
            AwardList.state.in_((ListState.IN_NOTICE, ListState.POSTING)),
            or_(
                AwardList.state == ListState.POSTING,
                PublicNotice.closes_at <= now,
                PublicNotice.withdrawn_at.is_not(None),
            ),
        )
        .order_by(AwardList.award_list_id)
    )
    return (await session.execute(statement)).all()


async def list_waiting_rows(
    session: AsyncSession, award_list: AwardList, *, size: int
) -> Sequence[Row[AwardListRow, bool]]:
    """Return the next rows that nothing came of yet, and whether their residents are still here."""
    statement = (
        select(AwardListRow, (Resident.state == ResidentState.ACTIVE).label("is_here"))
        .join(
            Resident,
            (Resident.community_id == AwardListRow.community_id)
            & (Resident.resident_id == AwardListRow.resident_id),
        )
        .where(
            AwardListRow.community_id == award_list.community_id,
            AwardListRow.award_list_id == award_list.award_list_id,
            AwardListRow.contribution_id.is_(None),
            AwardListRow.refusal.is_(None),
        )
        .order_by(AwardListRow.row_number)
        .limit(size)
    )
    return (await session.execute(statement)).all()


async def settle_rows(
    session: AsyncSession, award_list: AwardList, rows: Sequence[dict[str, Any]]
) -> None:
    """Write down what became of rows."""
    await session.execute(text(_SETTLE_ROWS), _of(award_list) | {"rows": json.dumps(rows)})


async def refuse_rows(
    session: AsyncSession, award_list: AwardList, row_numbers: Sequence[int], refusal: str
) -> None:
    """Say why rows will give nothing."""
    values = {"row_numbers": list(row_numbers), "refusal": refusal}
    await session.execute(text(_REFUSE_ROWS), _of(award_list) | values)


async def list_lists(
    session: AsyncSession, community_id: int, *, state: ListState | None, before: int, size: int
) -> Sequence[Row[AwardList, int, int, int]]:
    """Return lists with what has come of them, newest first."""
    statement = (
        _with_results(community_id)
        .where(AwardList.award_list_id < before)
        .order_by(AwardList.award_list_id.desc())
        .limit(size)
    )
    if state is not None:
        statement = statement.where(AwardList.state == state)
    return (await session.execute(statement)).all()


async def get_list(
    session: AsyncSession, community_id: int, award_list_id: int
) -> Row[AwardList, int, int, int] | None:
    """Return a list with what has come of it."""
    statement = _with_results(community_id).where(AwardList.award_list_id == award_list_id)
    found = await session.execute(statement.execution_options(populate_existing=True))
    return found.one_or_none()


def _with_results(community_id: int) -> Select[AwardList, int, int, int]:
    results = (
        select(
            func.count(AwardListRow.contribution_id).label("granted_rows"),
            func.coalesce(func.sum(AwardListRow.granted_points), 0).label("granted_points"),
            func.count(AwardListRow.refusal).label("refused_rows"),
        )
        .where(
            AwardListRow.community_id == AwardList.community_id,
            AwardListRow.award_list_id == AwardList.award_list_id,
        )
        .lateral("results")
    )
    return (
        select(AwardList, results.c.granted_rows, results.c.granted_points, results.c.refused_rows)
        .join(results, AwardList.community_id == community_id)
        .where(AwardList.community_id == community_id)
    )


async def list_rows(
    session: AsyncSession, community_id: int, award_list_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return rows of a list, in the file's order."""
    statement = (
        _select_rows(community_id)
        .where(AwardListRow.award_list_id == award_list_id, AwardListRow.row_number > after)
        .order_by(AwardListRow.row_number)
        .limit(size)
    )
    return (await session.execute(statement)).all()


async def is_list_notice(session: AsyncSession, community_id: int, public_notice_id: int) -> bool:
    """Tell whether a notice that stands is of an award list."""
    statement = (
        select(AwardList.award_list_id)
        .join(
            PublicNotice,
            (PublicNotice.community_id == AwardList.community_id)
            & (PublicNotice.public_notice_id == AwardList.public_notice_id),
        )
        .where(
            AwardList.community_id == community_id,
            AwardList.public_notice_id == public_notice_id,
            PublicNotice.withdrawn_at.is_(None),
        )
    )
    return await session.scalar(statement) is not None


async def list_public_lines(
    session: AsyncSession, community_id: int, public_notice_id: int, *, after: int, size: int
) -> Sequence[Record]:
    """Return the lines of the list on a notice, but for what an objection has struck out."""
    statement = (
        _select_rows(community_id)
        .add_columns(Contribution.asked_points)
        .join(
            AwardList,
            (AwardList.community_id == AwardListRow.community_id)
            & (AwardList.award_list_id == AwardListRow.award_list_id),
        )
        .outerjoin(
            Contribution,
            (Contribution.community_id == AwardListRow.community_id)
            & (Contribution.contribution_id == AwardListRow.contribution_id),
        )
        .where(
            AwardList.public_notice_id == public_notice_id,
            AwardList.state != ListState.REFUSED,
            AwardListRow.refusal.is_(None),
            AwardListRow.row_number > after,
            Resident.state == ResidentState.ACTIVE,
        )
        .order_by(AwardListRow.row_number)
        .limit(size)
    )
    return (await session.execute(statement)).all()


def _select_rows(community_id: int) -> Select[*tuple[Any, ...]]:
    statement = select(
        AwardListRow.row_number, AwardListRow.resident_id, AwardListRow.units,
        AwardListRow.effort, AwardListRow.acted_at, AwardListRow.note,
        AwardListRow.contribution_id, AwardListRow.granted_points, AwardListRow.refusal,
        AwardListRow.rule_version_id, AwardListRow.award_list_id, Resident.masked_name,
        Rule.code.label("rule_code"), RuleVersion.name.label("rule_name"),
    )  # fmt: skip
    return (
        statement.where(AwardListRow.community_id == community_id)
        .join(
            Resident,
            (Resident.community_id == AwardListRow.community_id)
            & (Resident.resident_id == AwardListRow.resident_id),
        )
        .join(
            Rule,
            (Rule.community_id == AwardListRow.community_id)
            & (Rule.rule_id == AwardListRow.rule_id),
        )
        .join(
            RuleVersion,
            (RuleVersion.community_id == AwardListRow.community_id)
            & (RuleVersion.rule_version_id == AwardListRow.rule_version_id),
        )
    )


def _of(award_list: AwardList) -> dict[str, Any]:
    community_id, award_list_id = award_list.community_id, award_list.award_list_id
    return {"community_id": community_id, "award_list_id": award_list_id}
