-- What my rank reads: who I am, my score and place, two neighbours each way, and their places.
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
WITH mine AS (
    SELECT score FROM standings
    WHERE community_id = :community AND period = 'month' AND starts_on = :month
        AND resident_id = :resident)
SELECT score,
    1 + (SELECT count(*) FROM standings AS above
        WHERE community_id = :community AND period = 'month' AND starts_on = :month
            AND above.score > mine.score) AS rank,
    1 + (SELECT count(*) FROM standings AS above
        WHERE community_id = :community AND period = 'month' AND starts_on = :month
            AND above.score > mine.score AND resident_id <> :resident) AS rank_before
FROM mine \gset my_
SELECT standings.resident_id, score, masked_name, buildings.name AS building_name
FROM standings
    JOIN residents USING (community_id, resident_id)
    JOIN buildings USING (community_id, building_id)
WHERE standings.community_id = :community AND period = 'month' AND starts_on = :month
    AND score > 0 AND (score, standings.resident_id) > (:my_score, :resident)
ORDER BY score, standings.resident_id LIMIT 2;
SELECT standings.resident_id, score, masked_name, buildings.name AS building_name
FROM standings
    JOIN residents USING (community_id, resident_id)
    JOIN buildings USING (community_id, building_id)
WHERE standings.community_id = :community AND period = 'month' AND starts_on = :month
    AND score > 0 AND (score, standings.resident_id) < (:my_score, :resident)
ORDER BY score DESC, standings.resident_id DESC LIMIT 2;
SELECT count(*) FILTER (WHERE score > :my_score) AS better, count(*) AS ahead FROM standings
WHERE community_id = :community AND period = 'month' AND starts_on = :month
    AND (score, resident_id) > (:my_score, :resident);
SELECT count(*) FILTER (WHERE score > :my_score) AS better, count(*) AS ahead FROM standings
WHERE community_id = :community AND period = 'month' AND starts_on = :month
    AND (score, resident_id) > (:my_score, :resident);
