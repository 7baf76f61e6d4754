"""What came of the tasks of the past hours, as hours.py summed them up: outcomes, failures, times and money, by five queries."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from .hours import HOUR, OPEN, hour_of, seconds_of
from .models import Hour, Stored

DAY = timedelta(days=1)
MOST_FAILURES = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """The tasks that were created in an hour or a day: `outcomes` by word (`open` for what is not over), and what they captured."""

    at: datetime
    outcomes: Counter[str]
    captured: int


@dataclass(frozen=True, slots=True)
class Failure:
    """`provider_id` 0: no provider had taken them."""

    provider_id: int
    code: str
    tasks: int


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the tasks of a model took that succeeded, from accepted to done."""

    model: str
    tasks: int
    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Earned:
    """`charged` is in the provider's own currency, and known of `charged_tasks` of the tasks."""

    model: str
    provider_id: int
    tasks: int
    captured: int
    charged: float
    charged_tasks: int


@dataclass(frozen=True, slots=True)
class Past:
    slices: list[Slice]
    failures: list[Failure]
    waits: list[Wait]
    earned: list[Earned]
    stored: Stored | None

    @property
    def outcomes(self) -> Counter[str]:
        return sum((one.outcomes for one in self.slices), Counter())

    @property
    def captured(self) -> int:
        return sum(one.captured for one in self.slices)


def read(*, now: datetime, days: int) -> Past:
    """The past day by the hour, or more of them by the day, this one included. Times are those of the past day in either case."""
    since = hour_of(now) - DAY + HOUR if days == 1 else hour_of(now).replace(hour=0) - (days - 1) * DAY
    hours = Hour.objects.filter(hour__gte=since).order_by()
    return Past(_slices(hours, since, now, days), _failures(hours), _waits(now), _earned(hours), Stored.objects.order_by("-hour").first())


def _slices(hours, since: datetime, now: datetime, days: int) -> list[Slice]:
    step = HOUR if days == 1 else DAY
    places = [since + number * step for number in range((now - since) // step + 1)]
    counted = defaultdict(lambda: [Counter(), 0])
    for hour, status, tasks, captured in hours.values_list("hour", "status").annotate(Sum("tasks"), Sum("captured")):
        place = counted[hour if days == 1 else hour.replace(hour=0)]
        place[0]["open" if status in OPEN else status] += tasks
        place[1] += captured
    return [Slice(at, *counted[at]) for at in places]


def _failures(hours) -> list[Failure]:
    failed = hours.filter(status__in=("failed", "expired")).values_list("provider_id", "error_code").annotate(sum=Sum("tasks"))
    return [Failure(*row) for row in failed.order_by("-sum", "provider_id", "error_code")[:MOST_FAILURES]]


def _earned(hours) -> list[Earned]:
    sums = (Sum("tasks"), Sum("captured"), Sum("charged"), Sum("charged_tasks"))
    rows = hours.exclude(captured=0, charged_tasks=0).values_list("model", "provider_id").annotate(*sums)
    return sorted((Earned(*row) for row in rows), key=lambda one: (-one.captured, one.model, one.provider_id))


def _waits(now: datetime) -> list[Wait]:
    took: dict[str, Counter[int]] = defaultdict(Counter)
    recent = Hour.objects.filter(hour__gte=hour_of(now) - DAY + HOUR, status="succeeded")
    for model, classes in recent.values_list("model", "took"):
        took[model].update({int(bucket): tasks for bucket, tasks in classes.items()})
    return sorted(_told(took), key=lambda one: -one.tasks)


def _told(took: dict[str, Counter[int]]) -> Iterator[Wait]:
    for model, classes in took.items():
        if tasks := classes.total():
            yield Wait(model, tasks, _within(classes, tasks * 0.5), _within(classes, tasks * 0.95))


def _within(classes: Counter[int], rank: float) -> float:
    """The time within which so many of the tasks were done."""
    done = 0
    for bucket in sorted(classes):
        done += classes[bucket]
        if done >= rank:
            return seconds_of(bucket)
    raise AssertionError("unreachable")
