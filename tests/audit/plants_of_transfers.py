"""Changes of transfers and of what stands beside them, each with the check that must tell."""

from tests.ledger.plants import Plant

WAYS = "transfers go the way of their kind"
BACK = "reversals go their original's way back and are counted"
SOURCES = "transfers come from what is there"
BY_HAND = "what is posted by hand was checked"
REVERSED = "reversed points are the sum of reversals"

SOMEBODY_ELSE = """(SELECT max(account_id) FROM accounts WHERE community_id = :id
    AND kind = 'wallet' AND account_id NOT IN (debit_account_id, credit_account_id))"""


def first(of: str) -> str:
    """Return SQL for the number of the first transfer of some kind."""
    return f"(SELECT min(transfer_id) FROM transfers WHERE community_id = :id AND {of})"  # noqa: S608


def change(of: str, to: str) -> str:
    """Return SQL that changes the first transfer of some kind."""
    return f"""
        UPDATE transfers SET {to} WHERE community_id = :id AND transfer_id = {first(of)}
    """  # noqa: S608 - statements of this test


FIRST_AWARD, FIRST_GIFT, FIRST_REVERSAL = (
    first(f"kind = '{kind}'") for kind in ("award", "gift", "reversal")
)
UNDOES_DEDUCTION = (
    "reverses_transfer_id IN (SELECT transfer_id FROM transfers WHERE kind = 'deduction')"
)
PLANTS = [
    Plant(
        WAYS,
        change("kind = 'award'", "debit_account_id = 2"),
        r"award from expired of 2 to wallet of \d+, not issuer to wallet$",
    ),
    Plant(WAYS, change("kind = 'award'", "credit_account_id = 7"), "to nowhere, not issuer"),
    Plant(WAYS, change("kind = 'spend'", "debit_account_id = 7"), "from nowhere to merchant"),
    Plant(WAYS, change("kind = 'deduction'", "credit_account_id = 1"), "not wallet to penalty"),
    Plant(
        WAYS,
        change("kind = 'saving'", f"debit_account_id = {SOMEBODY_ELSE}"),
        "not wallet to savings of one owner",
    ),
    Plant(WAYS, change("kind = 'gift'", "kind = 'donation'"), "not wallet to fund"),
    Plant(WAYS, change("kind = 'decay'", "kind = 'settlement'"), "not no such kind"),
    Plant(
        BACK,
        change("kind = 'reversal'", f"credit_account_id = {SOMEBODY_ELSE}"),
        r"reversal from \d+ to \d+ .*, not reversal from \d+ to \d+",
    ),
    Plant(BACK, change("kind = 'reversal'", "reverses_transfer_id = 7"), "not an original that is"),
    Plant(BACK, change("kind = 'reversal'", "reverses_transfer_id = NULL"), "not an original"),
    Plant(BACK, change("kind = 'reversal'", "kind = 'spend'"), r": spend from \d+"),
    Plant(BACK, change("kind = 'spend'", f"reverses_transfer_id = {FIRST_AWARD}")),
    Plant(
        BACK,
        f"""UPDATE transfers SET reverses_transfer_id = gift.transfer_id,
            debit_account_id = gift.credit_account_id, credit_account_id = gift.debit_account_id
        FROM (SELECT * FROM transfers WHERE transfer_id = {FIRST_GIFT}) AS gift
        WHERE transfers.community_id = :id
            AND transfers.transfer_id = {FIRST_REVERSAL}""",  # noqa: S608
        "of a gift",
    ),
    Plant(BACK, "DELETE FROM reversed_points WHERE community_id = :id", "with 0 reversed, not"),
    Plant(SOURCES, change("kind = 'award'", "rule_version_id = 7"), "by rule version 7"),
    Plant(SOURCES, change("kind = 'award'", "rule_version_id = NULL"), "by rule version none"),
    Plant(SOURCES, change("kind = 'gift'", "rule_version_id = 7"), "by rule version 7"),
    Plant(SOURCES, change("kind = 'gift'", "source_kind = 'planted'"), "gift of planted"),
    Plant(SOURCES, change("kind = 'gift'", "source_id = 7"), "gift of gift 7"),
    Plant(
        SOURCES, change("kind = 'decay'", "kind = 'expiry'"), "not expiry of (expiry|closure) or"
    ),
    Plant(SOURCES, change("kind = 'saving'", "posting_id = 7"), "posting 7 leg 0"),
    Plant(SOURCES, change("kind = 'donation'", "leg = 1"), "leg 1 .* leg 0"),
    Plant(SOURCES, change("kind = 'spend'", "leg = 0"), "leg 0 .* leg 1 or more"),
    Plant(SOURCES, change("source_kind = 'reversal'", "source_id = 7"), "of reversal 7"),
    Plant(
        SOURCES,
        "DELETE FROM contributions WHERE community_id = :id AND granted_points > 0",
        r"award of contribution \d+ .* not award of contribution that is there",
    ),
    Plant(SOURCES, "DELETE FROM holds WHERE community_id = :id", r"spend of hold \d+"),
    Plant(SOURCES, "DELETE FROM manual_postings WHERE community_id = :id", r"of manual \d+"),
    Plant(BY_HAND, change("source_kind = 'manual'", "maker_id = 7"), "made by 7"),
    Plant(BY_HAND, change("source_kind = 'manual'", "checker_id = 7"), "checked by 7, not made"),
    Plant(
        BY_HAND,
        "UPDATE manual_postings SET proposed_by = 7 WHERE community_id = :id",
        "not made by 7",
    ),
    Plant(
        BY_HAND,
        "UPDATE manual_postings SET state = 'withdrawn', result = NULL WHERE community_id = :id",
        "not a posting that another has checked",
    ),
    Plant(
        BY_HAND,
        "DELETE FROM manual_postings WHERE community_id = :id AND kind = 'reversal'",
        "not a posting that another has checked",
    ),
    Plant(
        REVERSED,
        "UPDATE reversed_points SET points = points - 1 WHERE community_id = :id AND points > 1",
    ),
    Plant(
        REVERSED,
        "UPDATE reversed_points SET original_points = original_points + 1 WHERE community_id = :id",
        r": (\d+) of \d+, not \1 of \d+",
    ),
    Plant(
        REVERSED,
        f"INSERT INTO reversed_points VALUES (:id, {FIRST_GIFT}, 5, 1)",  # noqa: S608
        ": 1 of 5, not 0 of",
    ),
    Plant(REVERSED, "INSERT INTO reversed_points VALUES (:id, 7, 5, 1)", ": 1 of 5, not 0 of 0"),
    Plant(REVERSED, change(UNDOES_DEDUCTION, "points = points + 1")),
    Plant(
        REVERSED,
        f"DELETE FROM transfers WHERE transfer_id = {first(UNDOES_DEDUCTION)}",  # noqa: S608
    ),
    Plant(
        REVERSED,
        """DELETE FROM transfers WHERE community_id = :id AND reverses_transfer_id IN (
            SELECT transfer_id FROM transfers WHERE kind = 'award')""",
        r": (\d+) of \d+, not 0 of \d+",
    ),
]
