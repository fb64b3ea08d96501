"""Prometheus metrics: of the HTTP side, and figures that rooms measure when they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
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

        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            # Looking labels up costs more than counting does.
            series = self._series[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(method, route),
            )
        series[0].inc()
        series[1].observe(seconds)

    def render(self, figures: Sequence[Figure] = ()) -> bytes:
        """Return all of it, with figures of this moment that stay in no registry."""
        measured = CollectorRegistry()
        for figure in figures:
            Gauge(figure.name, figure.meaning, registry=measured).set(figure.value)
        return generate_latest(self.registry) + generate_latest(measured)


class LaneMetrics:
    """Batches of the posting lanes: how many items, how long they waited, how long it took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._items = Histogram(
            "gridpoints_lane_batch_items",
            "Items committed together",
            ["lane"],
            buckets=BATCH_SIZES,
            registry=registry,
        )
        self._waits = Histogram(
            "gridpoints_lane_wait_seconds",
            "Time an item waited for the batch before it",
            ["lane"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._seconds = Histogram(
            "gridpoints_lane_commit_seconds",
            "Time to post and commit a batch",
            ["lane"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._refused = Counter(
            "gridpoints_lane_refused_total",
            "Items refused because too many waited",
            ["lane"],
            registry=registry,
        )
        self._retried = Counter(
            "gridpoints_lane_retried_total",
            "Batches that failed and were tried again item by item",
            ["lane"],
            registry=registry,
        )

    def of(self, lane: str) -> "LaneFigures":
        """Return the series of one lane."""
        return LaneFigures(
            self._items.labels(lane), self._waits.labels(lane), self._seconds.labels(lane),
            self._refused.labels(lane), self._retried.labels(lane),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """What one lane counts."""

    items: Histogram
    waits: Histogram
    seconds: Histogram
    refused: Counter
    retried: Counter

    def observe(self, waits: Sequence[float], seconds: float) -> None:
        """Count a batch: how long each item waited for it, and how long it took."""
        self.items.observe(len(waits))
        self.seconds.observe(seconds)
        for wait in waits:
            self.waits.observe(wait)
