-- What the home page reads.
SELECT resident_id, (
    SELECT json_agg(json_build_array(role, grid_id::text, shop_id::text)) FROM role_grants
    WHERE role_grants.community_id = login_sessions.community_id
        AND role_grants.person_id = login_sessions.person_id) AS grants
FROM login_sessions
    LEFT JOIN residents ON residents.community_id = login_sessions.community_id
        AND residents.person_id = login_sessions.person_id AND residents.state = 'active'
WHERE session_id = :session AND login_sessions.person_id = :person
    AND login_sessions.community_id = :community AND revoked_at IS NULL;
SELECT resident_id, sealed_name, masked_name, joined_at, buildings.name, grid_id, room,
    community_id, communities.name, timezone
FROM residents
    JOIN communities USING (community_id)
    JOIN buildings USING (community_id, building_id)
    JOIN households USING (community_id, household_id)
WHERE community_id = :community AND resident_id = :resident AND state = 'active';
SELECT posted, debt, held, next_expiry_at,
    lots_total - held - CASE WHEN next_expiry_at > now() THEN 0 ELSE (
        SELECT coalesce(sum(remaining - lots.held), 0)::bigint FROM lots
        WHERE lots.community_id = balances.community_id
            AND lots.account_id = balances.account_id
            AND remaining > 0 AND expires_at <= now()) END AS available
FROM balances
WHERE community_id = :community AND account_id = :resident;
SELECT reward_id, code, kind, name, description, price_points, stock_left, per_resident_limit,
    voucher_days, shop_id, state, created_at
FROM rewards
WHERE community_id = :community AND state = 'on_sale'
    AND (price_points > 0 OR price_points = 0 AND reward_id > 0)
ORDER BY price_points, reward_id LIMIT 51;
SELECT activity_id, version, title, location, longitude, latitude, rule_id, units, grid_id,
    starts_at, ends_at, check_in_opens_at, check_in_closes_at, state, created_by, created_at
FROM activities
WHERE community_id = :community AND (ends_at, activity_id) > (now(), 0)
ORDER BY ends_at, activity_id LIMIT 6;
WITH mine AS MATERIALIZED (
    SELECT score AS point FROM standings
    WHERE community_id = :community AND period = 'month' AND starts_on = :month
        AND resident_id = :resident)
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
    AS rank
FROM mine;
WITH mine AS MATERIALIZED (
    SELECT score AS point FROM standings
    WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
        AND resident_id = :resident)
SELECT point, 1
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 2 AND slot > point >> 12)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 1 AND slot > point >> 6 AND slot < ((point >> 12) + 1) << 6)
    + (SELECT coalesce(sum(residents), 0) FROM score_counts
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01'
            AND level = 0 AND slot > point AND slot < ((point >> 6) + 1) << 6)
    + (SELECT coalesce(sum(at_least[width_bucket(point, scores) + 1]), 0) FROM score_changes
        WHERE community_id = :community AND period = 'all' AND starts_on = '1970-01-01')
    AS rank
FROM mine;
SELECT EXISTS (SELECT FROM contributions
    WHERE community_id = :community AND source_kind = 'daily_check_in'
        AND source_id = (SELECT rule_id FROM rules
            WHERE community_id = :community AND code = 'daily_check_in')
        AND resident_id = :resident AND occasion = :day);
