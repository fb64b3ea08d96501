"""Prometheus metrics: of the HTTP side, and figures that rooms measure when they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge as it stands now."""

    name: str
    meaning: str
    value: float


class HttpMetrics:
    """Requests by route template, never by raw path: ids would make a series each."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gridpoints_http_requests_total",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gridpoints_http_request_seconds",
            "Time to answer a request",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self, figures: Sequence[Figure] = ()) -> bytes:
        """Return all of it, with figures of this moment that stay in no registry."""
        measured = CollectorRegistry()
        for figure in figures:
            Gauge(figure.name, figure.meaning, registry=measured).set(figure.value)
        return generate_latest(self.registry) + generate_latest(measured)
