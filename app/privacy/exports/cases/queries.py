"""SQL of copies: what a copy says of cases, and of photos and texts that were sent."""

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
