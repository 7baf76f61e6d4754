"""The event log, read from where it was read to: what is new in it, and each row once.

Rows are numbered when they are written and seen when they are committed, which may be in another order. So a number that is
missing is looked for until every transaction that could have it is over.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max

from ..models import TaskEvent

LATE_S = 30.0  # a transaction of ours ends sooner: the server ends one that stands still after 10 s
OVERLAP = 1000  # rows before the newest that are known from the start, among which a number may be missing
AT_ONCE = 5000


class Change(NamedTuple):
    """A row of the log: the task came to this status."""

    id: int
    task_id: UUID
    status: str
    created_at: datetime


class EventLog:
    """Begins at the log's end. `floor`: of no row up to it will ever be heard again."""

    def __init__(self, clock: Callable[[], float] = monotonic):
        self._clock = clock
        self._seen: set[int] = set()
        self._reads: deque[tuple[float, int]] = deque()  # when it was read, and to which row
        newest = TaskEvent.objects.aggregate(newest=Max("id"))["newest"] or 0
        self.floor = max(newest - OVERLAP, 0)
        self.read()

    def read(self) -> list[Change]:
        """The rows that were not read before."""
        now, after, fresh = self._clock(), self.floor, []
        while page := list(TaskEvent.objects.filter(id__gt=after).order_by("id").values_list(*Change._fields)[:AT_ONCE]):
            fresh += [Change._make(row) for row in page if row[0] not in self._seen]
            after = page[-1][0]
            if len(page) < AT_ONCE:
                break
        self._seen.update(change.id for change in fresh)
        self._reads.append((now, after))
        self._raise_floor(now)
        return fresh

    def _raise_floor(self, now: float) -> None:
        while self._reads[0][0] <= now - LATE_S:
            self.floor = max(self.floor, self._reads.popleft()[1])
        while self.floor + 1 in self._seen:
            self.floor += 1
        self._seen = {id for id in self._seen if id > self.floor}


def of_task(task_id: UUID, *, after: int = 0) -> list[Change]:
    """The changes of one task after a row of the log. Rows that tell of something else keep the status that was."""
    changes, status = [], "queued"
    for row in TaskEvent.objects.filter(task_id=task_id).order_by("id").values_list(*Change._fields):
        change = Change._make(row)
        if change.status != status and change.id > after:
            changes.append(change)
        status = change.status
    return changes


def newest_of(task_id: UUID) -> int:
    """The number of the task's newest row; 0 where it has none yet."""
    return TaskEvent.objects.filter(task_id=task_id).aggregate(newest=Max("id"))["newest"] or 0
