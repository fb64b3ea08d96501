"""How big a run is to be, and what must be there for it."""

import math
from dataclasses import dataclass

MOST_CALLERS = 2_000
MOST_CHECK_INS_A_SECOND = 5_000
MOST_REPORTS_A_SECOND = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    """How big the run is to be."""

    residents: int
    clients: tuple[int, ...]
    rounds: int
    seconds: float

    @property
    def stride(self) -> int:
        """Every how many-th resident calls: the API remembers 10,000 verified tokens."""
        return math.ceil(self.residents / MOST_CALLERS)

    @property
    def callers(self) -> int:
        return self.residents // self.stride

    @property
    def activities(self) -> int:
        """Return more than check-ins can use up, warming up included."""
        return math.ceil(self._measured_seconds * MOST_CHECK_INS_A_SECOND / self.callers)

    @property
    def reports(self) -> int:
        """Return more than there can be, warming up included."""
        return math.ceil(self._measured_seconds * MOST_REPORTS_A_SECOND)

    @property
    def _measured_seconds(self) -> float:
        """How long each request is measured, in all."""
        return self.seconds * (len(self.clients) * self.rounds + 1)
