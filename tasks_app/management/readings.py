"""What `manage.py top` knows at a moment: this machine's processes, what web has counted, and how the whole stands.

Each of the three may be missing: top is looked at when something is down.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, connections
from prometheus_client.parser import text_string_to_metric_families

from .. import figures, local_web, machine
from ..engine.clock import database_clock
from ..figures import Figures
from ..machine import Running

T = TypeVar("T")

PATIENCE_S = 3.0
REQUESTS = "darkroom_http_request_duration_seconds"


@dataclass(frozen=True)
class Requests:
    """What web answered so far: how many in all, how many with 5xx, and how many of the API within each bound of seconds."""

    count: float
    failed: float
    within: Counter[float]


@dataclass(frozen=True)
class Reading:
    """`requests` and `figures` are None where web, or the database, does not answer."""

    at: float
    processes: list[Running]
    requests: Requests | None
    figures: Figures | None


@dataclass(frozen=True)
class Flow:
    """Requests between two readings, per second; `p50` and `p99` are bounds in seconds, None where the API was not asked."""

    per_s: float
    failed_per_s: float
    p50: float | None
    p99: float | None


def take() -> Reading:
    requests = within_time(_requests)  # while the figures are read
    standing = within_time(_figures)
    return Reading(monotonic(), machine.running(), requests(), standing())


def flow(before: Reading, after: Reading) -> Flow | None:
    """None where web did not answer both times, or began to count anew."""
    if before.requests is None or after.requests is None or after.requests.count < before.requests.count:
        return None
    seconds = after.at - before.at
    within = Counter({bound: count - before.requests.within[bound] for bound, count in after.requests.within.items()})
    return Flow(
        (after.requests.count - before.requests.count) / seconds,
        (after.requests.failed - before.requests.failed) / seconds,
        quantile(within, 0.5),
        quantile(within, 0.99),
    )


def cpu(before: Reading, after: Reading) -> dict[int, float]:
    """The share of one core that each process had, by its id; a process that is new had what it has."""
    had = {one.pid: one.cpu_s for one in before.processes}
    seconds = after.at - before.at
    return {one.pid: max(one.cpu_s - had.get(one.pid, 0.0), 0.0) / seconds for one in after.processes}


def quantile(within: Counter[float], share: float) -> float | None:
    """The least bound within which this share of all lies."""
    every = max(within.values(), default=0)
    return min((bound for bound, count in within.items() if every and count >= share * every), default=None)


def parsed(page: str) -> Requests:
    """What a page of /metrics says of requests."""
    counts, within = Counter[bool](), Counter[float]()
    for family in text_string_to_metric_families(page):
        for one in family.samples if family.name == REQUESTS else ():
            if one.name == f"{REQUESTS}_count":
                counts[one.labels["status"].startswith("5")] += one.value
            elif one.name == f"{REQUESTS}_bucket" and one.labels["route"].startswith("api/v1/"):
                within[float(one.labels["le"])] += one.value
    return Requests(counts.total(), counts[True], within)


def within_time(read: Callable[[], T | None]) -> Callable[[], T | None]:
    """Begin to read; what is returned waits for it, PATIENCE_S at most, and answers None then."""
    answer: SimpleQueue[T | None] = SimpleQueue()

    def run() -> None:
        try:
            answer.put(read())
        finally:
            connections.close_all()

    Thread(target=run, daemon=True).start()

    def wait() -> T | None:
        try:
            return answer.get(timeout=PATIENCE_S)
        except Empty:
            return None

    return wait


def _requests() -> Requests | None:
    try:
        status, page = local_web.get("/metrics", token=settings.METRICS_TOKEN, timeout_s=PATIENCE_S)
    except local_web.AWAY:
        return None
    return parsed(page) if status == 200 else None


def _figures() -> Figures | None:
    try:
        return figures.read(database_clock)
    except DatabaseError:
        return None
