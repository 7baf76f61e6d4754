"""Tasks that arrive at the same moment are written in one transaction.

The threads of a web worker wait for the same disk and often for the same account. So while one of them writes, those that come
meanwhile line up, and the first in line then writes for all: one INSERT, one UPDATE, one COMMIT, and on MariaDB all in one round
trip. Nobody waits for company: a task that comes alone is written alone, at once. At 100 clients it saves a quarter of the CPU of a
POST, in the worker and in the database. Where one of several accounts cannot take its tasks, each gets an UPDATE of its own, in a
second transaction.

A company falls apart where it meets trouble: its tasks are then written one by one, and each meets its own.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction

from accounts import credits

from ..models import Task
from . import queue, wake
from .transactions import at_once, passing


@dataclass(eq=False, slots=True)
class Place:
    """One thread's place in the line. It is called when its item is done, or when it stands first and is to act for all."""

    item: Any
    called: Event = field(default_factory=Event)
    answer: Any = None
    fault: BaseException | None = None
    is_done: bool = False


class Line:
    """Threads line up with an item each; whoever stands first acts for all who stand there. `act` gives an answer for each item."""

    def __init__(self, act: Callable[[Sequence[Any]], Sequence[Any]]):
        self._act, self._lock = act, Lock()
        self._places: list[Place] = []
        self._is_busy = False

    def join(self, item: Any) -> Any:
        """The answer for this item; raises what `act` raised."""
        place = Place(item)
        with self._lock:
            self._places.append(place)
            is_first, self._is_busy = not self._is_busy, True
        if not is_first:
            place.called.wait()
        if not place.is_done:
            self._act_for_all()
        if place.fault:
            raise place.fault
        return place.answer

    def _act_for_all(self) -> None:
        with self._lock:
            all, self._places = self._places, []
        try:
            for place, answer in zip(all, self._act([place.item for place in all]), strict=True):
                place.answer = answer
        except BaseException as fault:  # noqa: BLE001 each thread raises it for itself
            for place in all:
                place.fault = fault
        with self._lock:
            following = self._places[:1]
            self._is_busy = bool(following)
        for place in all:
            place.is_done = True
            place.called.set()
        for place in following:
            place.called.set()


def join(task: Task) -> bool:
    """Whether the task is written, with its hold and a slot. Where it is not, nothing of it is there: it must be written alone."""
    # Within a transaction of the caller's it would hang on that one, and so would the tasks of others.
    return not connection.in_atomic_block and line.join(task)


def write(tasks: Sequence[Task]) -> list[bool]:
    """Write all of them; whether each is written. Of one that is not, nothing is left."""
    holds: dict[int, list[int]] = defaultdict(list)
    for task in tasks:
        holds[task.account_id].append(task.hold)
    try:
        # The accounts last: theirs are the hottest rows.
        if at_once([queue.insertion(tasks), credits.holding(holds)]):
            transaction.on_commit(partial(wake.wake, "submit"))
            return [True] * len(tasks)
        return _written(tasks, holds) if len(holds) > 1 else [False] * len(tasks)
    except (IntegrityError, OperationalError) as fault:
        # A key was taken, or the moment was wrong; both were rolled back. Anything else may have been committed.
        if isinstance(fault, OperationalError) and not passing(fault):
            raise
        return [False] * len(tasks)


def _written(tasks: Sequence[Task], holds: Mapping[int, list[int]]) -> list[bool]:
    """`write`, where not every account can take its tasks."""
    with transaction.atomic():
        queue.insert(tasks)
        # In ascending order, so that no two companies wait in a circle.
        refused = {id for id in sorted(holds) if not credits.hold_all(id, holds[id])}
        for task in tasks:
            if task.account_id in refused:
                # One by one: of a small table `id IN (…)` reads every row, waits for those that others write, and they for ours.
                Task.objects.filter(id=task.id).delete()
        if len(refused) < len(holds):
            transaction.on_commit(partial(wake.wake, "submit"))
    return [task.account_id not in refused for task in tasks]


line = Line(write)
