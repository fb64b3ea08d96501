"""Walks over holds, over what they pin, and over vouchers."""

from app.audit.holds import queries
from app.audit.walks import Check, KeyWalk, Walk

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "holds",
        queries.HOLDS_PAGE,
        (
            Check("holds have an owner who keeps lots", queries.OWNERS),
            Check("holds pin what they promise", queries.PROMISED),
            Check("holds stand where their captures do", queries.CAPTURED),
            Check("captures take the lots that were pinned", queries.TAKEN),
            Check("vouchers stand where their holds do", queries.VOUCHERS_OF_HOLDS),
        ),
    ),
    KeyWalk(
        "pins",
        queries.PINS_PAGE,
        (Check("holds pin lots of their owner", queries.PINS),),
    ),
    KeyWalk(
        "vouchers",
        queries.VOUCHERS_PAGE,
        (Check("vouchers have their holds", queries.HOLDS_OF_VOUCHERS),),
    ),
)
