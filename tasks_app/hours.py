"""What came of the tasks of each hour, summed up, so that the admin's first page reads a few hundred rows and not a million tasks.

A task counts in the hour in which it was created: those lie together in the table, so an hour can be summed up again, whole, as often
as we like. That is done every time while one of its tasks is open, and at the ages AGAIN: for what was committed late, and for what
upstreams charged late. An hour whose tasks clean-up may have taken stays as it is.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from django.conf import settings
from django.db.models import Count, DurationField, ExpressionWrapper, F, FloatField, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Floor, Ln

from .engine.clock import Clock
from .engine.lifecycle import TRANSITIONS
from .engine.transactions import whole
from .ids import first_of, moment_of
from .models import Attempt, File, Hour, Output, Stored, Task

HOUR = timedelta(hours=1)
AGAIN = (timedelta(minutes=65), timedelta(hours=25), timedelta(days=6))  # since the hour began
KEPT = timedelta(days=31)
LIMIT = 200  # hours in one run
STEP = math.log(1.15)  # a class of durations reaches 15 % beyond the one before, so what is told of them is right within 7 %
OPEN = sorted(TRANSITIONS)
COLUMNS = ("model", "provider_id", "status", "error_code", "bucket")


def run_once(*, clock: Clock, limit: int = LIMIT) -> int:
    """Sum up every hour that is due, and read off the storage once in each; returns how many were."""
    now = clock()
    due = list(islice(_due(now), limit))
    for hour in due:
        whole(partial(_sum_up, hour, now))
    _read_off_storage(now)
    for table in (Hour, Stored):
        table.objects.filter(hour__lt=now - KEPT).delete()
    return len(due)


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def seconds_of(bucket: int) -> float:
    """The middle of a class of durations."""
    return math.exp((bucket + 0.5) * STEP) / 1_000_000


def _due(now: datetime) -> Iterator[datetime]:
    reach = now - min(AGAIN[-1] + HOUR, timedelta(days=settings.TASK_KEEP_DAYS or KEPT.days))
    newest = Hour.objects.aggregate(hour=Max("hour"))["hour"]
    if newest is None:
        yield from _with_tasks(hour_of(now - KEPT), now)
        return
    yield from _with_tasks(newest if newest >= reach else newest + HOUR, now)
    yield from _to_sum_again(newest, reach, now)


def _with_tasks(since: datetime, now: datetime) -> Iterator[datetime]:
    """The hours from `since` on in which there is a task, one look at the primary key for each."""
    while since <= now:
        first = Task.objects.filter(id__gte=first_of(since), id__lt=first_of(now + HOUR)).order_by("id").values_list("id", flat=True)[:1]
        if not first:
            return
        hour = hour_of(moment_of(first[0]))
        yield hour
        since = hour + HOUR


def _to_sum_again(newest: datetime, reach: datetime, now: datetime) -> list[datetime]:
    is_due = Q(status__in=OPEN)
    for age in AGAIN:
        is_due |= Q(hour__lte=now - age, summed_at__lt=F("hour") + age)
    hours = Hour.objects.filter(is_due, hour__gte=reach, hour__lt=newest)
    return list(hours.order_by("hour").values_list("hour", flat=True).distinct())


@dataclass
class _Sum:
    tasks: int = 0
    captured: int = 0
    charged: float = 0.0
    charged_tasks: int = 0
    took: dict[str, int] = field(default_factory=dict)


def _sum_up(hour: datetime, now: datetime) -> None:
    """Two at once are harmless: both counted the same, and the rows of one stay."""
    sums = _sums(hour)
    Hour.objects.filter(hour=hour).delete()
    rows = [
        Hour(hour=hour, model=model, provider_id=provider or 0, status=status, error_code=code, summed_at=now, **vars(one))
        for (model, provider, status, code), one in sums.items()
    ]
    Hour.objects.bulk_create(rows, ignore_conflicts=True)


def _sums(hour: datetime) -> dict[tuple, _Sum]:
    sums: dict[tuple, _Sum] = {}
    for *key, bucket, tasks, captured, charged, charged_tasks in _grouped(hour):
        one = sums.setdefault(tuple(key), _Sum())
        one.tasks += tasks
        one.captured += captured or 0
        one.charged += charged or 0.0
        one.charged_tasks += charged_tasks
        if bucket is not None and key[2] == "succeeded":
            one.took[str(int(bucket))] = tasks
    return sums


def _grouped(hour: datetime):
    """One statement for the hour: what its tasks have in common, how long they took, and what came of them."""
    lasted = Cast(ExpressionWrapper(F("finished_at") - F("created_at"), DurationField()), FloatField())  # in microseconds, everywhere
    costs = Attempt.objects.filter(task_id=OuterRef("id")).order_by().values("task_id")
    tasks = Task.objects.filter(id__gte=first_of(hour), id__lt=first_of(hour + HOUR)).order_by()
    return (
        tasks.annotate(bucket=Floor(Ln(lasted + 1.0) / STEP), cost=Subquery(costs.annotate(sum=Sum("upstream_cost")).values("sum")))
        .values(*COLUMNS)
        .annotate(Count("id"), Sum("captured"), Sum("cost"), Count("cost"))
        .values_list(*COLUMNS, "id__count", "captured__sum", "cost__sum", "cost__count")
    )


def _read_off_storage(now: datetime) -> None:
    hour = hour_of(now)
    if Stored.objects.filter(hour=hour).exists():
        return
    outputs, output_bytes = _counted(Output)
    files, file_bytes = _counted(File)
    row = Stored(hour=hour, outputs=outputs, output_bytes=output_bytes, files=files, file_bytes=file_bytes)
    Stored.objects.bulk_create([row], ignore_conflicts=True)


def _counted(table) -> tuple[int, int]:
    found = table.objects.aggregate(rows=Count("*"), bytes=Sum("bytes"))
    return found["rows"], found["bytes"] or 0
