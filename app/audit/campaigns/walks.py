"""Walks over what campaigns with limits have given."""

from app.audit.campaigns import queries
from app.audit.queries import page_by
from app.audit.walks import Check, KeyWalk, TupleWalk, Walk

# A wallet stands for all of its awards.
WALLETS_AT_A_TIME = 50

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "bonuses",
        page_by("account_id", "accounts", "kind = 'wallet'"),
        (Check("what campaigns gave follows from awards", queries.CAMPAIGNS_FOLLOW_AWARDS),),
        size=WALLETS_AT_A_TIME,
    ),
    TupleWalk(
        "campaigns",
        "campaign_usage",
        queries.USAGE,
        (
            Check("all that a campaign gave is in awards", queries.CAMPAIGNS_ARE_OF_AWARDS),
            Check("a campaign gave what its residents got", queries.BUDGETS_ARE_SUMS),
            Check("no campaign gave more than its limit", queries.LIMITS_ARE_KEPT),
        ),
    ),
)
