"""Changes behind the application's back, one or more for each check of the books."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plant:
    """A change behind the application's back, and which check must tell."""

    check: str
    sql: str
    tells: str = ""


NEW_TRANSFER = """
    INSERT INTO transfers
    SELECT community_id, transfer_id + 1000000000, posting_id, {kind}, {debit}, {credit}, {moved},
        'planted', source_id, leg, memo, rule_version_id, {reverses}, maker_id, checker_id,
        occurred_at, posted_at, salt
    FROM transfers WHERE kind = {of} AND community_id = :id ORDER BY transfer_id LIMIT 1
"""


def new_transfer(of: str, **changes: str) -> str:
    """Return SQL that posts a copy of the first transfer of a kind, with changes."""
    columns = {"kind": "kind", "debit": "debit_account_id", "credit": "credit_account_id",
               "reverses": "reverses_transfer_id", "moved": "points"}  # fmt: skip
    return NEW_TRANSFER.format(**(columns | changes), of=f"'{of}'")


MORE_PINS = """
    INSERT INTO hold_lots
    SELECT community_id, hold_id, (SELECT max(lot_id) FROM lots
        WHERE lots.community_id = :id AND lots.account_id = holds.account_id), 1
    FROM holds WHERE community_id = :id AND state = '{state}' AND account_id =
        (SELECT min(account_id) FROM accounts WHERE community_id = :id AND kind = 'wallet')
"""
MORE_MOVES = """
    INSERT INTO lot_moves
    SELECT community_id, transfer_id, other.lot_id, {points}
    FROM transfers JOIN LATERAL (
        SELECT min(lot_id) AS lot_id FROM lots
        WHERE lots.community_id = :id AND account_id = debit_account_id
            AND NOT EXISTS (SELECT FROM lot_moves AS there
                WHERE there.transfer_id = transfers.transfer_id AND there.lot_id = lots.lot_id))
        AS other ON other.lot_id IS NOT NULL
    WHERE community_id = :id AND {of} ORDER BY transfer_id LIMIT 1
"""
MORE_UNDONE = """
    INSERT INTO contribution_reversals
    SELECT community_id, contribution_id, 1, {asked}, {taken}, reason, reversed_by, created_at
    FROM contribution_reversals WHERE community_id = :id ORDER BY reversal_id LIMIT 1
"""
PLANTS = [
    Plant(
        "every transfer goes its way",
        new_transfer("award", debit="2"),
        r"award \d+ goes from 2 to \d+",
    ),
    Plant("every transfer goes its way", new_transfer("deduction", credit="1")),
    Plant(
        "every transfer goes its way",
        new_transfer("spend", kind="'reversal'", reverses="transfer_id"),
    ),
    Plant(
        "all accounts sum to zero",
        "UPDATE balances SET posted = posted + 1, lots_total = lots_total + 1 WHERE"
        " (community_id, account_id) ="
        " (SELECT community_id, min(account_id) FROM balances GROUP BY 1)",
        "the book sums to 1",
    ),
    Plant(
        "guarded accounts have balances",
        "DELETE FROM balances WHERE community_id = :id AND posted = 0",
        r"balance rows of account \d+ is 0, should be 1",
    ),
    Plant(
        "posted points follow transfers",
        "UPDATE balances SET posted = posted + step, lots_total = lots_total + step FROM"
        " (SELECT account_id, CASE row_number() OVER (ORDER BY account_id) WHEN 1 THEN -1"
        "  WHEN 2 THEN 1 ELSE 0 END AS step FROM balances WHERE community_id = :id"
        "  AND lots_total > held) AS swap"
        " WHERE community_id = :id AND balances.account_id = swap.account_id",
        r"posted of account \d+ is \d+, should be \d+",
    ),
    Plant("reversals are counted", "DELETE FROM reversed_points WHERE community_id = :id"),
    Plant(
        "reversals are counted",
        "UPDATE reversed_points SET original_points = original_points + 1 WHERE community_id = :id",
        r"original points of transfer \d+ is 51, should be 50",
    ),
    Plant(
        "transfers take their points from lots",
        "INSERT INTO lot_moves SELECT community_id, transfer_id,"
        " (SELECT max(lot_id) FROM lots WHERE community_id = :id), 1 FROM transfers"
        " WHERE community_id = :id AND kind = 'award'",
        r"award \d+ of \d+ moved 1",
    ),
    Plant(
        "transfers take their points from lots",
        "INSERT INTO lot_moves SELECT community_id, transfer_id,"
        " (SELECT min(lot_id) FROM lots WHERE community_id = :id), 1 FROM transfers"
        " WHERE community_id = :id AND kind = 'deduction'",
        r"moved lot -?\d+ of somebody else",
    ),
    Plant(
        "points go where they are sent",
        "UPDATE lots SET granted = granted + 100 WHERE community_id = :id",
    ),
    Plant(
        "lots come from transfers",
        "INSERT INTO lots SELECT community_id, 1, account_id, 1, NULL, 5, 0, 0, earned_at,"
        " expires_at FROM lots WHERE community_id = :id LIMIT 1",
        "lot 1 comes from no transfer",
    ),
    Plant(
        "lots keep what moves left",
        "UPDATE lots SET remaining = remaining - 1 WHERE community_id = :id AND remaining > held",
    ),
    Plant(
        "debt is what deductions lacked",
        "UPDATE balances SET posted = posted - 1, debt = debt + 1"
        " WHERE community_id = :id AND debt > 0",
        r"debt of account \d+ is 14, should be 13",
    ),
    Plant(
        "captures take the lots they held",
        MORE_PINS.format(state="captured"),
        r"capture \d+ took \{\d+: 50\}, its hold pinned \{\d+: 50, \d+: 1\}",
    ),
    Plant(
        "holds pin what they promise",
        MORE_PINS.format(state="held"),
        r"pinned points of hold \d+ is 51, should be 50",
    ),
    Plant(
        "held points are those of open holds",
        "UPDATE lots SET held = 0 WHERE community_id = :id AND held > 0",
        r"held of lot \d+ is 0, should be \d+",
    ),
    Plant(
        "held points are those of open holds",
        "UPDATE balances SET held = 0 WHERE community_id = :id AND held > 0",
        r"held of account \d+ is 0, should be 50",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET captures = captures + 1 WHERE community_id = :id AND state = 'captured'"
        " AND captures = 2",
        r"legs of hold \d+ \(captured\): \[1, 2\], not \[1, 2, 3\]",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET captured_points = 7 WHERE community_id = :id AND state = 'released'",
        r"captured_points of hold \d+ \(released\): 7, not 0",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET ended_at = NULL WHERE community_id = :id AND state = 'expired'",
    ),
    Plant(
        "vouchers stand where their holds do",
        "UPDATE vouchers SET state = 'cancelled' WHERE community_id = :id AND state = 'issued'",
        "'cancelled', None.*should be .*'issued', None",
    ),
    Plant(
        "vouchers stand where their holds do",
        "UPDATE vouchers SET used_shop_id = 7 WHERE community_id = :id AND state = 'used'",
    ),
    Plant(
        "contributions and transfers agree",
        "INSERT INTO contributions SELECT community_id, 1, source_kind, 1, resident_id, occasion,"
        " rule_id, rule_version_id, state, units, asked_points, granted_points, breakdown,"
        " reason, recorded_by, acted_at, created_at, checked_by FROM contributions"
        " WHERE community_id = :id AND granted_points > 0 LIMIT 1",
    ),
    Plant(
        "standings follow awards and deductions",
        "UPDATE standings SET score = score + 1 WHERE community_id = :id AND period = 'week'",
        r"score of \('week', datetime.date\(2026, 1[12], \d+\), \d+\) is \d+",
    ),
    Plant(
        "standings follow awards and deductions",
        "DELETE FROM standings WHERE community_id = :id AND period = 'month'",
    ),
    Plant(
        "standings follow awards and deductions",
        "UPDATE standings SET starts_on = starts_on + 7"
        " WHERE community_id = :id AND period = 'week'",
    ),
    Plant(
        "cap usage follows contributions",
        "UPDATE cap_usage SET used_points = used_points + 1 WHERE community_id = :id",
        "used_points of .* is 81, should be 80|used_points of .* is 2, should be 1",
    ),
    Plant(
        "cap usage follows contributions",
        "UPDATE cap_usage SET used_times = used_times + 1 WHERE community_id = :id",
    ),
    Plant(
        "campaigns give what awards say",
        "WITH campaign AS (INSERT INTO campaigns (community_id, campaign_id, code, name,"
        " rule_codes, percent, bonus_points, starts_at, ends_at, budget_points)"
        " VALUES (:id, 77, 'spring', '春节', '[]', 200, 0, now(), now() + interval '1 day', 10))"
        " INSERT INTO campaign_usage VALUES (:id, 77, 0, 5)",
        "given by campaign .*77.* is 5, should be 0",
    ),
    Plant(
        "claims were reviewed and awarded once",
        "INSERT INTO claims (community_id, claim_id, resident_id, rule_id, rule_version_id, units,"
        " mode, acted_at, note, shows_deed, state, review_level, approvals, claimed_by,"
        " claimed_at, contribution_id) VALUES (:id, 77, 1, 1, 1, 1, 'any', now(), '', false,"
        " 'awarded', 1, 1, 1, now(), 78)",
        "claim 77 was awarded after 0 approvals",
    ),
    Plant(
        "every transfer waits to be sealed or is once",
        "DELETE FROM seal_queue WHERE community_id = :id AND transfer_id ="
        " (SELECT max(transfer_id) FROM seal_queue WHERE community_id = :id)",
        r"seal queue rows of transfer \d+ is 0, should be 1",
    ),
    Plant(
        "every transfer waits to be sealed or is once",
        "INSERT INTO seal_queue VALUES (:id, 1)",
        "seal queue rows of transfer 1 is 1, should be 0",
    ),
    Plant(
        "no lot lapses unnoticed",
        "UPDATE lots SET expires_at = '2026-12-31' WHERE community_id = :id",
    ),
    Plant(
        "spending is remembered",
        "UPDATE balances SET last_spent_at = NULL WHERE community_id = :id",
    ),
    Plant(
        "every transfer goes its way",
        new_transfer("saving", debit="(SELECT max(owner_id) FROM accounts WHERE kind = 'wallet')"),
    ),
    Plant("every transfer goes its way", new_transfer("gift", kind="'donation'")),
    Plant(
        "every transfer goes its way",
        new_transfer(
            "reversal", debit="credit_account_id", credit="debit_account_id", reverses="transfer_id"
        ),
    ),
    Plant(
        "reversals are counted",
        new_transfer("reversal", moved="points + 1000"),
        r"reversed points of transfer \d+ is \d+, should be \d+",
    ),
    Plant(
        "transfers take their points from lots",
        MORE_MOVES.format(points=-1, of="kind = 'gift'"),
        r"points from lots of transfer \d+ is 14, should be 15",
    ),
    Plant(
        "transfers take their points from lots",
        MORE_MOVES.format(
            points=-1,
            of="reverses_transfer_id IN (SELECT transfer_id FROM transfers WHERE kind = 'award')",
        ),
        r"reversal \d+ moves lot -?\d+ the other way",
    ),
    Plant(
        "points go where they are sent",
        "UPDATE lots SET granted = granted - 1, remaining = least(remaining, granted - 1)"
        " WHERE community_id = :id AND lot_id < 0 AND granted > 1 AND held = 0",
        r"(saving|withdrawal|gift) \d+ of \d+ made lots of \d+",
    ),
    Plant(
        "lots come from transfers",
        "UPDATE lots SET origin_lot_id = NULL WHERE community_id = :id AND lot_id < 0",
        r"names no origin",
    ),
    Plant(
        "derived lots name where they came from",
        "UPDATE lots SET origin_lot_id = (SELECT max(lot_id) FROM lots WHERE community_id = :id"
        " AND origin_lot_id IS NULL) WHERE community_id = :id AND lot_id < 0",
        r"granted by (saving|withdrawal|gift) \d+ of root \d+ is",
    ),
    Plant(
        "derived lots name where they came from",
        "UPDATE lots SET origin_lot_id = lot_id WHERE community_id = :id AND lot_id < 0",
        r"lot -\d+ has no root in -\d+",
    ),
    Plant(
        "points return to where they were",
        MORE_MOVES.format(
            points=-2,
            of="reverses_transfer_id IN (SELECT transfer_id FROM"
            " transfers WHERE kind = 'deduction')",
        ).replace("debit", "credit"),
        r"lot \d+ got 2 back of 0",
    ),
    Plant(
        "holds follow their captures",
        "UPDATE holds SET captured_points = points WHERE community_id = :id"
        " AND captured_points = 12",
        r"captured_points of hold 900000 \(captured\): 20, not 12",
    ),
    Plant(
        "decay is remembered",
        "UPDATE balances SET decayed_at = NULL WHERE community_id = :id",
        r"decayed_at of account \d+: None",
    ),
    Plant(
        "undone contributions and reversals agree",
        MORE_UNDONE.format(asked=2, taken=2),
        r"contribution, points of reversal 1 is \(\d+, 2\), should be 0",
    ),
    Plant(
        "undone contributions and reversals agree",
        MORE_UNDONE.format(asked=1000, taken=0),
        r"1002 are undone of contribution",
    ),
    Plant(
        "what is posted by hand was checked",
        "UPDATE manual_postings SET proposed_by = 1 WHERE community_id = :id",
        "names others than its posting",
    ),
    Plant(
        "what is posted by hand was checked",
        "DELETE FROM manual_postings WHERE community_id = :id AND kind = 'reversal'",
        "has no posting that was approved",
    ),
]
