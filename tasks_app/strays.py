"""Files that no row names: what came too late for its task, what was made for tasks that a database put back to a backup forgot, what
was fetched for flags that ended without it, and uploads whose process died before it wrote the row.

Fetched inputs go with the clean-up. Results, which were paid for, and uploads are for the operator (`manage.py storage strays`): a process
that was given another database than its store's would find them all, and to walk a whole store each hour costs more than it brings.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from . import ids
from .engine import lifecycle
from .models import File, Flag, Output, Task
from .storage import here, storage

AT_ONCE = 500  # keys that are looked up together


def inputs() -> set[UUID]:
    """The tasks that are over, or not there, and have left fetched inputs on this machine."""
    lying = {task for key in here.keys("inputs") if (task := _task_of(key))}
    return lying - _open(lying)


def results() -> Iterator[str]:
    """The keys of results that belong to no output, their tasks being over or not there; what is flagged waits for its operator."""
    for folder in ("outputs", "found"):
        keys = storage.keys(folder)
        while some := list(islice(keys, AT_ONCE)):
            yield from _unnamed(some)


def recovered() -> Iterator[str]:
    """The keys of results that were fetched for a flag, and that it does not keep; unless its upstream is being asked, or is to be."""
    keys = storage.keys("recovered")
    while some := list(islice(keys, AT_ONCE)):
        named = {key: about for key in some if (about := _flag_of(key))}
        flags = Flag.objects.filter(id__in={id for _, id in named.values()}).values_list("task_id", "id", "due_at", "kept")
        # By the task as well: a database that was put back to a backup gives a flag's id once more, to another.
        asked = {(task, id) for task, id, due_at, _ in flags if due_at}
        known = {one[name] for *_, kept in flags for one in kept for name in ("key", "thumbnail_key")}
        yield from (key for key, about in named.items() if about not in asked and key not in known)


def uploads(*, before: datetime) -> Iterator[str]:
    """The keys of files whose upload began before this moment and that no row has: their process died between the two."""
    keys = storage.keys("files")
    while some := list(islice(keys, AT_ONCE)):
        files = {key: file for key in some if (file := ids.parse("file", key.split("/")[1])) and ids.moment_of(file) < before}
        # By the key: a file that was put directly may have had a second copy, of another completion at the same moment.
        known = set(File.objects.filter(id__in=files.values()).values_list("key", flat=True))
        yield from (key for key in files if key not in known)


def _unnamed(keys: Iterable[str]) -> list[str]:
    tasks = {key: task for key in keys if (task := _task_of(key))}
    # The tasks first: the outputs of one that is over by then are there.
    are_open = _open(tasks.values()) | set(Task.objects.filter(id__in=tasks.values(), flagged=True).values_list("id", flat=True))
    named = {key for pair in Output.objects.filter(task_id__in=tasks.values()).values_list("key", "thumbnail_key") for key in pair}
    return [key for key, task in tasks.items() if task not in are_open and key not in named]


def _task_of(key: str) -> UUID | None:
    """The task whose folder this is, `outputs/task_01jz…/0`; None where it is nobody's we know."""
    _, task, *_ = key.split("/")
    return ids.parse("task", task)


def _flag_of(key: str) -> tuple[UUID, int] | None:
    """The task and the flag whose folder this is, `recovered/task_01jz…/7/0`; None where it is nobody's we know."""
    _, task, flag, *_ = (*key.split("/"), "")
    id = ids.parse("task", task)
    return (id, int(flag)) if id and flag.isdecimal() else None


def _open(tasks: Iterable[UUID]) -> set[UUID]:
    return set(Task.objects.filter(id__in=tasks).exclude(status__in=lifecycle.TERMINAL).values_list("id", flat=True))
