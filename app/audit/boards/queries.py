"""SQL that recomputes scores, used caps, and how many residents have a score.

One way round, from a page of wallets: what their acts add up to is looked up in the boards. The
other way round, from a page of a board: some act of the resident must lie in the period. OFFSET 0
keeps what is looked up a look-up, however little is known of the tables.
"""

from app.audit.queries import KeyColumn, keys_between

BEFORE_ALL_NUMBERS = str(-(2**63))
_PERIOD = KeyColumn("period", "text", "")
_STARTS_ON = KeyColumn("starts_on", "date", "-infinity")
_RESIDENT = KeyColumn("resident_id", "bigint", BEFORE_ALL_NUMBERS)
STANDING = (_PERIOD, _STARTS_ON, _RESIDENT)
BOARD = (_PERIOD, _STARTS_ON)
USAGE = (KeyColumn("rule_id", "bigint", BEFORE_ALL_NUMBERS), _RESIDENT, _PERIOD, _STARTS_ON)


def _local_day(moment: str) -> str:
    return f"CAST({moment} AT TIME ZONE CAST(:timezone AS text) AS date)"


def _first_day(period: str, day: str) -> str:
    return f"""
        CASE {period} WHEN 'all' THEN DATE '1970-01-01'
            ELSE CAST(date_trunc({period}, CAST({day} AS timestamp)) AS date) END
    """


_WALLETS = """
    wallet AS MATERIALIZED (
        SELECT account_id FROM accounts
        WHERE community_id = :community_id AND account_id > :after AND account_id <= :until
            AND kind = 'wallet')
"""

# What could not be taken back of an award is lost to the boards all the same, on the act's day.
BOARDS_FOLLOW_ACTS = f"""
    WITH {_WALLETS},
    act AS MATERIALIZED (
        SELECT account_id AS resident_id, there.*
        FROM wallet CROSS JOIN LATERAL (
            SELECT transfer_id, occurred_at, points FROM transfers
            WHERE community_id = :community_id AND credit_account_id = account_id
                AND credit_account_id > 999 AND kind = 'award'
            UNION ALL
            SELECT transfer_id, occurred_at, -points FROM transfers
            WHERE community_id = :community_id AND debit_account_id = account_id
                AND debit_account_id > 999 AND kind = 'deduction') AS there),
    scored AS (
        SELECT resident_id, occurred_at, points FROM act
        UNION ALL
        SELECT resident_id, occurred_at, -sign(points) * asked_points
        FROM act CROSS JOIN LATERAL (
            SELECT asked_points FROM contribution_reversals
            WHERE community_id = :community_id AND contribution_id = transfer_id
            OFFSET 0) AS undone),
    daily AS (
        SELECT resident_id, {_local_day("occurred_at")} AS day, sum(points) AS points
        FROM scored GROUP BY 1, 2),
    expected AS (
        SELECT resident_id, period, {_first_day("period", "day")} AS starts_on,
            CAST(sum(points) AS bigint) AS points
        FROM daily CROSS JOIN (VALUES ('week'), ('month'), ('all')) AS board (period)
        GROUP BY 1, 2, 3)
    SELECT 'score of resident ' || expected.resident_id || ', ' || expected.period || ' of '
            || expected.starts_on AS subject,
        coalesce(score, 0) AS stored, points AS expected
    FROM expected LEFT JOIN LATERAL (
        SELECT score FROM standings
        WHERE standings.community_id = :community_id
            AND standings.period = expected.period AND standings.starts_on = expected.starts_on
            AND standings.resident_id = expected.resident_id
        OFFSET 0) AS board ON true
    WHERE coalesce(score, 0) <> points
"""  # noqa: S608 - fragments of this file

# Undone as if it had not been: it counts for no cap and no campaign any more.
_IS_FREED = """
    EXISTS (SELECT FROM contribution_reversals AS reversal
        WHERE reversal.community_id = :community_id
            AND reversal.contribution_id = there.transfer_id AND frees_caps)
"""

# A rule's versions may be capped otherwise: each act counts for the caps of its own.
CAPS_FOLLOW_AWARDS = f"""
    WITH {_WALLETS},
    capped AS MATERIALIZED (
        SELECT DISTINCT rule_version_id, cap ->> 'period' AS period
        FROM rule_versions CROSS JOIN jsonb_array_elements(caps) AS cap
        WHERE community_id = :community_id),
    daily AS (
        SELECT rule_id, resident_id, rule_version_id,
            {_local_day("acted_at")} AS day,
            sum(granted_points) AS points, count(*) AS times
        FROM wallet CROSS JOIN LATERAL (
                SELECT transfer_id FROM transfers
                WHERE community_id = :community_id AND credit_account_id = account_id
                    AND credit_account_id > 999 AND kind = 'award'
                OFFSET 0) AS there
            CROSS JOIN LATERAL (
                SELECT rule_id, resident_id, rule_version_id, acted_at, granted_points
                FROM contributions
                WHERE community_id = :community_id AND contribution_id = transfer_id
                OFFSET 0) AS act
        WHERE granted_points > 0 AND NOT {_IS_FREED}
        GROUP BY 1, 2, 3, 4),
    expected AS (
        SELECT rule_id, resident_id, period, {_first_day("period", "day")} AS starts_on,
            CAST(sum(points) AS bigint) AS points, CAST(sum(times) AS bigint) AS times
        FROM daily JOIN capped USING (rule_version_id)
        GROUP BY 1, 2, 3, 4)
    SELECT 'used of rule ' || expected.rule_id || ' by resident ' || expected.resident_id
            || ', ' || expected.period || ' of ' || expected.starts_on AS subject,
        coalesce(used_points, 0) || ' points, ' || coalesce(used_times, 0) || ' times' AS stored,
        points || ' points, ' || times || ' times' AS expected
    FROM expected LEFT JOIN LATERAL (
        SELECT used_points, used_times FROM cap_usage
        WHERE cap_usage.community_id = :community_id
            AND cap_usage.rule_id = expected.rule_id
            AND cap_usage.resident_id = expected.resident_id
            AND cap_usage.period = expected.period AND cap_usage.starts_on = expected.starts_on
        OFFSET 0) AS usage ON true
    WHERE (coalesce(used_points, 0), coalesce(used_times, 0)) <> (points, times)
"""  # noqa: S608 - fragments of this file

# Numbers begin with the milliseconds since 2024 (core/ids.py). What was posted within some weeks
# of a period is looked at first, as acts of the period nearly always were; only where there is
# none is all that the resident ever did.
_NUMBER_AT = """
    (CAST(extract(epoch FROM CAST({day} AS timestamp)) * 1000 AS bigint) - 1704067200000) << 21
"""
_NEAR = f"""
    AND transfer_id >= {_NUMBER_AT.format(day="(row.starts_on - 1)")}
    AND transfer_id < {_NUMBER_AT.format(day="(row.starts_on + 40)")}
"""


def _is_of_acts(table: str, between: str, is_used: str, what: str, some_act: str) -> str:
    """Return the statement for rows of a page that no act explains."""
    explained = " OR ".join(
        f"EXISTS ({some_act.format(side=side, kind=kind, near=near)})"
        for near in ("AND row.period <> 'all' " + _NEAR, "")
        for side, kind in (("credit", "award"), ("debit", "deduction"))
    )
    return f"""
        SELECT {what} || ' resident ' || resident_id || ', ' || period || ' of ' || starts_on
                AS subject, {is_used} AS stored, 0 AS expected
        FROM {table} AS row
        WHERE community_id = :community_id AND {between} AND {is_used} <> 0
            AND NOT ({explained})
    """  # noqa: S608 - fragments of this file


# Bounds of the row itself, so that it is never thought to be cheaper to read all of the book.
_SOME_ACT = f"""
    SELECT FROM transfers
    WHERE transfers.community_id = :community_id
        AND transfers.{{side}}_account_id = row.resident_id
        AND transfers.{{side}}_account_id > 999 AND transfers.kind = '{{kind}}' {{near}}
        AND row.starts_on = {_first_day("row.period", _local_day("transfers.occurred_at"))}
"""

SCORES_ARE_OF_ACTS = _is_of_acts(
    "standings", keys_between(STANDING), "score", "'score of'", _SOME_ACT
)

# An award and its contribution were at one time (acts/), so those of other days are passed over.
_SOME_AWARD = f"""
    SELECT FROM transfers
        CROSS JOIN LATERAL (
            SELECT rule_version_id FROM contributions
            WHERE contributions.community_id = :community_id
                AND contribution_id = transfers.transfer_id
                AND contributions.rule_id = row.rule_id AND granted_points > 0
            OFFSET 0) AS act
    WHERE transfers.community_id = :community_id
        AND transfers.{{side}}_account_id = row.resident_id
        AND transfers.{{side}}_account_id > 999 AND transfers.kind = '{{kind}}' {{near}}
        AND row.starts_on = {_first_day("row.period", _local_day("transfers.occurred_at"))}
        AND (SELECT caps FROM rule_versions
            WHERE rule_versions.community_id = :community_id
                AND rule_versions.rule_version_id = act.rule_version_id)
            @> jsonb_build_array(jsonb_build_object('period', row.period))
"""  # noqa: S608 - fragments of this file

CAPS_ARE_OF_AWARDS = _is_of_acts(
    "cap_usage", keys_between(USAGE), "(used_points + used_times)",
    "'used of rule ' || rule_id || ' by'", _SOME_AWARD,
)  # fmt: skip


def _next_board(after: str) -> str:
    """Return the look-ups of the first board after another one, in whichever table it is."""
    first_in = " UNION ALL ".join(
        f"""(SELECT period, starts_on FROM {table}
            WHERE community_id = :community_id AND (period, starts_on) > ({after})
            ORDER BY period, starts_on LIMIT 1)"""  # noqa: S608 - names of our own
        for table in ("standings", "score_counts", "score_changes")
    )
    return f"(SELECT * FROM ({first_in}) AS first ORDER BY period, starts_on LIMIT 1)"  # noqa: S608


# Every board that anything is known of, from one to the next, however many rows each has.
BOARDS = f"""
    (WITH RECURSIVE known AS (
        {_next_board("'', DATE '-infinity'")}
        UNION ALL
        SELECT later.* FROM known CROSS JOIN LATERAL
            {_next_board("known.period, known.starts_on")} AS later)
    SELECT CAST(:community_id AS bigint) AS community_id, period, starts_on FROM known) AS board
"""  # noqa: S608 - fragments of this file
_OF_BOARD = f"community_id = :community_id AND {keys_between(BOARD)}"

# A board at a time: its counts with what waits for them, at one moment, against all of its scores.
COUNTS_FOLLOW_SCORES = f"""
    WITH held AS MATERIALIZED (
        SELECT period, starts_on, score, count(*) AS residents FROM standings
        WHERE {_OF_BOARD} AND score > 0
        GROUP BY period, starts_on, score),
    waiting AS MATERIALIZED (
        SELECT period, starts_on, moved.score,
            sum(moved.at_least - coalesce(moved.above, 0)) AS residents
        FROM score_changes CROSS JOIN LATERAL unnest(scores, at_least, at_least[2:])
            AS moved (score, at_least, above)
        WHERE {_OF_BOARD}
        GROUP BY period, starts_on, moved.score),
    expected AS (
        SELECT period, starts_on, level, score >> 6 * level AS slot, sum(residents) AS residents
        FROM held CROSS JOIN generate_series(0, 2) AS level
        GROUP BY 1, 2, 3, 4),
    counted AS (
        SELECT period, starts_on, level, slot, sum(residents) AS residents
        FROM (
            SELECT period, starts_on, CAST(level AS integer) AS level, slot, residents
            FROM score_counts WHERE {_OF_BOARD}
            UNION ALL
            SELECT period, starts_on, level, score >> 6 * level, residents
            FROM waiting CROSS JOIN generate_series(0, 2) AS level) AS either
        GROUP BY 1, 2, 3, 4)
    SELECT 'residents in slot ' || slot || ' of level ' || level || ', ' || period || ' of '
            || starts_on AS subject,
        coalesce(counted.residents, 0) AS stored, coalesce(expected.residents, 0) AS expected
    FROM expected FULL JOIN counted USING (period, starts_on, level, slot)
    WHERE coalesce(counted.residents, 0) <> coalesce(expected.residents, 0)
    ORDER BY period, starts_on, level, slot
"""  # noqa: S608 - fragments of this file
