"""Walks over lots and their moves, and over transfers and reversals for the lots they touch."""

from app.audit.lots import queries
from app.audit.walks import Check, KeyWalk, Walk

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "lots of transfers",
        queries.TRANSFERS_PAGE,
        (
            Check("points are taken from lots and arrive in lots", queries.SIDES),
            Check("points moved on keep their origin", queries.SAME_ROOTS),
        ),
    ),
    KeyWalk(
        "lots",
        queries.LOTS_PAGE,
        (
            Check("lots have an owner who keeps lots", queries.OWNERS),
            Check("lots come from transfers to their owner", queries.CREDITED),
            Check("lots name where their points came from first", queries.ROOTS),
        ),
    ),
    KeyWalk(
        "held lots",
        queries.HELD_LOTS_PAGE,
        (Check("lots hold what open holds pin", queries.HELD),),
    ),
    KeyWalk(
        "lots of accounts",
        queries.ACCOUNTS_PAGE,
        (Check("lots keep what moves left", queries.REMAINING),),
    ),
    KeyWalk(
        "lot moves",
        queries.MOVES_PAGE,
        (Check("lots are moved by transfers of their owner", queries.MOVES),),
    ),
    KeyWalk(
        "points given back",
        queries.REVERSED_POINTS_PAGE,
        (
            Check("no lot gets back more than was taken", queries.NOT_MORE_BACK),
            Check("points return to where they were", queries.GIVEN_BACK),
        ),
    ),
)
