"""What grows old: a run_once for each. Bytes go first, then rows, so that a run cut short leaves nothing that a later one cannot find."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from .engine import lifecycle
from .engine.accept import Problem
from .engine.clock import Clock
from .ids import first_of, shown
from .models import Attempt, Delivery, File, Output, Task, TaskEvent
from .storage import storage
from .webhooks.claims import OPEN

BATCHES = 40  # of deliveries in one run


def run_once(*, clock: Clock, limit: int) -> dict[str, int]:
    """Every clean-up once, each with at most `limit` rows; returns how many rows each dealt with."""
    return {
        "tasks": remove_old_tasks(clock=clock, limit=limit),
        "files": remove_old_files(clock=clock, limit=limit),
        "deliveries": remove_old_deliveries(clock=clock, limit=limit),
        "drafts": storage.sweep(before=(clock() - timedelta(days=1)).timestamp()),
    }


def remove_old_tasks(*, clock: Clock, limit: int) -> int:
    """Settled tasks past their keep time, with their outputs, attempts and events."""
    if not settings.TASK_KEEP_DAYS:
        return 0
    before = clock() - timedelta(days=settings.TASK_KEEP_DAYS)
    old = Task.objects.filter(status__in=lifecycle.TERMINAL, finished_at__lt=before, id__lt=first_of(before))
    return _remove(list(old.order_by("id").values_list("id", flat=True)[:limit]))


def remove_old_files(*, clock: Clock, limit: int) -> int:
    """Uploaded files past their keep time that no open task names."""
    if not settings.FILE_KEEP_DAYS:
        return 0
    before = clock() - timedelta(days=settings.FILE_KEEP_DAYS)
    old = list(File.objects.filter(created_at__lt=before).order_by("created_at")[:limit])
    return sum(remove_file(file) for file in old)


def remove_old_deliveries(*, clock: Clock, limit: int) -> int:
    """Deliveries past their keep time that are over, `limit` at a time: each end of a task may leave several, so one batch is too few."""
    if not settings.DELIVERY_KEEP_DAYS:
        return 0
    before = clock() - timedelta(days=settings.DELIVERY_KEEP_DAYS)
    old = Delivery.objects.filter(id__lt=first_of(before)).exclude(status__in=OPEN).order_by("id")
    removed = 0
    for _ in range(BATCHES):
        removed += (count := Delivery.objects.filter(id__in=list(old.values_list("id", flat=True)[:limit])).delete()[0])
        if count < limit:
            break
    return removed


def remove_file(file: File) -> bool:
    """Delete an uploaded file, unless an open task still names it."""
    name = shown("file", file.id)
    if _named_by_open_task(file.account_id, name):
        return False
    storage.delete(file.key)
    file.delete()
    return True


def remove(task_id: UUID, account_id: int) -> None:
    """Delete a settled task of this account and all that belongs to it; raises Problem 404 or 409."""
    task = Task.objects.filter(id=task_id, account=account_id).values("status").first()
    if task is None:
        raise Problem(404, "not_found", "There is no such task.")
    if task["status"] not in lifecycle.TERMINAL:
        raise Problem(409, "not_deletable", "Only a task that has ended can be deleted; cancel it first.")
    _remove([task_id])


def _named_by_open_task(account_id: int, name: str) -> bool:
    open_tasks = Task.objects.filter(account=account_id).exclude(status__in=lifecycle.TERMINAL)
    return any(name in str(input) for input in open_tasks.values_list("input", flat=True).iterator())


def _remove(task_ids: Sequence[UUID]) -> int:
    _delete_bytes(Output.objects.filter(task_id__in=task_ids).values_list("key", "thumbnail_key"))
    with transaction.atomic():
        for table in (Output, Attempt, TaskEvent, Delivery):  # a delivery says what the task was
            table.objects.filter(task_id__in=task_ids).delete()
        return Task.objects.filter(id__in=task_ids).delete()[0]


def _delete_bytes(keys: Iterable[tuple[str, ...]]) -> None:
    storage.delete(*(key for pair in keys for key in pair if key))
