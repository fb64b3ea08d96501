"""Changes by a superuser to accounts, contributions, boards and caps, for each of their checks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plant:
    """Statements by the owner, which check must tell, and what of it (a pattern)."""

    check: str
    statements: tuple[str, ...]
    tells: str = ""


def plant(check: str, *statements: str, tells: str = "") -> Plant:
    return Plant(check, statements, tells)


LOOSE = "ALTER TABLE balances DROP CONSTRAINT ck_balances_{}"
# The database ties these figures together; whoever owns it can untie them.
UNTIED = LOOSE.format("posted_is_lots_less_debt")
NEW_AWARD = """
    INSERT INTO transfers
    SELECT community_id, transfer_id + 1, posting_id, kind, debit_account_id, credit_account_id,
        points, source_kind, source_id + 1, leg, memo, rule_version_id, reverses_transfer_id,
        maker_id, checker_id, occurred_at, posted_at, salt
    FROM transfers WHERE community_id = :id AND kind = 'award' ORDER BY transfer_id LIMIT 1
"""

ACCOUNTS = [
    plant(
        "every account belongs to somebody",
        "UPDATE accounts SET owner_id = account_id WHERE community_id = :id AND kind = 'savings'",
        tells=r"savings account \d+.*owner \d+",
    ),
    plant(
        "every account belongs to somebody",
        "DELETE FROM funds WHERE community_id = :id",
        tells=r"fund account \d+",
    ),
    plant(
        "residents, shops and funds have their accounts",
        "DELETE FROM accounts WHERE community_id = :id AND kind = 'merchant'",
        tells=r"shop \d+.*no account \d+.*merchant account",
    ),
    plant(
        "guarded accounts have balances, and no others",
        "DELETE FROM balances WHERE community_id = :id AND posted = 0 AND held = 0",
        tells=r"account \d+.*no balance.*a balance",
    ),
    plant(
        "guarded accounts have balances, and no others",
        "INSERT INTO balances (community_id, account_id) VALUES (:id, 2)",
        tells=r"expired account 2.*a balance.*no balance",
    ),
    plant(
        "guarded accounts have balances, and no others",
        "INSERT INTO balances (community_id, account_id) VALUES (:id, 1 + (SELECT max(account_id)"
        " FROM accounts WHERE community_id = :id))",
        tells=r"unknown account \d+",
    ),
    plant(
        "held points are those of open holds",
        "UPDATE balances SET held = held - 1 WHERE community_id = :id AND held > 0",
        tells=r"held of account \d+.*49.*50",
    ),
    plant(
        "held points are those of open holds",
        "UPDATE holds SET state = 'released', ended_at = created_at"
        " WHERE community_id = :id AND state = 'held'",
        tells=r"held of account \d+.*50.*0",
    ),
    plant(
        "nobody is below the floor",
        LOOSE.format("debt_within_floor"),
        "UPDATE balances SET floor = 0 WHERE community_id = :id AND debt > 0",
        tells="at least 0",
    ),
    plant(
        "nobody may owe more than a policy said",
        "UPDATE balances SET floor = -31 WHERE community_id = :id AND debt > 0",
        tells=r"stored='-31'.*at least -30",
    ),
    plant(
        "nobody may owe more than a policy said",
        "UPDATE balances SET floor = -1 WHERE community_id = :id AND account_id IN ("
        " SELECT account_id FROM accounts WHERE community_id = :id AND kind = 'savings')",
        tells=r"stored='-1'.*at least 0",
    ),
]
BALANCES = [
    plant(
        "posted points follow from transfers",
        "UPDATE balances SET posted = posted + 100, lots_total = lots_total + 100"
        " WHERE community_id = :id AND account_id ="
        " (SELECT min(account_id) FROM balances WHERE community_id = :id)",
        tells=r"posted of account \d+",
    ),
    plant(
        "posted points follow from transfers",
        "UPDATE transfers SET points = points + 1 WHERE community_id = :id AND kind = 'spend'",
    ),
    plant(
        "posted points follow from transfers",
        "DELETE FROM transfers WHERE community_id = :id AND kind = 'donation'",
    ),
    plant(
        "posted points follow from transfers",
        "UPDATE transfers SET credit_account_id = (SELECT max(resident_id) FROM residents"
        " WHERE community_id = :id) WHERE community_id = :id AND kind = 'award'",
    ),
    plant(
        "what is there and what is held lies in lots",
        UNTIED,
        "UPDATE balances SET lots_total = lots_total + 1 WHERE community_id = :id",
        tells="lots_total, held of account",
    ),
    plant(
        "what is there and what is held lies in lots",
        "UPDATE lots SET held = held - 1 WHERE community_id = :id AND held > 0",
    ),
    plant(
        "debt is what lots lacked",
        UNTIED,
        "UPDATE balances SET debt = debt - 1 WHERE community_id = :id AND debt > 0",
        tells=r"debt of account \d+",
    ),
    plant(
        "debt is what lots lacked",
        "INSERT INTO lot_moves SELECT community_id, transfer_id, 77, 1 FROM transfers"
        " WHERE community_id = :id AND kind = 'deduction'",
    ),
    plant(
        "debt is what lots lacked",
        "INSERT INTO lot_moves SELECT community_id, transfer_id, 77, 1 FROM transfers"
        " WHERE community_id = :id AND reverses_transfer_id IN"
        " (SELECT transfer_id FROM transfers WHERE kind = 'award')",
    ),
    plant(
        "debt is what lots lacked",
        "INSERT INTO lot_moves SELECT community_id, transfer_id, 77, -1 FROM transfers"
        " WHERE community_id = :id AND reverses_transfer_id IN"
        " (SELECT transfer_id FROM transfers WHERE kind = 'spend')",
    ),
    plant(
        "debt is what lots lacked",
        "UPDATE lots SET granted = granted + 1 WHERE community_id = :id AND remaining = 0",
    ),
    plant(
        "no lot lapses unnoticed",
        "UPDATE lots SET expires_at = '2026-12-31' WHERE community_id = :id",
        tells=r"next_expiry_at of account \d+.*infinity.*at most 2026-12-31",
    ),
    plant(
        "spending is remembered",
        "UPDATE balances SET last_spent_at = NULL WHERE community_id = :id",
        tells=r"never.*2026-1",
    ),
    plant(
        "spending is remembered",
        "UPDATE balances SET last_spent_at = '2026-01-01' WHERE community_id = :id"
        " AND last_spent_at IS NULL",
        tells=r"2026-01-01.*never",
    ),
    plant(
        "decay is remembered",
        "UPDATE balances SET decayed_at = decayed_at - interval '1 second' WHERE"
        " community_id = :id",
        tells="decayed_at of account",
    ),
    plant(
        "decay is remembered",
        "UPDATE balances SET decayed_at = NULL WHERE community_id = :id",
        tells="never",
    ),
]
ACTS = [
    plant(
        "contributions and transfers agree",
        "UPDATE contributions SET granted_points = granted_points - 1"
        " WHERE community_id = :id AND granted_points > 1",
        tells=r"contribution \d+.*points",
    ),
    plant(
        "contributions and transfers agree",
        "UPDATE contributions SET resident_id = resident_id + 1 WHERE community_id = :id",
    ),
    plant(
        "contributions and transfers agree",
        "UPDATE contributions SET checked_by = checked_by + 1 WHERE community_id = :id",
    ),
    plant(
        "contributions and transfers agree",
        "DELETE FROM contributions WHERE community_id = :id AND state = 'deducted'",
        tells=r"stored='none'",
    ),
    plant(
        "contributions and transfers agree",
        "DELETE FROM transfers WHERE community_id = :id AND kind = 'award'",
        tells=r"expected='none'",
    ),
    plant("contributions and transfers agree", NEW_AWARD, tells=r"stored='none'"),
    plant(
        "contributions name rules that are there",
        "UPDATE contributions SET rule_id = 77 WHERE community_id = :id AND granted_points > 0",
        tells=r"of rule 77'.*'rule \d+",
    ),
    plant(
        "contributions name rules that are there",
        "DELETE FROM rule_versions WHERE community_id = :id",
        tells="a version that is there",
    ),
    *(
        plant(
            "contributions name what they were for",
            f"UPDATE contributions SET source_kind = '{kind}', source_id = 77 WHERE contribution_id"  # noqa: S608
            " = (SELECT max(contribution_id) FROM contributions WHERE community_id = :id)",
            tells=f"by {kind} 77'.*'by {kind} {expected}",
        )
        for kind, expected in (
            ("activity", "that is there"),
            ("case", "that is there"),
            ("daily_check_in", r"\d+"),
            ("newcomer", r"\d+"),
            ("claim", "that is there"),
            ("award_list", "that is there"),
            ("duty", "that is there"),
            ("appeal", "that is there"),
        )
    ),
    plant(
        "undone contributions and reversals agree",
        "DELETE FROM contribution_reversals WHERE community_id = :id AND taken_points > 0",
        tells=r"undoing \d+.*stored='none'",
    ),
    plant(
        "undone contributions and reversals agree",
        "INSERT INTO contribution_reversals SELECT community_id, contribution_id, 1, 1, 1,"
        " reason, reversed_by, created_at FROM contribution_reversals WHERE community_id = :id"
        " LIMIT 1",
        tells=r"undoing 1'.*expected='none'",
    ),
    plant(
        "undone contributions and reversals agree",
        "UPDATE contribution_reversals SET taken_points = taken_points - 1"
        " WHERE community_id = :id AND taken_points > 1",
    ),
    plant(
        "no more is undone than was done",
        "UPDATE contribution_reversals SET asked_points = 1000 WHERE community_id = :id",
        tells="at most",
    ),
]
POSTINGS = [
    plant(
        "what was approved was posted by those who say so",
        "UPDATE manual_postings SET proposed_by = 77 WHERE community_id = :id AND kind = 'award'",
        tells="proposed by 77",
    ),
    plant(
        "what was approved was posted by those who say so",
        "UPDATE manual_postings SET decided_by = 77 WHERE community_id = :id AND kind = 'reversal'",
        tells="checked by 77",
    ),
    plant(
        "what was approved was posted by those who say so",
        "INSERT INTO manual_postings SELECT community_id, 1, kind, state, resident_id, rule_code,"
        " units, acted_at, transfer_id, points, is_our_fault, reason, proposed_by, proposed_at,"
        " decided_by, decided_at, decision_reason, result FROM manual_postings"
        " WHERE community_id = :id AND state = 'posted' LIMIT 1",
        tells="posting by hand 1'.*not posted",
    ),
]
EARNED = [
    plant(
        "scores follow from awards and deductions",
        "UPDATE standings SET score = score + 1 WHERE community_id = :id AND period = 'week'",
        tells=r"score of resident \d+, week of 2026-1",
    ),
    plant(
        "scores follow from awards and deductions",
        "DELETE FROM standings WHERE community_id = :id AND period = 'all'",
        tells=r"all of 1970-01-01",
    ),
    plant(
        "scores follow from awards and deductions",
        "UPDATE transfers SET occurred_at = occurred_at - interval '70 days'"
        " WHERE community_id = :id AND kind = 'deduction'",
    ),
    plant(
        "scores follow from awards and deductions",
        "DELETE FROM contribution_reversals WHERE community_id = :id",
    ),
    plant(
        "used caps follow from awards",
        "UPDATE cap_usage SET used_points = used_points - 1 WHERE community_id = :id",
        tells=r"used of rule \d+ by resident \d+",
    ),
    plant(
        "used caps follow from awards",
        "UPDATE cap_usage SET used_times = used_times + 1 WHERE community_id = :id",
    ),
    plant("used caps follow from awards", "DELETE FROM cap_usage WHERE community_id = :id"),
]
BOARDS = [
    plant(
        "every score is of somebody's acts",
        "UPDATE standings SET starts_on = starts_on + 70"
        " WHERE community_id = :id AND period = 'week'",
        tells=r"score of resident \d+, week of 2027",
    ),
    plant(
        "every score is of somebody's acts",
        "INSERT INTO standings VALUES (:id, 'month', '2026-11-02', (SELECT min(resident_id) FROM"
        " standings WHERE community_id = :id), 5, now())",
        tells="month of 2026-11-02",
    ),
    plant(
        "every score is of somebody's acts",
        "INSERT INTO standings SELECT community_id, 'all', DATE '1970-01-01', account_id, 5, now()"
        " FROM accounts WHERE community_id = :id AND kind = 'merchant'",
        tells="all of 1970-01-01",
    ),
]
CAPS = [
    plant(
        "every used cap is of somebody's awards",
        "UPDATE cap_usage SET resident_id = resident_id + 1 WHERE community_id = :id",
    ),
    plant(
        "every used cap is of somebody's awards",
        "UPDATE cap_usage SET starts_on = starts_on + 400 WHERE community_id = :id",
    ),
    plant(
        "every used cap is of somebody's awards",
        "INSERT INTO cap_usage SELECT community_id, rule_id, resident_id, 'year', '2026-01-01',"
        " 1, 1 FROM cap_usage WHERE community_id = :id",
        tells=r"used of rule \d+ by resident \d+, year of 2026-01-01",
    ),
]
# By the walk that finds them.
PLANTS = {
    "accounts": ACCOUNTS,
    "balances": BALANCES,
    "acts": ACTS,
    "postings by hand": POSTINGS,
    "earned": EARNED,
    "boards": BOARDS,
    "caps": CAPS,
}
