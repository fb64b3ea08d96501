"""SQL that recomputes what accounts hold. Each statement is about the accounts of a page.

Accounts with numbers up to 999 are the system's; transfers are indexed by all others.
"""

PAGE_ACCOUNTS = (
    ("account_id", "accounts"),
    ("account_id", "balances"),
    ("resident_id", "residents"),
    ("shop_id", "shops"),
    ("fund_id", "funds"),
)

_OF_PAGE = "community_id = :community_id AND {key} > :after AND {key} <= :until"


def _rows(table: str, key: str = "account_id", columns: str = "*") -> str:
    of_page = _OF_PAGE.format(key=key)
    return f"(SELECT {columns} FROM {table} WHERE {of_page})"  # noqa: S608 - names of our own


_ACCOUNTS = _rows("accounts")
_BALANCES = _rows("balances")

# Each a look-up by a key: a few thousand cost less than reading a table of millions.
_KIND_REVERSED = """(
    SELECT original.kind FROM transfers AS original
    WHERE original.community_id = :community_id
        AND original.transfer_id = there.reverses_transfer_id)
"""
_MOVED = """(
    SELECT coalesce(sum(lot_moves.points), 0)::bigint FROM lot_moves
    WHERE lot_moves.community_id = :community_id AND lot_moves.transfer_id = {by}.transfer_id)
"""
_FRESH = """coalesce((
    SELECT granted FROM lots
    WHERE lots.community_id = :community_id AND lots.lot_id = came.transfer_id
        AND lots.transfer_id = came.transfer_id), 0)
"""
_LATE = """(
    SELECT coalesce(sum(granted), 0)::bigint FROM lots
    WHERE lots.community_id = :community_id AND lots.transfer_id = came.transfer_id
        AND lots.lot_id < 0)
"""

ACCOUNTS_BELONG_TO_SOMEBODY = f"""
    SELECT kind || ' account ' || account_id AS subject,
        'owner ' || owner_id AS stored, 'an owner that is there' AS expected
    FROM {_ACCOUNTS} AS account
    WHERE NOT CASE
        WHEN kind IN ('wallet', 'savings') THEN EXISTS (SELECT FROM residents
            WHERE residents.community_id = :community_id AND resident_id = owner_id)
        WHEN kind = 'merchant' THEN EXISTS (SELECT FROM shops
            WHERE shops.community_id = :community_id AND shop_id = owner_id)
        WHEN kind = 'fund' THEN EXISTS (SELECT FROM funds
            WHERE funds.community_id = :community_id AND fund_id = owner_id)
        ELSE account_id <= 999 END
"""  # noqa: S608 - fragments of this file

# Each of these has an account of its own number.
OWNERS_HAVE_THEIR_ACCOUNTS = f"""
    SELECT owner || ' ' || number AS subject,
        coalesce(kind, 'no') || ' account ' || number AS stored,
        wanted || ' account ' || number AS expected
    FROM (
        SELECT 'resident' AS owner, 'wallet' AS wanted, resident_id AS number
        FROM {_rows("residents", "resident_id")} AS resident
        UNION ALL SELECT 'shop', 'merchant', shop_id FROM {_rows("shops", "shop_id")} AS shop
        UNION ALL SELECT 'fund', 'fund', fund_id FROM {_rows("funds", "fund_id")} AS fund
    ) AS owner LEFT JOIN {_ACCOUNTS} AS account ON account_id = number
    WHERE kind IS DISTINCT FROM wanted
"""  # noqa: S608 - fragments of this file

GUARDED_ACCOUNTS_HAVE_BALANCES = f"""
    SELECT coalesce(kind, 'unknown') || ' account ' || account_id AS subject,
        CASE WHEN balance.account_id IS NULL THEN 'no balance' ELSE 'a balance' END AS stored,
        CASE WHEN balance.account_id IS NULL THEN 'a balance' ELSE 'no balance' END AS expected
    FROM {_ACCOUNTS} AS account FULL JOIN {_BALANCES} AS balance USING (account_id)
    WHERE (balance.account_id IS NOT NULL)
        <> coalesce(kind IN ('wallet', 'savings', 'fund'), false)
"""  # noqa: S608 - fragments of this file

POSTED_POINTS_FOLLOW_TRANSFERS = f"""
    SELECT 'posted of account ' || account_id AS subject, posted AS stored,
        came.points - went.points AS expected
    FROM {_BALANCES} AS balance
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points), 0)::bigint AS points FROM transfers
            WHERE community_id = :community_id AND credit_account_id = account_id
                AND credit_account_id > 999) AS came
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points), 0)::bigint AS points FROM transfers
            WHERE community_id = :community_id AND debit_account_id = account_id
                AND debit_account_id > 999) AS went
    WHERE posted <> came.points - went.points
"""  # noqa: S608 - fragments of this file

# As many lots as are not used up; each is checked against its moves elsewhere.
FIGURES_ARE_SUMS_OF_LOTS = f"""
    SELECT 'lots_total, held of account ' || account_id AS subject,
        lots_total || ', ' || balance.held AS stored, remaining || ', ' || lot.held AS expected
    FROM {_BALANCES} AS balance CROSS JOIN LATERAL (
        SELECT coalesce(sum(remaining), 0)::bigint AS remaining,
            coalesce(sum(lots.held), 0)::bigint AS held
        FROM lots
        WHERE lots.community_id = :community_id AND lots.account_id = balance.account_id
            AND remaining > 0) AS lot
    WHERE (lots_total, balance.held) <> (remaining, lot.held)
"""  # noqa: S608 - fragments of this file

# Debt is what was taken and came from no lot, less what was given and went into none. Awards
# make one lot of their own number; what is given back goes into the lots it was taken from, or
# into new ones.
DEBT_IS_WHAT_LOTS_LACKED = f"""
    WITH balance AS MATERIALIZED (SELECT account_id, debt FROM {_BALANCES} AS balance),
    went AS MATERIALIZED (
        SELECT balance.account_id, there.*, {_KIND_REVERSED} AS reversed
        FROM balance CROSS JOIN LATERAL (
            SELECT transfer_id, points, kind, reverses_transfer_id FROM transfers
            WHERE community_id = :community_id AND debit_account_id = balance.account_id
                AND debit_account_id > 999 AND kind IN ('deduction', 'reversal')) AS there),
    came AS MATERIALIZED (
        SELECT balance.account_id, there.*, {_KIND_REVERSED} AS reversed
        FROM balance CROSS JOIN LATERAL (
            SELECT transfer_id, points, kind, reverses_transfer_id FROM transfers
            WHERE community_id = :community_id AND credit_account_id = balance.account_id
                AND credit_account_id > 999 AND kind IN ('award', 'reversal')) AS there),
    part AS (
        SELECT account_id, sum(went.points - {_MOVED.format(by="went")}) AS points
        FROM went WHERE kind = 'deduction' OR reversed = 'award'
        GROUP BY account_id
        UNION ALL
        SELECT account_id, -sum(came.points - {_FRESH})
        FROM came WHERE kind = 'award'
        GROUP BY account_id
        UNION ALL
        SELECT account_id,
            -sum(came.points - {_FRESH} - {_LATE} + {_MOVED.format(by="came")})
        FROM came WHERE reversed IN ('deduction', 'spend', 'expiry', 'decay')
        GROUP BY account_id),
    owed AS (SELECT account_id, sum(points)::bigint AS points FROM part GROUP BY account_id)
    SELECT 'debt of account ' || account_id AS subject, debt AS stored,
        coalesce(points, 0) AS expected
    FROM balance LEFT JOIN owed USING (account_id)
    WHERE debt <> coalesce(points, 0)
"""  # noqa: S608 - fragments of this file

# Reads every open hold once for a page, so its pages are long.
HELD_POINTS_ARE_THOSE_OF_OPEN_HOLDS = f"""
    WITH promised AS MATERIALIZED (
        SELECT account_id, sum(points)::bigint AS points FROM holds
        WHERE community_id = :community_id AND state = 'held'
            AND account_id > :after AND account_id <= :until
        GROUP BY account_id)
    SELECT 'held of account ' || account_id AS subject, coalesce(held, 0) AS stored,
        coalesce(points, 0) AS expected
    FROM {_rows("balances", columns="account_id, held")} AS balance
        FULL JOIN promised USING (account_id)
    WHERE coalesce(held, 0) <> coalesce(points, 0)
"""  # noqa: S608 - fragments of this file

NOBODY_IS_BELOW_THE_FLOOR = f"""
    SELECT 'posted of account ' || account_id AS subject, posted AS stored,
        'at least ' || floor AS expected
    FROM {_BALANCES} AS balance
    WHERE posted < floor
"""  # noqa: S608 - fragments of this file

# A wallet keeps the floor of a version of before as long as it owes more than the newest allows.
FLOORS_COME_FROM_POLICIES = f"""
    SELECT 'floor of account ' || account_id AS subject, floor AS stored,
        'at least ' || allowed.lowest_points AS expected
    FROM {_BALANCES} AS balance LEFT JOIN {_ACCOUNTS} AS account USING (account_id)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN kind = 'wallet' THEN coalesce(min(lowest_points), 0) ELSE 0 END
                AS lowest_points
            FROM point_policies WHERE community_id = :community_id) AS allowed
    WHERE floor < allowed.lowest_points
"""  # noqa: S608 - fragments of this file

NO_LOT_LAPSES_UNNOTICED = f"""
    SELECT 'next_expiry_at of account ' || account_id AS subject, next_expiry_at::text AS stored,
        'at most ' || soonest AS expected
    FROM {_BALANCES} AS balance CROSS JOIN LATERAL (
        SELECT min(expires_at) AS soonest FROM lots
        WHERE lots.community_id = :community_id AND lots.account_id = balance.account_id
            AND remaining > 0 AND remaining > lots.held) AS lot
    WHERE next_expiry_at > soonest
"""  # noqa: S608 - fragments of this file


def _last_of(kinds: str) -> str:
    return f"""
        SELECT max(posted_at) AS moment FROM transfers
        WHERE community_id = :community_id AND debit_account_id = account_id
            AND debit_account_id > 999 AND kind IN ({kinds})
    """  # noqa: S608 - words of this file


SPENDING_IS_REMEMBERED = f"""
    SELECT 'last_spent_at of account ' || account_id AS subject,
        coalesce(last_spent_at::text, 'never') AS stored,
        coalesce(moment::text, 'never') AS expected
    FROM {_BALANCES} AS balance
        CROSS JOIN LATERAL ({_last_of("'spend', 'donation', 'gift'")}) AS last
    WHERE last_spent_at IS DISTINCT FROM moment
"""  # noqa: S608 - fragments of this file

# A percentage may round down to nothing, so it may be later than the last transfer.
DECAY_IS_REMEMBERED = f"""
    SELECT 'decayed_at of account ' || account_id AS subject,
        coalesce(decayed_at::text, 'never') AS stored, 'at least ' || moment AS expected
    FROM {_BALANCES} AS balance CROSS JOIN LATERAL ({_last_of("'decay'")}) AS last
    WHERE moment IS NOT NULL AND decayed_at IS DISTINCT FROM greatest(decayed_at, moment)
"""  # noqa: S608 - fragments of this file
