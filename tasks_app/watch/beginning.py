"""What a client is told when it begins to watch, and when it comes again: the tasks as they stand, or what it missed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from .. import render, rows
from ..models import Task, TaskEvent
from . import log
from .log import Change
from .look import Sight, as_json

NEWEST = 100  # tasks that a stream of the account begins with
RESUMES_OVER = 10_000  # rows of the log, of all accounts, that a stream of the account is resumed over
AGREE_TRIES = 5


@dataclass(frozen=True, slots=True)
class Beginning:
    """`shown` are task objects, `missed` what came after the client had heard the last; `told_to`: where in the log all that is.

    `has_gap`: too much has happened since, so more may have been missed.
    """

    shown: list[bytes] = field(default_factory=list)
    missed: list[Sight] = field(default_factory=list)
    told_to: int = 0
    newest: UUID | None = None
    running: dict[UUID, float] = field(default_factory=dict)
    is_over: bool = False
    has_gap: bool = False


def of_task(account_id: int, task_id: UUID, *, after: int | None = None) -> Beginning | None:
    """None where the account has no such task. `after`: the number of the last event that the client has; None: it has none."""
    found = _at_one_moment(account_id, task_id)
    if found is None:
        return None
    row, newest = found
    body = as_json([row])[task_id]
    running = {task_id: row.progress} if row.status == "running" else {}
    shown = [body] if after is None else []
    missed = [Sight(account_id, change, body) for change in log.of_task(task_id, after=after)] if after is not None else []
    told_to = max([newest, *(sight.change.id for sight in missed)])
    return Beginning(shown, missed, told_to, None, running, row.status not in render.OPEN)


def of_account(account_id: int, *, after: int | None = None) -> Beginning:
    """The account's newest tasks, and the changes of others that the client missed."""
    found = rows.select("account_id = %s", [account_id], limit=NEWEST)
    shown = as_json(found)
    missed, has_gap = _missed(account_id, after, shown.keys()) if after is not None else ([], False)
    running = {UUID(bytes=bytes(row.id)): row.progress for row in found if row.status == "running"}
    return Beginning(list(shown.values()), missed, 0, max(shown, default=None), running, has_gap=has_gap)


def _at_one_moment(account_id: int, task_id: UUID) -> tuple[rows.Row, int] | None:
    """The row, and the newest change that it shows: read again where it changed in between."""
    newest = log.newest_of(task_id)
    for _ in range(AGREE_TRIES):
        row = rows.find(account_id, task_id)
        if row is None:
            return None
        before, newest = newest, log.newest_of(task_id)
        if newest == before:
            break
    return row, before


def _missed(account_id: int, after: int, shown: Collection[UUID]) -> tuple[list[Sight], bool]:
    """The last change since then of each of the account's tasks that is not shown; and whether there is more than was looked through."""
    since = list(TaskEvent.objects.filter(id__gt=after).order_by("id").values_list(*Change._fields)[: RESUMES_OVER + 1])
    last = {change.task_id: change for change in map(Change._make, since) if change.task_id not in shown}
    ours = list(Task.objects.filter(id__in=last.keys(), account=account_id).values_list("id", flat=True))
    bodies = as_json(rows.by_ids(ours)) if ours else {}
    return sorted(Sight(account_id, last[id], body) for id, body in bodies.items()), len(since) > RESUMES_OVER
