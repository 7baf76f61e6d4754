"""One look at the database, for all that a process watches: as many queries for a thousand streams as for one."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connections
from django.utils import timezone

from .. import ids, render, rows
from ..models import Task
from .log import LATE_S, Change, EventLog

T = TypeVar("T")

BORN_WITHIN = timedelta(seconds=LATE_S)
MOST_BORN = 1000


class Watched(NamedTuple):
    """Whose tasks, and which; and those whose progress is to be read too, because nothing is heard of it."""

    accounts: frozenset[int]
    tasks: frozenset[UUID]
    running: frozenset[UUID] = frozenset()


class Sight(NamedTuple):
    """A change of a task that somebody watches, and the task as it stands now, as JSON."""

    account_id: int
    change: Change
    task: bytes

    @property
    def is_over(self) -> bool:
        return self.change.status not in render.OPEN


class Seen(NamedTuple):
    """What a look found. Whoever has heard of all up to `floor` in the log has missed nothing."""

    sights: list[Sight]
    progress: dict[UUID, float]
    floor: int


class Eyes:
    """Remembers what was seen before. For one thread."""

    def __init__(self) -> None:
        self._log: EventLog | None = None
        self._unsaid: list[Change] = []  # read, and not told yet: a query after it failed
        self._born: set[UUID] = set()

    def open(self) -> int:
        """From here on nothing is missed; returns the log's floor. Once is enough."""
        self._log = self._log or EventLog()
        return self._log.floor

    def close(self) -> None:
        """Nobody watches any more."""
        self._log, self._unsaid, self._born = None, [], set()

    def look(self, watched: Watched) -> Seen:
        self.open()
        self._unsaid += self._log.read()
        born = self._births(watched.accounts) if watched.accounts else []
        changes = [*born, *(change for change in self._unsaid if watched.accounts or change.task_id in watched.tasks)]
        sights = _sights(changes, watched) if changes else []
        progress = _progress(watched.running) if watched.running else {}
        self._unsaid, self._born = [], self._born | {change.task_id for change in born}
        return Seen(sights, progress, self._log.floor)

    def _births(self, accounts: Iterable[int]) -> list[Change]:
        """New tasks: the log begins with what happens to them. Ids tell when they were made, by clocks that differ a little."""
        since = ids.first_of(timezone.now() - BORN_WITHIN)
        self._born = {id for id in self._born if id > since}
        found = Task.objects.filter(account__in=accounts, id__gt=since).order_by("-id").values_list("id", "created_at")[:MOST_BORN]
        return [Change(0, id, "queued", at) for id, at in reversed(found) if id not in self._born]


def _sights(changes: list[Change], watched: Watched) -> list[Sight]:
    owners = dict(Task.objects.filter(id__in={change.task_id for change in changes}).values_list("id", "account_id"))
    wanted = [id for id, account_id in owners.items() if id in watched.tasks or account_id in watched.accounts]
    shown = as_json(rows.by_ids(wanted)) if wanted else {}
    return [Sight(owners[change.task_id], change, shown[change.task_id]) for change in changes if change.task_id in shown]


def _progress(running: Iterable[UUID]) -> dict[UUID, float]:
    return dict(Task.objects.filter(id__in=running, status="running").values_list("id", "progress"))


def as_json(found: Iterable[rows.Row]) -> dict[UUID, bytes]:
    """The task objects of these rows."""
    now = timezone.now()
    return {UUID(bytes=bytes(row.id)): render.dumps(render.task(row, now=now)) for row in found}


def and_close(work: Callable[..., T], *args: Any) -> T:
    """What `work` gives, for a thread that looks now and then: a connection used for a millisecond every few seconds is one too many."""
    try:
        return work(*args)
    finally:
        connections.close_all()
