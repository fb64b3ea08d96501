-- What a page of the board reads: who I am, a page from the middle on, and the places on it.
SELECT resident_id, (
    SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)) FROM role_grants
    WHERE role_grants.community_id = login_sessions.community_id
        AND role_grants.person_id = login_sessions.person_id) AS grants
FROM login_sessions
    LEFT JOIN residents ON residents.community_id = login_sessions.community_id
        AND residents.person_id = login_sessions.person_id AND residents.state = 'active'
WHERE session_id = :session AND login_sessions.person_id = :person
    AND login_sessions.community_id = :community AND revoked_at IS NULL;
SELECT community_id, region_id, code, name, timezone, created_at FROM communities
WHERE community_id = :community;
WITH line AS MATERIALIZED (
        SELECT * FROM (
            SELECT resident_id, score FROM standings
            WHERE community_id = :community AND period = 'month' AND starts_on = :month AND score > 0
                AND (score, resident_id) < (CAST(:middle AS bigint), CAST(:first_resident AS bigint))
            ORDER BY score DESC, resident_id DESC LIMIT 101) AS follower
        LIMIT 21),
    first AS MATERIALIZED (
        SELECT point, 1
            + (SELECT coalesce(sum(residents), 0) FROM score_counts
                WHERE community_id = :community AND period = 'month' AND starts_on = :month
                    AND level = 2 AND slot > point >> 12)
            + (SELECT coalesce(sum(residents), 0) FROM score_counts
                WHERE community_id = :community AND period = 'month' AND starts_on = :month
                    AND level = 1 AND slot > point >> 6 AND slot < ((point >> 12) + 1) << 6)
            + (SELECT coalesce(sum(residents), 0) FROM score_counts
                WHERE community_id = :community AND period = 'month' AND starts_on = :month
                    AND level = 0 AND slot > point AND slot < ((point >> 6) + 1) << 6)
            + (SELECT coalesce(sum(at_least[width_bucket(point, scores) + 1]), 0) FROM score_changes
                WHERE community_id = :community AND period = 'month' AND starts_on = :month)
            AS rank,
            (SELECT count(*) FROM line WHERE score = point) AS lines,
            coalesce((SELECT residents FROM score_counts
                WHERE community_id = :community AND period = 'month' AND starts_on = :month
                    AND level = 0 AND slot = point), 0)
            + (SELECT coalesce(sum(coalesce(at_least[width_bucket(point - 1, scores) + 1], 0)
                    - coalesce(at_least[width_bucket(point, scores) + 1], 0)), 0)
                FROM score_changes
                WHERE community_id = :community AND period = 'month' AND starts_on = :month)
            AS equals
        FROM (SELECT max(score) AS point FROM line) AS best),
    ranked AS (
        SELECT line.*, CASE WHEN score = point THEN first.rank
            ELSE first.rank + equals - lines - 1 + rank() OVER (ORDER BY score DESC) END AS rank
        FROM line CROSS JOIN first)
SELECT ranked.*, masked_name, buildings.name AS building_name
FROM ranked
    JOIN residents ON residents.community_id = :community
        AND residents.resident_id = ranked.resident_id
    JOIN buildings ON buildings.community_id = :community
        AND buildings.building_id = residents.building_id
ORDER BY score DESC, resident_id DESC;
