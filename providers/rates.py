"""How each provider does, by model and hour: counted in the process that calls, added to a row of the hour once a minute.

Charts, typical durations and what a day costs are read from these rows. Answers of submits and of polls are counted apart; what a
client caused is counted apart from both good and bad. A process that is killed takes a minute of counts along.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Literal, NamedTuple

from django.db import IntegrityError, connections, transaction
from django.db.models import F, Min, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from .breakers import Door
from .models import HealthHour
from .snapshot import Snapshot

log = logging.getLogger(__name__)

Answer = Literal["good", "bad", "refused"]
HOUR = timedelta(hours=1)
EVERY_S = 60.0
LATELY = timedelta(days=1)  # what counts for a typical duration
FEW = 5  # jobs, of which no typical duration is told
SPENT_WITHIN = timedelta(days=7)


class Key(NamedTuple):
    provider_id: int
    model: str
    door: Door
    hour: datetime


@dataclass(slots=True)
class Counts:
    """Answers by kind, how long they took in all and at most; jobs that ended well, how long they took, and what they cost there."""

    good: int = 0
    bad: int = 0
    refused: int = 0
    took_ms: int = 0
    slowest_ms: int = 0
    jobs: int = 0
    jobs_s: float = 0.0
    cost: float = 0.0

    def __iadd__(self, more: "Counts") -> "Counts":
        for name in ADDED:
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.slowest_ms = max(self.slowest_ms, more.slowest_ms)
        return self

    @property
    def answers(self) -> int:
        return self.good + self.bad + self.refused


COLUMNS = tuple(field.name for field in fields(Counts))
ADDED = tuple(name for name in COLUMNS if name != "slowest_ms")
_counted: dict[Key, Counts] = {}
_lock = Lock()


def count(provider_id: int, model: str, door: Door, answer: Answer, *, took_s: float) -> None:
    """One answer. Costs no query, and may be told on any thread."""
    took_ms = round(took_s * 1000)
    _add(_key(provider_id, model, door), Counts(**{answer: 1}, took_ms=took_ms, slowest_ms=took_ms))


def count_job(provider_id: int, model: str, door: Door, *, took_s: float, cost: float | None) -> None:
    """One job that ended well; `cost` in the upstream's own currency."""
    _add(_key(provider_id, model, door), Counts(jobs=1, jobs_s=max(took_s, 0.0), cost=cost or 0.0))


def flush() -> int:
    """Add what this process has counted to the rows; returns how many rows. What cannot be written waits for the next flush."""
    with _lock:
        left = dict(_counted)
        _counted.clear()
    count = len(left)
    try:
        for key in sorted(left):  # in one order in every process: no deadlocks
            _write(key, left[key])
            del left[key]
    finally:
        for key, counts in left.items():
            _add(key, counts)
    return count


def keep_flushing(ended: Event) -> None:
    """For a thread of its own: flush until `ended`, and once more, whatever the database does meanwhile."""
    is_over = False
    while not is_over:
        is_over = ended.wait(EVERY_S)
        try:
            flush()
        except Exception as fault:  # noqa: BLE001 - a door: counts must stop no process, and the next flush is a minute away
            log.warning("what calls came to could not be written: %s", type(fault).__name__)
        connections.close_all()


def series(provider_id: int, *, now: datetime, hours: int = 48) -> list[tuple[datetime, dict[Door, Counts]]]:
    """The last hours, oldest first, the one that runs included; an hour without a call has zeros."""
    last = now.replace(minute=0, second=0, microsecond=0)
    found = {last - HOUR * back: {"submit": Counts(), "poll": Counts()} for back in reversed(range(hours))}
    for row in HealthHour.objects.filter(provider=provider_id, hour__gt=last - HOUR * hours, hour__lte=last):
        found[row.hour][row.door] += _read(row)
    return list(found.items())


def by_model(provider_id: int, *, now: datetime, within: timedelta = LATELY) -> dict[tuple[str, Door], Counts]:
    """What came of each model of a provider lately."""
    found: dict[tuple[str, Door], Counts] = {}
    for row in HealthHour.objects.filter(provider=provider_id, hour__gt=now - within).order_by("model", "door"):
        found.setdefault((row.model, row.door), Counts())
        found[row.model, row.door] += _read(row)
    return found


def typical(provider_id: int, model: str) -> timedelta | None:
    """How long a job of this model took there lately, from its accept on; None where that is not known."""
    return _typical.get().get((provider_id, model))


def spent_a_day(provider_id: int, *, now: datetime) -> float:
    """What a day cost there lately, in the upstream's own currency; 0 where it does not tell."""
    rows = HealthHour.objects.filter(provider=provider_id, hour__gt=now - SPENT_WITHIN, cost__gt=0)
    found = rows.aggregate(cost=Sum("cost"), since=Min("hour"))
    if not found["cost"]:
        return 0.0
    return found["cost"] / max((now - found["since"]) / timedelta(days=1), 1.0)


def forget() -> None:
    """Read typical durations afresh on the next call in this process."""
    _typical.forget()


def _key(provider_id: int, model: str, door: Door) -> Key:
    return Key(provider_id, model, door, datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


def _add(key: Key, counts: Counts) -> None:
    with _lock:
        held = _counted.setdefault(key, Counts())
        held += counts


def _write(key: Key, counts: Counts) -> None:
    more = {name: F(name) + getattr(counts, name) for name in ADDED}
    more["slowest_ms"] = Greatest(F("slowest_ms"), Value(counts.slowest_ms))
    row = HealthHour.objects.filter(provider=key.provider_id, model=key.model, door=key.door, hour=key.hour)
    if row.update(**more):
        return
    columns = {name: getattr(counts, name) for name in COLUMNS}
    try:
        with transaction.atomic():
            HealthHour.objects.create(**key._asdict(), **columns)
    except IntegrityError:  # another process was first
        row.update(**more)


def _read(row: HealthHour) -> Counts:
    return Counts(*(getattr(row, name) for name in COLUMNS))


def _load(last: object) -> dict[tuple[int, str], timedelta]:
    rows = HealthHour.objects.filter(hour__gt=timezone.now() - LATELY, door="poll").values_list("provider_id", "model")
    told: Iterable[tuple] = rows.annotate(jobs=Sum("jobs"), took=Sum("jobs_s")).filter(jobs__gte=FEW).order_by()
    return {(provider_id, model): timedelta(seconds=took / jobs) for provider_id, model, jobs, took in told}


_typical: Snapshot[dict[tuple[int, str], timedelta]] = Snapshot(_load, age_s=EVERY_S)
