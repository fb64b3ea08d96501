"""SQL of appeals."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.governance.models import Appeal, AppealKind, AppealState


def _involved(kind: str, subject: str, resident: str, filer: str) -> str:
    """Return the expression for all who took part in a subject, as a JSON array of persons.

    With the resident and who filed: whoever recorded, checked, proposed, reviewed, handled, undid
    or repaired it, raised or answered an objection to it or to the whole list it stood on; of
    what an earlier appeal gave, everybody of that appeal.
    """
    return f"""(
        WITH act AS (
            SELECT contribution_id, source_kind, source_id, occasion, recorded_by, checked_by
            FROM contributions
            WHERE community_id = :community_id AND contribution_id = {subject}
                AND {kind} <> 'refusal'),
        claim AS (
            SELECT claim_id, claimed_by, public_notice_id FROM claims
            WHERE community_id = :community_id AND claim_id = CASE WHEN {kind} = 'refusal'
                THEN {subject} ELSE (SELECT source_id FROM act WHERE source_kind = 'claim') END),
        posting AS (
            SELECT there.* FROM act CROSS JOIN LATERAL (
                SELECT proposed_by, decided_by, answered_by FROM manual_postings
                WHERE community_id = :community_id AND manual_posting_id = source_id
                    AND source_kind LIKE 'committee%' OFFSET 0) AS there),
        award_list AS (
            SELECT proposed_by, decided_by, public_notice_id, occasion AS line
            FROM act JOIN award_lists ON community_id = :community_id AND award_list_id = source_id
                AND source_kind = 'award_list'),
        duty AS (
            SELECT assigned_by, ended_by FROM act JOIN duties ON community_id = :community_id
                AND duty_id = source_id AND source_kind = 'duty'),
        undone AS (
            SELECT reversed_by, maker_id, checker_id
            FROM act JOIN contribution_reversals AS reversal
                ON reversal.community_id = :community_id
                AND reversal.contribution_id = act.contribution_id
                LEFT JOIN transfers ON transfers.community_id = :community_id
                    AND transfer_id = reversal_id),
        repair AS (
            SELECT reported_by, decided_by FROM act JOIN repair_tasks AS task
                ON community_id = :community_id AND task.contribution_id = act.contribution_id),
        remark AS (
            SELECT person_id, answered_by FROM notice_remarks AS remark JOIN (
                    SELECT public_notice_id, CAST(claim_id AS text) AS line FROM claim
                    UNION ALL SELECT public_notice_id, line FROM award_list) AS listed
                ON remark.community_id = :community_id
                AND remark.public_notice_id = listed.public_notice_id
                AND (CAST(about_id AS text) = line
                    OR (about_id IS NULL AND remark.kind = 'objection'))),
        earlier AS (
            SELECT there.* FROM act CROSS JOIN LATERAL (
                SELECT involved FROM appeals AS before
                WHERE before.community_id = :community_id AND before.appeal_id = act.source_id
                    AND source_kind = 'appeal' OFFSET 0) AS there),
        taking_part (person) AS (
            SELECT person_id FROM residents
                WHERE community_id = :community_id AND resident_id = {resident}
            UNION SELECT {filer}
            UNION SELECT recorded_by FROM act UNION SELECT checked_by FROM act
            UNION SELECT claimed_by FROM claim
            UNION SELECT reviewer_id FROM claim JOIN claim_reviews
                ON claim_reviews.community_id = :community_id
                AND claim_reviews.claim_id = claim.claim_id
            UNION SELECT proposed_by FROM posting UNION SELECT decided_by FROM posting
            UNION SELECT answered_by FROM posting
            UNION SELECT proposed_by FROM award_list UNION SELECT decided_by FROM award_list
            UNION SELECT assigned_by FROM duty UNION SELECT ended_by FROM duty
            UNION SELECT reversed_by FROM undone UNION SELECT maker_id FROM undone
            UNION SELECT checker_id FROM undone
            UNION SELECT reported_by FROM repair UNION SELECT decided_by FROM repair
            UNION SELECT person_id FROM remark UNION SELECT answered_by FROM remark
            UNION SELECT CAST(jsonb_array_elements(involved) AS bigint) FROM earlier
            UNION SELECT person_id FROM act JOIN case_events
                ON case_events.community_id = :community_id AND case_id = source_id
                AND source_kind = 'case')
        SELECT coalesce(jsonb_agg(person ORDER BY person), '[]')
        FROM taking_part WHERE person IS NOT NULL)
    """  # noqa: S608 - fragments of this file


_INVOLVED_NOW = _involved(
    "appeals.kind", "appeals.subject_id", "appeals.resident_id", "appeals.filed_by"
)
# Who once took part stays involved, whatever becomes of the records.
_INVOLVED_EVER = f"""(
    SELECT jsonb_agg(DISTINCT person) FROM (
        SELECT jsonb_array_elements(appeals.involved) AS person
        UNION ALL SELECT jsonb_array_elements({_INVOLVED_NOW})) AS every)
"""  # noqa: S608 - fragments of this file
_DECIDERS_HOUSEHOLD = """(
    SELECT household_id FROM residents AS decider
    WHERE decider.community_id = :community_id AND decider.person_id = :decider_id
        AND decider.state = 'active')
"""

# The household when it was filed and the one now both count.
_IS_OF_HOUSEHOLD = f"""
    coalesce({_DECIDERS_HOUSEHOLD} IN (appeals.household_id, (
        SELECT household_id FROM residents AS appellant
        WHERE appellant.community_id = :community_id
            AND appellant.resident_id = appeals.resident_id)), false)
"""  # noqa: S608 - fragments of this file

# When an award was taken back, whole or in part, that is what is appealed against.
_SUBJECTS = {
    False: """
        SELECT act.resident_id, breakdown ->> 'name' AS name, residents.person_id,
            residents.state AS resident_state, household_id, grid_id,
            greatest(act.created_at, CASE WHEN act.granted_points > 0 THEN (
                SELECT max(created_at) FROM contribution_reversals AS reversal
                WHERE reversal.community_id = :community_id
                    AND reversal.contribution_id = act.contribution_id) END) AS decided_at
        FROM contributions AS act
            JOIN residents ON residents.community_id = act.community_id
                AND residents.resident_id = act.resident_id
            JOIN buildings ON buildings.community_id = act.community_id
                AND buildings.building_id = residents.building_id
        WHERE act.community_id = :community_id AND contribution_id = :subject_id
            AND (act.state = 'deducted') = (CAST(:kind AS text) = 'deduction')
    """,
    True: """
        SELECT claims.resident_id, version.name, residents.person_id,
            residents.state AS resident_state, residents.household_id, grid_id, decided_at
        FROM claims
            JOIN rule_versions AS version ON version.community_id = claims.community_id
                AND version.rule_version_id = claims.rule_version_id
            JOIN residents ON residents.community_id = claims.community_id
                AND residents.resident_id = claims.resident_id
            JOIN buildings ON buildings.community_id = claims.community_id
                AND buildings.building_id = residents.building_id
        WHERE claims.community_id = :community_id AND claim_id = :subject_id
            AND claims.state IN ('refused', 'awarded_on_appeal') AND CAST(:kind AS text) = 'refusal'
    """,
}

_INVOLVED_FIRST = _involved(
    "CAST(:kind AS text)", "CAST(:subject_id AS bigint)", "CAST(:resident_id AS bigint)",
    "CAST(:filed_by AS bigint)",
)  # fmt: skip
_FILE = f"""
    INSERT INTO appeals (community_id, appeal_id, kind, subject_id, resident_id, household_id,
        text, state, involved, filed_by, filed_at, answer_until)
    VALUES (:community_id, :appeal_id, CAST(:kind AS text), CAST(:subject_id AS bigint),
        CAST(:resident_id AS bigint), CAST(:household_id AS bigint), :text, 'open',
        {_INVOLVED_FIRST}, CAST(:filed_by AS bigint), :now, :answer_until)
"""  # noqa: S608 - fragments of this file

_DECIDE = f"""
    UPDATE appeals SET state = CAST(:state AS text), decided_by = CAST(:decider_id AS bigint),
        decided_at = :now, outcome = :outcome, involved = {_INVOLVED_EVER},
        decider_household_id = {_DECIDERS_HOUSEHOLD}
    WHERE community_id = :community_id AND appeal_id = :appeal_id AND state = 'open'
"""  # noqa: S608 - fragments of this file

_SET_EFFECTS = """
    UPDATE appeals SET effects = CAST(:effects AS jsonb)
    WHERE community_id = :community_id AND appeal_id = :appeal_id
"""

_GET_DECIDER = f"""
    SELECT {_INVOLVED_EVER} @> to_jsonb(CAST(:decider_id AS bigint)) AS is_involved,
        {_IS_OF_HOUSEHOLD} AS is_of_household
    FROM appeals WHERE community_id = :community_id AND appeal_id = :appeal_id
"""  # noqa: S608 - fragments of this file

_COLUMNS = """
    appeals.*, state = 'open' AND answer_until < :now AS is_overdue, masked_name,
    filed_by IS DISTINCT FROM person_id AS is_filed_by_staff, subject.name AS subject_name
"""
_TABLES = """
    FROM appeals
        JOIN (SELECT community_id, resident_id, masked_name, person_id FROM residents) AS resident
            USING (community_id, resident_id)
        CROSS JOIN LATERAL (
            SELECT version.name FROM rule_versions AS version
            WHERE version.community_id = :community_id AND rule_version_id = CASE kind
                WHEN 'refusal' THEN (SELECT rule_version_id FROM claims
                    WHERE community_id = :community_id AND claim_id = subject_id)
                ELSE (SELECT rule_version_id FROM contributions
                    WHERE community_id = :community_id AND contribution_id = subject_id) END
        ) AS subject
    WHERE community_id = :community_id
"""
_GET = f"""
    SELECT {_COLUMNS} {_TABLES} AND appeal_id = :appeal_id
        AND (CAST(:resident_id AS bigint) IS NULL OR resident_id = :resident_id)
"""
_LIST_OWN = f"""
    SELECT {_COLUMNS} {_TABLES} AND resident_id = :resident_id AND appeal_id < :before
    ORDER BY appeal_id DESC LIMIT :size
"""
_QUEUE = f"""
    SELECT {_COLUMNS},
        state = 'open' AND NOT involved @> to_jsonb(CAST(:decider_id AS bigint))
            AND NOT {_IS_OF_HOUSEHOLD} AS may_decide
    {_TABLES} AND state = :state
        AND (answer_until, appeal_id) > (:answer_until, CAST(:after AS bigint))
    ORDER BY answer_until, appeal_id LIMIT :size
"""

_GET_CLAIM = """
    SELECT claims.*, rules.code AS rule_code, version.name AS rule_name, residents.person_id
    FROM claims
        JOIN rule_versions AS version ON version.community_id = claims.community_id
            AND version.rule_version_id = claims.rule_version_id
        JOIN rules ON rules.community_id = claims.community_id AND rules.rule_id = claims.rule_id
        JOIN residents ON residents.community_id = claims.community_id
            AND residents.resident_id = claims.resident_id
    WHERE claims.community_id = :community_id AND claim_id = :claim_id
"""
_LIST_REVIEWS = """
    SELECT reviewer_id, verdict, reason, reviewed_at FROM claim_reviews
    WHERE community_id = :community_id AND claim_id = :claim_id ORDER BY reviewed_at, reviewer_id
"""

_GET_ACT = """
    SELECT contributions.*, rules.code AS rule_code FROM contributions
        JOIN rules USING (community_id, rule_id)
    WHERE contributions.community_id = :community_id AND contribution_id = :contribution_id
"""


async def _one(session: AsyncSession, statement: str, **values: Any) -> Record | None:
    return (await session.execute(text(statement), values)).one_or_none()


async def get_subject(
    session: AsyncSession, community_id: int, kind: AppealKind, subject_id: int
) -> Record | None:
    """Return what could be appealed against: whose it is, its name and when it was decided."""
    statement = _SUBJECTS[kind is AppealKind.REFUSAL]
    return await _one(
        session, statement, community_id=community_id, kind=kind.value, subject_id=subject_id
    )


async def file_appeal(session: AsyncSession, values: dict[str, Any]) -> None:
    """Write an appeal down, with all who took part in its subject."""
    await session.execute(text(_FILE), values)


async def find_appeal(
    session: AsyncSession,
    community_id: int,
    kind: AppealKind,
    subject_id: int,
    *,
    decided_at: datetime,
) -> Appeal | None:
    """Return the appeal that stands against a subject which was last decided at a time.

    A withdrawn one does not, nor one dismissed before: there is something new to appeal against.
    """
    statement = (
        select(Appeal)
        .where(
            Appeal.community_id == community_id,
            Appeal.kind == kind,
            Appeal.subject_id == subject_id,
            Appeal.state != AppealState.WITHDRAWN,
            or_(Appeal.state != AppealState.DISMISSED, Appeal.decided_at >= decided_at),
        )
        .order_by(Appeal.appeal_id.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def lock_appeal(session: AsyncSession, community_id: int, appeal_id: int) -> Appeal | None:
    """Return an appeal as it stands now, locked until the transaction ends."""
    statement = (
        select(Appeal)
        .where(Appeal.community_id == community_id, Appeal.appeal_id == appeal_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def get_decider(
    session: AsyncSession, community_id: int, appeal_id: int, person_id: int
) -> Record:
    """Return whether somebody took part in an appeal's subject, or is of its household."""
    values = {"community_id": community_id, "appeal_id": appeal_id, "decider_id": person_id}
    return (await session.execute(text(_GET_DECIDER), values)).one()


async def decide(
    session: AsyncSession,
    appeal: Appeal,
    *,
    state: str,
    outcome: str,
    decider_id: int,
    now: datetime,
) -> None:
    """Close an appeal; the table's own checks refuse a decider who took part."""
    values = {
        "community_id": appeal.community_id, "appeal_id": appeal.appeal_id, "state": state,
        "outcome": outcome, "decider_id": decider_id, "now": now,
    }  # fmt: skip
    await session.execute(text(_DECIDE), values)


async def set_effects(
    session: AsyncSession, community_id: int, appeal_id: int, effects: dict[str, Any]
) -> None:
    """Keep what was done about an appeal."""
    values = {
        "community_id": community_id, "appeal_id": appeal_id, "effects": json.dumps(effects)
    }  # fmt: skip
    await session.execute(text(_SET_EFFECTS), values)


async def get_appeal(
    session: AsyncSession,
    community_id: int,
    appeal_id: int,
    *,
    resident_id: int | None,
    now: datetime,
) -> Record | None:
    """Return an appeal of this resident (None: of anybody)."""
    return await _one(
        session, _GET,
        community_id=community_id, appeal_id=appeal_id, resident_id=resident_id, now=now,
    )  # fmt: skip


async def list_own(
    session: AsyncSession,
    community_id: int,
    resident_id: int,
    *,
    before: int,
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return a resident's appeals, newest first."""
    values = {
        "community_id": community_id, "resident_id": resident_id, "before": before, "size": size,
        "now": now,
    }  # fmt: skip
    return (await session.execute(text(_LIST_OWN), values)).all()


async def list_queue(
    session: AsyncSession,
    community_id: int,
    *,
    state: AppealState,
    decider_id: int,
    after: tuple[datetime, int],
    size: int,
    now: datetime,
) -> Sequence[Record]:
    """Return the appeals in a state, those due first before the others."""
    values = {
        "community_id": community_id, "state": state.value, "decider_id": decider_id,
        "answer_until": after[0], "after": after[1], "size": size, "now": now,
    }  # fmt: skip
    return (await session.execute(text(_QUEUE), values)).all()


async def get_claim(session: AsyncSession, community_id: int, claim_id: int) -> Record | None:
    """Return a claim with its rule."""
    return await _one(session, _GET_CLAIM, community_id=community_id, claim_id=claim_id)


async def list_reviews(session: AsyncSession, community_id: int, claim_id: int) -> Sequence[Record]:
    """Return what reviewers said of a claim."""
    values = {"community_id": community_id, "claim_id": claim_id}
    return (await session.execute(text(_LIST_REVIEWS), values)).all()


async def get_act(session: AsyncSession, community_id: int, contribution_id: int) -> Record | None:
    """Return a contribution with the code of its rule."""
    return await _one(session, _GET_ACT, community_id=community_id, contribution_id=contribution_id)
