"""Changes of lots and of what moved them, each with the check that must tell."""

from tests.audit.plants_of_transfers import first
from tests.ledger.plants import Plant

SIDES = "points are taken from lots and arrive in lots"
ORIGINS = "points moved on keep their origin"
OWNERS = "lots have an owner who keeps lots"
CREDITED = "lots come from transfers to their owner"
ROOTS = "lots name where their points came from first"
HELD = "lots hold what open holds pin"
REMAINING = "lots keep what moves left"
MOVES = "lots are moved by transfers of their owner"
MORE_BACK = "no lot gets back more than was taken"
GIVEN_BACK = "points return to where they were"

PUTS_BACK = """reverses_transfer_id IN (
    SELECT transfer_id FROM transfers WHERE kind IN ('spend', 'deduction'))"""
# By two lots, and given back in two parts, of which the first lies in one lot.
PAID_BY_TWO = """(
    SELECT min(transfer_id) FROM transfers WHERE community_id = :id AND kind = 'spend'
        AND 1 < (SELECT count(*) FROM transfers AS reversal
            WHERE reversal.reverses_transfer_id = transfers.transfer_id)
        AND 1 < (SELECT count(*) FROM lot_moves
            WHERE lot_moves.transfer_id = transfers.transfer_id))"""
OTHER_LOT_BACK = f"""
    UPDATE lot_moves SET lot_id = (
        SELECT min(taken.lot_id) FROM lot_moves AS taken
        WHERE taken.transfer_id = {PAID_BY_TWO} AND taken.lot_id <> lot_moves.lot_id)
    WHERE community_id = :id AND transfer_id = (
        SELECT min(transfer_id) FROM transfers WHERE reverses_transfer_id = {PAID_BY_TWO})
"""  # noqa: S608 - a statement of this test


def moves(of: str, to: str) -> str:
    """Return SQL that changes all moves by the first transfer of some kind."""
    return f"""
        UPDATE lot_moves SET {to} WHERE community_id = :id AND transfer_id = {first(of)}
    """  # noqa: S608 - statements of this test


def one_move(of: str, to: str) -> str:
    """Return SQL that changes one move by the first transfer of some kind."""
    return f"""{moves(of, to)} AND lot_id = (
        SELECT max(lot_id) FROM lot_moves AS other
        WHERE other.community_id = :id AND other.transfer_id = lot_moves.transfer_id)
    """  # noqa: S608 - statements of this test


def lots(of: str, to: str) -> str:
    """Return SQL that changes some lots."""
    return f"UPDATE lots SET {to} WHERE community_id = :id AND {of}"  # noqa: S608


def new_lot(lot: str, account: str, transfer: str, origin: str = "NULL") -> str:
    """Return SQL that makes a lot of a point."""
    return f"""
        INSERT INTO lots (community_id, lot_id, account_id, transfer_id, origin_lot_id, granted,
            remaining, earned_at)
        VALUES (:id, {lot}, {account}, {transfer}, {origin}, 1, 1, now())
    """  # noqa: S608 - statements of this test


def payer_of(of: str) -> str:
    return f"(SELECT debit_account_id FROM transfers WHERE transfer_id = {first(of)})"  # noqa: S608


SPENT, GIFT = "kind = 'spend'", "kind = 'gift'"
A_GIFT, A_SPEND = first(GIFT), first(SPENT)
AN_AWARD, A_DONATION = first("kind = 'award'"), first("kind = 'donation'")
PLANTS = [
    Plant(SIDES, moves(SPENT, "points = points + 1"), r"takes (\d+) from .*, not takes (?!\1)"),
    Plant(SIDES, moves("kind = 'expiry'", "points = points + 1")),
    Plant(SIDES, moves("kind = 'deduction'", "points = points + 100"), "not takes up to"),
    Plant(SIDES, moves(PUTS_BACK, "points = points - 100"), "not puts back into lots and"),
    Plant(SIDES, moves(PUTS_BACK, "points = -points"), "not puts back into lots and"),
    Plant(
        SIDES,
        f"INSERT INTO lot_moves VALUES (:id, {AN_AWARD}, 7, 1)",  # noqa: S608
        "takes 1 from lots .*, not takes 0",
    ),
    Plant(
        SIDES,
        "UPDATE lots SET granted = granted + 1000 WHERE community_id = :id AND lot_id > 0",
        r"lots of \d+, not takes 0 from lots and makes lots of up to \d+",
    ),
    Plant(SIDES, lots("lot_id < 0", "granted = granted + 1")),
    Plant(
        SIDES,
        lots(f"transfer_id = {A_DONATION}", "granted = 6"),
        "makes lots of 6, not takes 5 from lots and makes lots of 5",
    ),
    Plant(SIDES, new_lot(A_SPEND, "1000", A_SPEND), "makes lots of 1, not .* lots of 0"),
    Plant(SIDES, new_lot("-7", "1000", A_SPEND), "makes lots of 1, not .* lots of 0"),
    Plant(
        ORIGINS,
        lots(f"transfer_id = {A_GIFT}", "origin_lot_id = 7"),
        r"\d+ of lot \d+, not \d+",
    ),
    Plant(ORIGINS, lots(f"transfer_id = {A_GIFT}", "granted = granted + 1")),
    Plant(ORIGINS, moves(GIFT, "points = points + 1")),
    Plant(OWNERS, lots("lot_id > 0", "account_id = 2"), "expired 2, not an account that keeps"),
    Plant(OWNERS, lots("lot_id > 0", "account_id = 7"), "no account 7, not an account that keeps"),
    Plant(
        CREDITED, lots("lot_id > 0", "account_id = 7"), r"of account 7, not award \d+ to account"
    ),
    Plant(CREDITED, lots("lot_id < 0", "transfer_id = 7"), "not a transfer that is there"),
    Plant(
        CREDITED, lots("lot_id < 0", "origin_lot_id = NULL"), r"account \d+, not .*made of a lot"
    ),
    Plant(CREDITED, lots("lot_id = transfer_id", "origin_lot_id = 7"), ", made of lot 7, not"),
    Plant(
        CREDITED,
        lots("lot_id < 0", "lot_id = -lot_id"),
        "made of lot .*(a number below 0|with its number)",
    ),
    Plant(
        CREDITED,
        new_lot(
            "-7",
            f"(SELECT credit_account_id FROM transfers WHERE transfer_id = {A_SPEND})",  # noqa: S608
            A_SPEND,
            "7",
        ),
        r"not spend \d+ to account \d+ makes no lots",
    ),
    Plant(ROOTS, lots("lot_id < 0", "origin_lot_id = 7"), "made of lot 7, not a lot that is there"),
    Plant(ROOTS, lots("lot_id < 0", "origin_lot_id = lot_id"), "not a lot that was made of none"),
    Plant(HELD, lots("held > 0", "held = 0"), ": 0, not [1-9]"),
    Plant(HELD, lots("remaining > 0 AND held = 0", "held = 1"), ": 1, not 0"),
    Plant(HELD, "DELETE FROM hold_lots WHERE community_id = :id", ": [1-9][0-9]*, not 0"),
    Plant(HELD, "UPDATE hold_lots SET points = points + 1 WHERE community_id = :id"),
    Plant(HELD, "UPDATE holds SET state = 'released' WHERE community_id = :id", ", not 0"),
    Plant(HELD, "UPDATE holds SET state = 'held' WHERE community_id = :id", ", not [1-9]"),
    Plant(REMAINING, lots("remaining > held", "remaining = remaining - 1")),
    Plant(REMAINING, lots("lot_id < 0 AND remaining > held", "remaining = remaining - 1")),
    Plant(REMAINING, lots("lot_id > 0", "granted = granted + 1")),
    Plant(REMAINING, moves(SPENT, "points = points + 1")),
    Plant(REMAINING, moves(PUTS_BACK, "points = points + 1")),
    Plant(
        REMAINING,
        f"DELETE FROM lot_moves WHERE community_id = :id AND transfer_id = {A_GIFT}",  # noqa: S608
    ),
    Plant(MOVES, moves(SPENT, "points = -points"), r": -\d+ of account \d+, not more than 0"),
    Plant(MOVES, moves(PUTS_BACK, "points = -points"), r": \d+ of account \d+, not less than 0"),
    Plant(MOVES, one_move(SPENT, "lot_id = 7"), "of no lot, not more than 0"),
    Plant(
        MOVES,
        one_move(
            SPENT,
            "lot_id = (SELECT min(lot_id) FROM lots WHERE lots.community_id = :id AND"  # noqa: S608
            f" account_id <> {payer_of(SPENT)})",
        ),
        r"of account (\d+), not more than 0 of account (?!\1)",
    ),
    Plant(MOVES, moves(SPENT, "transfer_id = 7"), "not a transfer that is there"),
    Plant(MOVES, moves(SPENT, f"transfer_id = {2**63 - 1}"), "not a transfer that is there"),
    Plant(MORE_BACK, moves(PUTS_BACK, "points = points - 100"), r"given back, not up to \d+"),
    Plant(
        MORE_BACK,
        moves(PUTS_BACK, "lot_id = (SELECT max(lot_id) FROM lots WHERE lots.community_id = :id)"),
        "given back, not up to 0",
    ),
    Plant(GIVEN_BACK, moves(PUTS_BACK + " AND points > 1", "points = points + 1")),
    Plant(GIVEN_BACK, moves(PUTS_BACK, "points = points - 1")),
    Plant(
        GIVEN_BACK,
        OTHER_LOT_BACK,
        r": \d+ to lot \d+, not \d+",
    ),
    Plant(
        GIVEN_BACK,
        """UPDATE lots SET granted = granted - 1, remaining = remaining - 1
        WHERE community_id = :id AND lot_id < 0 AND remaining > 1
            AND transfer_id IN (SELECT transfer_id FROM transfers WHERE kind = 'reversal')""",
    ),
]
