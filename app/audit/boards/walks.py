"""Walks over what wallets earned, and over boards, their counts, and caps."""

from app.audit.boards import queries
from app.audit.queries import page_by
from app.audit.walks import Check, KeyWalk, TupleWalk, Walk

# A wallet stands for all of its awards and deductions.
WALLETS_AT_A_TIME = 50

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "earned",
        page_by("account_id", "accounts", "kind = 'wallet'"),
        (
            Check("scores follow from awards and deductions", queries.BOARDS_FOLLOW_ACTS),
            Check("used caps follow from awards", queries.CAPS_FOLLOW_AWARDS),
        ),
        size=WALLETS_AT_A_TIME,
    ),
    TupleWalk(
        "boards",
        "standings",
        queries.STANDING,
        (Check("every score is of somebody's acts", queries.SCORES_ARE_OF_ACTS),),
    ),
    TupleWalk(
        "score counts",
        queries.BOARDS,
        queries.BOARD,
        (Check("score counts follow from scores", queries.COUNTS_FOLLOW_SCORES),),
        # A board has all of its residents' scores.
        size=1,
    ),
    TupleWalk(
        "caps",
        "cap_usage",
        queries.USAGE,
        (Check("every used cap is of somebody's awards", queries.CAPS_ARE_OF_AWARDS),),
    ),
)
