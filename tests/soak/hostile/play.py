"""Hostile scans of every kind, in random order, against what must be there."""

from collections.abc import Awaitable, Callable

from tests.soak.hostile import overtaking, refusing, replaying
from tests.soak.hostile.scans import CROWD
from tests.soak.hostile.town import Town

Kind = Callable[[Town], Awaitable[None]]
KINDS: tuple[Kind, ...] = (
    replaying.replayed,
    replaying.raced,
    replaying.crowded,
    replaying.around_midnight,
    refusing.foreign,
    refusing.of_other_kinds,
    refusing.out_of_time,
    refusing.forged,
    refusing.wrapped,
    refusing.unauthorised,
    refusing.trespassing,
    refusing.odd_numbers,
    overtaking.cancelled,
    overtaking.revoked,
    overtaking.signed_out,
    overtaking.card_withdrawn,
    overtaking.worker_moved,
    overtaking.account_closed,
    overtaking.rules_changed,
    overtaking.campaign_run,
)
# At least so many codes are scanned in a round of every kind; each round takes a spare resident.
FEWEST_A_ROUND = 400


def residents_for(codes: int) -> int:
    """Return how many residents a play of so many codes needs."""
    return len(CROWD) + codes // FEWEST_A_ROUND + 1


async def play(town: Town, *, codes: int, tell: Callable[[Town], None] = lambda _: None) -> None:
    """Send at least so many codes, every kind at least once, then recompute the books.

    Points and check-ins are compared after each scene, the books after each round of all kinds.
    """
    while town.sent < codes:
        kinds = list(KINDS)
        town.dice.shuffle(kinds)
        for kind in kinds:
            town.kind = kind.__name__
            town.advance(seconds=town.dice.randint(2, 90))
            await kind(town)
            await town.compare()
        await town.audit()
        tell(town)


def told(town: Town) -> list[str]:
    """Return a line per kind: how many codes, and what they were answered."""
    lines = []
    for kind in KINDS:
        of_kind = {what: n for (name, what), n in town.tally.items() if name == kind.__name__}
        answers = ", ".join(f"{n} {what}" for what, n in sorted(of_kind.items()))
        lines.append(f"{kind.__name__.replace('_', ' '):>16} {sum(of_kind.values()):>6}: {answers}")
    return lines
