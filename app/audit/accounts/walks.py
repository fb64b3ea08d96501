"""Walks over accounts.

That a book sums to zero needs no walk of its own: a transfer takes from one account what it gives
to another (one row, and both are there), and each balance is compared with its transfers.
"""

from app.audit.accounts import queries
from app.audit.queries import page_by, page_by_any
from app.audit.walks import Check, KeyWalk, Walk

# An account stands for all of its transfers.
ACCOUNTS_AT_A_TIME = 50

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "accounts",
        page_by_any(*queries.PAGE_ACCOUNTS),
        (
            Check("every account belongs to somebody", queries.ACCOUNTS_BELONG_TO_SOMEBODY),
            Check(
                "residents, shops and funds have their accounts",
                queries.OWNERS_HAVE_THEIR_ACCOUNTS,
            ),
            Check(
                "guarded accounts have balances, and no others",
                queries.GUARDED_ACCOUNTS_HAVE_BALANCES,
            ),
            Check(
                "held points are those of open holds",
                queries.HELD_POINTS_ARE_THOSE_OF_OPEN_HOLDS,
            ),
            Check("nobody is below the floor", queries.NOBODY_IS_BELOW_THE_FLOOR),
            Check("nobody may owe more than a policy said", queries.FLOORS_COME_FROM_POLICIES),
        ),
    ),
    KeyWalk(
        "balances",
        page_by("account_id", "balances"),
        (
            Check("posted points follow from transfers", queries.POSTED_POINTS_FOLLOW_TRANSFERS),
            Check("what is there and what is held lies in lots", queries.FIGURES_ARE_SUMS_OF_LOTS),
            Check("debt is what lots lacked", queries.DEBT_IS_WHAT_LOTS_LACKED),
            Check("no lot lapses unnoticed", queries.NO_LOT_LAPSES_UNNOTICED),
            Check("spending is remembered", queries.SPENDING_IS_REMEMBERED),
            Check("decay is remembered", queries.DECAY_IS_REMEMBERED),
        ),
        size=ACCOUNTS_AT_A_TIME,
    ),
)
