-- What one activity reads: who I am, and a row by its primary key.
SELECT resident_id, (
    SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)) FROM role_grants
    WHERE role_grants.community_id = login_sessions.community_id
        AND role_grants.person_id = login_sessions.person_id) AS grants
FROM login_sessions
    LEFT JOIN residents ON residents.community_id = login_sessions.community_id
        AND residents.person_id = login_sessions.person_id AND residents.state = 'active'
WHERE session_id = :session AND login_sessions.person_id = :person
    AND login_sessions.community_id = :community AND revoked_at IS NULL;
SELECT activity_id, version, title, location, longitude, latitude, rule_id, units, grid_id,
    starts_at, ends_at, check_in_opens_at, check_in_closes_at, state, created_by, created_at
FROM activities
WHERE community_id = :community AND activity_id = :hung;
