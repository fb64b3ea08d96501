"""SQL of copies: one statement for each part, bounded by one resident or person, and their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Record
from app.privacy.models import DataExport, ExportState

ME = """
    SELECT residents.community_id, communities.name AS community_name, residents.resident_id,
        residents.person_id, persons.created_at AS known_since, sealed_name, masked_name,
        sealed_phone, buildings.name AS building_name, grids.name AS grid_name, room,
        residents.state, registered_by IS NOT NULL AS is_registered_by_staff, joined_at
    FROM residents
        JOIN communities USING (community_id)
        JOIN buildings USING (community_id, building_id)
        JOIN grids USING (community_id, grid_id)
        LEFT JOIN households ON households.community_id = residents.community_id
            AND households.household_id = residents.household_id
        LEFT JOIN persons ON persons.person_id = residents.person_id
    WHERE residents.community_id = :community_id AND residents.resident_id = :resident_id
"""

ROLES = """
    SELECT role_grants.community_id, role_grant_id, role, grids.name AS grid_name,
        shops.name AS shop_name, sealed_name, granted_at
    FROM role_grants
        LEFT JOIN grids ON grids.community_id = role_grants.community_id
            AND grids.grid_id = role_grants.grid_id
        LEFT JOIN shops ON shops.community_id = role_grants.community_id
            AND shops.shop_id = role_grants.shop_id
    WHERE role_grants.community_id = :community_id AND person_id = :person_id
    ORDER BY role_grant_id
"""

CONSENTS = """
    SELECT consent_id, purpose, version, app_id, granted_at, withdrawn_at,
        published_at AS policy_published_at,
        encode(sha256(convert_to(text, 'UTF8')), 'hex') AS policy_sha256
    FROM consents JOIN privacy_policies USING (community_id, version)
    WHERE consents.community_id = :community_id AND person_id = :person_id
    ORDER BY consent_id
"""

SESSIONS = """
    SELECT created_at, revoked_at FROM login_sessions
    WHERE person_id = :person_id ORDER BY session_id
"""

IDENTITIES = """
    SELECT provider, app_id, subject, union_id, created_at FROM identities
    WHERE person_id = :person_id ORDER BY provider, app_id, subject
"""

PAPER_CARDS = """
    SELECT card_id, serial, issued_at, expires_at, revoked_at, reason FROM paper_cards
    WHERE community_id = :community_id AND resident_id = :resident_id ORDER BY card_id
"""

# Who scanned a card that was not theirs learns nothing of its owner, here or elsewhere.
JOIN_REQUESTS = """
    SELECT join_requests.community_id, join_request_id,
        CASE WHEN is_own THEN claims_resident_id END AS claims_resident_id,
        CASE WHEN is_own THEN sealed_name END AS sealed_name,
        CASE WHEN is_own THEN buildings.name END AS building_name,
        CASE WHEN is_own THEN room END AS room, state, asked_at, decided_at, reason
    FROM join_requests
        JOIN buildings USING (community_id, building_id)
        CROSS JOIN LATERAL (
            SELECT claims_resident_id IS NULL OR state = 'approved' AS is_own) AS claim
    WHERE join_requests.community_id = :community_id AND person_id = :person_id
    ORDER BY join_request_id
"""

PERSONAL_DATA_READS = """
    SELECT personal_data_reads.community_id, personal_data_read_id, fields, purpose, read_at,
        reader.role_grant_id, reader.role AS reader_role, reader.sealed_name
    FROM personal_data_reads
        LEFT JOIN LATERAL (
            SELECT role_grant_id, role, sealed_name FROM role_grants
            WHERE role_grants.community_id = :community_id
                AND role_grants.person_id = reader_id
            ORDER BY role_grant_id LIMIT 1) AS reader ON true
    WHERE personal_data_reads.community_id = :community_id AND resident_id = :resident_id
    ORDER BY personal_data_read_id
"""

CONTRIBUTIONS = """
    SELECT contribution_id, source_kind, source_id, occasion, rules.code AS rule_code,
        rule_versions.name AS rule_name, rule_versions.version AS rule_version, state, units,
        asked_points, granted_points, breakdown, reason, acted_at, created_at
    FROM contributions
        JOIN rules USING (community_id, rule_id)
        JOIN rule_versions USING (community_id, rule_version_id)
    WHERE contributions.community_id = :community_id AND resident_id = :resident_id
    ORDER BY contribution_id
"""

CONTRIBUTION_REVERSALS = """
    SELECT contribution_id, reversal_id, contribution_reversals.asked_points, taken_points,
        contribution_reversals.reason, contribution_reversals.created_at
    FROM contribution_reversals JOIN contributions USING (community_id, contribution_id)
    WHERE contributions.community_id = :community_id AND resident_id = :resident_id
    ORDER BY contribution_id
"""

# What a resident owns in the book: a wallet and, once something was saved, savings.
_OWN = """
    own AS (
        SELECT account_id, kind AS account_kind FROM accounts
        WHERE accounts.community_id = :community_id AND kind IN ('wallet', 'savings')
            AND owner_id = :resident_id)
"""

BALANCE = """
    SELECT accounts.account_id, kind, opened_at, posted AS posted_points, held AS held_points,
        debt AS debt_points, last_spent_at, decayed_at
    FROM accounts JOIN balances ON balances.community_id = accounts.community_id
        AND balances.account_id = accounts.account_id
    WHERE accounts.community_id = :community_id AND kind IN ('wallet', 'savings')
        AND owner_id = :resident_id
    ORDER BY accounts.account_id
"""

# What moves between the wallet and the savings is a line of each. Of a gift no more is said than
# its memo: the other side is somebody else.
STATEMENT = f"""
    WITH {_OWN}
    SELECT transfer_id, account_kind, kind, points, memo, source_kind, source_id,
        reverses_transfer_id, occurred_at, posted_at
    FROM own CROSS JOIN LATERAL (
        SELECT transfer_id, kind, points, memo, source_kind, source_id, reverses_transfer_id,
            occurred_at, posted_at
        FROM transfers
        WHERE community_id = :community_id AND credit_account_id = own.account_id
            AND credit_account_id > 999
        UNION ALL
        SELECT transfer_id, kind, -points, memo, source_kind, source_id, reverses_transfer_id,
            occurred_at, posted_at
        FROM transfers
        WHERE community_id = :community_id AND debit_account_id = own.account_id
            AND debit_account_id > 999) AS line
    ORDER BY transfer_id, points
"""  # noqa: S608 - a fragment of this file

# What was taken (or, negative, put back) is found by way of the accounts' transfers, which have
# indexes for it. Where a gift's points came from first is the giver's affair.
LOTS = f"""
    WITH {_OWN},
    line AS (
        SELECT transfer_id FROM own JOIN transfers ON transfers.community_id = :community_id
            AND debit_account_id = own.account_id AND debit_account_id > 999
        UNION
        SELECT transfer_id FROM own JOIN transfers ON transfers.community_id = :community_id
            AND credit_account_id = own.account_id AND credit_account_id > 999),
    taken AS (
        SELECT lot_id, json_agg(json_build_object(
            'transfer_id', transfer_id::text, 'points', lot_moves.points)
            ORDER BY transfer_id) AS moves
        FROM line JOIN lot_moves USING (transfer_id)
        WHERE lot_moves.community_id = :community_id
        GROUP BY lot_id),
    lot AS (
        SELECT lots.*, account_kind FROM own JOIN lots ON lots.community_id = :community_id
            AND lots.account_id = own.account_id)
    SELECT lot.lot_id, lot.account_kind, origin.lot_id AS origin_lot_id,
        lot.granted AS granted_points, lot.remaining AS remaining_points,
        lot.held AS held_points, lot.earned_at,
        nullif(lot.expires_at, 'infinity') AS expires_at,
        coalesce(moves, '[]') AS taken_by
    FROM lot
        LEFT JOIN taken ON taken.lot_id = lot.lot_id
        LEFT JOIN lot AS origin ON origin.lot_id = lot.origin_lot_id
    ORDER BY lot.lot_id
"""  # noqa: S608 - a fragment of this file

HOLDS = """
    SELECT hold_id, purpose, memo, points, captured_points, state, created_at, expires_at,
        ended_at,
        (SELECT coalesce(json_agg(json_build_object(
                'lot_id', lot_id::text, 'points', hold_lots.points) ORDER BY lot_id), '[]')
        FROM hold_lots WHERE hold_lots.community_id = :community_id
            AND hold_lots.hold_id = holds.hold_id) AS lots
    FROM holds
    WHERE community_id = :community_id AND account_id = :resident_id ORDER BY hold_id
"""

LAPSE_NOTICES = f"""
    WITH {_OWN}
    SELECT account_kind, kind, month, days_ahead, points, lapses_at, told_at
    FROM own JOIN lapse_notices ON lapse_notices.community_id = :community_id
        AND lapse_notices.account_id = own.account_id
    ORDER BY told_at, month, kind, days_ahead
"""  # noqa: S608 - a fragment of this file

# Who proposed and who checked are persons of the committee, and stay inside.
MANUAL_POSTINGS = """
    SELECT manual_posting_id, kind, state, rule_code, units, acted_at, transfer_id, points,
        is_our_fault, reason, proposed_at, decided_at, decision_reason
    FROM manual_postings
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY manual_posting_id
"""

VOUCHERS = """
    SELECT voucher_id, rewards.name AS reward_name, points, typed_code, vouchers.state,
        issued_at, valid_until, used_at, shops.name AS used_shop_name, ended_at
    FROM vouchers
        JOIN rewards USING (community_id, reward_id)
        LEFT JOIN shops ON shops.community_id = vouchers.community_id
            AND shops.shop_id = used_shop_id
    WHERE vouchers.community_id = :community_id AND resident_id = :resident_id
    ORDER BY voucher_id
"""

VOUCHER_USES = """
    SELECT verification_id, voucher_id, operation, shops.name AS shop_name,
        verifications.created_at, reason
    FROM verifications
        JOIN vouchers USING (community_id, voucher_id)
        JOIN shops USING (community_id, shop_id)
    WHERE vouchers.community_id = :community_id AND resident_id = :resident_id
    ORDER BY verification_id
"""

STANDINGS = """
    SELECT period, starts_on, score, updated_at FROM standings
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY period, starts_on
"""

CAP_USAGE = """
    SELECT code AS rule_code, period, starts_on, used_points, used_times
    FROM cap_usage JOIN rules USING (community_id, rule_id)
    WHERE cap_usage.community_id = :community_id AND resident_id = :resident_id
    ORDER BY code, period, starts_on
"""

CASES = """
    SELECT case_id, case_categories.name AS category_name, state, status_code,
        grids.name AS grid_name, buildings.name AS building_name,
        reported_by = :person_id AS is_reported_in_person, description, address, latitude,
        longitude, reported_at, answered_at, resolved_at, closed_at, pause_reason, duplicate_of,
        rating, rating_comment,
        ARRAY(SELECT photo_id::text FROM case_photos
            WHERE case_photos.community_id = :community_id
                AND case_photos.case_id = cases.case_id ORDER BY photo_id) AS photo_ids,
        (SELECT json_agg(json_build_object(
                'action', action, 'status_code', status_code, 'note', note,
                'is_by_me', person_id = :person_id, 'at', created_at)
            ORDER BY case_event_id)
        FROM case_events WHERE case_events.community_id = :community_id
            AND case_events.case_id = cases.case_id) AS events
    FROM cases
        JOIN case_categories USING (community_id, category_id)
        JOIN grids USING (community_id, grid_id)
        LEFT JOIN buildings ON buildings.community_id = cases.community_id
            AND buildings.building_id = cases.building_id
    WHERE cases.community_id = :community_id AND reporter_id = :resident_id
    ORDER BY case_id
"""

CASE_JOINS = """
    SELECT case_id, joined_by = :person_id AS is_joined_in_person, joined_at FROM case_joins
    WHERE community_id = :community_id AND resident_id = :resident_id ORDER BY case_id
"""

CASE_FLAGS = """
    SELECT case_id, photo_id, distance, case_flags.created_at
    FROM case_flags JOIN photos USING (community_id, photo_id)
    WHERE case_flags.community_id = :community_id AND person_id = :person_id
    ORDER BY case_id, photo_id, other_photo_id
"""

PHOTOS = """
    SELECT community_id, photo_id, width, height, taken_at, sealed_position, created_at,
        original_key IS NOT NULL AS is_original_kept, original_until, redacted_at, deleted_at
    FROM photos
    WHERE community_id = :community_id AND person_id = :person_id ORDER BY photo_id
"""

CONTENT_CHECKS = """
    SELECT content_check_id, kind, text, state, label, reason, created_at, decided_at,
        decided_by IS NOT NULL AS is_decided_by_staff
    FROM content_checks
    WHERE community_id = :community_id AND person_id = :person_id ORDER BY content_check_id
"""

INBOX = """
    SELECT inbox_message_id, kind, title, body, subject_kind, subject_id, created_at, read_at
    FROM inbox_messages
    WHERE community_id = :community_id AND person_id = :person_id ORDER BY inbox_message_id
"""

SUBSCRIPTIONS = """
    SELECT app_id, template_id, left_count, updated_at FROM message_quotas
    WHERE person_id = :person_id ORDER BY app_id, template_id
"""

WECHAT_MESSAGES = """
    SELECT wechat_message_id, kind, fields, app_id, template_id, state, errcode, created_at,
        sent_at
    FROM wechat_messages
    WHERE community_id = :community_id AND person_id = :person_id ORDER BY wechat_message_id
"""

DATA_EXPORTS = """
    SELECT data_export_id, state, asked_at, ready_at, expires_at FROM data_exports
    WHERE community_id = :community_id AND resident_id = :resident_id ORDER BY data_export_id
"""

CLOSURES = """
    SELECT closure_id, state, asked_at, closes_at, ended_at FROM closures
    WHERE community_id = :community_id AND resident_id = :resident_id ORDER BY closure_id
"""

LIST_FILES = """
    SELECT photo_id, served_key FROM photos
    WHERE community_id = :community_id AND person_id = :person_id AND served_key IS NOT NULL
    ORDER BY photo_id
"""


async def read_part(
    session: AsyncSession, statement: str, export: DataExport
) -> Sequence[dict[str, Any]]:
    """Return the rows of one part."""
    names = ("community_id", "resident_id", "person_id")
    values = {name: getattr(export, name) for name in names if f":{name}" in statement}
    return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]


async def list_files(session: AsyncSession, export: DataExport) -> Sequence[Record]:
    """Return (photo_id, served_key) of every photo file of the person."""
    values = {"community_id": export.community_id, "person_id": export.person_id}
    return (await session.execute(text(LIST_FILES), values)).all()


async def has_waiting(session: AsyncSession, community_id: int, resident_id: int) -> bool:
    statement = select(DataExport.data_export_id).where(
        DataExport.community_id == community_id,
        DataExport.resident_id == resident_id,
        DataExport.state == ExportState.WAITING,
    )
    return await session.scalar(statement) is not None


async def get_export(
    session: AsyncSession, community_id: int, data_export_id: int
) -> DataExport | None:
    return await session.get(DataExport, (community_id, data_export_id), populate_existing=True)


async def list_exports(
    session: AsyncSession, community_id: int, resident_id: int, *, before: int, size: int
) -> Sequence[DataExport]:
    """Return a resident's copies, newest first, before a number."""
    statement = (
        select(DataExport)
        .where(
            DataExport.community_id == community_id,
            DataExport.resident_id == resident_id,
            DataExport.data_export_id < before,
        )
        .order_by(DataExport.data_export_id.desc())
        .limit(size)
    )
    return (await session.scalars(statement)).all()


async def make_ready(
    session: AsyncSession,
    community_id: int,
    data_export_id: int,
    *,
    object_key: str,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Note where the file lies; False unless the copy was waiting for it."""
    statement = (
        update(DataExport)
        .where(
            DataExport.community_id == community_id,
            DataExport.data_export_id == data_export_id,
            DataExport.state == ExportState.WAITING,
        )
        .values(state=ExportState.READY, object_key=object_key, ready_at=now, expires_at=expires_at)
        .returning(DataExport.data_export_id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None
