"""How things stand, by a constant number of queries: for /metrics, `manage.py top` and `manage.py doctor`.

Each query reads an index, and stops counting where nobody would act differently on a larger number; so they cost the same on a bad day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from django.db import connection
from django.db.models import Min, OuterRef, Subquery, Value
from django.db.models.functions import Concat

from providers import directory
from providers.models import Breaker, Provider, PublicModel

from . import processes
from .engine import claims, flags, lanes, slots
from .engine.clock import Clock
from .models import Audit, Delivery, Process, Task

MOST = 20_000  # where counting stops: a few ms of an index
STEP_OF = MappingProxyType({"queued": "submit", "submitting": "submit", "running": "poll", "storing": "store"})
OPEN = tuple(STEP_OF)
PARKED = "parked"
MOST_IN_LANE = 2000
# By hand: a count that ends early is a table of its own, and Django has none that one statement could put side by side.
IN_LANE = f"""
    SELECT %s, (SELECT COUNT(*) FROM (
        SELECT 1 FROM tasks_app_task WHERE status = 'queued' AND lane = %s LIMIT {MOST_IN_LANE}
    ) AS counted)
"""


class Lag(NamedTuple):
    """How long the row that waits longest in a lane of a step has been due; 0 where none is."""

    step: str
    lane: str
    seconds: float


class Slots(NamedTuple):
    """A provider's open jobs; `cap` None: it has none."""

    provider: str
    open: int
    cap: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stood `at` a moment of the database's. Counts end at MOST."""

    at: datetime
    tasks: dict[str, int]  # by status, the open ones; and those parked at their account's cap
    lags: list[Lag]
    slots: list[Slots]
    providers: list[Provider]
    breakers: list[Breaker]  # those of enabled providers that ever saw a failure
    deliveries: dict[str, int]
    flags: dict[str, int]
    audit: Audit | None
    processes: list[Process]

    def lag_of(self, step: str) -> float:
        return max((lag.seconds for lag in self.lags if lag.step == step), default=0.0)

    @property
    def lag_by_lane(self) -> dict[tuple[str, str], float]:
        """The longest by step and lane; tasks that stand aside count in their model's."""
        return {(lag.step, lanes.working(lag.lane)): lag.seconds for lag in sorted(self.lags, key=lambda lag: lag.seconds)}

    @property
    def beat_age_s(self) -> float | None:
        """Since beat was last seen; None where it was not within a day."""
        seen = [process.seen_at for process in self.processes if process.kind == Process.Kind.BEAT]
        return max((self.at - max(seen)).total_seconds(), 0.0) if seen else None

    def running(self, kind: str) -> list[Process]:
        return [one for one in self.processes if one.kind == kind and is_running(one, self.at)]


def waiting(lanes: Iterable[str]) -> dict[str, int]:
    """How many tasks are queued in each of these lanes, by one statement; counting ends at MOST_IN_LANE."""
    if not (lanes := sorted(set(lanes))):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([IN_LANE] * len(lanes)), [value for lane in lanes for value in (lane, lane)])
        return dict(cursor.fetchall())


def is_running(process: Process, now: datetime) -> bool:
    return process.ended_at is None and now - process.seen_at < processes.GONE_AFTER


def read(clock: Clock) -> Figures:
    now = clock()
    return Figures(
        at=now,
        tasks=_tasks(),
        lags=[*_waiting(now), *_due(now), _telling(now)],
        slots=_slots(),
        providers=list(Provider.objects.order_by("name")),
        breakers=list(Breaker.objects.filter(provider__is_enabled=True).select_related("provider").order_by("provider__name", "door")),
        deliveries={status: _count(Delivery.objects.filter(status=status)) for status in ("pending", "sending")},
        flags=flags.open_by_reason(),
        audit=Audit.objects.order_by("-id").first(),
        processes=list(Process.objects.order_by("kind", "started_at")),
    )


def _tasks() -> dict[str, int]:
    queued = Task.objects.filter(status="queued")
    counts = {"queued": _count(queued.filter(lane__lt=lanes.PARKING)), PARKED: _count(queued.filter(lane__gte=lanes.PARKING))}
    return counts | {status: _count(Task.objects.filter(status=status)) for status in OPEN if status != "queued"}


def _count(rows) -> int:
    return rows.order_by()[:MOST].count()


def _waiting(now: datetime) -> Iterator[Lag]:
    """Of each lane: one that waits for its provider's slots says nothing of the others. Parked rows wait for their account.

    By the models, whose names lanes are: one look at the index for each lane. Asked for all lanes at once, or for the least of each by
    MIN, the server reads every row: 1.2 s for 200,000, where this took 7 ms for 40 models. Where tasks stand aside, each lane of these is
    a query more.
    """
    models = PublicModel.objects.annotate(normal=_first(OuterRef("name")), low=_first(Concat(OuterRef("name"), Value(lanes.LOW))))
    for name, normal, low in models.exclude(normal=None, low=None).order_by("name").values_list("name", "normal", "low"):
        yield from (Lag("submit", lane, _late(due_at, now)) for lane, due_at in ((name, normal), (name + lanes.LOW, low)) if due_at)
    yield from (Lag("submit", lane, _late(due_at, now)) for lane, due_at in claims.oldest("queued", since=lanes.ASIDE))


def _first(lane) -> Subquery:
    return Subquery(Task.objects.filter(status="queued", lane=lane).order_by("due_at").values("due_at")[:1])


def _due(now: datetime) -> Iterator[Lag]:
    """Of rows that wait for no slot: a claim moves `due_at` ahead, so what is due is in nobody's hands."""
    for status in OPEN[1:]:
        first = Task.objects.filter(status=status, lane=lanes.NONE).aggregate(first=Min("due_at"))["first"]
        yield Lag(STEP_OF[status], status, _late(first, now))


def _telling(now: datetime) -> Lag:
    first = Delivery.objects.filter(status="pending").aggregate(first=Min("due_at"))["first"]
    return Lag("notify", "pending", _late(first, now))


def _late(due_at: datetime | None, now: datetime) -> float:
    return max((now - due_at).total_seconds(), 0.0) if due_at else 0.0


def _slots() -> list[Slots]:
    every = directory.providers()
    used = slots.used([one.id for one in every])
    return [Slots(one.name, sum(count for (id, _), count in used.items() if id == one.id), one.max_jobs) for one in every]
