"""SQL of copies: what a copy says of points: what earned them, where they are, what they bought."""

CONTRIBUTIONS = """
    SELECT contribution_id, source_kind, source_id, occasion, rules.code AS rule_code,
        rule_versions.name AS rule_name, rule_versions.version AS rule_version, state, units,
        asked_points, granted_points, breakdown, reason, acted_at, longitude, latitude, created_at
    FROM contributions
        JOIN rules USING (community_id, rule_id)
        JOIN rule_versions USING (community_id, rule_version_id)
    WHERE contributions.community_id = :community_id AND resident_id = :resident_id
    ORDER BY contribution_id
"""

CONTRIBUTION_REVERSALS = """
    SELECT contribution_id, reversal_id, contribution_reversals.asked_points, taken_points,
        contribution_reversals.reason, frees_caps, contribution_reversals.created_at
    FROM contribution_reversals JOIN contributions USING (community_id, contribution_id)
    WHERE contributions.community_id = :community_id AND resident_id = :resident_id
    ORDER BY contribution_id
"""

CAP_USAGE = """
    SELECT code AS rule_code, period, starts_on, used_points, used_times
    FROM cap_usage JOIN rules USING (community_id, rule_id)
    WHERE cap_usage.community_id = :community_id AND resident_id = :resident_id
    ORDER BY code, period, starts_on
"""

STANDINGS = """
    SELECT period, starts_on, score, updated_at FROM standings
    WHERE community_id = :community_id AND resident_id = :resident_id
    ORDER BY period, starts_on
"""

# What a resident owns in the book: a wallet and, once something was saved, savings.
_OWN = """
    own AS (
        SELECT account_id, kind AS account_kind FROM accounts
        WHERE accounts.community_id = :community_id AND kind IN ('wallet', 'savings')
            AND owner_id = :resident_id)
"""

BALANCE = """
    SELECT accounts.account_id, kind, opened_at, posted AS posted_points, held AS held_points,
        debt AS debt_points, last_spent_at, decayed_at
    FROM accounts JOIN balances ON balances.community_id = accounts.community_id
        AND balances.account_id = accounts.account_id
    WHERE accounts.community_id = :community_id AND kind IN ('wallet', 'savings')
        AND owner_id = :resident_id
    ORDER BY accounts.account_id
"""

# What moves between the wallet and the savings is a line of each. Of a gift no more is said than
# its memo: the other side is somebody else.
STATEMENT = f"""
    WITH {_OWN}
    SELECT transfer_id, account_kind, kind, points, memo, source_kind, source_id,
        reverses_transfer_id, occurred_at, posted_at
    FROM own CROSS JOIN LATERAL (
        SELECT transfer_id, kind, points, memo, source_kind, source_id, reverses_transfer_id,
            occurred_at, posted_at
        FROM transfers
        WHERE community_id = :community_id AND credit_account_id = own.account_id
            AND credit_account_id > 999
        UNION ALL
        SELECT transfer_id, kind, -points, memo, source_kind, source_id, reverses_transfer_id,
            occurred_at, posted_at
        FROM transfers
        WHERE community_id = :community_id AND debit_account_id = own.account_id
            AND debit_account_id > 999) AS line
    ORDER BY transfer_id, points
"""  # noqa: S608 - a fragment of this file

# What was taken (or, negative, put back) is found by way of the accounts' transfers, which have
# indexes for it. Where a gift's points came from first is the giver's affair.
LOTS = f"""
    WITH {_OWN},
    line AS (
        SELECT transfer_id FROM own JOIN transfers ON transfers.community_id = :community_id
            AND debit_account_id = own.account_id AND debit_account_id > 999
        UNION
        SELECT transfer_id FROM own JOIN transfers ON transfers.community_id = :community_id
            AND credit_account_id = own.account_id AND credit_account_id > 999),
    taken AS (
        SELECT lot_id, json_agg(json_build_object(
            'transfer_id', transfer_id::text, 'points', lot_moves.points)
            ORDER BY transfer_id) AS moves
        FROM line JOIN lot_moves USING (transfer_id)
        WHERE lot_moves.community_id = :community_id
        GROUP BY lot_id),
    lot AS (
        SELECT lots.*, account_kind FROM own JOIN lots ON lots.community_id = :community_id
            AND lots.account_id = own.account_id)
    SELECT lot.lot_id, lot.account_kind, origin.lot_id AS origin_lot_id,
        lot.granted AS granted_points, lot.remaining AS remaining_points,
        lot.held AS held_points, lot.earned_at,
        nullif(lot.expires_at, 'infinity') AS expires_at,
        coalesce(moves, '[]') AS taken_by
    FROM lot
        LEFT JOIN taken ON taken.lot_id = lot.lot_id
        LEFT JOIN lot AS origin ON origin.lot_id = lot.origin_lot_id
    ORDER BY lot.lot_id
"""  # noqa: S608 - a fragment of this file

HOLDS = """
    SELECT hold_id, purpose, memo, points, captured_points, state, created_at, expires_at,
        ended_at,
        (SELECT coalesce(json_agg(json_build_object(
                'lot_id', lot_id::text, 'points', hold_lots.points) ORDER BY lot_id), '[]')
        FROM hold_lots WHERE hold_lots.community_id = :community_id
            AND hold_lots.hold_id = holds.hold_id) AS lots
    FROM holds
    WHERE community_id = :community_id AND account_id = :resident_id ORDER BY hold_id
"""

LAPSE_NOTICES = f"""
    WITH {_OWN}
    SELECT account_kind, kind, month, days_ahead, points, lapses_at, told_at
    FROM own JOIN lapse_notices ON lapse_notices.community_id = :community_id
        AND lapse_notices.account_id = own.account_id
    ORDER BY told_at, month, kind, days_ahead
"""  # noqa: S608 - a fragment of this file

VOUCHERS = """
    SELECT voucher_id, rewards.name AS reward_name, points, typed_code, vouchers.state,
        issued_at, valid_until, used_at, shops.name AS used_shop_name, ended_at
    FROM vouchers
        JOIN rewards USING (community_id, reward_id)
        LEFT JOIN shops ON shops.community_id = vouchers.community_id
            AND shops.shop_id = used_shop_id
    WHERE vouchers.community_id = :community_id AND resident_id = :resident_id
    ORDER BY voucher_id
"""

VOUCHER_USES = """
    SELECT verification_id, voucher_id, operation, shops.name AS shop_name,
        verifications.created_at, reason
    FROM verifications
        JOIN vouchers USING (community_id, voucher_id)
        JOIN shops USING (community_id, shop_id)
    WHERE vouchers.community_id = :community_id AND resident_id = :resident_id
    ORDER BY verification_id
"""
