"""How big a run of the ledger's benchmark is to be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """How big the run is to be; `lots` is how many a wallet has that has many."""

    residents: int
    clients: int
    rounds: int
    seconds: float
    lots: int

    @property
    def rehearsing(self) -> int:
        """How many wallets lapse before anything is measured, to count statements."""
        return min(self.residents, 1_000)
