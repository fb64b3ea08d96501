"""How big a run is to be, and what must be there for it."""

import math
from dataclasses import dataclass, replace

MOST_CALLERS = 5_000
MOST_CHECK_INS_A_SECOND = 10_000
MOST_REPORTS_A_SECOND = 4_000
# Not measured, but used up all the same: requests whose statements are counted.
COUNTED = 50


@dataclass(frozen=True, slots=True)
class Size:
    """How big the run is to be; `fewer` residents live in a community to compare with, if any."""

    residents: int
    clients: tuple[int, ...]
    rounds: int
    seconds: float
    fewer: int | None = None

    def in_whole_seconds(self) -> "Size":
        """Return what wrk can do."""
        return replace(self, seconds=float(math.ceil(self.seconds)))

    @property
    def stride(self) -> int:
        """Every how many-th resident calls: the API remembers 10,000 verified tokens."""
        return math.ceil(self.residents / MOST_CALLERS)

    @property
    def callers(self) -> int:
        return self.residents // self.stride

    @property
    def activities(self) -> int:
        """Return more than check-ins can use up."""
        check_ins = self._used_seconds * MOST_CHECK_INS_A_SECOND + COUNTED
        return math.ceil(check_ins / self.callers)

    @property
    def reports(self) -> int:
        """Return more than there can be."""
        return math.ceil(self._used_seconds * MOST_REPORTS_A_SECOND) + COUNTED

    @property
    def _used_seconds(self) -> float:
        """How long each request is sent, in all, warming up included."""
        return self.seconds * (len(self.clients) * self.rounds + 1)

    def smaller(self) -> "Size | None":
        """Return the size of the community to compare with."""
        return None if self.fewer is None else replace(self, residents=self.fewer, fewer=None)
