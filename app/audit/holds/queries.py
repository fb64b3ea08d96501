"""SQL of checks of holds and vouchers; audit/walks.py says what each takes and returns.

What has a key outside of the page is looked up row by row, as in the checks of lots.
"""

from app.audit.queries import page_by

HOLDS_PAGE = page_by("hold_id", "holds")
PINS_PAGE = page_by("hold_id", "hold_lots")
VOUCHERS_PAGE = page_by("voucher_id", "vouchers")

_OF_PAGE = """holds.community_id = :community_id
        AND holds.hold_id > :after AND holds.hold_id <= :until"""

OWNERS = f"""
    SELECT 'hold ' || hold_id AS subject,
        coalesce(owner.kind, 'no account') || ' ' || holds.account_id AS stored,
        'an account that keeps lots' AS expected
    FROM holds
        LEFT JOIN LATERAL (
            SELECT kind FROM accounts
            WHERE accounts.community_id = :community_id
                AND accounts.account_id = holds.account_id
            OFFSET 0) AS owner ON true
    WHERE {_OF_PAGE} AND coalesce(owner.kind NOT IN ('wallet', 'savings', 'fund'), true)
"""  # noqa: S608 - fragments of our own

PROMISED = f"""
    SELECT 'hold ' || hold_id AS subject, pinned.points AS stored, holds.points AS expected
    FROM holds
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(hold_lots.points), 0) AS points FROM hold_lots
            WHERE hold_lots.community_id = :community_id
                AND hold_lots.hold_id = holds.hold_id) AS pinned
    WHERE {_OF_PAGE} AND pinned.points <> holds.points
"""  # noqa: S608 - fragments of our own

PINS = """
    SELECT 'pin of lot ' || hold_lots.lot_id || ' by hold ' || hold_lots.hold_id AS subject,
        coalesce('of account ' || lots.account_id, 'no lot') AS stored,
        coalesce('of account ' || holds.account_id, 'a hold that is there') AS expected
    FROM hold_lots
        LEFT JOIN holds ON holds.community_id = :community_id
            AND holds.hold_id > :after AND holds.hold_id <= :until
            AND holds.hold_id = hold_lots.hold_id
        LEFT JOIN LATERAL (
            SELECT account_id FROM lots
            WHERE lots.community_id = :community_id AND lots.lot_id = hold_lots.lot_id
            OFFSET 0) AS lots ON true
    WHERE hold_lots.community_id = :community_id
        AND hold_lots.hold_id > :after AND hold_lots.hold_id <= :until
        AND NOT coalesce(lots.account_id = holds.account_id, false)
"""

# All captures of a hold; the one that stands is the last, if the hold is captured.
_CAPTURES = """
    SELECT transfer_id, leg, debit_account_id, transfers.points,
        lead(leg) OVER (ORDER BY leg) IS NULL AND holds.state = 'captured'
            AS is_standing
    FROM transfers
    WHERE transfers.community_id = :community_id AND source_kind = 'hold'
        AND source_id = holds.hold_id
"""

# That a hold was captured, undone and captured again says that the first was whole, and undone
# whole.
CAPTURED = f"""
    SELECT 'hold ' || hold_id AS subject,
        concat_ws(' ', holds.state, 'with', captured_points, 'points by', captures,
            'captures', CASE WHEN ended_at IS NULL THEN 'and not ended' ELSE 'and ended' END)
            AS stored,
        concat_ws(' ', capture.standing, 'points by', capture.legs, 'captures, legs',
            capture.first_leg, 'to', capture.last_leg,
            CASE WHEN NOT are_in_line THEN 'of which one is another''s, too much or not undone' END)
            AS expected
    FROM holds
        CROSS JOIN LATERAL (
            SELECT count(*) AS legs, coalesce(min(leg), 0) AS first_leg,
                coalesce(max(leg), 0) AS last_leg,
                coalesce(sum(points) FILTER (WHERE is_standing), 0) AS standing,
                coalesce(bool_and(capture.debit_account_id = holds.account_id
                    AND CASE WHEN is_standing THEN capture.points <= holds.points
                        ELSE capture.points = holds.points AND holds.points = (
                            SELECT reversed_points.points FROM reversed_points
                            WHERE reversed_points.community_id = :community_id
                                AND reversed_points.transfer_id = capture.transfer_id)
                        IS TRUE END), true) AS are_in_line
            FROM ({_CAPTURES}) AS capture) AS capture
    WHERE {_OF_PAGE} AND NOT (are_in_line AND captured_points = capture.standing
        AND (holds.state = 'captured') = (capture.standing > 0)
        AND (holds.state = 'held') = (ended_at IS NULL)
        AND (capture.legs, capture.first_leg, capture.last_leg)
            = (captures, least(captures, 1), captures))
"""  # noqa: S608 - fragments of our own

# A capture of a part takes what lapses first. A policy of later may have dated pinned lots since,
# and so changed their order: then a part may lie anywhere in what was pinned.
TAKEN = f"""
    WITH policy AS (
        SELECT count(*) = 1 AS is_only FROM point_policies WHERE community_id = :community_id)
    SELECT 'capture ' || capture.transfer_id || ' of hold ' || hold_id AS subject,
        coalesce(lot.taken, 0) || ' of lot ' || lot.lot_id AS stored,
        CASE WHEN line.is_known THEN '' ELSE 'up to ' END || coalesce(lot.expected, 0)
            AS expected
    FROM holds CROSS JOIN LATERAL ({_CAPTURES}) AS capture
        CROSS JOIN LATERAL (
            SELECT capture.points = holds.points OR (SELECT is_only FROM policy) AS is_known)
            AS line
        CROSS JOIN LATERAL (
            SELECT side.lot_id, sum(taken) AS taken, sum(expected) AS expected
            FROM (
                SELECT lot_moves.lot_id, lot_moves.points AS taken, 0 AS expected
                FROM lot_moves
                WHERE lot_moves.community_id = :community_id
                    AND lot_moves.transfer_id = capture.transfer_id
                UNION ALL
                SELECT pin.lot_id, 0, CASE WHEN line.is_known
                    THEN least(pin.points, greatest(capture.points - pin.start, 0))
                    ELSE pin.points END
                FROM (
                    SELECT hold_lots.lot_id, hold_lots.points,
                        sum(hold_lots.points) OVER (ORDER BY expires_at, hold_lots.lot_id)
                            - hold_lots.points AS start
                    FROM hold_lots JOIN lots ON lots.community_id = :community_id
                        AND lots.lot_id = hold_lots.lot_id
                    WHERE hold_lots.community_id = :community_id
                        AND hold_lots.hold_id = holds.hold_id) AS pin) AS side
            GROUP BY side.lot_id) AS lot
    WHERE {_OF_PAGE} AND CASE WHEN line.is_known THEN lot.taken <> lot.expected
        ELSE lot.taken > lot.expected END
"""  # noqa: S608 - fragments of our own

_STATE_OF_VOUCHER = """CASE holds.state WHEN 'held' THEN 'issued' WHEN 'captured' THEN 'used'
            WHEN 'released' THEN 'cancelled' ELSE 'expired' END"""

VOUCHERS_OF_HOLDS = f"""
    SELECT 'voucher of hold ' || hold_id AS subject,
        CASE WHEN vouchers.voucher_id IS NULL THEN 'none'
            ELSE concat_ws(' ', vouchers.state, vouchers.points, 'points of',
                vouchers.resident_id, 'at shop ' || vouchers.used_shop_id) END AS stored,
        concat_ws(' ', {_STATE_OF_VOUCHER}, holds.points, 'points of', holds.account_id,
            'at shop ' || capture.credit_account_id) AS expected
    FROM holds
        LEFT JOIN vouchers ON vouchers.community_id = :community_id
            AND vouchers.voucher_id > :after AND vouchers.voucher_id <= :until
            AND vouchers.voucher_id = holds.hold_id
        CROSS JOIN LATERAL (
            SELECT CASE holds.state WHEN 'captured' THEN (
                SELECT credit_account_id FROM transfers
                WHERE transfers.community_id = :community_id AND source_kind = 'hold'
                    AND source_id = holds.hold_id AND leg = holds.captures) END
                AS credit_account_id) AS capture
    WHERE {_OF_PAGE} AND holds.purpose = 'redemption'
        AND (vouchers.resident_id, vouchers.points, vouchers.state, vouchers.used_shop_id)
            IS DISTINCT FROM (holds.account_id, holds.points, {_STATE_OF_VOUCHER},
                capture.credit_account_id)
"""  # noqa: S608 - fragments of our own

HOLDS_OF_VOUCHERS = """
    SELECT 'voucher ' || voucher_id AS subject,
        coalesce('hold for ' || purpose, 'no hold') AS stored, 'hold for redemption' AS expected
    FROM vouchers
        LEFT JOIN holds ON holds.community_id = :community_id
            AND holds.hold_id > :after AND holds.hold_id <= :until
            AND holds.hold_id = vouchers.voucher_id
    WHERE vouchers.community_id = :community_id
        AND voucher_id > :after AND voucher_id <= :until
        AND purpose IS DISTINCT FROM 'redemption'
"""
