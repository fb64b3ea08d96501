"""Changes by a superuser to how many residents are counted at a score: wrong, missing, too many."""

from tests.audit.plants import plant

SCORE_COUNTS = "score counts follow from scores"
COUNTS = [
    plant(
        SCORE_COUNTS,
        "INSERT INTO score_changes (community_id, period, starts_on, scores, at_least)"
        " SELECT community_id, period, starts_on, ARRAY[score, score + 1], ARRAY[0, 1]"
        " FROM standings WHERE community_id = :id AND period = 'week' AND score > 0",
        tells=r"residents in slot \d+ of level 0, week of 2026-1",
    ),
    plant(
        SCORE_COUNTS,
        "DELETE FROM score_changes WHERE community_id = :id AND period = 'month'",
        tells=r"level 0, month of 2026-1.*stored='0'",
    ),
    plant(
        SCORE_COUNTS,
        "INSERT INTO score_changes (community_id, period, starts_on, scores, at_least)"
        " VALUES (:id, 'month', '2027-01-01', ARRAY[7], ARRAY[1])",
        tells=r"slot 7 of level 0, month of 2027-01-01.*stored='1'.*expected='0'",
    ),
    *(
        plant(
            SCORE_COUNTS,
            f"INSERT INTO score_counts VALUES (:id, 'all', '1970-01-01', {level}, 900000, 1)",  # noqa: S608
            tells=f"slot 900000 of level {level}, all of 1970-01-01.*stored='1'.*expected='0'",
        )
        for level in (0, 1, 2)
    ),
    plant(
        SCORE_COUNTS,
        "INSERT INTO score_counts SELECT community_id, period, starts_on, 0, 5, 1 FROM standings"
        " WHERE community_id = :id AND period = 'week' LIMIT 1",
        "INSERT INTO score_changes (community_id, period, starts_on, scores, at_least)"
        " SELECT community_id, period, starts_on, ARRAY[5], ARRAY[-1] FROM standings"
        " WHERE community_id = :id AND period = 'week' LIMIT 1",
        # Counted at one level only: then what waits is missing from the others.
        tells=r"slot 0 of level 1, week of 2026-1",
    ),
    plant(
        SCORE_COUNTS,
        "UPDATE standings SET score = score + 4096 WHERE community_id = :id AND period = 'all'",
        tells="level 0, all of 1970-01-01",
    ),
]
PLANTS = {"score counts": COUNTS}
