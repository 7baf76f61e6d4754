"""/metrics, for Prometheus: what web and workers counted, how the whole stands, and what runs on this machine.

For whoever has METRICS_TOKEN; where that is empty, for this machine alone.
"""

import ipaddress
import socket
from collections import defaultdict
from collections.abc import Iterator
from secrets import compare_digest

from celery import current_app
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from accounts.addresses import client_address
from providers.snapshot import Snapshot

from . import counting, figures, machine, metrics
from .engine.clock import database_clock
from .figures import Figures

# What proxies say of whom they speak for: a request with one of these is none of this machine's own.
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")

GAUGES = frozenset({"darkroom_streams"})

_figures: Snapshot[Figures] = Snapshot(lambda last: figures.read(database_clock))


def page(request: HttpRequest) -> HttpResponse:
    if not _may_see(request):
        return HttpResponse("Not found.\n", status=404, content_type="text/plain")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(Page()), content_type=content_type)


class Page:
    """All families, each once, as prometheus_client's encoders want them."""

    def collect(self) -> Iterator[Metric]:
        try:
            known = _figures.get()
        except DatabaseError:
            known = None
        yield _gauge("database_up", "Whether the database answers.", {(): float(known is not None)})
        yield from _counted(known)
        yield from _here()
        if known:
            yield from _standing(known)


def _may_see(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if settings.CLIENT_ADDRESS_HEADER and (client := client_address(request.META)):
        return _is_loopback(client)  # our own proxy says for whom it asks
    peer = request.META.get("REMOTE_ADDR", "")
    # No peer: it came by a socket file, which only some may open.
    return not any(header in request.META for header in FORWARDED) and (not peer or _is_loopback(peer))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _counted(known: Figures | None) -> Iterator[Metric]:
    """What each process counted; web's processes of this machine are one."""
    samples = defaultdict(list)
    for family in _of_web():
        samples[family.name] += [(one.name, one.labels | {"process": f"web@{socket.gethostname()}"}, one.value) for one in family.samples]
    for process in known.processes if known else ():
        gone = not figures.is_running(process, known.at)
        for family_name, name, labels, value in process.samples:
            if gone and family_name in GAUGES:
                continue  # it counts what is there now, and nothing is
            samples[family_name].append((name, labels | {"process": str(process)}, value))
    for family in metrics.REGISTRY.collect():
        merged = Metric(family.name, family.documentation, family.type)
        for name, labels, value in samples[family.name]:
            merged.add_sample(name, labels, value)
        yield merged


def _of_web() -> Iterator[Metric]:
    if counting.folder is None:
        return metrics.REGISTRY.collect()
    return iter(MultiProcessCollector(CollectorRegistry(), path=str(counting.folder)).collect())


def _here() -> Iterator[Metric]:
    memory, count = defaultdict(float), defaultdict(float)
    for one in machine.running():
        memory[one.kind,] += one.memory
        count[one.kind,] += 1
    yield _gauge("memory_bytes", "Memory of our processes on this machine: their proportional shares.", memory, "kind")
    yield _gauge("processes", "Our processes on this machine, with all that they started.", count, "kind")


def _standing(known: Figures) -> Iterator[Metric]:
    enabled = [one for one in known.providers if one.is_enabled]
    yield _gauge("tasks", "Open tasks by status; parked ones wait for their account.", _by(known.tasks), "status")
    yield _gauge(
        "queue_lag_seconds",
        "How long the row that waits longest has been due.",
        known.lag_by_lane,
        "step",
        "lane",
    )
    yield _gauge("provider_jobs", "Open upstream jobs.", {(one.provider,): one.open for one in known.slots}, "provider")
    capped = {(one.provider,): one.cap for one in known.slots if one.cap is not None}
    yield _gauge("provider_slots", "Jobs that may be open at once; none: no cap.", capped, "provider")
    yield _gauge("provider_up", "Whether an enabled provider is healthy.", {(one.name,): one.is_healthy for one in enabled}, "provider")
    left = {(one.name,): one.balance_days for one in enabled if one.balance_days is not None}
    yield _gauge("provider_balance_days", "For how long the money at a provider will do, where it tells.", left, "provider")
    shut = {(one.provider.name, one.door): one.state != "closed" for one in known.breakers}
    yield _gauge("breaker_open", "Whether a breaker holds submits back, or tells that polls fail; half-open too.", shut, "provider", "door")
    yield _gauge("webhook_deliveries", "Webhook deliveries that wait, or are under way.", _by(known.deliveries), "status")
    yield _gauge("flags", "Unknown outcomes and losses that wait for an operator.", _by(known.flags), "reason")
    yield _gauge("workers", "Workers that serve a queue, on all machines.", _workers(known), "queue")
    if known.beat_age_s is not None:
        yield _gauge("beat_age_seconds", "Since beat was last seen.", {(): known.beat_age_s})
    if known.audit:
        yield _gauge("ledger_faults", "What did not add up in the last audit.", {(): known.audit.faults})
        age = (known.at - known.audit.finished_at).total_seconds()
        yield _gauge("ledger_audit_age_seconds", "Since the last audit.", {(): age})


def _workers(known: Figures) -> dict[tuple[str], float]:
    running = known.running("worker")
    return {(queue.name,): sum(queue.name in one.queues for one in running) for queue in current_app.conf.task_queues}


def _by(counts: dict[str, int]) -> dict[tuple[str], float]:
    return {(word,): count for word, count in counts.items()}


def _gauge(name: str, says: str, found: dict[tuple, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"darkroom_{name}", says, labels=labels)
    for values, value in found.items():
        family.add_metric(values, value)
    return family
