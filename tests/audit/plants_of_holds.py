"""Changes of holds and of what stands on them, each with the check that must tell."""

from tests.ledger.plants import Plant

OWNERS = "holds have an owner who keeps lots"
PROMISED = "holds pin what they promise"
CAPTURED = "holds stand where their captures do"
TAKEN = "captures take the lots that were pinned"
VOUCHERS = "vouchers stand where their holds do"
PINS = "holds pin lots of their owner"
HOLDS = "vouchers have their holds"

FOREIGN_LOT = """(SELECT max(lots.lot_id) FROM lots JOIN holds USING (community_id)
    WHERE community_id = :id AND holds.hold_id = hold_lots.hold_id
        AND lots.account_id <> holds.account_id)"""
CAPTURE_OF = "community_id = :id AND source_kind = 'hold' AND source_id = {hold}"
# Captured in part.
PART = CAPTURE_OF.format(hold=900_002)
REPEATED = """community_id = :id AND source_kind = 'hold' AND source_id = (
    SELECT hold_id FROM holds WHERE community_id = :id AND captures = 2)"""
# As if what lapses last had lapsed first when it was captured.
LATE_FIRST = """
    UPDATE lots SET expires_at = '2020-01-01' WHERE community_id = :id
        AND lot_id = (SELECT min(lot_id) FROM hold_lots WHERE hold_id = 900002)
"""


def holds(of: str, to: str) -> str:
    """Return SQL that changes some holds."""
    return f"UPDATE holds SET {to} WHERE community_id = :id AND {of}"  # noqa: S608


def vouchers(of: str, to: str) -> str:
    """Return SQL that changes some vouchers."""
    return f"UPDATE vouchers SET {to} WHERE community_id = :id AND {of}"  # noqa: S608


def transfers(of: str, to: str) -> str:
    """Return SQL that changes some transfers."""
    return f"UPDATE transfers SET {to} WHERE {of}"  # noqa: S608


PLANTS = [
    Plant(OWNERS, holds("true", "account_id = 1000"), "no account 1000, not an account that"),
    Plant(OWNERS, holds("true", "account_id = 3"), "penalty 3, not an account that keeps lots"),
    Plant(PROMISED, holds("true", "points = points + 1"), r": (\d+), not (?!\1)"),
    Plant(PROMISED, "UPDATE hold_lots SET points = points + 1 WHERE community_id = :id"),
    Plant(PROMISED, "DELETE FROM hold_lots WHERE community_id = :id", ": 0, not [1-9]"),
    Plant(CAPTURED, holds("state = 'captured'", "captures = captures + 1"), "not .* legs 1 to"),
    Plant(CAPTURED, holds("state = 'held'", "captures = 1"), "by 1 captures .* by 0 captures"),
    Plant(CAPTURED, holds("state = 'released'", "captured_points = 7"), "released with 7 points"),
    Plant(
        CAPTURED, holds("captured_points = 20", "captured_points = 21"), "with 21 points .* not 20"
    ),
    Plant(CAPTURED, holds("state = 'captured'", "state = 'released'"), ", not 0 points by"),
    Plant(CAPTURED, holds("state = 'released'", "state = 'captured'"), "captured with 0 points"),
    Plant(CAPTURED, holds("state = 'expired'", "ended_at = NULL"), "and not ended, not"),
    Plant(CAPTURED, holds("state = 'held'", "ended_at = now()"), "held with .* and ended, not"),
    Plant(CAPTURED, transfers(PART, "leg = 2"), "legs 2 to 2"),
    Plant(CAPTURED, transfers(f"{REPEATED} AND leg = 1", "leg = 3"), "legs 2 to 3"),
    Plant(CAPTURED, f"DELETE FROM transfers WHERE {PART}", "not 0 points by 0 captures"),  # noqa: S608
    Plant(CAPTURED, transfers(PART, "debit_account_id = 7"), "another's"),
    Plant(CAPTURED, transfers(PART, "points = 31"), "not 31 points .* too much"),
    Plant(CAPTURED, transfers(f"{REPEATED} AND leg = 1", "points = points - 1"), "or not undone"),
    Plant(
        CAPTURED,
        f"""DELETE FROM reversed_points WHERE community_id = :id AND transfer_id = (
            SELECT transfer_id FROM transfers WHERE {REPEATED} AND leg = 1)""",  # noqa: S608
        "or not undone",
    ),
    Plant(
        TAKEN,
        f"""UPDATE lot_moves SET points = points + 1 WHERE community_id = :id
            AND transfer_id = (SELECT transfer_id FROM transfers WHERE {PART})""",  # noqa: S608
        r": (\d+) of lot \d+, not (?!\1)",
    ),
    Plant(
        TAKEN,
        f"""DELETE FROM lot_moves WHERE community_id = :id
            AND transfer_id = (SELECT transfer_id FROM transfers WHERE {PART})""",  # noqa: S608
        r": 0 of lot \d+, not [1-9]",
    ),
    Plant(
        TAKEN,
        LATE_FIRST,
        r": (\d+) of lot \d+, not (?!\1)",
    ),
    Plant(TAKEN, "DELETE FROM hold_lots WHERE community_id = :id", r": \d+ of lot \d+, not 0"),
    Plant(
        VOUCHERS, vouchers("state = 'issued'", "state = 'cancelled'"), "cancelled .*, not issued"
    ),
    Plant(VOUCHERS, vouchers("state = 'expired'", "state = 'cancelled'"), ", not expired"),
    Plant(VOUCHERS, vouchers("true", "points = points + 1"), r"(\d+) points of .*, not"),
    Plant(VOUCHERS, vouchers("true", "resident_id = 7"), "points of 7.*, not"),
    Plant(VOUCHERS, vouchers("state = 'used'", "used_shop_id = 7"), "at shop 7, not used"),
    Plant(VOUCHERS, "DELETE FROM vouchers WHERE community_id = :id", ": none, not"),
    Plant(VOUCHERS, holds("purpose = 'redemption' AND state = 'held'", "state = 'released'")),
    Plant(PINS, "DELETE FROM holds WHERE community_id = :id", "not a hold that is there"),
    Plant(
        PINS,
        "UPDATE hold_lots SET lot_id = 7 WHERE community_id = :id AND hold_id = 900001"
        " AND lot_id = (SELECT max(lot_id) FROM hold_lots WHERE hold_id = 900001)",
        "no lot, not of account",
    ),
    Plant(
        PINS,
        f"UPDATE hold_lots SET lot_id = {FOREIGN_LOT} WHERE community_id = :id"  # noqa: S608
        " AND lot_id = (SELECT max(lot_id) FROM hold_lots WHERE hold_id = 900001)",
        r"of account (\d+), not of account (?!\1)",
    ),
    Plant(HOLDS, "DELETE FROM holds WHERE community_id = :id", "no hold, not hold for redemption"),
    Plant(HOLDS, holds("true", "purpose = 'booking'"), "hold for booking, not hold for"),
]
