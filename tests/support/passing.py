"""Letting time pass: the clock goes on and whoever calls next signs in afresh."""

from tests.support.clock import Clock
from tests.support.neighbourhood import Neighbourhood


def let_pass(here: Neighbourhood, clock: Clock, **by: float) -> None:
    """Advance the clock (`minutes=31`); access tokens last a quarter of an hour."""
    clock.advance(**by)
    here.callers.clear()
