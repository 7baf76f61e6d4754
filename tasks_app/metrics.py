"""What each process counts of its own work, by Prometheus' conventions. Figures of the whole stand in figures.py.

Web counts in files that its workers share (counting.py); a worker in its memory, and reports that with its row (processes.py).
Every label has few values, which we choose: no path, no id, no word of a client's.
"""

from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
CALL_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900)  # a synchronous image API takes minutes

disable_created_metrics()  # a second series for each, which nobody looks at
REGISTRY = CollectorRegistry()

# One histogram instead of a counter and a histogram: its count is the number of requests.
REQUESTS = Histogram(
    "darkroom_http_request_duration_seconds",
    "Requests that web answered, until the answer begins; by route as it is written in the URL map.",
    ["method", "route", "status"],
    buckets=REQUEST_S,
    registry=REGISTRY,
)
ENDED = Counter("darkroom_tasks_ended", "Tasks that ended.", ["model", "status"], registry=REGISTRY)
ATTEMPTS = Counter(
    "darkroom_attempts",
    "Answers to submits, by outcome: accepted, finished, or an error's code.",
    ["provider", "outcome"],
    registry=REGISTRY,
)
CALLS = Histogram(
    "darkroom_call_duration_seconds", "Calls of a step to upstreams, storage or receivers.", ["step"], buckets=CALL_S, registry=REGISTRY
)
STREAMS = Gauge("darkroom_streams", "Open streams of a task or an account, and waits.", ["kind"], registry=REGISTRY)
TRIES = Counter("darkroom_webhook_tries", "Calls of webhooks, by outcome: delivered, or why not.", ["outcome"], registry=REGISTRY)


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """A client may call its method what it likes."""
    _requests(method if method in METHODS else "other", route, status).observe(seconds)


# The library looks a series up under a lock; there are a few hundred of them.
_requests = cache(REQUESTS.labels)


def samples() -> list[list[Any]]:
    """What this process has counted, as JSON: [family, name, labels, value] each."""
    return [[family.name, one.name, one.labels, one.value] for family in REGISTRY.collect() for one in family.samples]
