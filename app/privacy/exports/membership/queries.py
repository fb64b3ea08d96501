"""SQL of copies: what a copy says of a member: who they are, signing in, agreeing, messages."""

ME = """
    SELECT residents.community_id, communities.name AS community_name, residents.resident_id,
        residents.person_id, persons.created_at AS known_since, sealed_name, masked_name,
        sealed_phone, buildings.name AS building_name, grids.name AS grid_name, room,
        audience, residents.state, registered_by IS NOT NULL AS is_registered_by_staff, joined_at
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
