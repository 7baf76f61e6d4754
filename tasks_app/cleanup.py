"""What grows old: a duty for each. Bytes go first, then rows, so that a run cut short leaves nothing that a later one cannot find.

A duty finds what is to go, in batches, and removes a batch; `manage.py cleanup --dry-run` finds by the same and leaves it at that. No batch
is large enough to hold its locks for long, and nobody else works on such rows any more.

Nothing goes that an open task names, and that no new one can come in between needs no lock: from the end of its keep time on, a file, or an
output of a task, is not accepted as an input any more (inputs.py), and only GRACE later is it looked at here. Whoever names it
by then has done so before.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, Sum

from providers.models import HealthChange, HealthHour

from . import direct_uploads, inputs, strays
from .engine import expiry, lifecycle
from .engine.accept import Problem
from .engine.clock import Clock
from .engine.transactions import whole
from .ids import first_of, moment_of
from .models import Attempt, Delivery, File, Flag, Output, Task, TaskEvent, Upload
from .storage import storage
from .webhooks.claims import OPEN

log = logging.getLogger(__name__)

GRACE = timedelta(hours=1)  # more than any accept takes, from its look at a file to its commit
DRAFTS_LIVE = timedelta(days=1)
LIMIT = 200  # rows of a batch
BATCHES = 100  # of one duty in one run; an hour later comes the next
OPEN_TASKS = sorted(lifecycle.TRANSITIONS)


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes together: the rows as `remove` takes them, the stored bytes that go with them, and since when the oldest is there."""

    rows: Sequence[Any]
    bytes: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a duty removed, or would have."""

    rows: int = 0
    bytes: int = 0
    oldest: datetime | None = None

    def __add__(self, batch: Batch) -> "Done":
        return Done(self.rows + len(batch.rows), self.bytes + batch.bytes, min(filter(None, (self.oldest, batch.oldest)), default=None))


@dataclass(frozen=True, slots=True)
class Duty:
    """`find(now, limit)` gives what is to go, oldest first, in batches of at most `limit`; `remove(rows, now)` removes one."""

    what: str
    find: Callable[[datetime, int], Iterator[Batch]]
    remove: Callable[[Sequence[Any], datetime], Any]


def run_once(*, clock: Clock, limit: int = LIMIT, batches: int = BATCHES) -> dict[str, Done]:
    """Every duty once; says in the log what each did."""
    done = {}
    for name in DUTIES:
        try:
            done[name] = run(name, clock=clock, limit=limit, batches=batches)
        except Exception:
            # A door: one duty that fails, as where the bucket is away, must not keep the others from their work.
            log.exception("clean-up of %s failed", name)
    if any(one.rows for one in done.values()):
        facts = {name: one.rows for name, one in done.items() if one.rows}
        log.info("cleaned up", extra={"event": "cleaned_up", "bytes": sum(one.bytes for one in done.values())} | facts)
    return done


def run(name: str, *, clock: Clock, limit: int = LIMIT, batches: int | None = None, is_dry: bool = False) -> Done:
    """One duty: all that is to go now, or the first of its batches. A dry run finds the same and changes nothing."""
    duty, now, done = DUTIES[name], clock(), Done()
    for batch in islice(duty.find(now, limit), batches):
        if not is_dry:
            duty.remove(batch.rows, now)
        done += batch
    return done


def remove_file(file: File) -> bool:
    """Delete an uploaded file at its owner's wish, unless an open task names it."""
    if file.id in _in_use(account=file.account_id).files:
        return False
    _remove_files([file])
    return True


def remove(task_id: UUID, account_id: int) -> None:
    """Delete a settled task of this account and all that belongs to it; raises Problem 404 or 409."""
    task = Task.objects.filter(id=task_id, account=account_id).values("status").first()
    if task is None:
        raise Problem(404, "not_found", "There is no such task.")
    if task["status"] not in lifecycle.TERMINAL:
        raise Problem(409, "not_deletable", "Only a task that has ended can be deleted; cancel it first.")
    if task_id in _in_use(account=account_id).tasks:
        raise Problem(409, "not_deletable", "A task that is not over uses an output of this one: cancel it or wait for its end.")
    _remove_tasks([task_id])


# What is to go


def _late(now: datetime, limit: int) -> Iterator[Batch]:
    """Tasks that still wait at their deadline."""
    late = expiry.late(now).order_by("deadline_at", "id").values_list("deadline_at", "id")
    for page in _pages(late, limit, "deadline_at", "id"):
        yield Batch([id for _, id in page], oldest=page[0][0])


def _old_tasks(now: datetime, limit: int) -> Iterator[Batch]:
    """Tasks that are over, past their keep time, whose outputs no open task uses; what is flagged waits for its operator."""
    if not settings.TASK_KEEP_DAYS:
        return
    before = now - timedelta(days=settings.TASK_KEEP_DAYS) - GRACE
    old = Task.objects.filter(status__in=lifecycle.TERMINAL, finished_at__lt=before, id__lt=first_of(before), flagged=False)
    in_use = None
    for page in _pages(old.order_by("id").values_list("id", "finished_at"), limit, "id"):
        in_use = in_use or _in_use()
        ids = [id for id, _ in page if id not in in_use.tasks]
        kept = Output.objects.filter(task_id__in=ids).aggregate(bytes=Sum("bytes"))["bytes"] or 0
        yield Batch(ids, kept, min((finished_at for id, finished_at in page if id not in in_use.tasks), default=None))


def _old_files(now: datetime, limit: int) -> Iterator[Batch]:
    """Uploaded files past their keep time that no open task names."""
    if not settings.FILE_KEEP_DAYS:
        return
    before = now - timedelta(days=settings.FILE_KEEP_DAYS) - GRACE
    old = File.objects.filter(created_at__lt=before).order_by("created_at", "id").values_list("created_at", "id", named=True)
    in_use = None
    for page in _pages(old, limit, "created_at", "id"):
        in_use = in_use or _in_use()
        files = [
            file for file in File.objects.filter(id__in=[row.id for row in page]).order_by("created_at") if file.id not in in_use.files
        ]
        yield Batch(files, sum(file.bytes for file in files), files[0].created_at if files else None)


def _old_uploads(now: datetime, limit: int) -> Iterator[Batch]:
    """Direct uploads that were not completed; how much was put, nobody asks."""
    old = Upload.objects.filter(created_at__lt=now - direct_uploads.LIVES - GRACE).order_by("created_at", "id")
    for page in _pages(old.values_list("created_at", "id", named=True), limit, "created_at", "id"):
        yield Batch(list(Upload.objects.filter(id__in=[row.id for row in page])), oldest=page[0].created_at)


def _old_deliveries(now: datetime, limit: int) -> Iterator[Batch]:
    """Deliveries past their keep time that are over."""
    if not settings.DELIVERY_KEEP_DAYS:
        return
    before = now - timedelta(days=settings.DELIVERY_KEEP_DAYS)
    old = Delivery.objects.filter(id__lt=first_of(before)).exclude(status__in=OPEN)
    for page in _pages(old.order_by("id").values_list("id", "created_at"), limit, "id"):
        yield Batch([id for id, _ in page], oldest=page[0][1])


def _old_hours(now: datetime, limit: int) -> Iterator[Batch]:
    """Hours of providers' answers."""
    yield from _old_health(HealthHour.objects, "hour", now, limit)


def _old_changes(now: datetime, limit: int) -> Iterator[Batch]:
    """Changes of providers' health."""
    yield from _old_health(HealthChange.objects, "at", now, limit)


def _old_health(rows, moment: str, now: datetime, limit: int) -> Iterator[Batch]:
    if not settings.HEALTH_KEEP_DAYS:
        return
    old = rows.filter(**{f"{moment}__lt": now - timedelta(days=settings.HEALTH_KEEP_DAYS)}).order_by(moment, "id")
    for page in _pages(old.values_list(moment, "id"), limit, moment, "id"):
        yield Batch([id for _, id in page], oldest=page[0][0])


def _old_drafts(now: datetime, limit: int) -> Iterator[Batch]:
    """Uploads and results that a process left half written."""
    old = storage.old_drafts(before=(now - DRAFTS_LIVE).timestamp())
    for start in range(0, len(old), limit):
        part = old[start : start + limit]
        yield Batch([draft.path for draft in part], sum(draft.bytes for draft in part), datetime.fromtimestamp(part[0].modified, UTC))


def _stray_inputs(now: datetime, limit: int) -> Iterator[Batch]:
    """What a worker fetched for tasks that were over by then, because it was frozen or cut off meanwhile; the rows are tasks."""
    tasks = sorted(strays.inputs())
    for start in range(0, len(tasks), limit):
        yield Batch(tasks[start : start + limit], oldest=moment_of(tasks[start]))


def _pages(rows, limit: int, *key: str) -> Iterator[list]:
    """Rows in the order of `key`, their first columns, page by page: each begins behind the last one's end, removed or not."""
    page = list(rows[:limit])
    while page:
        yield page
        if len(page) < limit:
            return
        page = list(rows.filter(_behind(key, page[-1]))[:limit])


def _behind(key: Sequence[str], last: Sequence[Any]) -> Q:
    if len(key) == 1:
        return Q(**{f"{key[0]}__gt": last[0]})
    first, second = key
    # The bare bound is for the index: by the alternatives alone it would be read from its start.
    return Q(**{f"{first}__gte": last[0]}) & (Q(**{f"{first}__gt": last[0]}) | Q(**{f"{second}__gt": last[1]}))


def _in_use(**account: int) -> inputs.InUse:
    return inputs.in_use(Task.objects.filter(status__in=OPEN_TASKS, **account).values_list("input", flat=True).iterator())


# How it goes


def _expire(task_ids: Sequence[UUID], now: datetime) -> None:
    expiry.expire(task_ids, now=now)


def _remove_tasks(task_ids: Sequence[UUID], now: datetime | None = None) -> None:
    """With all that belongs to them: outputs, attempts, events, deliveries, which say what the task was, and what was recovered for it."""
    _delete_bytes(Output.objects.filter(task_id__in=task_ids).values_list("key", "thumbnail_key"))
    flags = Flag.objects.filter(task_id__in=task_ids)
    _delete_bytes((one["key"], one["thumbnail_key"]) for kept in flags.values_list("kept", flat=True) for one in kept)
    whole(partial(_delete_task_rows, task_ids))


def _delete_task_rows(task_ids: Sequence[UUID]) -> None:
    Flag.objects.filter(task_id__in=task_ids).update(kept=[], due_at=None, lease_token=0)  # they stay: they tell of money
    for table in (Output, Attempt, TaskEvent, Delivery):
        table.objects.filter(task_id__in=task_ids).delete()
    Task.objects.filter(id__in=task_ids).delete()


def _remove_files(files: Sequence[File], now: datetime | None = None) -> None:
    storage.delete(*(file.key for file in files))
    File.objects.filter(id__in=[file.id for file in files]).delete()


def _forget_uploads(uploads: Sequence[Upload], now: datetime) -> None:
    direct_uploads.forget(uploads)


def _remove_deliveries(ids: Sequence[UUID], now: datetime) -> None:
    Delivery.objects.filter(id__in=ids).delete()


def _remove_hours(ids: Sequence[int], now: datetime) -> None:
    HealthHour.objects.filter(id__in=ids).delete()


def _remove_changes(ids: Sequence[int], now: datetime) -> None:
    HealthChange.objects.filter(id__in=ids).delete()


def _forget_inputs(task_ids: Sequence[UUID], now: datetime) -> None:
    for task_id in task_ids:
        inputs.forget(task_id)


def _remove_drafts(paths: Sequence[Path], now: datetime) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _delete_bytes(keys: Iterable[tuple[str, ...]]) -> None:
    storage.delete(*(key for pair in keys for key in pair if key))


DUTIES = {
    "expired": Duty("waiting tasks past their deadline; their credits come back", _late, _expire),
    "tasks": Duty("tasks past their keep time, with outputs, attempts, events, deliveries and idempotency keys", _old_tasks, _remove_tasks),
    "files": Duty("uploaded files past their keep time", _old_files, _remove_files),
    "uploads": Duty("direct uploads that nobody completed, a day old", _old_uploads, _forget_uploads),
    "deliveries": Duty("webhook deliveries past their keep time", _old_deliveries, _remove_deliveries),
    "inputs": Duty("inputs that were fetched for tasks which were over by then", _stray_inputs, _forget_inputs),
    "health": Duty("what providers' calls came to, by the hour, past its keep time", _old_hours, _remove_hours),
    "changes": Duty("changes of providers' health past their keep time", _old_changes, _remove_changes),
    "drafts": Duty("half-written uploads and results, a day old", _old_drafts, _remove_drafts),
}
