"""SQL of checks of lots; audit/walks.py says what each takes and returns.

A lot's moves have no index of their own: they are found by the transfers of whoever owns it. What
has a key outside of the page is looked up row by row, in a LATERAL with OFFSET 0: joined,
PostgreSQL might read whole tables for it, page by page.
"""

from app.audit.queries import page_by

TRANSFERS_PAGE = page_by("transfer_id", "transfers")
LOTS_PAGE = page_by("lot_id", "lots")
MOVES_PAGE = page_by("transfer_id", "lot_moves")
REVERSED_POINTS_PAGE = page_by("transfer_id", "reversed_points")
# An account has many transfers, so there are fewer accounts to a page.
ACCOUNTS_PAGE = """
    SELECT max(account_id) AS until, count(*) AS rows FROM (
        SELECT account_id FROM accounts
        WHERE community_id = :community_id AND account_id > :after AND account_id > 999
        ORDER BY account_id LIMIT greatest(CAST(:size AS bigint) / 20, 1)) AS page
"""
# Lots that are held are few, and open holds are read anew for each page of them.
HELD_LOTS_PAGE = """
    SELECT max(lot_id) AS until, count(*) AS rows FROM (
        SELECT lot_id FROM lots
        WHERE community_id = :community_id AND lot_id > :after
        ORDER BY lot_id LIMIT CAST(:size AS bigint) * 50) AS page
"""

_TRANSFERS_OF_PAGE = """transfers.community_id = :community_id
        AND transfers.transfer_id > :after AND transfers.transfer_id <= :until"""
_LOTS_OF_PAGE = (
    "lots.community_id = :community_id AND lots.lot_id > :after AND lots.lot_id <= :until"
)
# Reversals of these put back; an award's reversal takes.
_PUTS_BACK = "coalesce(original.kind IN ('deduction', 'spend', 'expiry', 'decay'), false)"
_MAKES_SAME_LOTS = "transfers.kind IN ('saving', 'withdrawal', 'gift')"

# What a page's transfers took from lots, put back into them and made lots of, side by side and
# added up: no plan for that can go astray.
_SIDES = f"""
    SELECT transfers.transfer_id, transfers.kind, transfers.points AS sent, 0 AS moved, 0 AS made,
        CASE WHEN reverses_transfer_id IS NOT NULL THEN (
            SELECT original.kind FROM transfers AS original
            WHERE original.community_id = :community_id
                AND original.transfer_id = transfers.reverses_transfer_id) END AS original_kind
    FROM transfers WHERE {_TRANSFERS_OF_PAGE}
    UNION ALL
    SELECT transfer_id, NULL, 0, points, 0, NULL FROM lot_moves
    WHERE community_id = :community_id AND transfer_id > :after AND transfer_id <= :until
    UNION ALL
    SELECT transfer_id, NULL, 0, 0, granted, NULL FROM lots
    WHERE {_LOTS_OF_PAGE} AND lots.lot_id = lots.transfer_id
    UNION ALL
    SELECT transfer_id, NULL, 0, 0, granted, NULL FROM lots
    WHERE lots.community_id = :community_id AND lots.lot_id < 0
        AND lots.transfer_id > :after AND lots.transfer_id <= :until
"""  # noqa: S608 - fragments of our own

# Of a deduction, or of an award taken back, a part may be owed instead of taken. What is given
# or given back may repay a debt: only then is less of it made or put back.
SIDES = f"""
    WITH side AS (
        SELECT transfer_id, max(kind) AS kind, sum(sent) AS sent, sum(moved) AS moved,
            sum(made) AS made, max(original_kind) AS original_kind
        FROM ({_SIDES}) AS side GROUP BY transfer_id),
    sort AS (
        SELECT *, kind IN ('saving', 'withdrawal', 'gift', 'donation') AS goes_into_lots,
            kind = 'reversal'
                AND coalesce(original_kind IN ('deduction', 'spend', 'expiry', 'decay'), false)
                AS puts_back
        FROM side WHERE kind IS NOT NULL)
    SELECT 'transfer ' || transfer_id AS subject,
        concat_ws(' ', 'takes', moved, 'from lots and makes lots of', made) AS stored,
        CASE WHEN puts_back THEN 'puts back into lots and makes lots of up to ' || sent
            ELSE concat_ws(' ', 'takes', CASE WHEN kind = 'award' THEN '0'
                    WHEN kind IN ('deduction', 'reversal') THEN 'up to ' || sent
                    ELSE sent::text END,
                'from lots and makes lots of', CASE WHEN goes_into_lots THEN sent::text
                    WHEN kind = 'award' THEN 'up to ' || sent ELSE '0' END) END AS expected
    FROM sort
    WHERE NOT CASE WHEN puts_back THEN moved <= 0 AND made - moved BETWEEN 0 AND sent
        WHEN kind = 'award' THEN moved = 0 AND made BETWEEN 0 AND sent
        WHEN kind IN ('deduction', 'reversal') THEN moved BETWEEN 0 AND sent AND made = 0
        ELSE moved = sent AND made = CASE WHEN goes_into_lots THEN sent ELSE 0 END END
"""  # noqa: S608 - fragments of our own

# Saved, withdrawn or given, points lie in as much of a root as they were taken from.
SAME_ROOTS = f"""
    SELECT 'transfer ' || transfers.transfer_id AS subject,
        root.made || ' of lot ' || root.root_lot_id AS stored, root.taken AS expected
    FROM transfers
        CROSS JOIN LATERAL (
            SELECT root_lot_id, sum(made) AS made, sum(taken) AS taken FROM (
                SELECT origin_lot_id AS root_lot_id, granted AS made, 0 AS taken FROM lots
                WHERE lots.community_id = :community_id AND lots.lot_id < 0
                    AND lots.transfer_id = transfers.transfer_id
                UNION ALL
                SELECT coalesce(lots.origin_lot_id, lots.lot_id), 0, lot_moves.points
                FROM lot_moves JOIN lots ON lots.community_id = :community_id
                    AND lots.lot_id = lot_moves.lot_id
                WHERE lot_moves.community_id = :community_id
                    AND lot_moves.transfer_id = transfers.transfer_id) AS side
            GROUP BY root_lot_id HAVING sum(made) <> sum(taken)) AS root
    WHERE {_TRANSFERS_OF_PAGE} AND {_MAKES_SAME_LOTS}
"""  # noqa: S608 - fragments of our own

OWNERS = f"""
    SELECT 'lot ' || lots.lot_id AS subject,
        coalesce(owner.kind, 'no account') || ' ' || lots.account_id AS stored,
        'an account that keeps lots' AS expected
    FROM lots
        LEFT JOIN LATERAL (
            SELECT kind FROM accounts
            WHERE accounts.community_id = :community_id
                AND accounts.account_id = lots.account_id
            OFFSET 0) AS owner ON true
    WHERE {_LOTS_OF_PAGE} AND coalesce(owner.kind NOT IN ('wallet', 'savings', 'fund'), true)
"""  # noqa: S608 - fragments of our own

# A lot with no origin is the first of its points and has its transfer's number.
CREDITED = f"""
    SELECT 'lot ' || lots.lot_id AS subject,
        'of account ' || lots.account_id || CASE WHEN lots.origin_lot_id IS NULL
            THEN '' ELSE ', made of lot ' || lots.origin_lot_id END AS stored,
        coalesce(transfers.kind || ' ' || transfers.transfer_id || ' to account '
            || transfers.credit_account_id || CASE
                WHEN {_MAKES_SAME_LOTS} THEN ', made of a lot and with a number below 0'
                WHEN {_PUTS_BACK} THEN ', with its number, or made of a lot'
                WHEN transfers.kind IN ('award', 'donation') THEN ', with its number'
                ELSE ' makes no lots' END,
            'a transfer that is there') AS expected
    FROM lots
        LEFT JOIN LATERAL (
            SELECT transfer_id, kind, credit_account_id, reverses_transfer_id FROM transfers
            WHERE transfers.community_id = :community_id
                AND transfers.transfer_id = lots.transfer_id
            OFFSET 0) AS transfers ON true
        LEFT JOIN LATERAL (
            SELECT kind FROM transfers AS original
            WHERE original.community_id = :community_id
                AND original.transfer_id = transfers.reverses_transfer_id
            OFFSET 0) AS original ON true
    WHERE {_LOTS_OF_PAGE} AND NOT coalesce(
        transfers.credit_account_id = lots.account_id
        AND CASE WHEN lots.origin_lot_id IS NULL
            THEN (transfers.kind IN ('award', 'donation') OR {_PUTS_BACK})
                AND lots.lot_id = lots.transfer_id
            ELSE ({_MAKES_SAME_LOTS} OR {_PUTS_BACK}) AND lots.lot_id < 0 END, false)
"""  # noqa: S608 - fragments of our own

ROOTS = f"""
    SELECT 'lot ' || lots.lot_id AS subject,
        'made of lot ' || lots.origin_lot_id AS stored,
        CASE WHEN root.lot_id IS NULL THEN 'a lot that is there'
            ELSE 'a lot that was made of none' END AS expected
    FROM lots
        LEFT JOIN LATERAL (
            SELECT lot_id, origin_lot_id FROM lots AS root
            WHERE root.community_id = :community_id AND root.lot_id = lots.origin_lot_id
            OFFSET 0) AS root ON true
    WHERE {_LOTS_OF_PAGE} AND lots.origin_lot_id IS NOT NULL
        AND (root.lot_id IS NULL OR root.origin_lot_id IS NOT NULL)
"""  # noqa: S608 - fragments of our own

HELD = f"""
    WITH pinned AS (
        SELECT pin.lot_id, sum(pin.points) AS points
        FROM holds
            CROSS JOIN LATERAL (
                SELECT lot_id, hold_lots.points FROM hold_lots
                WHERE hold_lots.community_id = :community_id
                    AND hold_lots.hold_id = holds.hold_id
                    AND hold_lots.lot_id > :after AND hold_lots.lot_id <= :until
                OFFSET 0) AS pin
        WHERE holds.community_id = :community_id AND holds.state = 'held'
        GROUP BY pin.lot_id),
    stored AS (
        SELECT lots.lot_id, lots.held FROM lots WHERE {_LOTS_OF_PAGE} AND lots.held > 0)
    SELECT 'held of lot ' || coalesce(stored.lot_id, pinned.lot_id) AS subject,
        coalesce(stored.held, 0) AS stored, coalesce(pinned.points, 0) AS expected
    FROM stored FULL JOIN pinned ON pinned.lot_id = stored.lot_id
    WHERE coalesce(stored.held, 0) <> coalesce(pinned.points, 0)
"""  # noqa: S608 - fragments of our own

# All that an account's transfers made and moved of its lots.
REMAINING = """
    WITH entry AS (
        SELECT entry.transfer_id, entry.is_credit
        FROM accounts
            CROSS JOIN LATERAL (
                SELECT transfer_id, false AS is_credit FROM transfers
                WHERE transfers.community_id = :community_id AND debit_account_id > 999
                    AND debit_account_id = accounts.account_id
                UNION ALL
                SELECT transfer_id, true FROM transfers
                WHERE transfers.community_id = :community_id AND credit_account_id > 999
                    AND credit_account_id = accounts.account_id
                OFFSET 0) AS entry
        WHERE accounts.community_id = :community_id AND accounts.account_id > :after
            AND accounts.account_id <= :until AND accounts.kind IN ('wallet', 'savings', 'fund')),
    made AS (
        SELECT lot.lot_id, lot.granted, lot.remaining
        FROM entry
            CROSS JOIN LATERAL (
                SELECT lot_id, granted, remaining FROM lots
                WHERE lots.community_id = :community_id AND lots.lot_id = entry.transfer_id
                UNION ALL
                SELECT lot_id, granted, remaining FROM lots
                WHERE lots.community_id = :community_id AND lots.lot_id < 0
                    AND lots.transfer_id = entry.transfer_id
                OFFSET 0) AS lot
        WHERE entry.is_credit),
    moved AS (
        SELECT move.lot_id, sum(move.points) AS points
        FROM (SELECT DISTINCT transfer_id FROM entry) AS entry
            CROSS JOIN LATERAL (
                SELECT lot_id, points FROM lot_moves
                WHERE lot_moves.community_id = :community_id
                    AND lot_moves.transfer_id = entry.transfer_id
                OFFSET 0) AS move
        GROUP BY move.lot_id)
    SELECT 'remaining of lot ' || made.lot_id AS subject, made.remaining AS stored,
        made.granted - coalesce(moved.points, 0) AS expected
    FROM made LEFT JOIN moved ON moved.lot_id = made.lot_id
    WHERE made.remaining <> made.granted - coalesce(moved.points, 0)
"""

MOVES = f"""
    SELECT 'move of lot ' || lot_moves.lot_id || ' by transfer ' || lot_moves.transfer_id
            AS subject,
        lot_moves.points || ' of ' || coalesce('account ' || lots.account_id, 'no lot') AS stored,
        CASE WHEN transfers.transfer_id IS NULL THEN 'a transfer that is there'
            WHEN {_PUTS_BACK} THEN 'less than 0 of account ' || transfers.credit_account_id
            ELSE 'more than 0 of account ' || transfers.debit_account_id END AS expected
    FROM lot_moves
        LEFT JOIN transfers ON {_TRANSFERS_OF_PAGE}
            AND transfers.transfer_id = lot_moves.transfer_id
        LEFT JOIN LATERAL (
            SELECT kind FROM transfers AS original
            WHERE original.community_id = :community_id
                AND original.transfer_id = transfers.reverses_transfer_id
            OFFSET 0) AS original ON true
        LEFT JOIN LATERAL (
            SELECT account_id FROM lots
            WHERE lots.community_id = :community_id AND lots.lot_id = lot_moves.lot_id
            OFFSET 0) AS lots ON true
    WHERE lot_moves.community_id = :community_id
        AND lot_moves.transfer_id > :after AND lot_moves.transfer_id <= :until
        AND NOT coalesce(CASE WHEN {_PUTS_BACK}
            THEN lot_moves.points < 0 AND lots.account_id = transfers.credit_account_id
            ELSE lot_moves.points > 0 AND lots.account_id = transfers.debit_account_id END, false)
"""  # noqa: S608 - fragments of our own

_REVERSALS = """
    SELECT transfer_id, points FROM transfers AS reversal
    WHERE reversal.community_id = :community_id AND reversal.credit_account_id > 999
        AND reversal.credit_account_id = original.debit_account_id
        AND reversal.reverses_transfer_id = original.transfer_id
"""
_ORIGINALS_OF_PAGE = """
    reversed_points AS counted
        JOIN transfers AS original ON original.community_id = :community_id
            AND original.transfer_id = counted.transfer_id
            AND original.kind IN ('deduction', 'spend', 'expiry', 'decay')
"""
_COUNTED_OF_PAGE = """counted.community_id = :community_id
        AND counted.transfer_id > :after AND counted.transfer_id <= :until"""

NOT_MORE_BACK = f"""
    SELECT 'lot ' || back.lot_id || ' of transfer ' || original.transfer_id AS subject,
        back.points || ' given back' AS stored, 'up to ' || back.taken AS expected
    FROM {_ORIGINALS_OF_PAGE}
        CROSS JOIN LATERAL (
            SELECT lot_moves.lot_id, -sum(lot_moves.points) AS points,
                coalesce(min(taken.points), 0) AS taken
            FROM ({_REVERSALS}) AS reversal
                JOIN lot_moves ON lot_moves.community_id = :community_id
                    AND lot_moves.transfer_id = reversal.transfer_id
                LEFT JOIN lot_moves AS taken ON taken.community_id = :community_id
                    AND taken.transfer_id = original.transfer_id
                    AND taken.lot_id = lot_moves.lot_id
            GROUP BY lot_moves.lot_id
            HAVING -sum(lot_moves.points) > coalesce(min(taken.points), 0)) AS back
    WHERE {_COUNTED_OF_PAGE}
"""  # noqa: S608 - fragments of our own

# Parts given back are together the first points of: what was owed, then lots, those that lapse
# last before the others. What came back too late lies in a lot that names only its root. A policy
# of later may have dated lots meanwhile, and so changed their order: then only the sum counts.
GIVEN_BACK = f"""
    WITH policy AS (
        SELECT count(*) = 1 AS is_only FROM point_policies WHERE community_id = :community_id)
    SELECT 'given back of transfer ' || original.transfer_id AS subject,
        coalesce(difference.stored, 0) || CASE WHEN difference.root_lot_id = 0
            THEN '' ELSE ' to lot ' || difference.root_lot_id END AS stored,
        coalesce(difference.expected, 0) AS expected
    FROM {_ORIGINALS_OF_PAGE}
        CROSS JOIN LATERAL (
            WITH reversal AS ({_REVERSALS}),
            took AS (
                SELECT coalesce(origin_lot_id, lots.lot_id) AS root_lot_id, lot_moves.points,
                    sum(lot_moves.points) OVER (ORDER BY expires_at DESC, lots.lot_id DESC)
                        - lot_moves.points AS start,
                    (SELECT sum(points) FROM reversal) - original.points
                        + sum(lot_moves.points) OVER () AS into_lots
                FROM lot_moves JOIN lots ON lots.community_id = :community_id
                    AND lots.lot_id = lot_moves.lot_id
                WHERE lot_moves.community_id = :community_id
                    AND lot_moves.transfer_id = original.transfer_id),
            part (root_lot_id, stored, expected) AS (
                SELECT root_lot_id, 0, least(points, greatest(into_lots - start, 0)) FROM took
                UNION ALL
                SELECT coalesce(origin_lot_id, lots.lot_id), -lot_moves.points, 0
                FROM reversal
                    JOIN lot_moves ON lot_moves.community_id = :community_id
                        AND lot_moves.transfer_id = reversal.transfer_id
                    JOIN lots ON lots.community_id = :community_id
                        AND lots.lot_id = lot_moves.lot_id
                UNION ALL
                SELECT origin_lot_id, granted, 0
                FROM reversal JOIN lots ON lots.community_id = :community_id
                    AND lots.lot_id < 0 AND lots.transfer_id = reversal.transfer_id)
            SELECT CASE WHEN (SELECT is_only FROM policy) THEN root_lot_id ELSE 0 END
                AS root_lot_id, sum(stored) AS stored, sum(expected) AS expected
            FROM part GROUP BY 1 HAVING sum(stored) <> sum(expected)) AS difference
    WHERE {_COUNTED_OF_PAGE}
"""  # noqa: S608 - fragments of our own
