"""Walks over transfers and over what was reversed of them."""

from app.audit.transfers import queries
from app.audit.walks import Check, KeyWalk, Walk

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "transfers",
        queries.TRANSFERS_PAGE,
        (
            Check("transfers go the way of their kind", queries.GO_THEIR_WAY),
            Check("reversals go their original's way back and are counted", queries.GO_BACK),
            Check("transfers come from what is there", queries.COME_FROM),
            Check("what is posted by hand was checked", queries.BY_HAND),
        ),
    ),
    KeyWalk(
        "reversed points",
        queries.REVERSED_POINTS_PAGE,
        (Check("reversed points are the sum of reversals", queries.REVERSED_POINTS),),
    ),
)
