"""What the server counts of itself, for Prometheus."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE_LATEST", "Answers", "Metrics"]

KINDS_OF_ANSWERS = 1_000
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Answers:
    """What a process counts of its answers.

    Examples
    --------
    >>> metrics = Answers()
    >>> metrics.received.inc(3)
    >>> "regulars_events_received_total 3.0" in metrics.text().decode()
    True
    """

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter("regulars_requests", "Requests answered.", ("method", "route", "status"), registry=own)
        self.seconds = Histogram(
            "regulars_request_seconds", "How long an answer took.", ("route",), buckets=BOUNDS, registry=own
        )
        self.received = Counter("regulars_events_received", "Events acknowledged.", registry=own)
        self.refused = Counter("regulars_events_refused", "Events refused at the door.", registry=own)
        self._of_answers = lru_cache(KINDS_OF_ANSWERS)(
            lambda method, route, status: (self.requests.labels(method, route, status), self.seconds.labels(route))
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        requests, took = self._of_answers(method, route, status)
        requests.inc()
        took.observe(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class Metrics(Answers):
    """The same, and what the process that writes counts of the inbox and the log."""

    def __init__(self) -> None:
        super().__init__()
        own = self.registry
        self.folded = Counter("regulars_events_folded", "Lines of events put into the log.", registry=own)
        self.rejected = Counter(
            "regulars_events_rejected", "Lines of events that the log could not read.", registry=own
        )
        self.failures = Counter(
            "regulars_fold_failures", "Times that events could not be put into the log.", registry=own
        )
        self.lost = Gauge("regulars_events_lost", "Events acknowledged that Redis no longer has.", registry=own)
        self.waiting = Gauge("regulars_inbox_events", "Events that wait to be put into the log.", registry=own)
        self.growth = Gauge(
            "regulars_inbox_events_per_second", "Events that come a second, less those put into the log.", registry=own
        )
        self.lag = Gauge("regulars_fold_lag_seconds", "Since when the log has not had all events.", registry=own)
